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

Ranks, ``log_loss`` and ``brier`` are those of ``within_wf.ops.binary_metrics``: exact, and the same in any order of the rows.
``log_loss`` moves probabilities away from 0 and 1 by the float64 epsilon, as scikit-learn does. ``ece`` is the expected
calibration error of the probability of the positive class in 15 bins of equal width, [m/15, (m + 1)/15), the last one closed
(Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017).
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from within_wf.evaluation.weighted import Columns, divide, weighted_sum
from within_wf.ops.binary import binary_metrics
from within_wf.ops.sums import group_sums

Floats = npt.NDArray[np.float64]
BINS = 15
_OF_OPERATOR = frozenset({"auc", "average_precision", "ks", "log_loss", "brier"})


class BinaryScores:
    """The metrics of one column of probabilities.

    Args:
        truth: 0.0 or 1.0, float64, shape [n].
        probability: Of class 1, float64, shape [n].
        decision: What is called positive: 0.0 or 1.0, float64, shape [n].
    """

    def __init__(self, truth: Floats, probability: Floats, decision: Floats) -> None:
        self._truth, self._probability, self._decision = truth, probability, decision
        self._columns = Columns(binary_metrics, probability, truth, descending=True)

    def __call__(self, weight: Floats, names: Collection[str]) -> dict[str, Floats]:
        """The metrics ``names``.

        Args:
            weight: float64, shape [n, r]: r weightings, each at least 0.
            names: Which metrics.

        Returns:
            Metric to float64, shape [r]; NaN where it is undefined.
        """
        values = self._decided(weight)
        if _OF_OPERATOR & set(names):
            found = self._columns.under(weight)
            there = weighted_sum(weight, self._truth) > 0
            values |= {name: found["roc_auc" if name == "auc" else name] for name in _OF_OPERATOR}
            values["average_precision"] = np.where(there, found["average_precision"], np.nan)
        if "ece" in names:
            gaps = group_sums(weight * (self._truth - self._probability)[:, None], bins_of(self._probability), BINS)
            values["ece"] = divide(weighted_sum(np.abs(np.asarray(gaps))), weighted_sum(weight))
        return {name: values[name] for name in names}

    def _decided(self, weight: Floats) -> dict[str, Floats]:
        hit = weighted_sum(weight, self._truth * self._decision)
        called = weighted_sum(weight, self._decision)
        positive = weighted_sum(weight, self._truth)
        total = weighted_sum(weight)
        right = weighted_sum(weight, (self._truth == self._decision).astype(np.float64))
        f1 = divide(2 * hit, called + positive, 0.0)
        other = divide(2 * (right - hit), (total - called) + (total - positive), 0.0)
        values = {
            "accuracy": divide(right, total),
            "precision": divide(hit, called, 0.0),
            "recall": divide(hit, positive, 0.0),
            "f1": f1,
            "f1_macro": (f1 + other) / 2,
        }
        return {name: np.where(total > 0, value, np.nan) for name, value in values.items()}


def bins_of(probability: Floats) -> npt.NDArray[np.int64]:
    """The bin of equal width a probability falls in; int64, shape [n]."""
    return np.minimum((probability * BINS).astype(np.int64), BINS - 1)
