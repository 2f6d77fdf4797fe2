"""How sure a metric is: the percentile bootstrap of Efron and Tibshirani (An Introduction to the Bootstrap, 1993, ch. 13).

What is drawn with replacement is a *unit*: a row, or all rows that belong together. A resample holds as many units as there
are, each so often as it was drawn, so it is a weighting of the rows and none is copied. Draw j of resample r depends on the
seed, on r, on j and on the number of units alone: not on the order of the rows, on other resamples, on threads or devices.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from within_wf.ops.binary import binary_metrics
from within_wf.ops.library import load_core
from within_wf.ops.multiclass import multiclass_metrics
from within_wf.runtime.streams import Stream

load_core()

_OPS = torch.ops.within
_TAKE_MANY: tuple[Callable[..., Mapping[str, torch.Tensor]], ...] = (multiclass_metrics,)
"""Metrics that take weights of shape [R, N], and prepare what all weightings have in common once."""
_RANK: dict[Callable[..., Mapping[str, torch.Tensor]], bool] = {binary_metrics: True}
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
    metric: Callable[..., Mapping[str, torch.Tensor]],
    *rows: torch.Tensor,
    resamples: int = 1000,
    seed: int = 0,
    units: torch.Tensor | None = None,
    weights: torch.Tensor | None = None,
    confidence: float = 0.95,
    **keywords: object,
) -> dict[str, Interval]:
    """The percentile interval of every number that a metric gives.

    Args:
        metric: ``binary_metrics``, ``multiclass_metrics``, ``regression_metrics``, or what is called as they are: with
            ``rows``, ``weights`` and ``keywords``, giving a tensor by name.
        rows: What it is given by position; the first dimension of each counts the rows, N.
        resamples: How many, at least 1.
        seed: Which ones, in [0, 2**64).
        units: What is drawn, as a number in [0, number of units) for each row, int64, shape [N]; rows that resemble each other
            belong to one unit, or the interval is too narrow. Each row by itself where there are none.
        weights: Of the rows, float64, shape [N].
        confidence: Share of resamples inside, in (0, 1).
        keywords: Passed to the metric.

    Returns:
        An interval by the metric's names. Ends between two resamples are interpolated, as ``numpy.quantile`` does.

    Raises:
        ValueError: ``resamples`` or ``confidence`` is not one above, or what ``metric`` and :func:`resample_weights` raise.
    """
    if resamples < 1:
        raise ValueError(f"bootstrap: resamples is {resamples}, expected 1 or more")
    if not 0 < confidence < 1:
        raise ValueError(f"bootstrap: confidence is {confidence}, expected a share between 0 and 1")
    point = metric(*rows, weights=weights, **keywords)
    count = rows[0].shape[0]
    if units is None:
        units = torch.arange(count, device=rows[0].device)
    size = int(units.max()) + 1 if units.numel() else 0
    if metric in _RANK:
        # Metrics depend on no order; rows that are sorted once are not sorted again for each resample.
        order = rows[0].argsort(stable=True, descending=_RANK[metric])
        rows, units = tuple(values[order] for values in rows), units[order]
        weights = None if weights is None else weights[order]
        groups = keywords.get("groups")
        keywords = {**keywords, "groups": groups[order]} if isinstance(groups, torch.Tensor) else keywords
    drawn: dict[str, list[torch.Tensor]] = {name: [] for name in point}
    step = max(1, _CELLS // max(1, count))
    for first in range(0, resamples, step):
        numbers = range(first, min(first + step, resamples))
        weightings = resample_weights(units, seed, numbers, weights=weights, size=size)
        if metric in _TAKE_MANY:
            found = metric(*rows, weights=weightings, **keywords)
        else:
            each = [metric(*rows, weights=weighting, **keywords) for weighting in weightings]
            found = {name: torch.stack([values[name] for values in each]) for name in point}
        for name, values in found.items():
            drawn[name].append(values)
    return {name: interval(point[name], torch.cat(values), confidence) for name, values in drawn.items()}


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


def _key(seed: int) -> int:
    """The stream's key in one signed integer."""
    low, high = Stream(seed, "bootstrap").key
    unsigned = low | high << 32
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned


@torch.library.register_fake("within::resample_weights")  # type: ignore[untyped-decorator]
def _like_resamples(
    units: torch.Tensor, weights: torch.Tensor | None, size: int, key: int, first: int, count: int
) -> torch.Tensor:
    return units.new_empty((count, units.shape[0]), dtype=torch.float64)
