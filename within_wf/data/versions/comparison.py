"""A difference of versions as a person reads it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from within_wf.data.versions.diff import Difference
from within_wf.data.versions.listing import WIDTH

if TYPE_CHECKING:
    from rich.console import Console

MOVED, SHIFTED = 0.1, 0.25
"""PSI from which a column counts as moved and as shifted, as is usual in credit scoring (Siddiqi, 2006)."""


def print_difference(found: Difference) -> None:
    """Print what differs: columns, rows, then distributions, those that moved most first."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, markup=False, soft_wrap=True)
    console.print(f"{found.before} -> {found.after}")
    if found.same_content:
        console.print("The rows are the same, in the same order.")
        return
    if found.same_rows:
        console.print("The rows are the same, in another order.")
        return
    for line in _column_lines(found):
        console.print(line)
    for line in _row_lines(found):
        console.print(line)
    if found.drift:
        _print_drift(console, found)


def _column_lines(found: Difference) -> list[str]:
    lines = [f"+ column {column}: {word}" for column, word in found.columns_added.items()]
    lines += [f"- column {column}: {word}" for column, word in found.columns_removed.items()]
    return lines + [f"~ column {column}: {before} -> {after}" for column, (before, after) in found.columns_retyped.items()]


def _row_lines(found: Difference) -> list[str]:
    by = f"by {', '.join(found.key)}" if found.key else "compared whole, as there is no key"
    changed = "" if found.changed is None else f", {found.changed:,} changed"
    lines = [f"rows: {found.rows[0]:,} -> {found.rows[1]:,} ({by}): {found.added:,} added, {found.removed:,} removed{changed}"]
    for kind, sign in (("added", "+"), ("removed", "-")):
        rows = found.examples[kind]
        lines += [f"  {sign} {_pairs(row)}" for row in rows]
        more = getattr(found, kind) - len(rows)
        lines += [f"  {sign} … and {more:,} more"] if rows and more else []
    for row in found.examples["changed"]:
        values = ", ".join(f"{column}: {_said(old)} -> {_said(new)}" for column, (old, new) in row["values"].items())
        lines.append(f"  ~ {_pairs(row['key'])}: {values}")
    more = (found.changed or 0) - len(found.examples["changed"])
    return lines + ([f"  ~ … and {more:,} more"] if found.examples["changed"] and more else [])


def _print_drift(console: Console, found: Difference) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("column", "compared by", "PSI", "", "KS", "p", "changed rows", "missing", "new, gone values"):
        table.add_column(column, justify="left" if column in ("column", "compared by", "") else "right")
    for name, said in sorted(found.drift.items(), key=lambda item: (-item[1].get("psi", 0.0), item[0])):
        psi = said.get("psi")
        level = "" if psi is None or psi < MOVED else "moved" if psi < SHIFTED else "shifted"
        nulls = " -> ".join(f"{share:.1%}" for share in said["nulls"]) if any(said["nulls"]) else ""
        values = f"{said['new']:,}, {said['gone']:,}" if "new" in said else ""
        cells = [name, said["compared"], _number(psi), level, _number(said.get("ks")), _number(said.get("ks_pvalue"))]
        table.add_row(*map(Text, [*cells, f"{found.changes.get(name, 0):,}" if found.key else "", nulls, values]))
    console.print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if value >= 1e-4 or value == 0 else "<0.0001"


def _pairs(row: dict[str, Any]) -> str:
    return ", ".join(f"{column} {_said(value)}" for column, value in row.items())


def _said(value: Any) -> str:
    text = "nothing" if value is None else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
