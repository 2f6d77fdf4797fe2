"""Checkpoints on disk: the best few and the last."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from torch import nn

from within_wf.errors import TrainingError
from within_wf.models.networks import load_trainable, trainable
from within_wf.store.canonical import read_json, read_tensors, write_json, write_tensors
from within_wf.training.optimizer import AdamW


@dataclass(frozen=True)
class _Kept:
    epoch: int
    value: float


class CheckpointManager:
    """Keeps the best checkpoints and the last one; all others are deleted.

    A checkpoint is ``epoch_NNNN.safetensors`` (trainable weights, and the optimizer's state where there is one), listed with
    its metric in ``checkpoints.json``. The list is written before files are deleted, and a file is deleted only when the list
    does not name it, so the best one is there at any moment.

    Args:
        checkpoint_dir: Where they are; made if missing. An earlier manager's list there is taken up.
        model: Whose weights are saved.
        optimizer: Whose state is saved beside them.
        keep_best: How many of the best are kept, at least 1.
        metric_name: The metric that says how good one is.
        mode: Whether the lowest (``min``) or highest (``max``) metric is best; of equal ones, the earlier.

    Raises:
        TrainingError: ``keep_best`` is below 1.
    """

    def __init__(
        self,
        checkpoint_dir: str | Path,
        model: nn.Module,
        optimizer: AdamW | None = None,
        *,
        keep_best: int = 1,
        metric_name: str = "validation_loss",
        mode: Literal["min", "max"] = "min",
    ) -> None:
        if keep_best < 1:
            raise TrainingError(f"keep_best is {keep_best}, but at least 1 checkpoint must be kept")
        self._directory = Path(checkpoint_dir)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._model, self._optimizer = model, optimizer
        self._keep, self._metric, self._sign = keep_best, metric_name, 1.0 if mode == "min" else -1.0
        self._best: list[_Kept] = []
        self._last: _Kept | None = None
        if self._list.exists():
            known = read_json(self._list)
            self._best = [_Kept(**entry) for entry in known["best"]]
            self._last = _Kept(**known["last"])

    @property
    def _list(self) -> Path:
        return self._directory / "checkpoints.json"

    @property
    def best_path(self) -> Path | None:
        """The best checkpoint; none before the first."""
        return self._path(self._best[0].epoch) if self._best else None

    @property
    def last_path(self) -> Path | None:
        """The last checkpoint; none before the first."""
        return self._path(self._last.epoch) if self._last else None

    def save_checkpoint(self, epoch: int, metrics: dict[str, float]) -> Path:
        """Save the model as it is.

        Args:
            epoch: The epoch that is done.
            metrics: Its metrics.

        Returns:
            The file; it stays at least until the next call.

        Raises:
            TrainingError: The metric is missing or not a number.
        """
        value = metrics.get(self._metric, float("nan"))
        if value != value:
            raise TrainingError(
                f"epoch {epoch} has no number for {self._metric} (it has {', '.join(sorted(metrics)) or 'none'}); "
                "without it nobody knows which checkpoint is best"
            )
        tensors: dict[str, npt.NDArray[np.generic]] = {f"weights.{k}": v for k, v in trainable(self._model).items()}
        if self._optimizer is not None:
            tensors |= {f"optimizer.{k}": v for k, v in self._optimizer.state().items()}
        write_tensors(self._path(epoch), tensors, {"epoch": epoch, "metrics": metrics})
        self._last = _Kept(epoch, value)
        others = [kept for kept in self._best if kept.epoch != epoch]
        ranked = sorted([*others, self._last], key=lambda kept: (self._sign * kept.value, kept.epoch))
        self._best = ranked[: self._keep]
        write_json(
            self._list,
            {"best": [vars(kept) for kept in self._best], "last": vars(self._last), "metric": self._metric},
        )
        self._prune()
        return self._path(epoch)

    def load(self, path: Path) -> None:
        """Put a checkpoint's weights, and the optimizer's state where there is one, back.

        Raises:
            TrainingError: The file is missing or of another model.
        """
        if not path.exists():
            raise TrainingError(f"there is no checkpoint {path}; there are {', '.join(self._names()) or 'none'}")
        tensors = read_tensors(path)
        weights = {k.removeprefix("weights."): v for k, v in tensors.items() if k.startswith("weights.")}
        mine = {name: array.shape for name, array in trainable(self._model).items()}
        theirs = {name: array.shape for name, array in weights.items()}
        if mine != theirs:
            different = sorted(k for k in mine.keys() | theirs.keys() if mine.get(k) != theirs.get(k))
            raise TrainingError(f"{path} is a checkpoint of another model: {', '.join(different[:5])} differ")
        load_trainable(self._model, weights)
        state = {k.removeprefix("optimizer."): v for k, v in tensors.items() if k.startswith("optimizer.")}
        if self._optimizer is not None and state:
            self._optimizer.restore(state)

    def _path(self, epoch: int) -> Path:
        return self._directory / f"epoch_{epoch:04d}.safetensors"

    def _names(self) -> list[str]:
        return sorted(path.name for path in self._directory.glob("epoch_*.safetensors"))

    def _prune(self) -> None:
        kept = {self._path(entry.epoch).name for entry in [*self._best, *([self._last] if self._last else [])]}
        for name in self._names():
            if name not in kept:
                (self._directory / name).unlink()
