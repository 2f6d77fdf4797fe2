"""Headline tests of the Upworthy Research Archive as a table of ads.

Matias, Munger, Le Quere, Ebersole, The Upworthy Research Archive, a time series of 32,487 experiments in U.S. media,
Scientific Data 8 (2021).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from within_wf.data.layout import Kind
from within_wf.data.readers.table import read_table

COLUMNS: dict[str, Kind] = {
    "clickability_test_id": "text",
    "headline": "text",
    "test_week": "whole",
    "impressions": "whole",
    "clicks": "whole",
}


def read_upworthy(files: Mapping[str, Path]) -> pl.DataFrame:
    """Read packages: a headline and an image, shown beside others in one test.

    Args:
        files: What messages call a file, to its path.

    Returns:
        ad_id (the test and the package's place in it, from 1), test_id, headline, week (year and week as one number, 201446),
        impressions, clicks, ctr_percent (clicks in 100 impressions, missing where there are none), in the files' order.

    Raises:
        DatasetError: The files cannot be read as such packages; everything wrong is named.
    """
    test, place = pl.col("clickability_test_id"), pl.int_range(1, pl.len() + 1).over("clickability_test_id")
    return read_table(files, COLUMNS, fixed=True).select(
        pl.format("{}-{}", test, place).alias("ad_id"),
        test.alias("test_id"),
        "headline",
        pl.col("test_week").alias("week"),
        "impressions",
        "clicks",
        pl.when(pl.col("impressions") > 0).then(100 * pl.col("clicks") / pl.col("impressions")).alias("ctr_percent"),
    )
