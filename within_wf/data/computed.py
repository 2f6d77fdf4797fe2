"""Columns computed from others by the expressions of a dataset's configuration.

A value that is missing makes what is computed from it missing, and so do a quotient by 0 and a logarithm of 0 or less. Whole
numbers become float64. Elementary functions are those of ``within_wf.ops.exact``, and sums are exact before they are rounded
once: the same bits on every machine.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from within_wf.config.expressions import Expression, Type, parse
from within_wf.errors import DatasetError, Problem

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def with_computed(table: pl.DataFrame, computed: Mapping[str, str]) -> pl.DataFrame:
    """A table with columns computed from others, each from those before it.

    Args:
        table: The table.
        computed: Name to expression.

    Raises:
        DatasetError: Columns are not there, or hold something else; all that are so are named.
    """
    problems = []
    for name, text in computed.items():
        expression = parse(text)
        wrong = _mismatches(table, name, expression)
        problems += wrong
        table = table.with_columns(pl.lit(None).alias(name) if wrong else evaluate(expression, table).alias(name))
    if problems:
        raise DatasetError("columns cannot be computed", problems)
    return table


def evaluate(expression: Expression, table: pl.DataFrame) -> pl.Series:
    """The column that an expression makes, Float64, String or Boolean, shape [rows]."""
    return _series(_compute(expression.tree, table), table)


def _mismatches(table: pl.DataFrame, name: str, expression: Expression) -> list[Problem]:
    problems = []
    for column, kind in expression.columns.items():
        where = f"dataset.source.computed.{name}, column {column}"
        if column not in table.columns:
            problems.append(Problem(where, "no such column", f"one among {', '.join(table.columns)}"))
        elif not _holds(table[column].dtype, kind):
            expected = f"{'numbers' if kind == 'number' else kind} in {expression.text!r}"
            problems.append(Problem(where, f"the type {table[column].dtype}", expected))
    return problems


def _holds(dtype: pl.DataType, kind: Type) -> bool:
    return dtype == pl.Null or {"number": dtype.is_numeric(), "text": dtype == pl.String, "truth": dtype == pl.Boolean}[kind]


def _compute(node: ast.expr, table: pl.DataFrame) -> Any:
    match node:
        case ast.Constant(value=value):
            return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        case ast.Name(id=name):
            column = table[name]
            return column.cast(pl.Float64) if column.dtype.is_numeric() else column
        case ast.BinOp(left=left, op=op, right=right):
            return _arithmetic(op, _compute(left, table), _compute(right, table))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ~_series(_compute(operand, table), table)
        case ast.UnaryOp(op=op, operand=operand):
            value = _compute(operand, table)
            return -value if isinstance(op, ast.USub) else value
        case ast.BoolOp(op=op, values=values):
            parts = [_series(_compute(value, table), table) for value in values]
            result = parts[0]
            for part in parts[1:]:
                result = result & part if isinstance(op, ast.And) else result | part
            return result
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _COMPARISONS[type(op)](_series(_compute(left, table), table), _compute(right, table))
        case ast.IfExp(test=test, body=body, orelse=other):
            mask = _series(_compute(test, table), table)
            chosen = _series(_compute(body, table), table).zip_with(
                mask.fill_null(value=False), _series(_compute(other, table), table)
            )
            return chosen.set(mask.is_null(), None)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            if name == "row_number":
                return pl.Series([str(row) for row in range(1, table.height + 1)])
            return _FUNCTIONS[name](*(_series(_compute(argument, table), table) for argument in arguments))
    raise TypeError(ast.dump(node))  # pragma: no cover - parse() lets no other through


def _series(value: Any, table: pl.DataFrame) -> pl.Series:
    return value if isinstance(value, pl.Series) else pl.Series([value] * table.height)


def _arithmetic(op: ast.operator, a: Any, b: Any) -> Any:
    if isinstance(op, ast.Div):
        return _quotient(a, b)
    return a + b if isinstance(op, ast.Add) else a - b if isinstance(op, ast.Sub) else a * b


def _quotient(a: Any, b: Any) -> Any:
    if not isinstance(b, pl.Series):
        if b:
            return a / b
        return _filled(None, a) if isinstance(a, pl.Series) else None
    return a / b.set(b == 0, None)


def _elementary(name: str, least: float | None = None) -> Callable[[pl.Series], pl.Series]:
    """A function of ``within_wf.ops.exact``; at or below ``least`` it is missing."""

    def compute(column: pl.Series) -> pl.Series:
        import torch

        from within_wf.ops.exact import elementwise

        known = column.cast(pl.Float64)
        if least is not None:
            known = known.set((known <= least).fill_null(value=False), None)
        values = torch.from_numpy(np.array(known.fill_null(1.0).to_numpy()))
        return pl.Series(getattr(elementwise, name)(values).numpy()).set(known.is_null(), None)

    return compute


def _total(column: pl.Series) -> float:
    """The exact sum of what is known and finite, rounded once."""
    return math.fsum(column.filter(column.is_finite()))


def _filled(value: float | None, like: pl.Series) -> pl.Series:
    return pl.Series([value] * like.len(), dtype=pl.Float64)


def _mean(column: pl.Series) -> pl.Series:
    known = column.len() - column.null_count()
    return _filled(_total(column) / known if known else None, column)


def _smoothed_rate(successes: pl.Series, trials: pl.Series) -> pl.Series:
    """(s + 1) / (t + 1 / r), r the rate of all rows that have trials and no negative count; missing where r is 0.

    The mean of a beta posterior whose prior has the mean r and the weight of 1 / r trials (Gelman et al., Bayesian Data
    Analysis, chapter 2). r is of all rows, whatever side of a split they come to lie on; it is the same for each of them.
    """
    counted = (successes >= 0) & (trials > 0)
    all_successes, all_trials = _total(successes.filter(counted)), _total(trials.filter(counted))
    if not all_successes:
        return _filled(None, successes)
    return _quotient(successes + 1, trials + all_trials / all_successes)  # type: ignore[no-any-return]


def _of_two(choose: Callable[[pl.Series, pl.Series], pl.Series]) -> Callable[[pl.Series, pl.Series], pl.Series]:
    """One of two numbers; missing where either is."""

    def compute(x: pl.Series, y: pl.Series) -> pl.Series:
        return x.zip_with(choose(x, y).fill_null(value=False), y).set(x.is_null() | y.is_null(), None)

    return compute


_FUNCTIONS: dict[str, Callable[..., pl.Series]] = {
    "abs": lambda x: x.abs(),
    "exp": _elementary("exp"),
    "log": _elementary("log", 0.0),
    "log1p": _elementary("log1p", -1.0),
    "sqrt": lambda x: x.set((x < 0).fill_null(value=False), None).sqrt(),
    "min": _of_two(operator.le),
    "max": _of_two(operator.ge),
    "total": lambda x: _filled(_total(x), x),
    "mean": _mean,
    "smoothed_rate": _smoothed_rate,
    "known": lambda x: x.is_not_null(),
    "given": lambda x: x.is_not_null(),
    "lower": lambda x: x.str.to_lowercase(),
    "contains": lambda x, y: x.str.contains(y, literal=True),
    "join": lambda x, y: x + " " + y,
}
"""How each function of an expression is computed."""
