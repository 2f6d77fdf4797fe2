"""What breaks a contract is counted, named and set aside."""

import polars as pl
import pytest

from within_wf.config.dataset import AdTable
from within_wf.data import DataValidator
from within_wf.data.sample_world.world import simulate
from within_wf.data.validator import validate_table
from within_wf.errors import ConfigError, DatasetValidationError

ROLES = AdTable(id="ad_id", target="score")


def table(**columns):
    return pl.DataFrame({"ad_id": ["a", "b", "c", "d"], "score": [1.0, 2.0, 3.0, 4.0], **columns})


def checked(frame, on_violation="quarantine", share=1.0, **severity):
    return validate_table(
        frame, ROLES, name="ads", on_violation=on_violation, max_quarantined_share=share, severity=severity or None
    )


def test_clean_rows_and_quarantine_together_are_the_table():
    found = checked(table(impressions=[5, -1, 5, None], clicks=[1, 1, 6, 0]))
    assert found.clean["ad_id"].to_list() == ["a"]
    assert found.quarantine["ad_id"].to_list() == ["b", "c", "d"]
    assert found.quarantine["rule"].to_list() == [
        "impressions: negative; clicks: clicks_exceed_impressions",
        "clicks: clicks_exceed_impressions",
        "impressions: missing",
    ]
    report = found.report()
    assert (report["rows"], report["clean"], report["quarantined"]) == (4, 1, 3)
    assert report["violations"][1] == {
        "rule": "negative",
        "column": "impressions",
        "count": 1,
        "severity": "quarantine",
        "rows": ["b"],
        "fix": "Correct the number; a correction of an earlier row does not belong in a row of its own.",
    }


def test_a_sound_table_passes_unchanged():
    found = checked(table(), "refuse")
    assert found.clean.equals(table())
    assert found.quarantine.height == 0
    assert found.violations == []


def test_refusal_names_every_problem_with_its_rows():
    frame = table(impressions=[5, -1, 5, 5], clicks=[1, 0, 6, 7])
    with pytest.raises(DatasetValidationError, match=r"3 of 4 rows of ads break its contract") as error:
        checked(frame, "refuse")
    assert [str(problem) for problem in error.value.problems] == [
        "ads, column impressions, row 2 (b): found negative, expected at least 0. Correct the number; a correction of an "
        "earlier row does not belong in a row of its own.",
        "ads, column clicks, rows 2, 3, 4 (b, c, d): found clicks exceed impressions, expected clicks at most impressions. "
        "Correct the row, or leave it out.",
    ]


def test_too_many_rows_in_quarantine_are_refused():
    frame = table(impressions=[5, -1, 5, 5])
    with pytest.raises(DatasetValidationError, match=r"1 of 4 rows of ads \(25\.0%\).*allows 20\.0%"):
        checked(frame, share=0.2)
    assert checked(frame, share=0.25).clean.height == 3


def test_a_table_without_rows_or_without_sound_rows_is_refused():
    with pytest.raises(DatasetValidationError, match="ads is empty"):
        checked(table().clear())
    with pytest.raises(DatasetValidationError, match="4 of 4 rows"):
        checked(table(impressions=[-1] * 4))


def test_columns_are_missing_or_of_another_type():
    frame = pl.DataFrame({"ad_ID": ["a"], "impressions": ["many"], "clicks": [1.5]})
    with pytest.raises(DatasetValidationError) as error:
        checked(frame)
    assert [problem.where for problem in error.value.problems] == [
        "ads, column ad_id",
        "ads, column score",
        "ads, column clicks",
        "ads, column impressions",
    ]
    assert "Rename ad_ID to ad_id" in str(error.value)


def test_the_specifications_face_says_yes_or_no(tmp_path):
    simulate(2000, 7, tmp_path)
    ads = pl.read_parquet(tmp_path / "ads.parquet")
    sound = ads.filter(~pl.col("ad_id").is_in(pl.read_parquet(tmp_path / "truth/violations.parquet")["id"].to_list()))
    validator = DataValidator()
    assert validator.validate(sound, "ad_performance")
    assert validator.validate(sound.to_pandas(), "ad_performance")
    assert not validator.validate(ads, "ad_performance")
    assert not validator.validate(ads, "account_health")
    with pytest.raises(DatasetValidationError, match="one of account_health, ad_performance"):
        validator.validate(ads, "ad_preformance")


