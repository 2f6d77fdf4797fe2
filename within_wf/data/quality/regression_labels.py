"""Which numbers of a target are wrong: residuals of models that did not see them, against what the models are sure of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from within_wf.data.quality.folds import fold_of, out_of_fold_values
from within_wf.data.quality.learners import regressors
from within_wf.ops.sums import column_sums

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

SUSPECTED = 0.3
"""The probability from which a target is suspected: to miss a wrong one costs about twice a needless look."""
_CUT = 2.5
"""Robust standard deviations beyond which a row is not learned from in the second round."""
_ROUNDS = 100
_FOLDS = 5


@dataclass(frozen=True)
class TargetIssues:
    """What is known of each number.

    Attributes:
        quality: 1 less the probability that it is wrong, float64, shape [n].
        score: The residual in units of its uncertainty, at least 0; ranks rows where probabilities are all 0 or 1.
        suspected: Numbers found wrong, bool, shape [n].
        predicted: What the models expect, float64, shape [n].
        noise_rate: Estimated share of wrong numbers.
    """

    quality: Floats
    score: Floats
    suspected: Bools
    predicted: Floats
    noise_rate: float


def find_target_issues(x: Floats, target: npt.ArrayLike, content: list[str], *, seed: int = 0) -> TargetIssues:
    """Judge the numbers of a target.

    Models of different kinds predict each row unseen, once from all rows and again without those that are far off. A
    residual is divided by the spread of all and the disagreement of the models about its row. Right numbers are normal,
    wrong ones even over the target's range: the mixture of both is fitted by expectation-maximisation (as Fraley and
    Raftery, "Model-based clustering, discriminant analysis, and density estimation", JASA 97, 2002, model noise).

    Args:
        x: Features without missing values, shape [n, d].
        target: Finite, shape [n].
        content: What each row says without its target; rows of one content are held out together.
        seed: Of the draws.
    """
    y = np.asarray(target, dtype=np.float64)
    n = y.size
    fold, order = fold_of(content, np.zeros(n, np.int64), _FOLDS, seed)
    make = partial(regressors, n // 2, seed)
    first = np.abs(y - _mean(out_of_fold_values(x, y, fold, order, make)))
    trusted = first <= _CUT * _spread(first)
    each = out_of_fold_values(x, y, fold, order, make, trusted)
    predicted = _mean(each)
    residual: Floats = np.abs(y - predicted)
    doubt: Floats = _mean((each - predicted) ** 2)
    spread = _spread(residual)
    if spread == 0.0:
        wrong = residual > 0
        return TargetIssues(np.where(wrong, 0.0, 1.0), residual, wrong, predicted, float(wrong.mean()))
    score: Floats = np.asarray(residual / np.sqrt(spread**2 + doubt), dtype=np.float64)
    chance, rate = _mixture(residual, float(y.max() - y.min()), spread)
    return TargetIssues(1.0 - chance, score, chance >= SUSPECTED, predicted, rate)


def _mixture(residual: Floats, width: float, spread: float) -> tuple[Floats, float]:
    """The probability that each residual is of the even component, and the share of all that are."""
    share = 0.1
    widest = spread  # the median knows wrong numbers too: the right ones are no wider, or the normal would swallow all
    chance = np.zeros(residual.size)
    for _ in range(_ROUNDS):
        right = (1.0 - share) * np.exp(-0.5 * (residual / spread) ** 2) / (spread * np.sqrt(2.0 * np.pi))
        wrong = share / width
        chance = wrong / (right + wrong)
        total = float(column_sums((1.0 - chance)[:, None])[0])
        share = min(0.9, 1.0 - total / residual.size)
        fitted = float(np.sqrt(column_sums(((1.0 - chance) * residual**2)[:, None])[0] / total))
        spread = min(max(fitted, 1e-9 * width), widest)
    return chance, share


def _spread(residual: Floats) -> float:
    """The standard deviation of a normal distribution with this median of absolute values."""
    return float(1.4826 * np.median(residual))


def _mean(rows: Floats) -> Floats:
    """The mean of rows, added in their order."""
    total: Floats = rows[0].copy()
    for row in rows[1:]:
        total += row
    mean: Floats = total / len(rows)
    return mean
