"""How far predicted numbers are from true ones.

Every metric is computed for many weightings of the rows at once, one weighting a column; a weight of 2 counts as the same row
twice. Definitions and ties follow scikit-learn and scipy. Where a definition has no answer:

| metric | no answer when | then |
|---|---|---|
| r2 | the truth is constant | 1 where every prediction is exact, 0 otherwise (scikit-learn's rule) |
| explained_variance | the truth is constant | 1 where the error is constant too, 0 otherwise (scikit-learn's rule) |
| mape | every truth is 0 | undefined; rows whose truth is 0 are left out |
| pearson_correlation, spearman_correlation | truth or prediction is constant | undefined |
| any | the weights sum to 0 | undefined |
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from within_wf.evaluation.ranks import Ranking
from within_wf.evaluation.weighted import divide, is_constant, weighted_sum

Floats = npt.NDArray[np.float64]


class RegressionScores:
    """The metrics of one column of predictions.

    Args:
        truth: float64, shape [n].
        prediction: float64, shape [n].
    """

    def __init__(self, truth: Floats, prediction: Floats) -> None:
        self._truth, self._prediction = truth, prediction
        self._error = truth - prediction
        # Sums of squares about a fixed point near the mean lose no digits to the size of the mean.
        self._truth_about = truth - (float(np.median(truth)) if truth.size else 0.0)
        self._prediction_about = prediction - (float(np.median(prediction)) if prediction.size else 0.0)
        self._error_about = self._error - (float(np.median(self._error)) if truth.size else 0.0)
        self._counted = (truth != 0).astype(np.float64)
        self._relative = np.abs(divide(self._error, truth, 0.0))
        self._rank_truth, self._rank_prediction = Ranking(truth), Ranking(prediction)

    def __call__(self, weight: Floats, names: Collection[str]) -> dict[str, Floats]:
        """The metrics ``names``.

        Args:
            weight: float64, shape [n, r]: r weightings, each at least 0.
            names: Which metrics.

        Returns:
            Metric to float64, shape [r]; NaN where it is undefined.
        """
        total = weighted_sum(weight)
        values: dict[str, Floats] = {}
        if "rmse" in names:
            values["rmse"] = np.sqrt(divide(weighted_sum(weight, self._error * self._error), total))
        if "mae" in names:
            values["mae"] = divide(weighted_sum(weight, np.abs(self._error)), total)
        if "mape" in names:
            counted = weighted_sum(weight, self._counted)
            values["mape"] = 100 * divide(weighted_sum(weight, self._relative), counted)
        if "r2" in names:
            squares = weighted_sum(weight, self._error * self._error)
            values["r2"] = self._explained(weight, total, squares, squares == 0)
        if "explained_variance" in names:
            squares = _variance_sum(weight, total, self._error_about)
            values["explained_variance"] = self._explained(weight, total, squares, is_constant(self._error, weight))
        if "pearson_correlation" in names:
            values["pearson_correlation"] = self._pearson(weight, total)
        if "spearman_correlation" in names:
            values["spearman_correlation"] = self._spearman(weight, total)
        return values

    def _explained(self, weight: Floats, total: Floats, unexplained: Floats, exact: npt.NDArray[np.bool_]) -> Floats:
        """1 less the unexplained share of the truth's sum of squares."""
        squares = _variance_sum(weight, total, self._truth_about)
        share = 1 - divide(unexplained, squares)
        degenerate = np.where(exact, 1.0, 0.0)
        flat = is_constant(self._truth, weight) | (squares == 0)
        return np.where(total > 0, np.where(flat, degenerate, np.where(exact, 1.0, share)), np.nan)

    def _pearson(self, weight: Floats, total: Floats) -> Floats:
        truth, prediction = self._truth_about, self._prediction_about
        both = weighted_sum(weight, truth * prediction)
        shift = divide(weighted_sum(weight, truth) * weighted_sum(weight, prediction), total)
        squares = _variance_sum(weight, total, truth) * _variance_sum(weight, total, prediction)
        correlation = np.clip(divide(both - shift, np.sqrt(squares)), -1, 1)
        flat = is_constant(self._truth, weight) | is_constant(self._prediction, weight)
        return np.where(flat, np.nan, correlation)

    def _spearman(self, weight: Floats, total: Floats) -> Floats:
        middle = (total + 1) / 2
        truth = self._rank_truth.ranks(weight) - middle
        prediction = self._rank_prediction.ranks(weight) - middle
        squares = weighted_sum(weight * truth * truth) * weighted_sum(weight * prediction * prediction)
        correlation = np.clip(divide(weighted_sum(weight * truth * prediction), np.sqrt(squares)), -1, 1)
        flat = is_constant(self._truth, weight) | is_constant(self._prediction, weight)
        return np.where(flat, np.nan, correlation)


def _variance_sum(weight: Floats, total: Floats, values: Floats) -> Floats:
    """Weighted squares about the weighted mean; shape [r]."""
    shift = weighted_sum(weight, values)
    return np.maximum(weighted_sum(weight, values * values) - divide(shift * shift, total), 0)
