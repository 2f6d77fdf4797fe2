"""Rows divided several times over into those a model learns from and those it is judged on."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from within_wf.config.validation_strategy import ValidationStrategyConfig
from within_wf.data.findings import NAMED
from within_wf.data.frames import as_frame
from within_wf.data.moments import moments_of
from within_wf.data.units import Floats, Ints, Units, problems_of_columns, units_of_rows, units_of_values
from within_wf.errors import DatasetError, Problem

_CURE = "Give it more rows or groups, fewer folds, or exact_sizes."


def iter_folds(
    table: Any,
    config: ValidationStrategyConfig,
    *,
    id_column: str | None = None,
    group_column: str | None = None,
    time_column: str | None = None,
    class_column: str | None = None,
) -> Iterator[tuple[Ints, Ints]]:
    """The folds of a table, those of each repeat after each other.

    A row's fold is drawn from the seed, the repeat and its id, or its group's name, alone, so that rows that come later move
    no other; sizes, and shares of classes, then hold in expectation. With ``exact_sizes`` they hold to the row. docs/splits.md
    says what each type keeps.

    Args:
        table: A table of polars, pandas or pyarrow.
        config: The type of folds, and how many.
        id_column: The column that names a row; none for its place in the table.
        group_column: The column whose rows are on one side of each fold; clusters of near-duplicates, say.
        time_column: The column that orders the rows.
        class_column: The column of classes where ``config.stratify_column`` names none.

    Returns:
        Rows of training and rows of validation of each fold, int64, ascending. But for ``holdout`` and ``time_series``, each
        row is in the validation of one fold of each repeat.

    Raises:
        DatasetError: A column is not there or has missing values, or a fold would have no row to learn from or to judge.
    """
    rows = as_frame(table, "table")
    classes = config.stratify_column or class_column
    columns = _columns(config.type, group_column, time_column, classes)
    wrong = [
        Problem(name, "no column", f"the column that type {config.type!r} needs") for name, c in columns.items() if c is None
    ]
    wrong += problems_of_columns(rows, [id_column, *columns.values()], [])
    if wrong:
        raise DatasetError("the rows cannot be divided into folds", wrong)
    if config.type == "time_series":
        return iter(_checked(list(_by_time(rows[time_column or ""], config)), config))
    if group_column is not None and "group_column" in columns:
        units = units_of_values(rows[group_column])
    else:
        units = units_of_rows(rows, id_column)
    stratify = rows[classes] if classes is not None and "stratify_column" in columns else None
    numbers = [_numbers(units, stratify, config, repeat) for repeat in range(config.repeats)]
    judged = range(1 if config.type == "holdout" else config.n_splits)
    _check(numbers, judged, config)
    return ((np.flatnonzero(of_row != fold), np.flatnonzero(of_row == fold)) for of_row in numbers for fold in judged)


def _columns(kind: str, group: str | None, time: str | None, classes: str | None) -> dict[str, str | None]:
    """The columns a type needs, by the name of their argument."""
    needed = {"group_column": group} if "group" in kind else {}
    if kind.startswith("stratified"):
        needed["stratify_column"] = classes
    if kind == "time_series":
        needed["time_column"] = time
    return needed


def _numbers(units: Units, classes: pl.Series | None, config: ValidationStrategyConfig, repeat: int) -> Ints:
    """The fold that judges each row, int64, shape [rows]."""
    draws, folds = units.draws(config.random_state, "folds", repeat), config.n_splits
    if config.type == "holdout":
        return _held_out(draws, config)
    if config.shuffle and not config.exact_sizes:
        return np.floor(draws * folds).astype(np.int64)[units.of_row]
    order = draws if config.shuffle else np.arange(draws.size, dtype=np.float64)
    if config.type == "kfold":
        return blocks(order, folds)
    if config.type == "stratified_kfold" and classes is not None:
        return stratified_blocks(order, _class_numbers(classes, by_name=config.shuffle), folds)
    if classes is None:
        return lightest_folds(units.rows, order, folds)[units.of_row]
    return scarcest_folds(units, _class_numbers(classes, by_name=True), order, folds)[units.of_row]


def _held_out(draws: Floats, config: ValidationStrategyConfig) -> Ints:
    """0 for rows that are held out, else 1."""
    if not config.exact_sizes:
        return (draws >= config.val_size).astype(np.int64)
    numbers = np.ones(draws.size, np.int64)
    numbers[np.argsort(draws, kind="stable")[: round(config.val_size * draws.size)]] = 0
    return numbers


def _class_numbers(classes: pl.Series, *, by_name: bool) -> Ints:
    """The number of each row's class: by name, or in the order of rows."""
    numbers = units_of_values(classes).of_row
    if by_name:
        return numbers
    _, first, of_row = np.unique(numbers, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[of_row].astype(np.int64)


def blocks(order: Floats, folds: int) -> Ints:
    """Rows in an order, cut into folds whose sizes differ by one at most, the larger first.

    Args:
        order: What orders the rows, shape [rows].
        folds: How many.
    """
    numbers = np.empty(order.size, np.int64)
    sizes = order.size // folds + (np.arange(folds) < order.size % folds)
    numbers[np.argsort(order, kind="stable")] = np.repeat(np.arange(folds), sizes)
    return numbers


def stratified_blocks(order: Floats, classes: Ints, folds: int) -> Ints:
    """Each class in an order, cut into folds: sizes of folds, and of each class in them, differ by one at most.

    With the rows of all classes in one line, the p-th goes to fold p modulo ``folds``; within a class the folds are then put in
    order. A class with fewer rows than there are folds is in that many. The sizes are those of scikit-learn's StratifiedKFold.

    Args:
        order: What orders the rows, shape [rows].
        classes: The number of each row's class, int64, shape [rows].
        folds: How many.
    """
    line = np.lexsort((order, classes))
    dealt = np.arange(order.size) % folds
    numbers = np.empty(order.size, np.int64)
    numbers[line] = dealt[np.lexsort((dealt, classes[line]))]
    return numbers


def lightest_folds(rows: Ints, order: Floats, folds: int) -> Ints:
    """The fold of each group: the largest first, each to the fold with the fewest rows, as scikit-learn's GroupKFold does.

    Args:
        rows: Rows of each group, int64, shape [groups].
        order: What decides between groups of one size, shape [groups].
        folds: How many.
    """
    numbers = np.empty(rows.size, np.int64)
    weights = [(0, fold) for fold in range(folds)]
    for group in np.lexsort((order, -rows)).tolist():
        weight, fold = weights[0]
        numbers[group] = fold
        heapq.heapreplace(weights, (weight + int(rows[group]), fold))
    return numbers


def scarcest_folds(groups: Units, classes: Ints, order: Floats, folds: int) -> Ints:
    """The fold of each group: the largest first, each to the fold where the classes it brings are scarcest.

    With x rows of class c in the group, a rows of it in the fold and n in all, that is the fold of the lowest sum of x a / n^2
    over the classes: the one that adds least to the squared shares of classes, summed over folds; of several, the one with the
    fewest rows. scikit-learn's StratifiedGroupKFold is greedy likewise, by the standard deviation of shares.

    Args:
        groups: The groups.
        classes: The number of each row's class, int64, shape [rows].
        order: What decides between groups of one size, shape [groups].
        folds: How many.
    """
    total = np.bincount(classes)
    pairs, counts = np.unique(groups.of_row * total.size + classes, return_counts=True)
    starts = np.searchsorted(pairs, np.arange(len(groups.names) + 1) * total.size)
    held, weights, sizes = np.zeros((total.size, folds)), np.zeros(folds, np.int64), groups.rows
    numbers = np.empty(len(groups.names), np.int64)
    for group in np.lexsort((order, -sizes)).tolist():
        cost = np.zeros(folds)
        of_group = range(starts[group], starts[group + 1])
        brought = [(int(pairs[pair] % total.size), int(counts[pair])) for pair in of_group]
        for kind, count in brought:
            cost += held[kind] * (count / (int(total[kind]) * int(total[kind])))
        numbers[group] = fold = int(np.lexsort((weights, cost))[0])
        weights[fold] += sizes[group]
        for kind, count in brought:
            held[kind, fold] += count
    return numbers


def _by_time(column: pl.Series, config: ValidationStrategyConfig) -> Iterator[tuple[Ints, Ints]]:
    """Blocks of equally many moments, each judged by what came before, as scikit-learn's TimeSeriesSplit cuts rows."""
    moments = moments_of(column)
    total = moments.values.size
    size = total // (config.n_splits + 1)
    if not size:
        cure = "Give it more moments or fewer folds."
        expected = f"at least {config.n_splits + 1:,}, for {config.n_splits:,} folds"
        problem = Problem(f"column {column.name}", f"{total:,} moments", expected, cure)
        raise DatasetError("the rows cannot be divided into folds", [problem])
    first = total - config.n_splits * size
    for start in range(first, total, size):
        end = moments.before_gap(start, config.embargo)
        begin = max(0, end - (config.window_moments or first)) if config.window == "sliding" else 0
        of_row = moments.of_row
        train, judged = (of_row >= begin) & (of_row < end), (of_row >= start) & (of_row < start + size)
        yield np.flatnonzero(train), np.flatnonzero(judged)


def _checked(folds: list[tuple[Ints, Ints]], config: ValidationStrategyConfig) -> list[tuple[Ints, Ints]]:
    problems = [
        Problem(f"fold {number}", "no row to learn from", "at least one", f"Shorten the embargo of {config.embargo!r}.")
        for number, (train, _) in enumerate(folds, 1)
        if not train.size
    ]
    if problems:
        raise DatasetError("the rows are too few for the folds", problems)
    return folds


def _check(numbers: list[Ints], judged: range, config: ValidationStrategyConfig) -> None:
    problems = []
    for repeat, of_row in enumerate(numbers, 1):
        rows = np.bincount(of_row, minlength=len(judged))
        of_repeat = f" of repeat {repeat}" if config.repeats > 1 else ""
        for fold in judged:
            what = "to judge" if not rows[fold] else "to learn from" if rows[fold] == of_row.size else ""
            if what:
                problems.append(Problem(f"fold {fold + 1}{of_repeat}", f"no row {what}", "at least one", _CURE))
    if problems:
        more = f", and {len(problems) - NAMED:,} more like these" if len(problems) > NAMED else ""
        raise DatasetError(f"the rows are too few for the folds{more}", problems[:NAMED])
