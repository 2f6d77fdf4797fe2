"""Columns made from others, as a person writes them: ``100 * smoothed_rate(clicks, impressions)``.

An expression is read into a tree of the few things below; nothing of it is run as code.
:mod:`within_wf.data.computed` computes it.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Type = Literal["number", "text", "truth"]
LONGEST = 1000
"""Characters an expression may have."""
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div)
COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


@dataclass(frozen=True)
class Function:
    """What can be called in an expression.

    Attributes:
        takes: The types of its arguments.
        gives: The type of its result.
        says: What it is, for people.
    """

    takes: tuple[Type, ...]
    gives: Type
    says: str


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(("number",), "number", "the absolute value"),
    "exp": Function(("number",), "number", "e to the x"),
    "log": Function(("number",), "number", "the natural logarithm; missing at 0 and below"),
    "log1p": Function(("number",), "number", "the natural logarithm of 1 + x; missing at -1 and below"),
    "sqrt": Function(("number",), "number", "the square root; missing below 0"),
    "min": Function(("number", "number"), "number", "the smaller of two"),
    "max": Function(("number", "number"), "number", "the larger of two"),
    "total": Function(("number",), "number", "the sum of the whole column"),
    "mean": Function(("number",), "number", "the mean of the whole column"),
    "smoothed_rate": Function(
        ("number", "number"),
        "number",
        "successes in trials, drawn to the rate of all rows: as if each row had had one success more, and so many trials that "
        "one was to be expected",
    ),
    "known": Function(("number",), "truth", "whether a number is there"),
    "given": Function(("text",), "truth", "whether a text is there"),
    "row_number": Function((), "text", "the number of a row, from 1, in the order of the files"),
    "lower": Function(("text",), "text", "in small letters"),
    "contains": Function(("text", "text"), "truth", "whether a text holds another"),
    "join": Function(("text", "text"), "text", "two texts with a space between them"),
}
"""Every function, by name."""


@dataclass(frozen=True)
class Expression:
    """An expression that was read and found sound.

    Attributes:
        text: As it was written.
        columns: The columns it reads, to what they hold.
        gives: What it makes.
        tree: Its parts.
    """

    text: str
    columns: Mapping[str, Type]
    gives: Type
    tree: ast.expr


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        ValueError: It is none; what is wrong with it is said.
    """
    if len(text) > LONGEST:
        raise ValueError(f"an expression has {len(text):,} characters; {LONGEST:,} are the most")
    reader = _Reader(text)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        gives = reader.type_of(tree, None)
    except SyntaxError as error:
        raise ValueError(f"{text!r} is no expression: {error.msg}") from error
    except (RecursionError, MemoryError) as error:
        raise ValueError(f"{text!r} is nested too deeply") from error
    return Expression(text, reader.columns, gives, tree)


class _Reader:
    """Finds the type of each part, and refuses what is not one of the few."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.columns: dict[str, Type] = {}

    def type_of(self, node: ast.expr, wanted: Type | None) -> Type:
        found = self._type_of(node, wanted)
        if wanted is not None and found != wanted:
            raise ValueError(f"{self._text!r}: {ast.unparse(node)} is {_named(found)}, expected {_named(wanted)}")
        return found

    def _type_of(self, node: ast.expr, wanted: Type | None) -> Type:
        match node:
            case ast.Constant(value=bool()):
                return "truth"
            case ast.Constant(value=int() | float()):
                return "number"
            case ast.Constant(value=str()):
                return "text"
            case ast.Name(id=name):
                return self._column(name, wanted)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                self.type_of(left, "number")
                return self.type_of(right, "number")
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
                return self.type_of(operand, "number")
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return self.type_of(operand, "truth")
            case ast.BoolOp(values=values):
                return [self.type_of(value, "truth") for value in values][-1]
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
                self._alike(left, right)
                return "truth"
            case ast.IfExp(test=test, body=body, orelse=other):
                self.type_of(test, "truth")
                return self._alike(body, other, wanted)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(name, arguments)
        raise ValueError(f"{self._text!r}: {ast.unparse(node)} is nothing an expression can have; see docs/your-own-data.md")

    def _alike(self, left: ast.expr, right: ast.expr, wanted: Type | None = None) -> Type:
        """The one type of two parts; a column that could be either takes the other's."""
        if wanted is None:
            first, second = (right, left) if isinstance(left, ast.Name) else (left, right)
            wanted = self.type_of(first, None)
            return self.type_of(second, wanted)
        self.type_of(left, wanted)
        return self.type_of(right, wanted)

    def _column(self, name: str, wanted: Type | None) -> Type:
        return self.columns.setdefault(name, wanted or "number")

    def _call(self, name: str, arguments: list[ast.expr]) -> Type:
        function = FUNCTIONS.get(name)
        if function is None:
            raise ValueError(f"{self._text!r}: there is no function {name}; there are {', '.join(sorted(FUNCTIONS))}")
        if len(arguments) != len(function.takes):
            raise ValueError(f"{self._text!r}: {name} takes {len(function.takes)} arguments, not {len(arguments)}")
        for argument, wanted in zip(arguments, function.takes, strict=True):
            self.type_of(argument, wanted)
        return function.gives


def _named(kind: Type) -> str:
    return {"number": "a number", "text": "text", "truth": "true or false"}[kind]
