"""Synthetic ads are ads: their columns hold what was seen, and the target goes with them."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from within_wf.augment import AdSynthesizer
from within_wf.config.dataset import AdTable
from within_wf.config.features import AggregateConfig, FeatureConfig
from within_wf.errors import DatasetError
from within_wf.features import Preprocessor

ROLES = AdTable(target="score", numeric=["spend", "shown"], categorical=["place", "age"], time="start", weight="counts")
EFFECT = {"feed": 2.0, "search": 0.0, "banner": -1.0}
ROWS = 3000
IDS = np.arange(ROWS)


def ads():
    draws = np.random.default_rng(0)
    spend, place = draws.gamma(2, 3, ROWS), draws.choice([*EFFECT], ROWS, p=[0.2, 0.5, 0.3])
    score = 0.5 * spend + np.array([EFFECT[name] for name in place]) + 0.5 * draws.normal(size=ROWS)
    days = draws.integers(0, 60, ROWS)
    return pl.DataFrame(
        {
            "ad_id": [f"ad{row}" for row in range(ROWS)],
            "spend": [value if row % 5 else None for row, value in enumerate(spend)],
            "shown": draws.poisson(1000, ROWS),
            "place": [name if row % 7 else None for row, name in enumerate(place)],
            "age": draws.integers(18, 21, ROWS),
            "start": [date(2024, 1, 1) + timedelta(days=int(day)) for day in days],
            "counts": draws.integers(1, 9, ROWS),
            "score": score + 0.02 * days,
        }
    )


ADS = ads()
TIMED = FeatureConfig(
    calendar=["month"],
    crossings=[["place", "age"]],
    aggregates=[AggregateConfig(by="place", columns=["clicks"], rows="earlier"), AggregateConfig(by="age", columns=["spend"])],
)


def made(table=ADS, features=None, ids=IDS, seed=42):
    return AdSynthesizer(ROLES, features or FeatureConfig()).fit(table).sample(ids, seed)


def test_values_are_those_of_the_columns():
    found = made()
    assert found.columns == ["spend", "shown", "score", "counts", "place", "age"]
    assert set(found["place"]) == {*EFFECT, None}
    assert set(found["age"]) == {"18", "19", "20"}
    assert (found["shown"] == found["shown"].round()).all()
    assert found["counts"].is_between(1, 8).all()
    assert found["spend"].min() >= ADS["spend"].min()
    assert found["spend"].max() <= ADS["spend"].max()
    assert not set(found["score"]) <= set(ADS["score"])


def test_columns_are_distributed_as_before_gaps_included():
    found = made()
    for name in ("spend", "score", "shown"):
        assert stats.ks_2samp(found[name].drop_nulls(), ADS[name].drop_nulls()).pvalue > 0.01, name
    assert found["spend"].null_count() / ROWS == pytest.approx(0.2, abs=0.03)
    for name in ("place", "age"):
        shares = [{key: n / ROWS for key, n in table[name].cast(pl.String).value_counts().rows()} for table in (found, ADS)]
        assert shares[0] == pytest.approx(shares[1], abs=0.04)


def test_the_target_goes_with_numbers_categories_and_time():
    found = made(features=TIMED, table=ADS.with_columns(clicks=pl.col("shown") // 10))
    both = [table.drop_nulls(["spend", "place"]) for table in (found, ADS)]
    ranks = [stats.spearmanr(table["spend"], table["score"]).statistic for table in both]
    assert ranks[0] == pytest.approx(ranks[1], abs=0.12)
    means = [dict(table.group_by("place").agg(pl.col("score").mean()).rows()) for table in both]
    assert sorted(means[0], key=means[0].get) == sorted(means[1], key=means[1].get) == ["banner", "search", "feed"]
    assert means[0]["feed"] - means[0]["banner"] > 1
    days = found["start"].to_physical().to_numpy()
    assert set(found["start"]) <= set(ADS["start"])
    assert stats.spearmanr(days, found["score"]).statistic == pytest.approx(
        stats.spearmanr(ADS["start"].to_physical(), ADS["score"]).statistic, abs=0.08
    )


def test_features_are_made_as_of_any_new_ad():
    table = ADS.with_columns(clicks=pl.col("shown") // 10)
    found = made(table, TIMED, IDS[:50])
    preprocessor = Preprocessor.of(ROLES, TIMED).fit(table)
    x = preprocessor.transform(found)
    assert np.isfinite(x).all()
    names = preprocessor.feature_names
    for column in ("place", "age", "place x age"):
        indicators = x[:, [number for number, name in enumerate(names) if name.startswith(f"{column}=")]]
        assert set(indicators.sum(axis=1)) == {1.0}, column
    np.testing.assert_array_equal(x[:, names.index("spend is missing")], found["spend"].is_null().to_numpy())


def test_neither_the_order_of_rows_nor_company_changes_a_bit():
    found = made(ids=IDS[:40], seed=7)
    assert made(ADS.sample(fraction=1, shuffle=True, seed=1), ids=IDS[:40], seed=7).equals(found)
    assert made(ids=IDS[10:20], seed=7).equals(found[10:20])
    assert not made(ids=IDS[:40], seed=8).equals(found)
    assert made(ids=IDS[:0]).shape == (0, 6)


def test_a_column_of_one_value_or_none_stays_so():
    table = ADS.with_columns(spend=pl.lit(None, pl.Float64), shown=pl.lit(5), place=pl.lit(None, pl.String), age=pl.lit("x"))
    found = made(table, ids=IDS[:9])
    assert found["spend"].null_count() == found["place"].null_count() == 9
    assert set(found["shown"]) == {5.0}
    assert set(found["age"]) == {"x"}


def test_ads_without_a_target_teach_nothing():
    with_gaps = ADS.with_columns(score=pl.when(pl.col("ad_id") > "ad5").then("score"))
    known = with_gaps.drop_nulls("score")
    assert made(with_gaps, ids=IDS[:9]).equals(made(known, ids=IDS[:9]))
    with pytest.raises(DatasetError, match="the training ads: found 1 with a target, expected two or more"):
        made(ADS[:1])
    with pytest.raises(DatasetError, match="copula: found no rows"):
        AdSynthesizer(ROLES, FeatureConfig()).sample(IDS)
