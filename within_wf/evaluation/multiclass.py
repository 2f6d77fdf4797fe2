"""How well one of several classes is told from the others.

Every metric is computed for many weightings of the rows at once, one weighting a column. Definitions and ties follow
scikit-learn; all but the means of precision and recall, which come from its ``confusion``, are those of
``within_wf.ops.multiclass_metrics``. Where a definition has no answer:

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
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from within_wf.evaluation.weighted import Groups, divide
from within_wf.ops.multiclass import multiclass_metrics
from within_wf.ops.sums import column_sums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


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
        self._truth, self._k = torch.tensor(truth), k
        self._probability = None if probability is None else torch.tensor(probability)
        if self._probability is not None and np.array_equal(self._probability.numpy().argmax(axis=1), decision):
            self._decided = self._probability
        else:  # for the operator a decision is the most probable class
            self._decided = torch.from_numpy(np.eye(classes, dtype=np.float32)[decision])

    def __call__(self, weight: Floats, names: Collection[str], groups: Groups | None = None) -> dict[str, Floats]:
        """The metrics ``names``, less those that need probabilities where there are none.

        Args:
            weight: float64, shape [n, r]: r weightings, each at least 0.
            names: Which metrics, or ``confusion``: the weight of each pair of true class (rows) and given class (columns).
            groups: Of the rows, whose metrics are wanted too.

        Returns:
            Metric to float64, shape [r], ``confusion`` [r, classes, classes]; with groups [r, groups + 1, …], the last for
            all rows; NaN where it is undefined.
        """
        decided = self._measure(self._decided, weight, groups)
        values = {
            "accuracy": decided["accuracy"],
            "f1_macro": decided["macro_f1"],
            "f1_weighted": decided["weighted_f1"],
            **_means(decided["confusion"]),
            "confusion": decided["confusion"],
        }
        if self._probability is not None:
            found = decided if self._decided is self._probability else self._measure(self._probability, weight, groups)
            values |= {"log_loss": found["log_loss"], "top_k": found["top_k"][..., 0], "roc_auc_ovr": found["roc_auc_ovr"]}
        return {name: values[name] for name in names if name in values}

    def _measure(self, probability: torch.Tensor, weight: Floats, groups: Groups | None) -> dict[str, Floats]:
        by: dict[str, Any] = {"weights": torch.tensor(weight.T), "top_k": (self._k,)}
        if groups is not None:
            by |= {"groups": torch.from_numpy(groups.index), "num_groups": len(groups.names)}
        found = multiclass_metrics(probability, self._truth, **by)
        return {name: value.numpy() for name, value in found.items()}


def _means(confusion: Floats) -> dict[str, Floats]:
    """Precision and recall, the means over the classes that are there or called, of tables of shape […, classes, classes]."""
    hit = np.diagonal(confusion, axis1=-2, axis2=-1)
    there, called = _sum(confusion, -1), _sum(confusion, -2)
    classes = _sum(((there > 0) | (called > 0)).astype(np.float64), -1)
    return {
        "precision_macro": divide(_sum(divide(hit, called, 0.0), -1), classes),
        "recall_macro": divide(_sum(divide(hit, there, 0.0), -1), classes),
    }


def _sum(values: Floats, axis: int) -> Floats:
    """Over one axis, exact before it is rounded once."""
    first = np.moveaxis(values, axis, 0)
    sums: Floats = column_sums(first.reshape(len(first), -1)).reshape(first.shape[1:])
    return sums
