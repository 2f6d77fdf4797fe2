"""What a model learns from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from within_wf.errors import Problem, TrainingError


@dataclass(frozen=True)
class Samples:
    """Rows for training or validation.

    Attributes:
        inputs: Keyword arguments of the model, each an array of shape [n, …]; floats must be finite.
        target: float32, shape [n, …].
        ids: What names a row for its random draws, int64, shape [n]; distinct rows should have distinct ids.
        weight: How much a row counts, float32, shape [n], at least 0; none for one each.
    """

    inputs: Mapping[str, npt.NDArray[np.generic]]
    target: npt.NDArray[np.float32]
    ids: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.target)

    def check(self, name: str) -> None:
        """Refuse rows no model can learn from.

        Args:
            name: What the rows are called in the message.

        Raises:
            TrainingError: There are no rows, an array has another number of rows than the target, or a number is not finite;
                every problem is named.
        """
        problems = []
        if not len(self):
            problems.append(Problem(name, "no rows", "at least one", "Give the split a larger share."))
        arrays = {**self.inputs, "target": self.target, "ids": self.ids}
        if self.weight is not None:
            arrays["weight"] = self.weight
        for key, array in arrays.items():
            if len(array) != len(self):
                problems.append(Problem(f"{name}, {key}", f"{len(array)} rows", f"{len(self)}, as the target has"))
            elif np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
                row = int(np.argwhere(~np.isfinite(array))[0][0])
                problems.append(Problem(f"{name}, {key}, row {row}", str(array[row].min()), "finite numbers"))
        if self.weight is not None and len(self) and len(self.weight) == len(self) and self.weight.sum() <= 0:
            problems.append(Problem(f"{name}, weight", "weights that sum to 0", "a positive weight"))
        if problems:
            raise TrainingError(f"the {name} rows cannot be learned from", problems)

    def tensors(self) -> tuple[dict[str, torch.Tensor], torch.Tensor, torch.Tensor | None]:
        """Inputs, target and weight as tensors that share memory with the arrays where they can."""
        inputs = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in self.inputs.items()}
        weight = None if self.weight is None else torch.from_numpy(np.ascontiguousarray(self.weight, dtype=np.float32))
        return inputs, torch.from_numpy(np.ascontiguousarray(self.target, dtype=np.float32)), weight
