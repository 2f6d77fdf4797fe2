"""Folds and predictions of rows by models that did not see them, the same for any order of the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from within_wf.runtime.streams import Stream, ids_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Model(Protocol):
    """What scikit-learn's models have in common."""

    def fit(self, X: Any, y: Any) -> Any:
        """Learn from rows."""

    def predict(self, X: Any) -> Any:
        """Predict rows."""


Make = Callable[[], Sequence[Any]]


def fold_of(content: Sequence[str], strata: npt.ArrayLike, folds: int, seed: int) -> tuple[Ints, Ints]:
    """Divide rows into folds; rows of one content share one.

    Args:
        content: What each row says, without its label.
        strata: Whole numbers, the rows of each of which are dealt out evenly, shape [n].
        folds: How many folds.
        seed: Of the draws.

    Returns:
        The fold of each row, int64, shape [n], and an order of the rows that does not depend on the one they came in.
    """
    of = np.asarray(strata, dtype=np.int64)
    ids = ids_of(content)
    draws = Stream(seed, "quality folds").uniform(ids)[:, 0]
    order = np.lexsort((of, ids, draws)).astype(np.int64)
    fold = np.empty(of.size, dtype=np.int64)
    dealt: dict[int, int] = {}
    given: dict[int, int] = {}
    for row in order.tolist():
        key, stratum = int(ids[row]), int(of[row])
        if key not in given:
            dealt[stratum] = dealt.get(stratum, -1) + 1
            given[key] = (dealt[stratum] + stratum) % folds
        fold[row] = given[key]
    return fold, order


def out_of_fold_probabilities(
    x: Floats, labels: Ints, classes: int, fold: Ints, order: Ints, make: Make, trusted: Bools | None = None
) -> Floats:
    """The mean of several classifiers' probabilities for rows that they were not trained on.

    Args:
        x: Shape [n, d].
        labels: Positions of classes, shape [n].
        classes: How many there are.
        fold: The fold of each row, shape [n].
        order: The order in which rows are shown, shape [n].
        make: Makes fresh classifiers.
        trusted: Rows that may be learned from; all by default.

    Returns:
        Shape [n, classes]; the share of each class where the rows of other folds are of one class only.
    """
    usable = np.ones(labels.size, bool) if trusted is None else trusted
    found = np.zeros((labels.size, classes))
    for number in np.unique(fold).tolist():
        train = order[(fold[order] != number) & usable[order]]
        held = order[fold[order] == number]
        if np.unique(labels[train]).size < 2:
            found[held] = np.bincount(labels[train], minlength=classes) / max(1, train.size)
            continue
        models = make()
        for model in models:
            model.fit(x[train], labels[train])
            found[np.ix_(held, model.classes_)] += model.predict_proba(x[held]) / len(models)
    return found


def out_of_fold_values(x: Floats, y: Floats, fold: Ints, order: Ints, make: Make, trusted: Bools | None = None) -> Floats:
    """Each regression model's predictions for rows that it was not trained on; float64, shape [models, n]."""
    usable = np.ones(y.size, bool) if trusted is None else trusted
    found: list[Floats] = []
    for number in np.unique(fold).tolist():
        train = order[(fold[order] != number) & usable[order]]
        held = order[fold[order] == number]
        for position, model in enumerate(make()):
            if position == len(found):
                found.append(np.zeros(y.size))
            found[position][held] = model.fit(x[train], y[train]).predict(x[held])
    return np.stack(found)
