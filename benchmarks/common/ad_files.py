"""A table of ads as people bring one: names of its own, gaps among the numbers, and YAML that says what it is."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

AT_ONCE = 500_000
SEED = 7
PRIME = 2**31 - 1
DATASET = """\
name: {name}
description: Ads drawn for a benchmark; the score is the smoothed click-through rate in percent.
source:
  kind: files
  reader: table
  folder: {folder}
  files: ["{files}"]
  columns: {{ad_id: Ad Ref, account_id: Account, start: Launched, impressions: Shown, clicks: Hits, cost: "Cost (EUR)"}}
  computed:
    ctr_percent: 100 * smoothed_rate(clicks, impressions)
    budget_share: log1p(budget) / mean(log1p(budget))
ads:
  id: ad_id
  target: ctr_percent
  group: account_id
  time: start
  numeric: [cost, budget, bid, budget_share]
  categorical: [platform, country, format]
  sensitive: [age]
"""
EXPERIMENT = "dataset: ../data/{name}.yaml\nmodels:\n  ad_score:\n    data:\n      split: {{strategy: group}}\n"


def ads(rows: int, seed: int = SEED) -> Iterator[pl.DataFrame]:
    """Twelve columns, in pieces; as many accounts as fiftieths of the rows."""
    number = np.random.default_rng(seed)
    platforms = pl.Series(["display", "search", "social", "short_video"])
    countries = pl.Series([f"C{country:02}" for country in range(40)])
    formats, ages = pl.Series(["image", "video", "carousel"]), pl.Series(["18-24", "25-34", "35-44", "45-54", "55+"])
    for begin in range(0, rows, AT_ONCE):
        n = min(AT_ONCE, rows - begin)
        # multiples of a prime, taken by the rows, are each number below the rows once: unique ids in no order
        place = np.arange(begin, begin + n, dtype=np.int64) * PRIME % rows
        shown = number.integers(0, 200_000, n)
        yield pl.DataFrame(
            {
                "Ad Ref": pl.Series(place),
                "Account": pl.Series(number.integers(0, max(20, rows // 50), n)),
                "Launched": number.integers(19_000, 20_000, n).astype("datetime64[D]"),
                "platform": platforms.gather(number.integers(0, 4, n)),
                "country": countries.gather(np.minimum(number.geometric(0.1, n), 40) - 1),
                "format": formats.gather(number.integers(0, 3, n)),
                "age": ages.gather(number.integers(0, 5, n)),
                "Shown": shown,
                "Hits": number.binomial(shown, 0.02 * number.uniform(0.2, 1.8, n)),
                "Cost (EUR)": number.gamma(2.0, 40.0, n).round(2),
                "budget": number.lognormal(4.0, 1.0, n).round(2),
                "bid": number.uniform(0.05, 3.0, n).round(3),
            }
        ).with_columns(
            pl.format("ad-{}", pl.col("Ad Ref").cast(pl.String).str.zfill(9)).alias("Ad Ref"),
            pl.format("account-{}", pl.col("Account").cast(pl.String).str.zfill(7)).alias("Account"),
            *(_with_gaps(name, share, number, n) for name, share in (("budget", 0.1), ("bid", 0.3), ("country", 0.02))),
        )


def _with_gaps(name: str, share: float, number: np.random.Generator, n: int) -> pl.Expr:
    return pl.when(pl.Series(number.random(n) >= share)).then(pl.col(name)).alias(name)


def write_parquet_folder(folder: Path, rows: int) -> str:
    """A Parquet file for each piece; the pattern that names them."""
    folder.mkdir(parents=True)
    for number, piece in enumerate(ads(rows)):
        piece.write_parquet(folder / f"part-{number:03}.parquet", compression="zstd")
    return "*.parquet"


def write_csv(folder: Path, rows: int) -> str:
    """One CSV file, compressed; its name."""
    folder.mkdir(parents=True)
    with gzip.open(folder / "ads.csv.gz", "wb", compresslevel=1) as file:
        for number, piece in enumerate(ads(rows)):
            piece.write_csv(file, include_header=number == 0)
    return "ads.csv.gz"
