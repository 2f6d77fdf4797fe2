"""What is planted in the sample world is found, with how much beside it."""

import numpy as np
import polars as pl
import pytest

from within_wf.data.quality.encoding import numbers
from within_wf.data.quality.near_duplicates import row_clusters, text_clusters
from within_wf.data.quality.outliers import conditional_z, seasonal_z
from within_wf.data.sample_world.world import simulate


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    simulate(20_000, 42, folder)
    return folder


def precision_recall(found, true):
    hits = len(set(found) & set(true))
    return hits / max(1, len(set(found))), hits / len(set(true))


def test_spend_that_is_a_hundred_times_too_high(world):
    violations = pl.read_parquet(world / "truth/violations.parquet").filter(pl.col("table") == "ads")["id"]
    ads = pl.read_parquet(world / "ads.parquet").filter(~pl.col("ad_id").is_in(violations.to_list()))
    columns = np.stack([numbers(ads[name]) for name in ("impressions", "clicks", "spend")], axis=1)
    found = ads["ad_id"].gather(conditional_z(columns, 2, 5.0).outliers.tolist()).to_list()
    precision, recall = precision_recall(found, pl.read_parquet(world / "truth/outliers.parquet")["ad_id"].to_list())
    assert recall == 1.0
    assert precision >= 0.6


def test_strange_days_of_accounts(world):
    days = pl.read_parquet(world / "account_days.parquet").with_row_index("row")
    anomalies = pl.read_parquet(world / "truth/anomalies.parquet")
    true = days.join(anomalies, on=["account_id", "date"])["row"].to_list()
    values = numbers(days["clicks"])
    values[numbers(days["impressions"]) < values] = np.nan  # broken rows are found by the contract
    moments, weekdays = days["date"].to_physical().to_numpy(), days["date"].dt.weekday().to_numpy()
    found = seasonal_z(values, days["account_id"].to_numpy(), weekdays, moments, 7.0).outliers.tolist()
    precision, recall = precision_recall(found, true)
    assert recall >= 0.8
    assert precision >= 0.5


def test_rows_written_twice_and_texts_with_a_word_more(world):
    ads = pl.read_parquet(world / "ads.parquet").with_row_index("row")
    repeated = ads.filter(pl.col("ad_id").is_duplicated())
    pairs = {tuple(group["row"].to_list()) for _, group in repeated.group_by("ad_id")}
    columns = ["impressions", "clicks", "spend", "headline", "body", "platform", "start_date"]
    assert {tuple(rows) for rows in row_clusters(ads, columns, 0.95)} == pairs
    bodies = ads["body"].unique().sort().to_list()
    planted = {(row, len(bodies) + at) for at, row in enumerate(range(0, len(bodies), 50))}
    texts = bodies + [bodies[row] + " Now." for row, _ in sorted(planted)]
    found = text_clusters(texts, 0.85, size=5, unit="characters")
    together = {row: at for at, rows in enumerate(found) for row in rows}
    assert all(together.get(a, -1) == together.get(b, -2) for a, b in planted)
    in_pairs = sum(len(rows) for rows in found)
    assert 2 * len(planted) / in_pairs >= 0.5
