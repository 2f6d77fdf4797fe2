"""A table's description in the terminal and as a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from within_wf.data.description import moment
from within_wf.errors import DatasetError, Problem
from within_wf.reports.templating import TEMPLATES, environment
from within_wf.reports.wording import count, decimals, number, share
from within_wf.store.disk import replacing

if TYPE_CHECKING:
    from markupsafe import Markup

    from within_wf.data.description import ColumnDescription, Description, Histogram

WIDTH = 120
"""Columns where it is not printed to a terminal."""
_BLOCKS = " ▁▂▃▄▅▆▇█"
_WORDS = 1.5
"""Words from which on texts are said to have some."""
_LONGEST = 32
"""Characters of a value in a table."""


def print_description(description: Description) -> None:
    """Print a table's columns, one a line, and what should be looked at."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    numeric = ("missing", "distinct", "least", "mean", "most")
    for name in ("column", "type", *numeric, "values"):
        table.add_column(name, justify="right" if name in numeric else "left", overflow="fold", no_wrap=name != "values")
    for column in description.columns:
        statistics = column.statistics
        shown = _sparkline(column.histogram) if column.histogram else _most_frequent(column, 3)
        table.add_row(*map(Text, [_short(column.name), statistics["type"], *_cells(column, description.rows), shown]))
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.print(Text(headline(description)))
    console.print(table)
    if description.doubts:
        console.print(Text("\nTo look at:"))
        for column_name, doubt in description.doubts:
            console.print(Text(f"  {column_name}: {doubt}"))


def headline(description: Description) -> str:
    """The table in one sentence."""
    said = f"{description.name}: {description.rows:,} rows, {len(description.columns)} columns"
    if description.contract:
        said += f", contract {description.contract}"
    return said + (f"; {description.repeated:,} rows are repeated" if description.repeated else "")


def render_description(description: Description) -> str:
    """The description as HTML: no script, no request, no clock; what comes from data is escaped."""
    cells = description.rows * len(description.columns)
    missing = sum(column.statistics["nulls"] for column in description.columns)
    return (
        environment(TEMPLATES)
        .get_template("description.html")
        .render(
            description=description,
            missing=missing,
            missing_share=share(missing, cells),
            columns=[_view(place, column, description.rows) for place, column in enumerate(description.columns)],
        )
    )


def write_description(path: Path, description: Description) -> None:
    """Write the page, whole or not at all.

    Raises:
        DatasetError: The file cannot be written.
    """
    page = render_description(description)
    try:
        with replacing(path) as draft:
            draft.write_text(page, encoding="utf-8")
    except OSError as error:
        problem = Problem(str(path), error.strerror or str(error), "a file that can be written")
        raise DatasetError("the page was not written", [problem]) from error


def _view(place: int, column: ColumnDescription, rows: int) -> dict[str, Any]:
    names = ("missing", "distinct", "least", "mean", "most")
    top = [(_said(value), found, share(found, column.statistics["count"])) for value, found in column.statistics["top"]]
    return {
        "name": column.name,
        "type": column.statistics["type"],
        "place": place,
        "figure": _figure(place, column),
        "top": [] if column.histogram and len(top) > 1 and column.statistics["distinct"] > len(top) else top,
        "quantiles": [(f"{float(at):.0%}", _said(value)) for at, value in column.statistics.get("quantiles", {}).items()],
        "words": None if column.words is None or column.words < _WORDS else number(column.words, 1),
        "doubts": column.doubts,
        "cells": dict(zip(names, _cells(column, rows), strict=True)),
    }


def _figure(place: int, column: ColumnDescription) -> Markup | None:
    from within_wf.reports.charts import histogram

    drawn = column.histogram
    if drawn is None:
        return None
    least, most = (_edge(drawn, edge) for edge in (drawn.edges[0], drawn.edges[-1]))
    said = f"Histogram of {column.name} from {least} to {most}"
    return histogram(drawn.edges, drawn.counts, f"column{place}", said, moments=drawn.moments)


def _edge(drawn: Histogram, edge: float) -> str:
    return str(moment(edge)) if drawn.moments else number(edge)


def _cells(column: ColumnDescription, rows: int) -> list[str]:
    """How many are missing, how many values there are, the least, the mean and the largest."""
    statistics = column.statistics
    least, mean, most = (statistics.get(name) for name in ("min", "mean", "max"))
    is_text = statistics["type"] == "text"
    return [
        share(statistics["nulls"], rows) if statistics["nulls"] else "",
        f"{statistics['distinct']:,}",
        "" if is_text else _said(least),
        "" if mean is None else number(mean),
        "" if is_text else _said(most),
    ]


def _said(value: object) -> str:
    if isinstance(value, float):
        return number(value, 0 if value == int(value) and abs(value) >= 1000 else decimals(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return count(value).replace("-", "−")
    return "–" if value is None else _short(str(value))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _most_frequent(column: ColumnDescription, values: int) -> str:
    top: list[list[Any]] = column.statistics["top"]
    if not top:
        return "each value once" if column.statistics["count"] > 1 else ""
    return ", ".join(f"{_short(_said(value))} {share(found, column.statistics['count'])}" for value, found in top[:values])


def _sparkline(drawn: Histogram) -> str:
    most = max(drawn.counts)
    return "".join(_BLOCKS[-(-8 * bar // most)] for bar in drawn.counts)
