"""How the learning rate moves over the epochs."""

from __future__ import annotations

import math

from within_wf.config.training import SchedulerConfig


class Schedule:
    """The learning rate of each epoch.

    ``cosine_annealing`` follows half a cosine from the highest rate to ``eta_min`` (Loshchilov and Hutter, ICLR 2017);
    ``linear_warmup`` rises for ``warmup_epochs`` and then falls in a line to ``eta_min``; ``reduce_on_plateau`` multiplies
    the rate by ``factor`` after more than ``patience`` epochs without gain.

    Args:
        config: Which schedule.
        highest: The highest rate.
        epochs: The most epochs.
    """

    def __init__(self, config: SchedulerConfig, highest: float, epochs: int) -> None:
        self._config, self._highest, self._epochs = config, highest, epochs
        self._plateau = highest
        self._best = math.inf
        self._waited = 0

    def rate(self, epoch: int) -> float:
        """The learning rate of an epoch, counted from 0."""
        c = self._config
        low = min(c.eta_min, self._highest)
        if c.type == "cosine_annealing":
            return low + (self._highest - low) * (1 + math.cos(math.pi * epoch / self._epochs)) / 2
        if c.type == "linear_warmup":
            if epoch < c.warmup_epochs:
                return self._highest * (epoch + 1) / (c.warmup_epochs + 1)
            gone = (epoch - c.warmup_epochs) / max(1, self._epochs - c.warmup_epochs)
            return self._highest + (low - self._highest) * gone
        return self._plateau if c.type == "reduce_on_plateau" else self._highest

    def observe(self, validation_loss: float) -> None:
        """Tell how an epoch ended; moves ``reduce_on_plateau`` alone."""
        if validation_loss < self._best:
            self._best, self._waited = validation_loss, 0
            return
        self._waited += 1
        if self._waited > self._config.patience:
            self._waited = 0
            self._plateau = max(self._plateau * self._config.factor, min(self._config.eta_min, self._highest))
