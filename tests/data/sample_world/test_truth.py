"""What is written down as planted is what stands in the tables, neither more nor less."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from within_wf.data.sample_world.accounts import labels
from within_wf.data.sample_world.plan import FIRST_DAY
from within_wf.data.sample_world.world import simulate


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world with every kind of fault, without its creatives."""
    folder = tmp_path_factory.mktemp("large")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("within_wf.data.sample_world.world._write_creatives", lambda *_: None)
        simulate(60_000, 5, folder)
    return folder


def truth(world: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(world / "truth" / f"{name}.parquet")


def facts(world: Path, name: str) -> dict[str, object]:
    return json.loads((world / "truth" / f"{name}.json").read_text())


def broken(table: pl.DataFrame, key: list[str]) -> dict[tuple[str, str], set[str]]:
    """Rows that break each rule, found in the table alone."""
    tests = {
        ("clicks", "clicks_exceed_impressions"): (pl.col("clicks") > pl.col("impressions")) & (pl.col("impressions") >= 0),
        ("impressions", "negative"): pl.col("impressions") < 0,
        ("spend", "negative"): pl.col("spend") < 0,
        ("impressions", "missing"): pl.col("impressions").is_null(),
        ("clicks", "missing"): pl.col("clicks").is_null(),
        (key[0], "duplicate"): pl.struct(key).is_duplicated(),
    }
    if "start_date" in table.columns:
        tests[("end_date", "end_before_start")] = pl.col("end_date") < pl.col("start_date")
        tests[("platform", "missing")] = pl.col("platform").is_null()
        tests[("effectiveness", "out_of_range")] = ~pl.col("effectiveness").is_between(0, 100)
    names = pl.concat_str([pl.col(column).cast(pl.String) for column in key], separator=" ")
    found = {rule: set(table.filter(test).select(names.alias("id"))["id"]) for rule, test in tests.items()}
    return {rule: ids for rule, ids in found.items() if ids}


@pytest.mark.parametrize(("name", "key"), [("ads", ["ad_id"]), ("account_days", ["account_id", "date"])])
def test_violations_are_all_there_are(large: Path, name: str, key: list[str]) -> None:
    written = truth(large, "violations").filter(pl.col("table") == name)
    expected: dict[tuple[str, str], set[str]] = {}
    for row in written.rows(named=True):
        expected.setdefault((row["column"], row["rule"]), set()).add(row["id"])
    table = pl.read_parquet(large / f"{name}.parquet")
    assert broken(table, key) == expected
    assert len(expected) == {"ads": 8, "account_days": 4}[name]
    assert 0 < written.height <= 0.02 * table.height


def test_outliers_are_spends_a_hundred_times_too_high(large: Path) -> None:
    days, ads = pl.read_parquet(large / "days.parquet"), pl.read_parquet(large / "ads.parquet")
    spent = days.group_by("ad_id").agg(((pl.col("spend") * 100).round().cast(pl.Int64)).sum().alias("cents"))
    joined = ads.join(spent, on="ad_id").filter(pl.col("spend") > pl.col("cents") / 10)
    outliers = truth(large, "outliers")
    assert set(joined["ad_id"]) == set(outliers["ad_id"])
    assert (joined["spend"] * 100 / joined["cents"] / 100 - 1).abs().max() < 1e-9
    assert outliers["factor"].unique().to_list() == [100.0]


def test_labels_are_the_means_of_the_judgements_but_where_they_are_swapped(large: Path) -> None:
    annotations, ads = pl.read_parquet(large / "annotations.parquet"), pl.read_parquet(large / "ads.parquet").unique("ad_id")
    wrong = truth(large, "wrong_labels")
    means = annotations.group_by("ad_id").agg(pl.col("score").sum().alias("sum"), pl.len())
    invalid = truth(large, "violations").filter(pl.col("column") == "effectiveness")["id"]
    joined = ads.join(means, on="ad_id").filter(~pl.col("ad_id").is_in(invalid.implode()))
    right = (joined["sum"] / joined["len"] - joined["effectiveness"]).abs() <= 0.0051
    assert set(joined.filter(~right)["ad_id"]) <= set(wrong["ad_id"])
    swapped = wrong.join(wrong, left_on="swapped_with", right_on="ad_id", suffix="_other")
    assert swapped.height == wrong.height
    assert (swapped["label"] == swapped["right_label_other"]).all()
    assert wrong.height / ads["ad_id"].n_unique() == pytest.approx(0.015, abs=0.004)


def test_unhealthy_days_are_the_labelled_days_of_failing_accounts(large: Path) -> None:
    failing = truth(large, "failing_accounts")
    expected = {
        (row["account_id"], row["label_start"] + timedelta(days=i))
        for row in failing.rows(named=True)
        for i in range((row["label_end"] - row["label_start"]).days + 1)
    }
    days = pl.read_parquet(large / "account_days.parquet").filter(pl.col("unhealthy") == 1)
    assert set(days.select("account_id", "date").rows()) == expected
    assert set(failing["kind"]) == {"decline", "collapse", "outage"}
    assert (failing["label_start"] >= failing["start_date"]).all()
    assert (failing["start_date"].dt.month().unique().sort() == pl.Series([1, 2, 3, 4, 5, 6])).all()


def test_trouble_shows_in_the_tables(large: Path) -> None:
    """Deep in a time of trouble, what it takes away is missing."""
    days = pl.read_parquet(large / "account_days.parquet").unique(["account_id", "date"])
    habits = days.filter(pl.col("unhealthy") == 0).group_by("account_id").agg(pl.sum("clicks", "impressions", "conversions"))
    failing = truth(large, "failing_accounts").with_columns((pl.col("end_date") - pl.duration(days=5)).alias("deep"))
    deep = failing.join(days, on="account_id").filter(pl.col("date").is_between("deep", "end_date"))
    sums = deep.group_by("account_id", "kind").agg(pl.sum("clicks", "impressions", "conversions")).join(habits, on="account_id")
    click = sums["clicks"] / sums["impressions"] / (sums["clicks_right"] / sums["impressions_right"])
    convert = sums["conversions"] / sums["clicks"] / (sums["conversions_right"] / sums["clicks_right"])
    ratios = sums.select("kind").with_columns(click=click, convert=convert).group_by("kind").median()
    medians = {row["kind"]: row for row in ratios.rows(named=True)}
    assert medians["outage"]["convert"] < 0.5 < 0.8 < medians["outage"]["click"]
    assert medians["decline"]["click"] < 0.6
    assert medians["collapse"]["click"] > 0.8


def test_anomalies_are_strange_and_no_trouble(large: Path) -> None:
    days = pl.read_parquet(large / "account_days.parquet").unique(["account_id", "date"])
    anomalies = truth(large, "anomalies")
    joined = anomalies.join(days, on=["account_id", "date"])
    assert joined.height == anomalies.height
    assert joined["unhealthy"].sum() == 0
    usual = days.group_by("account_id").agg(pl.col("impressions").median(), pl.col("clicks").median())
    sized = joined.join(usual, on="account_id", suffix="_usual").with_columns(
        (pl.col("impressions") / pl.col("impressions_usual")).alias("seen"),
        (pl.col("clicks") / pl.col("clicks_usual")).alias("clicked"),
    )
    middle = sized.group_by("kind").agg(pl.median("seen", "clicked"))
    medians = {row["kind"]: row for row in middle.rows(named=True)}
    assert medians["traffic_spike"]["seen"] > 2.5
    assert medians["click_flood"]["clicked"] > 2.5 > 1.3 > medians["click_flood"]["seen"]
    assert medians["dead_day"]["seen"] < 0.3


def test_clicks_cost_more_and_ads_move_in_the_drift_period(large: Path) -> None:
    drift = facts(large, "drift")
    start, end = date.fromisoformat(str(drift["start_date"])), date.fromisoformat(str(drift["end_date"]))
    days = pl.read_parquet(large / "days.parquet").join(
        pl.read_parquet(large / "ads.parquet").unique("ad_id").select("ad_id", "platform", "start_date", "industry"), on="ad_id"
    )
    inside = pl.col("date").is_between(start, end)
    cost = days.group_by(inside.alias("inside"), "industry", "platform").agg((pl.sum("spend") / pl.sum("clicks")).alias("cost"))
    pairs = cost.filter("inside").join(cost.filter(~pl.col("inside")), on=["industry", "platform"])
    assert (pairs["cost"] / pairs["cost_right"]).median() == pytest.approx(drift["cost_per_click_factor"], abs=0.05)
    ads = days.unique("ad_id")
    new = ads.filter(pl.col("start_date").is_between(start, end))["platform"]
    old = ads.filter(pl.col("start_date") < start)["platform"]
    assert (new == drift["ads_move_to"]).mean() - (old == drift["ads_move_to"]).mean() > 0.1


def test_unfair_annotators_score_one_group_down(large: Path) -> None:
    group = facts(large, "unfair_group")
    ads = pl.read_parquet(large / "ads.parquet").unique("ad_id")
    there = (pl.col("audience_age") == group["audience_age"]) & (pl.col("audience_gender") == group["audience_gender"])
    members = ads.with_columns(there.alias("member")).select("ad_id", "member")
    assert members["member"].sum() == group["ads"]
    judged = (
        pl.read_parquet(large / "annotations.parquet").join(members, on="ad_id").join(truth(large, "effectiveness"), on="ad_id")
    )
    judged = judged.with_columns(
        (pl.col("score") - pl.col("effectiveness")).alias("off"),
        pl.col("annotator_id").is_in(list(group["annotators"])).alias("unfair"),
    )
    off = {
        (m, u): judged.filter((pl.col("member") == m) & (pl.col("unfair") == u))["off"].mean() for m in (0, 1) for u in (0, 1)
    }
    shift = (off[1, 1] - off[0, 1]) - (off[1, 0] - off[0, 0])
    assert shift == pytest.approx(group["points"], abs=2.5)


def test_intervention_lifts_conversions_of_treated_accounts(large: Path) -> None:
    known = facts(large, "intervention")
    days = pl.read_parquet(large / "account_days.parquet").unique(["account_id", "date"])
    healthy = days.filter((pl.col("unhealthy") == 0) & (pl.col("clicks") <= pl.col("impressions")))
    after = pl.col("date") >= date.fromisoformat(str(known["start_date"]))
    treated = pl.col("account_id").is_in(list(known["accounts"]))
    rates = healthy.group_by("account_id", treated.alias("treated"), after.alias("after")).agg(
        (pl.sum("conversions") / pl.sum("clicks")).log().alias("rate")
    )
    change = rates.filter("after").join(rates.filter(~pl.col("after")), on="account_id")
    change = change.with_columns((pl.col("rate") - pl.col("rate_right")).alias("change"))
    lift = change.filter("treated")["change"].mean() - change.filter(~pl.col("treated"))["change"].mean()
    assert 2.718281828**lift - 1 == pytest.approx(known["relative_lift"], abs=0.08)


def test_labels_name_days_of_the_world(known: object) -> None:
    plan, episodes = known.plan, known.happenings.episodes  # type: ignore[attr-defined]
    whole = labels(plan, episodes, 0, plan.accounts)
    assert whole.shape == (plan.accounts, plan.days)
    assert (labels(plan, episodes, 30, 31)[0] == whole[30]).all()
    assert str(FIRST_DAY) == "2024-01-01"
