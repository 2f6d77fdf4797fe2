"""The prose of an ad as one text."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

SEPARATOR = "\n"


def joined_text(table: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """The columns of each row, one a line; empty and missing ones are left out."""
    if not columns:
        return pl.Series("text", [""] * table.height, pl.String)
    parts = [pl.col(name).str.strip_chars().replace("", None) for name in columns]
    return table.select(text=pl.concat_str(parts, separator=SEPARATOR, ignore_nulls=True).fill_null(""))["text"]
