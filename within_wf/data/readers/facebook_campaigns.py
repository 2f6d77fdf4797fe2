"""Ads of three Facebook campaigns as a table of ads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from within_wf.data.layout import Kind
from within_wf.data.readers.table import read_table

COLUMNS: dict[str, tuple[str, Kind]] = {
    "ad_id": ("ad_id", "text"),
    "xyz_campaign_id": ("campaign_id", "text"),
    "age": ("age", "text"),
    "gender": ("gender", "text"),
    "interest": ("interest", "text"),
    "Date": ("date", "moment"),
    "Impressions": ("impressions", "whole"),
    "Clicks": ("clicks", "whole"),
    "Spent": ("spend", "number"),
    "Total_Conversion": ("conversions", "whole"),
}
"""A column of the file to its name here and its kind."""


def read_facebook_campaigns(files: Mapping[str, Path]) -> pl.DataFrame:
    """Read ads with whom they were shown to and how they did.

    Few of these ads were clicked more than a few times, so the score is drawn to the rate of all ads together: each ad counts
    as if it had been shown so often, besides, that one click was to be expected, and had been clicked once. It is the mean
    of a beta posterior whose prior has the mean r = clicks / impressions of all ads and the weight of 1 / r impressions:
    ctr_percent = 100 (clicks + 1) / (impressions + 1 / r). Source: Gelman et al., Bayesian Data Analysis, chapter 2. The one
    number r is of all ads, whatever side of a split they come to lie on; it is the same for each of them.

    Args:
        files: What messages call a file, to its path.

    Returns:
        ad_id, campaign_id, age, gender, interest (text), date, impressions, clicks, spend (currency units), conversions (all
        that followed, approved or not), ctr_percent (in percent; missing where impressions are, or where no ad was clicked),
        in the files' order.

    Raises:
        DatasetError: The files cannot be read as such ads; everything wrong is named.
    """
    table = read_table(files, {column: kind for column, (_, kind) in COLUMNS.items()}, fixed=True)
    table = table.select(pl.col(column).alias(name) for column, (name, _) in COLUMNS.items())
    return table.with_columns(_smoothed(table).alias("ctr_percent"))


def _smoothed(table: pl.DataFrame) -> pl.Expr:
    """The score of each ad, from two sums of whole numbers."""
    counted = table.filter(pl.col("impressions") > 0, pl.col("clicks") >= 0)
    clicks, impressions = int(counted["clicks"].sum()), int(counted["impressions"].sum())
    if not clicks:
        return pl.lit(None, pl.Float64)
    return 100 * (pl.col("clicks") + 1) / (pl.col("impressions") + impressions / clicks)
