"""The checks a model's configuration asks for, against what was planted."""

import numpy as np
import polars as pl
import pytest

from within_wf.config.dataset import AdTable, SeriesTable
from within_wf.config.quality import QualityConfig
from within_wf.data.quality.checks import check_quality
from within_wf.data.quality.sample import draw_sample
from within_wf.data.quality.suspects import rows_to_set_aside, suspects_table
from within_wf.errors import DatasetValidationError

ROLES = AdTable(id="ad", target="score", text=["headline"], numeric=["size"], categorical=["kind"])
WORDS = [
    *("fast", "light", "warm", "cheap", "smart", "small", "grand", "plain"),
    *("quick", "solid", "calm", "clear", "fresh", "bold", "kind", "soft"),
]


def ads(rows=300):
    """Ads whose spend follows clicks, but for the seventh; the ninth is the third again, with a word of its headline more."""
    draws = np.random.default_rng(5)
    impressions = draws.integers(1000, 9000, rows)
    clicks = (impressions * draws.uniform(0.04, 0.06, rows)).astype(int)
    spend = clicks * draws.uniform(0.9, 1.1, rows)
    spend[7] *= 100
    headline = [" ".join(draws.choice(WORDS, 9)) for _ in range(rows)]
    headline[9] = headline[3] + " today"
    kind = draws.choice(["a", "b", "c"], rows)
    size = draws.normal(0, 1, rows)
    score = 5 * size + 10 * (kind == "a") + draws.normal(0, 0.5, rows)
    frame = pl.DataFrame(
        {
            "ad": [f"ad-{row:03}" for row in range(rows)],
            "impressions": impressions,
            "clicks": clicks,
            "spend": spend,
            "headline": headline,
            "kind": kind,
            "size": size,
            "score": score,
        }
    )
    again = frame[12].with_columns(ad=pl.lit("ad-999"))
    return pl.concat([frame, again])


def looked(table, roles=ROLES, kept=None, **sections):
    config = QualityConfig.model_validate(sections)
    kept = pl.repeat(True, table.height, eager=True) if kept is None else kept
    return check_quality(draw_sample(table, kept, roles, config), config)


def ids(quality, check, column):
    return sorted(s.id for f in quality.findings if (f.check, f.column) == (check, column) for s in f.suspects)


def test_what_is_planted_is_found_and_nothing_else():
    quality = looked(ads())
    assert ids(quality, "outliers", "spend") == ["ad-007"]
    assert ids(quality, "near_duplicates", None) == ["ad-012", "ad-999"]
    assert ids(quality, "near_duplicates", "headline") == ["ad-003", "ad-009", "ad-012", "ad-999"]
    assert {found.check for found in quality.findings} == {"outliers", "near_duplicates"}
    assert rows_to_set_aside(quality.findings) == {}
    report = quality.report()
    assert (report["rows"], report["looked_at"], report["not_judged"]) == (301, 301, [])
    spend = next(entry for entry in report["findings"] if entry["column"] == "spend")
    assert (spend["count"], spend["rows"], spend["severity"]) == (1, ["ad-007"], "warn")


def test_the_order_of_rows_changes_nothing():
    table = ads()
    mixed = table[np.random.default_rng(0).permutation(table.height)]
    first, second = looked(table, wrong_labels={"enabled": True}), looked(mixed, wrong_labels={"enabled": True})
    assert suspects_table(first.findings).equals(suspects_table(second.findings))
    assert first.report() == second.report()


def test_rows_that_break_the_contract_are_duplicates_but_no_outliers():
    table = ads()
    kept = pl.Series([row not in (7, 12) for row in range(table.height)])
    quality = looked(table, kept=kept, near_duplicates={"severity": "quarantine"})
    assert ids(quality, "outliers", "spend") == []
    assert ids(quality, "near_duplicates", None) == ["ad-012", "ad-999"]
    assert rows_to_set_aside(quality.findings) == {12: "row: near_duplicates"}, "the sound one stays"


def test_severity_says_what_is_set_aside_and_what_is_refused():
    quality = looked(ads(), outliers={"severity": "quarantine"}, near_duplicates={"severity": "quarantine"})
    assert rows_to_set_aside(quality.findings) == {7: "clicks: outliers; spend: outliers", 300: "row: near_duplicates"}
    quality.refuse("ads")
    strict = looked(ads(), outliers={"severity": "refuse"}, near_duplicates={"severity": "refuse"})
    with pytest.raises(DatasetValidationError, match=r"ads is not as data\.quality asks") as error:
        strict.refuse("ads")
    said = str(error.value)
    assert "ads, column spend, row 8 (ad-007): found outliers by conditional, expected within 5 robust" in said
    assert "ads, rows 13, 301 (ad-012, ad-999): found near duplicates by minhash" in said


