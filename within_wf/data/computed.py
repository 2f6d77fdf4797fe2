"""Columns computed from others by the expressions of a dataset's configuration.

A value that is missing makes what is computed from it missing, and so do a quotient by 0 and a logarithm of 0 or less. Whole
numbers become float64. Elementary functions are those of ``within_wf.ops.exact``, and sums are exact before they are rounded
once: the same bits on every machine. A table is read some rows at a time: first for what functions say of whole columns, each
one number, then for the columns themselves.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from within_wf.config.expressions import Expression, Type, parse
from within_wf.data.functions import FUNCTIONS, OF_WHOLES, WHOLES, Arguments, quotient
from within_wf.errors import DatasetError, Problem
from within_wf.store.pieces import ROWS, pieces

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


_DTYPES: Mapping[Type, pl.DataType] = {"number": pl.Float64(), "text": pl.String(), "truth": pl.Boolean()}


@dataclass(frozen=True)
class _Computed:
    """A column that is computed.

    Attributes:
        name: Its name.
        expression: What makes it.
        wholes: What the functions in it say of whole columns, by their calls.
    """

    name: str
    expression: Expression
    wholes: Mapping[str, float | None]


@dataclass(frozen=True)
class _Piece:
    """Some rows of a table, the number of those before them, and what is said of whole columns."""

    table: pl.DataFrame
    begin: int
    wholes: Mapping[str, float | None]


def with_computed(table: pl.DataFrame, computed: Mapping[str, str]) -> pl.DataFrame:
    """A table with columns computed from others, each from those before it.

    Args:
        table: The table.
        computed: Name to expression.

    Raises:
        DatasetError: Columns are not there, or hold something else; all that are so are named.
    """
    return next(computed_pieces(table.lazy(), computed, max(1, table.height)))


def computed_pieces(table: pl.LazyFrame, computed: Mapping[str, str], rows: int = ROWS) -> Iterator[pl.DataFrame]:
    """What :func:`with_computed` gives, some rows after the other; of the table no more than some are in memory.

    Raises:
        DatasetError: Columns are not there, or hold something else; all that are so are named.
    """
    expressions = {name: parse(text) for name, text in computed.items()}
    _check(table.collect_schema(), expressions)
    columns: list[_Computed] = []
    for name, expression in expressions.items():
        wholes: dict[str, float | None] = {}
        for call, whole in _whole_calls(expression.tree):
            wholes[ast.dump(call)] = WHOLES[whole](_arguments(table, columns, call, wholes, rows))
        columns.append(_Computed(name, expression, wholes))
    yield from _with(table, columns, rows)


def evaluate(expression: Expression, table: pl.DataFrame) -> pl.Series:
    """The column that an expression makes, Float64, String or Boolean, shape [rows]."""
    return with_computed(table, {"": expression.text})[""]


def _check(schema: pl.Schema, expressions: Mapping[str, Expression]) -> None:
    known, problems = dict(schema), []
    for name, expression in expressions.items():
        wrong = list(_mismatches(known, name, expression))
        problems += wrong
        known[name] = pl.Null() if wrong else _DTYPES[expression.gives]
    if problems:
        raise DatasetError("columns cannot be computed", problems)


def _mismatches(schema: Mapping[str, pl.DataType], name: str, expression: Expression) -> Iterator[Problem]:
    for column, kind in expression.columns.items():
        where = f"dataset.source.computed.{name}, column {column}"
        if column not in schema:
            yield Problem(where, "no such column", f"one among {', '.join(schema)}")
        elif not _holds(schema[column], kind):
            expected = f"{'numbers' if kind == 'number' else kind} in {expression.text!r}"
            yield Problem(where, f"the type {schema[column]}", expected)


def _with(table: pl.LazyFrame, columns: Iterable[_Computed], rows: int) -> Iterator[pl.DataFrame]:
    """The pieces of a table with computed columns."""
    begin = 0
    for piece in pieces(table, rows):
        made = piece
        for column in columns:
            value = _compute(column.expression.tree, _Piece(made, begin, column.wholes))
            made = made.with_columns(_series(value, made.height).alias(column.name))
        yield made
        begin += piece.height


def _whole_calls(node: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """The calls of functions of whole columns in an expression, and the function; those within others first."""
    for child in ast.iter_child_nodes(node):
        yield from _whole_calls(child)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in WHOLES:
        yield node, node.func.id


def _arguments(
    table: pl.LazyFrame, before: Sequence[_Computed], call: ast.Call, wholes: Mapping[str, float | None], rows: int
) -> Arguments:
    """The arguments of a call, of the columns that they need alone."""
    needed = {node.id for node in ast.walk(call) if isinstance(node, ast.Name)}
    columns: list[_Computed] = []
    for column in reversed(before):
        if column.name in needed:
            needed |= column.expression.columns.keys()
            columns.insert(0, column)
    names = table.collect_schema().names()
    # a table without columns has no rows
    read = table.select([name for name in names if name in needed] or names[:1])

    def arguments() -> Iterator[Sequence[pl.Series]]:
        begin = 0
        for piece in _with(read, columns, rows):
            some = _Piece(piece, begin, wholes)
            yield [_series(_compute(argument, some), piece.height) for argument in call.args]
            begin += piece.height

    return arguments


def _holds(dtype: pl.DataType, kind: Type) -> bool:
    return dtype == pl.Null or {"number": dtype.is_numeric(), "text": dtype == pl.String, "truth": dtype == pl.Boolean}[kind]


def _compute(node: ast.expr, piece: _Piece) -> Any:
    rows = piece.table.height
    match node:
        case ast.Constant(value=value):
            return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        case ast.Name(id=name):
            column = piece.table[name]
            return column.cast(pl.Float64) if column.dtype.is_numeric() else column
        case ast.BinOp(left=left, op=op, right=right):
            return _arithmetic(op, _compute(left, piece), _compute(right, piece))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ~_series(_compute(operand, piece), rows)
        case ast.UnaryOp(op=op, operand=operand):
            value = _compute(operand, piece)
            return -value if isinstance(op, ast.USub) else value
        case ast.BoolOp(op=op, values=values):
            parts = [_series(_compute(value, piece), rows) for value in values]
            result = parts[0]
            for part in parts[1:]:
                result = result & part if isinstance(op, ast.And) else result | part
            return result
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return _COMPARISONS[type(op)](_series(_compute(left, piece), rows), _compute(right, piece))
        case ast.IfExp(test=test, body=body, orelse=other):
            mask = _series(_compute(test, piece), rows)
            chosen = _series(_compute(body, piece), rows).zip_with(
                mask.fill_null(value=False), _series(_compute(other, piece), rows)
            )
            return chosen.set(mask.is_null(), None)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(node, name, [_series(_compute(argument, piece), rows) for argument in arguments], piece)
    raise TypeError(ast.dump(node))  # pragma: no cover - parse() lets no other through


def _call(node: ast.expr, name: str, arguments: Sequence[pl.Series], piece: _Piece) -> pl.Series:
    if name == "row_number":
        return pl.Series([str(row) for row in range(piece.begin + 1, piece.begin + piece.table.height + 1)])
    if name in WHOLES:
        return OF_WHOLES[name](piece.wholes[ast.dump(node)], *arguments)
    return FUNCTIONS[name](*arguments)


def _series(value: Any, rows: int) -> pl.Series:
    return value if isinstance(value, pl.Series) else pl.Series([value] * rows)


def _arithmetic(op: ast.operator, a: Any, b: Any) -> Any:
    if isinstance(op, ast.Div):
        return quotient(a, b)
    return a + b if isinstance(op, ast.Add) else a - b if isinstance(op, ast.Sub) else a * b
