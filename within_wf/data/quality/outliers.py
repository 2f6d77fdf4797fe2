"""Numbers that are far from what the others say, each with a score and a threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from within_wf.ops.sums import column_sums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_NORMAL = 1.4826
"""Standard deviations of a normal distribution in one median absolute deviation (Rousseeuw and Croux, 1993)."""
_KEPT = 0.75
"""Share of rows with the smallest residuals that a conditional fit is made of."""
_STEPS = 20


@dataclass(frozen=True)
class Scores:
    """How far each row is off.

    Attributes:
        score: At least 0, float64, shape [n]; NaN where there is no value.
        threshold: Rows above it are outliers.
    """

    score: Floats
    threshold: float

    @property
    def outliers(self) -> Ints:
        """The rows above the threshold, ascending."""
        return np.flatnonzero(self.score > self.threshold).astype(np.int64)


def robust_z(values: npt.ArrayLike, threshold: float = 3.0, *, log: bool | None = None) -> Scores:
    """Distance from the median in units of 1.4826 median absolute deviations.

    Where that is 0, since more than half are equal, the mean absolute deviation about the median takes its place
    (Iglewicz and Hoaglin, "How to detect and handle outliers", 1993).

    Args:
        values: Shape [n]; what is not finite is not scored.
        threshold: From which on a value is an outlier.
        log: Take logarithms; by default where all values are positive and their upper tail is three times the lower.
    """
    x = np.asarray(values, dtype=np.float64)
    known = np.isfinite(x)
    if not known.any():
        return Scores(np.full(x.size, np.nan), threshold)
    if is_skewed(x[known]) if log is None else log:
        x = np.log(np.where(known, x, 1.0))
    centre = np.median(x[known])
    away = np.where(known, np.abs(x - centre), np.nan)
    return Scores(_scaled(away), threshold)


def is_skewed(x: Floats) -> bool:
    """Whether all are positive and the nine tenths' distance from the median is over three times that of the one tenth."""
    if x.size == 0 or x.min() <= 0:
        return False
    low, middle, high = np.quantile(x, [0.1, 0.5, 0.9])
    return bool(high - middle > 3.0 * (middle - low))


def conditional_z(columns: npt.ArrayLike, target: int, threshold: float = 3.0) -> Scores:
    """Distance of a column from what the others of its row let expect: a spend that does not go with its clicks.

    The residual of a linear fit to the three quarters of rows that it fits best (least trimmed squares by concentration
    steps, Rousseeuw and Van Driessen, Data Mining and Knowledge Discovery 12, 2006), of logarithms of 1 + x where a column
    has no negative value.

    Args:
        columns: Shape [n, d]; a row with a value that is not finite is not scored.
        target: The column whose numbers are judged.
        threshold: From which on a value is an outlier.
    """
    x = np.array(columns, dtype=np.float64)
    known = np.isfinite(x).all(axis=1)
    score = np.full(len(x), np.nan)
    kept = x[known]
    if len(kept) <= 2 * x.shape[1]:
        return Scores(score, threshold)
    positive = kept.min(axis=0) >= 0
    kept[:, positive] = np.log1p(kept[:, positive])
    y, others = kept[:, target], np.delete(kept, target, axis=1)
    design = np.column_stack([np.ones(len(kept)), others])
    score[known] = _scaled(np.abs(_trimmed_residual(design, y)))
    return Scores(score, threshold)


