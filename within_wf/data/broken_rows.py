"""Which rows of a table break which rules; of the table of a file, only the columns that rows are compared in are in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from within_wf.data.cross_rows import SPACING, with_spacing
from within_wf.data.rules import Rule
from within_wf.store.pieces import take


def broken_rows(table: pl.LazyFrame, rules: Sequence[Rule]) -> list[pl.Series]:
    """Whether each row breaks each rule, bool, each of shape [rows]: an eighth of a byte.

    Rules of rows alone are judged in one pass in batches. Of rules across rows only the columns they compare are held; keys are
    held as hashes of 64 bits, and compared themselves only where two hashes are equal.
    """
    alone = {str(number): rule.broken for number, rule in enumerate(rules) if not rule.across}
    found = table.select(**alone).collect(engine="streaming") if alone else pl.DataFrame()
    broken = {number: found[str(number)] for number, rule in enumerate(rules) if not rule.across}
    alike: dict[tuple[str, ...], list[int]] = {}
    for number, rule in enumerate(rules):
        if rule.name == "duplicate":
            broken[number] = _repeated(table, rule)
        elif rule.across:
            alike.setdefault(rule.across, []).append(number)
    for columns, numbers in alike.items():
        compared = table.select(columns).collect(engine="streaming")
        if any(SPACING in rules[number].broken.meta.root_names() for number in numbers):
            compared = with_spacing(compared, *columns)
        broken |= {number: compared.select(rules[number].broken).to_series() for number in numbers}
    return [broken[number] for number in range(len(rules))]


def _repeated(table: pl.LazyFrame, rule: Rule) -> pl.Series:
    keys = table.select(rule.across)
    hashes = keys.select(pl.struct(rule.across).hash()).collect(engine="streaming").to_series().to_numpy()
    ordered = np.sort(hashes)
    several = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    broken = np.zeros(hashes.size, np.bool_)
    if several.size:
        rows = np.flatnonzero(np.isin(hashes, several)).astype(np.int64)
        broken[rows] = take(keys, rows).select(rule.broken).to_series().to_numpy()
    return pl.Series(broken)
