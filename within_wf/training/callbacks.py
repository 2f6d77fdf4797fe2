"""What watches a training, and can stop it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping


class Callback:
    """Is told how a training goes; by itself it does nothing.

    Attributes:
        should_stop: Set to True to end the training after this epoch.
    """

    should_stop: bool = False

    def on_train_begin(self, epochs: int) -> None:
        """Training starts and takes at most ``epochs``."""

    def on_epoch_begin(self, epoch: int) -> None:
        """An epoch, counted from 0, starts."""

    def on_batch_end(self, epoch: int, batch: int, batches: int) -> None:
        """A batch, counted from 0, of ``batches`` is done."""

    def on_epoch_end(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """An epoch is done; ``metrics`` has train_loss, validation_loss and learning_rate."""

    def on_train_end(self) -> None:
        """Training is over."""


class CallbackList(Callback):
    """Several callbacks as one, called in their order."""

    def __init__(self, callbacks: Iterable[Callback] = ()) -> None:
        self.callbacks = list(callbacks)

    @property
    def should_stop_training(self) -> bool:
        """Whether one of them wants to stop."""
        return any(callback.should_stop for callback in self.callbacks)

    def on_train_begin(self, epochs: int) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_train_begin(epochs)

    def on_epoch_begin(self, epoch: int) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_epoch_begin(epoch)

    def on_batch_end(self, epoch: int, batch: int, batches: int) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_batch_end(epoch, batch, batches)

    def on_epoch_end(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_epoch_end(epoch, metrics)

    def on_train_end(self) -> None:
        """Tell all."""
        for callback in self.callbacks:
            callback.on_train_end()


class EarlyStopping(Callback):
    """Stops when a metric has not fallen for a while.

    Args:
        patience: Epochs without gain after which training stops.
        min_delta: The smallest fall that counts as gain.
        monitor: The metric.
    """

    def __init__(self, patience: int, min_delta: float = 0.0, monitor: str = "validation_loss") -> None:
        self._patience, self._min_delta, self._monitor = patience, min_delta, monitor
        self.on_train_begin(0)

    def on_train_begin(self, epochs: int) -> None:
        """Forget an earlier training."""
        self._best, self._waited, self.should_stop = math.inf, 0, False

    def on_epoch_end(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Look at the epoch's metric."""
        if metrics[self._monitor] < self._best - self._min_delta:
            self._best, self._waited = metrics[self._monitor], 0
            return
        self._waited += 1
        self.should_stop = self._waited >= self._patience


class ProgressLine(Callback):
    """Says one line an epoch.

    Args:
        say: Where to say it.
        what: What is being trained.
    """

    def __init__(self, say: Callable[[str], None], what: str) -> None:
        self._say, self._what = say, what
        self._epochs = 0

    def on_train_begin(self, epochs: int) -> None:
        """Remember how many epochs there are."""
        self._epochs = epochs

    def on_epoch_end(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Say how the epoch went."""
        self._say(
            f"{self._what}: epoch {epoch + 1} of at most {self._epochs}, "
            f"loss {metrics['train_loss']:.4g}, on validation {metrics['validation_loss']:.4g}"
        )
