"""What was measured, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping


class MetricTracker:
    """Remembers every epoch's metrics."""

    def __init__(self) -> None:
        self._epochs: list[dict[str, float]] = []

    def update(self, metrics: Mapping[str, float]) -> None:
        """Add an epoch."""
        self._epochs.append(dict(metrics))

    @property
    def current(self) -> dict[str, float]:
        """The metrics of the last epoch; empty before the first."""
        return dict(self._epochs[-1]) if self._epochs else {}

    @property
    def epochs(self) -> list[dict[str, float]]:
        """The metrics of each epoch, in order."""
        return [dict(epoch) for epoch in self._epochs]

    @property
    def history(self) -> dict[str, list[float]]:
        """Each metric over the epochs that have it."""
        names = {name: None for epoch in self._epochs for name in epoch}
        return {name: [epoch[name] for epoch in self._epochs if name in epoch] for name in names}

    def best(self, name: str) -> int:
        """The first epoch, counted from 0, whose ``name`` is lowest."""
        return min((epoch[name], number) for number, epoch in enumerate(self._epochs) if name in epoch)[1]