def seasonal_z(
    values: npt.ArrayLike, series: npt.ArrayLike, position: npt.ArrayLike, order: npt.ArrayLike, threshold: float = 3.0
) -> Scores:
    """Distance of a moment from the level of its series about that time and the habit of its place in the week.

    The level is the running median of 15 moments, the habit the median of what remains at each position; what then remains
    is judged by ``robust_z`` within its series. Logarithms of 1 + x where a series has no negative value.

    Args:
        values: Shape [n]; what is not finite is not scored.
        series: The series of each row, shape [n].
        position: Its place in the week, whole numbers, shape [n].
        order: Its moment, shape [n].
        threshold: From which on a value is an outlier.
    """
    x, of = np.asarray(values, dtype=np.float64), np.asarray(series)
    place, moment = np.asarray(position), np.asarray(order)
    score = np.full(x.size, np.nan)
    by_time = np.lexsort((moment, of))
    known = by_time[np.isfinite(x[by_time])]
    for rows in np.split(known, np.flatnonzero(of[known][1:] != of[known][:-1]) + 1) if known.size else []:
        y = x[rows]
        y = np.log1p(y) if y.min() >= 0 else y
        rest = y - _running_median(y)
        for at in np.unique(place[rows]).tolist():
            same = place[rows] == at
            rest[same] -= np.median(rest[same])
        score[rows] = _scaled(np.abs(rest - np.median(rest)))
    return Scores(score, threshold)


def isolation_scores(x: Floats, threshold: float = 3.0, *, seed: int = 0) -> Scores:
    """How easily each row is cut off from all others (Liu, Ting and Zhou, "Isolation forest", ICDM 2008).

    The score is the robust z of the forest's own, upwards alone: a forest always finds some rows easier than others, and
    says of none that it is too easy. Rows are shown in the order of their values, so that theirs means nothing.

    Args:
        x: Without missing values, shape [n, d].
        threshold: From which on a row is an outlier.
        seed: Of the draws.
    """
    from sklearn.ensemble import IsolationForest

    order = np.lexsort(x.T[::-1])
    forest = IsolationForest(n_estimators=100, max_samples=min(256, len(x)), random_state=seed, n_jobs=1).fit(x[order])
    raw = np.empty(len(x))
    raw[order] = -forest.score_samples(x[order])
    away = raw - np.median(raw)
    return Scores(np.where(away > 0, _scaled(np.abs(away)), 0.0), threshold)


def _scaled(away: Floats) -> Floats:
    """Absolute deviations in units of a robust standard deviation; 0 where nothing deviates."""
    known = away[np.isfinite(away)]
    scale = _NORMAL * float(np.median(known))
    if scale == 0.0:
        scale = float(np.sqrt(np.pi / 2.0) * column_sums(known[:, None])[0] / known.size)
    return away / scale if scale > 0.0 else away * 0.0


def _running_median(y: Floats, width: int = 15) -> Floats:
    """The median of the moments around each; at the ends of those there are."""
    half = width // 2
    padded = np.concatenate([np.full(half, np.nan), y, np.full(half, np.nan)])
    return np.asarray(np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1))


def _trimmed_residual(design: Floats, y: Floats) -> Floats:
    chosen = np.ones(y.size, bool)
    residual: Floats = y.copy()
    for _ in range(_STEPS):
        residual = np.subtract(y, _times(design, _least_squares(design[chosen], y[chosen])))
        nearest = np.zeros(y.size, bool)
        nearest[np.argsort(np.abs(residual), kind="stable")[: max(design.shape[1] + 1, int(_KEPT * y.size))]] = True
        if np.array_equal(nearest, chosen):
            break
        chosen = nearest
    return np.subtract(residual, np.median(residual), dtype=np.float64)


def _least_squares(design: Floats, y: Floats) -> Floats:
    """Coefficients by the normal equations, their sums exact; a trace of a ridge keeps equal columns apart."""
    width = design.shape[1]
    gram = column_sums((design[:, :, None] * design[:, None, :]).reshape(len(design), -1)).reshape(width, width)
    right: Floats = column_sums(design * y[:, None])
    found = np.linalg.solve(gram + 1e-9 * np.diag(np.diag(gram) + 1.0), right)
    return np.asarray(found, dtype=np.float64)


def _times(design: Floats, coefficients: Floats) -> Floats:
    total: Floats = design[:, 0] * coefficients[0]
    for column in range(1, design.shape[1]):
        total += design[:, column] * coefficients[column]
    return total