def test_every_fault_that_was_planted_is_found_and_no_other(tmp_path):
    simulate(40_000, 3, tmp_path)
    ads = pl.read_parquet(tmp_path / "ads.parquet")
    found = validate_table(
        ads, AdTable(target="effectiveness"), name="ads", on_violation="quarantine", max_quarantined_share=0.1
    )
    planted = pl.read_parquet(tmp_path / "truth/violations.parquet").filter(table="ads")
    assert planted["rule"].n_unique() >= 5
    assert sorted(found.quarantine["ad_id"]) == sorted(planted["id"])
    wanted = set(planted.select("id", rule=pl.format("{}: {}", "column", "rule")).rows())
    named = {(name, rule) for name, rules in found.quarantine.select("ad_id", "rule").rows() for rule in rules.split("; ")}
    assert wanted <= named


def test_a_row_that_weighs_less_than_nothing_is_set_aside():
    roles = AdTable(id="ad_id", target="score", weight="people")
    frame = table(people=[1.0, 0.0, -5.0, 2.0])
    found = validate_table(frame, roles, name="ads", on_violation="quarantine", max_quarantined_share=1.0)
    assert found.quarantine["ad_id"].to_list() == ["c"]
    assert found.quarantine["rule"].to_list() == ["people: negative"]


def test_numbers_that_no_sum_can_hold_are_set_aside():
    found = checked(table(spend=[1.0, 1e308, -1e101, 1e100]))
    assert found.quarantine["ad_id"].to_list() == ["b", "c"]
    assert found.quarantine["rule"].to_list() == ["spend: too_large", "spend: too_large; spend: negative"]


def test_each_rule_has_its_severity():
    frame = table(impressions=[5, -1, 5, 5], clicks=[1, 0, 6, 7], spend=[-1.0, 0.0, 0.0, 0.0])
    found = checked(frame, clicks_exceed_impressions="warn")
    assert found.clean["ad_id"].to_list() == ["c", "d"]
    assert {each["rule"]: each["severity"] for each in found.report()["violations"]} == {
        "negative": "quarantine",
        "clicks_exceed_impressions": "warn",
    }
    assert all("exceed" not in problem.found for problem in found.problems("ads"))
    with pytest.raises(DatasetValidationError, match=r"or change data\.validation\.severity"):
        checked(frame, negative="refuse")
    assert checked(frame, "refuse", negative="warn", clicks_exceed_impressions="warn").clean.equals(frame)


def test_rows_of_which_nothing_can_be_made_are_not_only_warned_of():
    with pytest.raises(ConfigError, match=r"ads, column ad_id: found duplicate: warn, expected refuse or quarantine"):
        checked(pl.concat([table(), table()]), duplicate="warn")
    with pytest.raises(ConfigError, match=r"column score: found not_finite: warn"):
        checked(pl.DataFrame({"ad_id": ["a", "b"], "score": [1.0, float("nan")]}), not_finite="warn")
    with pytest.raises(ConfigError, match=r"column score: found missing: warn"):
        checked(pl.DataFrame({"ad_id": ["a", "b"], "score": [1.0, None]}), missing="warn")
    assert checked(table(impressions=[1, None, 3, 4]), missing="warn").clean.height == 4


def test_rows_set_aside_later_join_the_quarantine_in_their_order():
    found = checked(table(impressions=[5, -1, 5, -1]))
    after = found.set_aside({2: "row: outliers", 0: "spend: outliers", 1: "row: outliers"})
    assert after.clean.height == 0
    assert after.quarantine.select("ad_id", "rule").rows() == [
        ("a", "spend: outliers"),
        ("b", "impressions: negative"),
        ("c", "row: outliers"),
        ("d", "impressions: negative"),
    ]
    assert after.report()["quarantined"] == 4
    assert found.set_aside({1: "x"}) is found
