"""How sure a metric is: the percentile bootstrap of Efron and Tibshirani (An Introduction to the Bootstrap, 1993, ch. 13).

What is drawn with replacement is a *unit*: a row, or all rows that belong together. A resample holds as many units as there
are, each so often as it was drawn, so it is a weighting of the rows and none is copied. Draw j of resample r depends on the
seed, on r, on j and on the number of units alone: not on the order of the rows, on other resamples, on threads or devices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from within_wf.ops.binary import binary_metrics
from within_wf.ops.drift import drift_metrics
from within_wf.ops.library import load_core, register_fake
from within_wf.ops.multiclass import multiclass_metrics
from within_wf.ops.regression import regression_metrics
from within_wf.runtime.streams import Stream

load_core()

_OPS = torch.ops.within
Metric = Callable[..., Mapping[str, torch.Tensor]]
_TAKE_MANY: tuple[Metric, ...] = (multiclass_metrics,)
"""Metrics that take weights of shape [R, N], and prepare what all weightings have in common once."""
_RANK: dict[Metric, bool] = {binary_metrics: True, regression_metrics: False}
"""Metrics that sort by their first argument, and whether they do so downwards."""
_CELLS = 1 << 23
"""Most numbers in one matrix of weightings, unless one weighting has more: bounds the memory of many resamples of many rows."""


@dataclass(frozen=True)
class Interval:
    """How sure one number is, or each number of a tensor.

    Attributes:
        point: The metric of all rows as they are; float64.
        low: Lower end of the interval, of the shape of ``point``; NaN where more than half of the resamples are undefined.
        high: Upper end, likewise.
        confidence: Share of the defined resamples inside.
        defined: Resamples in which the metric is a number; int64, of the shape of ``point``.
    """

    point: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor
    confidence: float
    defined: torch.Tensor


def resample_weights(
    units: torch.Tensor,
    seed: int,
    resample: int | range,
    *,
    weights: torch.Tensor | None = None,
    size: int | None = None,
) -> torch.Tensor:
    """How much each row weighs in a resample: as often as its unit was drawn, times its own weight.

    ``size`` units are drawn with replacement, each by a multiplication of 32 random bits (bias below size / 2**32).

    Args:
        units: Unit of each row, int64, shape [N], in [0, size).
        seed: Which resamples; in [0, 2**64).
        resample: The number of one, at least 0, or a range of numbers with step 1.
        weights: Of the rows, float64, shape [N]; ones where there are none.
        size: How many units there are, below 2**31; one more than the largest in ``units`` by default.

    Returns:
        float64, shape [N], or [len(resample), N] of a range.

    Raises:
        ValueError: A shape, dtype or number is not one above.
        IndexError: A unit is outside [0, size); the first such row is named.
    """
    if size is None:
        size = int(units.max()) + 1 if units.numel() else 0
    if isinstance(resample, range) and resample.step != 1:
        raise ValueError(f"resample_weights: resample is {resample}, expected a range with step 1")
    first, count = (resample.start, len(resample)) if isinstance(resample, range) else (resample, 1)
    rows: torch.Tensor = _OPS.resample_weights(units, weights, size, _key(seed), first, count)
    return rows if isinstance(resample, range) else rows[0]


def bootstrap(
    metric: Metric,
    *rows: torch.Tensor,
    resamples: int = 1000,
    seed: int = 0,
    units: torch.Tensor | None = None,
    weights: torch.Tensor | None = None,
    confidence: float = 0.95,
    **keywords: Any,
) -> dict[str, Interval]:
    """The percentile interval of every number that a metric gives.

    Args:
        metric: ``binary_metrics``, ``multiclass_metrics``, ``regression_metrics``, or what is called as they are: with
            ``rows``, ``weights`` and ``keywords``, giving a tensor by name. Or ``drift_metrics``, whose two samples are drawn
            each by itself.
        rows: What it is given by position; the first dimension of each counts the rows, N.
        resamples: How many, at least 1.
        seed: Which ones, in [0, 2**64).
        units: What is drawn, as a number in [0, number of units) for each row, int64, shape [N]; rows that resemble each other
            belong to one unit, or the interval is too narrow. Each row by itself where there are none; none for
            ``drift_metrics``.
        weights: Of the rows, float64, shape [N]; ``drift_metrics`` has ``reference_weights`` and ``current_weights``.
        confidence: Share of resamples inside, in (0, 1).
        keywords: Passed to the metric.

    Returns:
        An interval by the metric's names. Ends between two resamples are interpolated, as ``numpy.quantile`` does.

    Raises:
        ValueError: ``resamples`` or ``confidence`` is not one above, there are units or weights of no sample, or what
            ``metric`` and :func:`resample_weights` raise.
    """
    if resamples < 1:
        raise ValueError(f"bootstrap: resamples is {resamples}, expected 1 or more")
    if not 0 < confidence < 1:
        raise ValueError(f"bootstrap: confidence is {confidence}, expected a share between 0 and 1")
    count = 2 if metric is drift_metrics else 1
    if len(rows) < count or (metric is drift_metrics and len(rows) > 2):
        raise ValueError(f"bootstrap: {len(rows)} tensors of rows, expected {'two samples' if count == 2 else 'at least one'}")
    if units is not None and units.shape != rows[0].shape[:1]:
        raise ValueError(f"bootstrap: units has shape {list(units.shape)}, expected [{len(rows[0])}], one for each row")
    if metric is drift_metrics:
        if units is not None or weights is not None:
            raise ValueError("bootstrap: drift_metrics has two samples, expected neither units nor weights of one")
        samples = {
            f"{name}_weights": _Sample(_each(values), keywords.pop(f"{name}_weights", None), f"bootstrap {name}")
            for name, values in zip(("reference", "current"), rows, strict=True)
        }
    else:
        samples = {"weights": _Sample(_each(rows[0]) if units is None else units, weights, "bootstrap")}
    point = metric(*rows, **{name: sample.weights for name, sample in samples.items()}, **keywords)
    if metric in _RANK:
        # Metrics depend on no order; rows that are sorted once are not sorted again for each resample.
        order = rows[0].argsort(stable=True, descending=_RANK[metric])
        rows, samples = tuple(values[order] for values in rows), {"weights": samples["weights"].ordered(order)}
        if keywords.get("groups") is not None:
            keywords["groups"] = keywords["groups"][order]
    drawn: dict[str, list[torch.Tensor]] = {name: [] for name in point}
    step = max(1, _CELLS // max(1, *(len(sample.units) for sample in samples.values())))
    for first in range(0, resamples, step):
        numbers = range(first, min(first + step, resamples))
        weightings = {name: sample.draw(seed, numbers) for name, sample in samples.items()}
        for name, values in _measure(metric, rows, weightings, len(numbers), keywords).items():
            drawn[name].append(values)
    return {name: interval(point[name], torch.cat(values), confidence) for name, values in drawn.items()}


def _each(values: torch.Tensor) -> torch.Tensor:
    """Every row as a unit by itself."""
    return torch.arange(values.shape[0], device=values.device)


@dataclass(frozen=True)
class _Sample:
    """Rows that are resampled together."""

    units: torch.Tensor
    weights: torch.Tensor | None
    purpose: str

    @cached_property
    def size(self) -> int:
        return int(self.units.max()) + 1 if self.units.numel() else 0

    def ordered(self, order: torch.Tensor) -> _Sample:
        """The same rows in another order."""
        return _Sample(self.units[order], None if self.weights is None else self.weights[order], self.purpose)

    def draw(self, seed: int, numbers: range) -> torch.Tensor:
        weights = None if self.weights is None else self.weights.to(torch.float64)
        rows: torch.Tensor = _OPS.resample_weights(
            self.units, weights, self.size, _key(seed, self.purpose), numbers.start, len(numbers)
        )
        return rows


def _measure(
    metric: Metric, rows: tuple[torch.Tensor, ...], weightings: dict[str, torch.Tensor], count: int, keywords: dict[str, Any]
) -> Mapping[str, torch.Tensor]:
    """The metric under each weighting; a first dimension counts them."""
    if metric in _TAKE_MANY:
        return metric(*rows, **weightings, **keywords)
    each = [metric(*rows, **{name: w[i] for name, w in weightings.items()}, **keywords) for i in range(count)]
    return {name: torch.stack([values[name] for values in each]) for name in each[0]}


def interval(point: torch.Tensor, drawn: torch.Tensor, confidence: float) -> Interval:
    """The percentile interval of resampled values.

    Args:
        point: The value of all rows, shape […].
        drawn: One a resample, NaN where it is undefined; float64, shape [R, …].
        confidence: Share of resamples inside.
    """
    values = drawn.to(torch.float64).sort(dim=0).values  # NaN last
    defined = (~drawn.isnan()).sum(dim=0)
    low, high = (_quantile(values, defined, share) for share in ((1 - confidence) / 2, (1 + confidence) / 2))
    is_known = 2 * defined >= len(drawn)
    return Interval(point, torch.where(is_known, low, torch.nan), torch.where(is_known, high, torch.nan), confidence, defined)


def _quantile(values: torch.Tensor, defined: torch.Tensor, share: float) -> torch.Tensor:
    """Between the two nearest of the first ``defined`` values, in order along the first dimension."""
    place = share * (defined - 1).clamp_min(0).to(torch.float64)
    below = place.floor()
    part = place - below
    left = values.gather(0, below.long()[None])[0]
    right = values.gather(0, place.ceil().long()[None])[0]
    step = right - left
    return torch.where(part < 0.5, left + step * part, right - step * (1 - part))


def _key(seed: int, purpose: str = "bootstrap") -> int:
    """The stream's key in one signed integer."""
    if not 0 <= seed < 1 << 64 or int(seed) != seed:
        raise ValueError(f"resample_weights: seed is {seed}, expected a whole number in [0, 2**64)")
    low, high = Stream(seed, purpose).key
    unsigned = low | high << 32
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned


@register_fake("within::resample_weights")
def _like_resamples(
    units: torch.Tensor, weights: torch.Tensor | None, size: int, key: int, first: int, count: int
) -> torch.Tensor:
    return units.new_empty((count, units.shape[0]), dtype=torch.float64)
