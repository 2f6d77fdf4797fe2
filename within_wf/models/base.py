"""What the two predictors have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self


class BaseModel(ABC):
    """A trained model that can be written into a folder and read again.

    Attributes:
        name: Its name in the configuration and in its folder's ``config.json``.
    """

    name: str

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the model into the directory ``path``, which is made; no pickle, the same bytes each time."""

    @classmethod
    @abstractmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model that :meth:`save` wrote.

        Raises:
            TrainingError: A file is missing or is not what it should be.
        """
