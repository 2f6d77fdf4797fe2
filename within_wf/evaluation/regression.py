"""How far predicted numbers are from true ones.

Every metric is computed for many weightings of the rows at once, one weighting a column; a weight of 2 counts as the same row
twice. Definitions and ties follow scikit-learn and scipy; all but ``mape`` are those of ``within_wf.ops.regression_metrics``.
Where a definition has no answer:

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

from within_wf.evaluation.weighted import Columns, Groups, divide, weighted_sum
from within_wf.ops.regression import regression_metrics

Floats = npt.NDArray[np.float64]
_OPERATORS = {"pearson_correlation": "pearson", "spearman_correlation": "spearman"}
"""What ``within_wf.ops.regression_metrics`` calls what has another name here."""


class RegressionScores:
    """The metrics of one column of predictions.

    Args:
        truth: float64, shape [n].
        prediction: float64, shape [n].
    """

    def __init__(self, truth: Floats, prediction: Floats) -> None:
        self._counted = (truth != 0).astype(np.float64)
        self._relative = np.abs(divide(truth - prediction, truth, 0.0))
        self._columns = Columns(regression_metrics, prediction, truth, descending=False)

    def __call__(self, weight: Floats, names: Collection[str], groups: Groups | None = None) -> dict[str, Floats]:
        """The metrics ``names``.

        Args:
            weight: float64, shape [n, r]: r weightings, each at least 0.
            names: Which metrics.
            groups: Of the rows, whose metrics are wanted too.

        Returns:
            Metric to float64, shape [r]; with groups [r, groups + 1], the last for all rows; NaN where it is undefined.
        """
        values: dict[str, Floats] = {}
        if set(names) - {"mape"}:
            found = self._columns.under(weight, groups)
            values = {name: found[_OPERATORS.get(name, name)] for name in names if name != "mape"}
            if "r2" in names:  # of one row, whose truth is constant
                exact = np.where(found["mae"] == 0, 1.0, 0.0)
                values["r2"] = np.where(np.isnan(found["r2"]) & ~np.isnan(found["mae"]), exact, found["r2"])
        if "mape" in names:  # the operator's divides by at least 2^-52 where the specification leaves zeros out
            counted = weighted_sum(weight, self._counted, groups)
            values["mape"] = 100 * divide(weighted_sum(weight, self._relative, groups), counted)
        return {name: values[name] for name in names}
