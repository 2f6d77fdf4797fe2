"""What a model must not know: features that tell the target. What crosses the sides of a split is in ``data.leakage``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.data.quality.encoding import contents, numbers
from within_wf.data.quality.folds import fold_of
from within_wf.data.quality.wrong_labels import coded
from within_wf.errors import DatasetError, Problem
from within_wf.ops.sums import column_sums, group_sums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_FOLDS = 3


def leaking_features(
    table: pl.DataFrame,
    target: str,
    *,
    is_class: bool,
    columns: Sequence[str] | None = None,
    threshold: float = 0.95,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Features that alone predict the target too well.

    Each is tried with a model of its own on rows that the model did not see: a tree of a number (where the target is one, also
    the line between neighbours), the mean by value of a text. The score is R squared; of classes it is the balanced accuracy,
    from 0 for a guess to 1.

    Args:
        table: Features and target, the target without missing values.
        target: The column that is to be predicted.
        is_class: Whether it names classes.
        columns: The features; all others by default.
        threshold: From which score on a feature is suspected.
        seed: Of the draws.

    Returns:
        ``column``, ``score`` and ``threshold`` of each suspect, the highest score first.

    Raises:
        DatasetError: The target is not there or has missing values.
    """
    if target not in table.columns or table[target].null_count():
        found = "no such column" if target not in table.columns else f"{table[target].null_count():,} missing values"
        raise DatasetError("leaks cannot be looked for", [Problem(f"column {target}", found, "a value in every row")])
    names = [name for name in (columns or table.columns) if name != target]
    if is_class:
        _, codes = coded(table[target].to_list())
        wanted = (codes[:, None] == np.arange(codes.max() + 1)).astype(np.float64)
    else:
        codes = np.zeros(table.height, np.int64)
        wanted = numbers(table[target])[:, None]
    fold, order = fold_of(contents(table.drop(target)), codes, _FOLDS, seed)
    suspects = []
    for name in names:
        predicted = _predicted(table[name], wanted, fold, order)
        if predicted is None:
            continue
        score = _class_score(predicted, codes) if is_class else _number_score(predicted[:, 0], wanted[:, 0])
        if not is_class and _is_number(table.schema[name]):
            score = max(score, _number_score(_between(numbers(table[name]), wanted[:, 0], fold), wanted[:, 0]))
        if score >= threshold:
            suspects.append({"column": name, "score": round(score, 6), "threshold": threshold})
    return sorted(suspects, key=lambda suspect: (-suspect["score"], suspect["column"]))


def _predicted(column: pl.Series, wanted: Floats, fold: Ints, order: Ints) -> Floats | None:
    """What a column alone lets expect, shape [n, k]; nothing for a column of another kind or of one value."""
    dtype = column.dtype
    is_number = _is_number(dtype)
    if not (is_number or dtype == pl.String or isinstance(dtype, pl.Categorical | pl.Enum)) or column.n_unique() < 2:
        return None
    found = np.zeros_like(wanted)
    values = numbers(column)[:, None] if is_number else np.empty((0, 1))
    groups = column.cast(pl.String).fill_null("\x00").rank("dense").to_numpy().astype(np.int64) - 1
    for number in range(_FOLDS):
        train, held = order[fold[order] != number], order[fold[order] == number]
        if not train.size:
            continue
        if is_number:
            found[held] = _tree(values[train], wanted[train], values[held])
        else:
            found[held] = _means(groups[train], wanted[train], groups[held], int(groups.max()) + 1)
    return found


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean


def _between(x: Floats, y: Floats, fold: Ints) -> Floats:
    """What lies between the nearest numbers that were seen: sharper than a tree where a number tells all, of few rows too."""
    known = np.isfinite(x)
    x = np.where(known, x, np.median(x[known]) if known.any() else 0.0)
    found = np.zeros_like(y)
    for number in range(_FOLDS):
        held = fold == number
        seen, at = np.unique(x[~held], return_inverse=True)
        if seen.size:
            found[held] = np.interp(x[held], seen, group_sums(y[~held], at, seen.size) / np.bincount(at))
    return found


def _tree(x: Floats, y: Floats, held: Floats) -> Floats:
    from sklearn.tree import DecisionTreeRegressor

    tree = DecisionTreeRegressor(max_leaf_nodes=64, min_samples_leaf=2, random_state=0).fit(x, y)
    return np.asarray(tree.predict(held), dtype=np.float64).reshape(len(held), -1)


def _means(groups: Ints, y: Floats, held: Ints, count: int) -> Floats:
    """The mean of the rows of the same value; of all rows for a value that was not seen."""
    rows = np.bincount(groups, minlength=count)[:, None]
    overall = column_sums(y) / len(y)
    means = np.where(rows > 0, group_sums(y, groups, count) / np.maximum(rows, 1), overall)
    found: Floats = means[held]
    return found


def _number_score(predicted: Floats, y: Floats) -> float:
    mean = column_sums(y[:, None])[0] / y.size
    total = column_sums(((y - mean) ** 2)[:, None])[0]
    return float(1.0 - column_sums(((y - predicted) ** 2)[:, None])[0] / total) if total > 0 else 0.0


def _class_score(predicted: Floats, codes: Ints) -> float:
    """Balanced accuracy less that of a guess, as a share of what a guess leaves (Brodersen et al., ICPR 2010)."""
    counts = np.bincount(codes)
    if counts.size < 2:
        return 0.0
    # A class is as likely as its rows are more frequent here than overall: a rare one must not lose to its rarity.
    right = (predicted / np.maximum(counts, 1)).argmax(axis=1) == codes
    recalls = np.bincount(codes[right], minlength=counts.size) / np.maximum(counts, 1)
    accuracy = float(column_sums(recalls[:, None])[0]) / counts.size
    return (accuracy - 1.0 / counts.size) / (1.0 - 1.0 / counts.size)
