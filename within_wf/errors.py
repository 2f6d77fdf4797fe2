"""Every exception the package raises on purpose, and the exit code each one ends a command with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an input.

    Attributes:
        where: What holds the problem, most general first: ``configs/a.yaml:12:5`` or ``ads.csv, column clicks, row 7``.
        found: What stands there.
        expected: What should stand there.
        cure: What a person can do about it; empty where ``expected`` says it all.
    """

    where: str
    found: str
    expected: str
    cure: str = ""

    def __str__(self) -> str:
        cure = f" {self.cure}" if self.cure else ""
        return f"{self.where}: found {self.found}, expected {self.expected}.{cure}"


class WithinError(Exception):
    """The base of every error a person can cause and cure.

    Args:
        message: What happened, in one sentence.
        problems: All problems of the one input, in the order a reader meets them.
    """

    exit_code = 1

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        self.message = message
        self.problems = tuple(problems)
        super().__init__("\n".join([message, *(f"  {problem}" for problem in self.problems)]))


class ConfigError(WithinError):
    """The configuration is not one that can be run."""

    exit_code = 2


class DatasetError(WithinError):
    """A dataset cannot be used."""

    exit_code = 3


class DatasetNotFoundError(DatasetError):
    """A file of a dataset is not where the configuration says."""


class DatasetValidationError(DatasetError):
    """The rows of a dataset break its contract."""


class TrainingError(WithinError):
    """A model cannot be trained or loaded."""

    exit_code = 4


class EvaluationError(WithinError):
    """Predictions cannot be judged."""

    exit_code = 4


class StoreError(WithinError):
    """The store cannot be read or written, or holds bytes that are not what they claim to be."""

    exit_code = 5


class StoreTypeError(StoreError, TypeError):
    """A value or a function is of a kind that cannot be kept or keyed without guessing."""


class StaleCodeError(WithinError):
    """Code or the compiled extension changed under a run, so its result may not be committed."""

    exit_code = 6


class OperatorError(WithinError, ValueError):
    """An argument of a compiled operator is not one it is defined for."""

    exit_code = 7


class TrackingError(WithinError):
    """The experiment tracker cannot be reached or refuses what it is given."""

    exit_code = 8