def test_checks_that_are_off_find_nothing():
    off = {name: {"enabled": False} for name in ("outliers", "near_duplicates", "leakage")}
    assert looked(ads(), **off).findings == []


def test_a_feature_that_knows_the_answer_is_named():
    table = ads().with_columns(size=pl.col("score") * 2 + 1)
    found = [each for each in looked(table).findings if each.check == "leakage"]
    assert [(each.column, each.suspects) for each in found] == [("size", [])]
    assert found[0].score > 0.99
    with pytest.raises(DatasetValidationError, match=r"column size: found leakage, a score of 1\.000 by one feature"):
        looked(table, leakage={"severity": "refuse"}).refuse("ads")


def first(quality, check, count):
    """The ids that a check is surest of."""
    found = next(each for each in quality.findings if each.check == check)
    return sorted(each.id for each in found.ranked()[:count])


def test_wrong_numbers_of_a_target_are_listed_first():
    table = ads()
    wrong = table.with_columns(score=pl.when(pl.col("ad").is_in(["ad-020", "ad-040"])).then(60.0).otherwise("score"))
    assert first(looked(wrong, wrong_labels={"enabled": True}), "wrong_labels", 2) == ["ad-020", "ad-040"]


def test_what_cannot_be_judged_is_said():
    few = looked(ads().head(10), wrong_labels={"enabled": True})
    assert few.not_judged == [{"check": name, "why": "fewer than 20 sound rows"} for name in ("leakage", "wrong_labels")]
    texts = AdTable(id="ad", target="score", text=["headline"])
    assert looked(ads(), texts, wrong_labels={"enabled": True}).not_judged == [
        {"check": "wrong_labels", "why": "no feature but texts"}
    ]


def series(names, length=60):
    rows = [(name, day, 100.0 + 10 * (day % 7), 0) for name in names for day in range(length)]
    return pl.DataFrame(rows, schema=["s", "t", "v", "bad"], orient="row").with_columns(
        t=pl.date(2024, 1, 1) + pl.duration(days=pl.col("t"))
    )


def test_a_strange_day_of_a_series_and_labels_of_one_class():
    roles = SeriesTable(series="s", time="t", channels=["v"], label="bad")
    table = series("ab").with_columns(
        v=pl.when((pl.col("s") == "a") & (pl.col("t").dt.ordinal_day() == 30)).then(9.0).otherwise("v")
    )
    noisy = table.with_columns(v=pl.col("v") + pl.Series(np.random.default_rng(0).normal(0, 1, table.height)))
    quality = looked(
        noisy,
        roles,
        outliers={"methods": ["seasonal"], "threshold": 8.0},
        near_duplicates={"enabled": False},
        wrong_labels={"enabled": True},
    )
    assert first(quality, "outliers", 1) == ["a 2024-01-30"]
    assert [entry["check"] for entry in quality.not_judged] == ["wrong_labels"]
    assert "at least two" in quality.not_judged[0]["why"]


def test_rows_are_drawn_by_their_ids_and_series_whole():
    config = QualityConfig(max_rows=100)
    table = ads()
    kept = pl.repeat(True, table.height, eager=True)
    sample = draw_sample(table, kept, ROLES, config)
    assert len(sample.ids) == len(set(sample.ids)) == 100
    mixed = table[np.random.default_rng(1).permutation(table.height)]
    assert set(draw_sample(mixed, kept, ROLES, config).ids) == set(sample.ids)
    assert table["ad"].gather(sample.rows.tolist()).to_list() == sample.ids
    days = series("abcdef")
    roles = SeriesTable(series="s", time="t", channels=["v"], label="bad")
    whole = draw_sample(days, pl.repeat(True, days.height, eager=True), roles, QualityConfig(max_rows=150)).table
    assert whole.height == 120
    assert whole["s"].n_unique() == 2
    report = looked(table, max_rows=100).report()
    assert (report["rows"], report["looked_at"]) == (301, 100)


@pytest.mark.parametrize("method", ["robust_z", "isolation_forest"])
def test_the_other_methods_find_a_number_far_from_all(method):
    table = ads().with_columns(size=pl.when(pl.col("ad") == "ad-050").then(1e6).otherwise("size"))
    quality = looked(table, outliers={"methods": [method], "threshold": 4.0})
    assert "ad-050" in ids(quality, "outliers", "size" if method == "robust_z" else None)
