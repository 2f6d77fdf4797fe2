"""How well probabilities tell two classes apart.

Every metric is computed for many weightings of the rows at once, one weighting a column. Definitions and ties follow
scikit-learn; ``ks`` is scipy's two-sample statistic. Where a definition has no answer:

| metric | no answer when | then |
|---|---|---|
| auc, ks | one class alone is there | undefined |
| average_precision | there is no positive | undefined (scikit-learn warns and says 0) |
| precision | nothing is called positive | 0 |
| recall | there is no positive | 0 |
| f1, f1_macro | a class is neither there nor called | 0 for that class |
| any | the weights sum to 0 | undefined |

All but ``f1_macro`` are those of ``within_wf.ops.binary_metrics``: exact, and the same in any order of the rows. ``log_loss``
moves probabilities away from 0 and 1 by the float64 epsilon, as scikit-learn does. ``ece`` is the expected calibration error of
the probability of the positive class in 15 bins of equal width, (m/15, (m + 1)/15], 0 in the first (Guo, Pleiss, Sun and
Weinberger, "On calibration of modern neural networks", ICML 2017).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from within_wf.evaluation.weighted import Columns, Groups, divide
from within_wf.ops.binary import binary_metrics

Floats = npt.NDArray[np.float64]


class BinaryScores:
    """The metrics of one column of probabilities.

    Args:
        truth: 0.0 or 1.0, float64, shape [n].
        probability: Of class 1, float64, shape [n].
        decision: What is called positive: 0.0 or 1.0, float64, shape [n].
    """

    def __init__(self, truth: Floats, probability: Floats, decision: Floats) -> None:
        threshold = np.min(probability, initial=np.inf, where=decision == 1)
        self._columns = Columns(binary_metrics, probability, truth, descending=True, threshold=threshold)
        self._decided = self._columns
        if not np.array_equal(probability >= threshold, decision == 1):  # given by hand: no threshold tells them apart
            self._decided = Columns(binary_metrics, decision, truth, descending=True)

    def __call__(self, weight: Floats, names: Collection[str], groups: Groups | None = None) -> dict[str, Floats]:
        """The metrics ``names``.

        Args:
            weight: float64, shape [n, r]: r weightings, each at least 0.
            names: Which metrics.
            groups: Of the rows, whose metrics are wanted too.

        Returns:
            Metric to float64, shape [r]; with groups [r, groups + 1], the last for all rows; NaN where it is undefined.
        """
        ranked = self._columns.under(weight, groups)
        decided = ranked if self._decided is self._columns else self._decided.under(weight, groups)
        values = {"auc": ranked["roc_auc"], **{name: ranked[name] for name in ("ks", "log_loss", "brier", "ece")}}
        positive = ranked["tp"] + ranked["fn"]
        values["average_precision"] = np.where(positive > 0, ranked["average_precision"], np.nan)
        is_weightless = np.isnan(decided["accuracy"])
        for name in ("accuracy", "precision", "recall", "f1"):
            values[name] = np.where(is_weightless, np.nan, decided[name])
        right = 2 * decided["tn"]
        values["f1_macro"] = (values["f1"] + divide(right, right + decided["fp"] + decided["fn"], 0.0)) / 2
        return {name: values[name] for name in names}
