"""How well one of several classes is told from the others.

Every metric is computed for many weightings of the rows at once, one weighting a column. Definitions and ties follow
scikit-learn. Where a definition has no answer:

| metric | no answer when | then |
|---|---|---|
| f1_macro, f1_weighted, precision_macro, recall_macro | a class is neither there nor called | left out of the mean |
| … | a class is there and never called, or called and never there | 0 for that class |
| roc_auc_ovr | a class is not there, or no other is | undefined |
| top_k, roc_auc_ovr, log_loss | there are no probabilities | left out |
| any | the weights sum to 0 | undefined |

Of classes with equal probability ``top_k`` takes the one with the higher number first, as scikit-learn does.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import torch

from within_wf.evaluation.weighted import divide, weighted_sum
from within_wf.ops.multiclass import multiclass_metrics
from within_wf.ops.sums import column_sums, group_sums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
NEEDS_PROBABILITIES = frozenset({"top_k", "roc_auc_ovr", "log_loss"})


class MulticlassScores:
    """The metrics of one table of probabilities.

    Args:
        truth: Class of each row, int64, shape [n].
        decision: The class a row is given, int64, shape [n].
        probability: Rows sum to 1, float64, shape [n, classes]; none where only the decisions are known.
        classes: Number of classes.
        k: Classes that count as right for ``top_k``.
    """

    def __init__(self, truth: Ints, decision: Ints, probability: Floats | None, classes: int, k: int = 2) -> None:
        self._truth, self._decision, self._probability = truth, decision, probability
        self._classes, self._k = classes, k

    def __call__(self, weight: Floats, names: Collection[str]) -> dict[str, Floats]:
        """The metrics ``names``, less those that need probabilities where there are none.

        Args:
            weight: float64, shape [n, r]: r weightings, each at least 0.
            names: Which metrics.

        Returns:
            Metric to float64, shape [r]; NaN where it is undefined.
        """
        values = self._decided(weight)
        if self._probability is not None and NEEDS_PROBABILITIES & set(names):
            values |= self._probabilistic(weight, self._probability)
        return {name: values[name] for name in names if name in values}

    def confusion(self, weight: Floats) -> Floats:
        """Weight of each pair of true class (rows) and given class (columns); float64, shape [classes, classes, r]."""
        cells = group_sums(weight, self._truth * self._classes + self._decision, self._classes**2)
        return np.asarray(cells).reshape(self._classes, self._classes, weight.shape[1])

    def _decided(self, weight: Floats) -> dict[str, Floats]:
        table = self.confusion(weight)
        there, called = np.asarray([column_sums(row) for row in table]), np.asarray(column_sums_over_first(table))
        hit = np.stack([table[c, c] for c in range(self._classes)])
        known = ((there > 0) | (called > 0)).astype(np.float64)
        total = weighted_sum(weight)
        f1 = divide(2 * hit, there + called, 0.0)
        classes = weighted_sum(known)
        values = {
            "accuracy": divide(weighted_sum(hit), total),
            "f1_macro": divide(weighted_sum(f1), classes),
            "f1_weighted": divide(weighted_sum(f1 * there), total),
            "precision_macro": divide(weighted_sum(divide(hit, called, 0.0)), classes),
            "recall_macro": divide(weighted_sum(divide(hit, there, 0.0)), classes),
        }
        return {name: np.where(total > 0, value, np.nan) for name, value in values.items()}

    def _probabilistic(self, weight: Floats, probability: Floats) -> dict[str, Floats]:
        weightings = torch.from_numpy(np.ascontiguousarray(weight.T))
        found = multiclass_metrics(
            torch.from_numpy(probability), torch.from_numpy(self._truth), weights=weightings, top_k=(self._k,)
        )
        return {
            "log_loss": found["log_loss"].numpy(),
            "top_k": found["top_k"][:, 0].numpy(),
            "roc_auc_ovr": found["roc_auc_ovr"].numpy(),
        }


def column_sums_over_first(table: Floats) -> Floats:
    """Sums over the first axis of [a, b, r]; float64, shape [b, r]."""
    first, second, weightings = table.shape
    return np.asarray(column_sums(table.reshape(first, second * weightings))).reshape(second, weightings)
