"""The step lists what looks wrong, sets aside what it is told to, and says how much of what was planted it found."""

import json

import polars as pl
import pytest

from within_wf.config.data import AccountDataConfig, AdDataConfig
from within_wf.data.sample_world.recall import recalled
from within_wf.data.sample_world.world import simulate
from within_wf.errors import DatasetValidationError
from within_wf.steps import validate_data
from within_wf.steps.context import StepContext

ADS = {
    "target": "effectiveness",
    "text": ["headline", "body", "call_to_action"],
    "numeric": ["impressions", "spend"],
    "categorical": ["platform", "call_to_action"],
}
RELATED = {
    "accounts": {"references": {"account_id": "account_id"}},
    "annotations": {
        "contract": "annotated_training_set",
        "referenced_by": {"ad_id": "ad_id"},
        "agrees": [{"ours": "effectiveness", "theirs": "mean(score)", "by": "ad_id", "within": 0.005}],
    },
    "industry_benchmarks": {"contract": "industry_benchmark"},
}
RELATED_TO_DAYS = {
    "accounts": {"references": {"account_id": "account_id"}},
    "days": {"agrees": [{"ours": "spend", "theirs": "sum(spend)", "by": ["account_id", "date"], "within": 0.005}]},
}
DAYS = {"channels": ["impressions", "clicks", "conversions", "spend"]}
CONTRACT_ALONE = {check: {"enabled": False} for check in ("outliers", "near_duplicates", "leakage")}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    simulate(20_000, 42, folder)
    return folder


def validate(world, output, quality=None, model="ad_score", **validation):
    output.mkdir()
    known = (AdDataConfig if model == "ad_score" else AccountDataConfig)().model_dump(mode="json")
    config = {
        "dataset.table": ADS if model == "ad_score" else DAYS,
        "dataset.related": RELATED if model == "ad_score" else RELATED_TO_DAYS,
        "data.validation": {"on_violation": "quarantine", **validation},
        "data.quality": {**known["quality"], **(quality or {})},
    }
    validate_data.run(StepContext({"world": world}, output, config, model=model))
    return json.loads((output / "report.json").read_text())


def planted(report):
    return {entry["check"]: entry for entry in report["planted"]}


def test_what_is_planted_in_ads_is_found(world, tmp_path):
    report = validate(world, tmp_path / "out")
    found = planted(report)
    assert (found["violations"]["precision"], found["violations"]["recall"]) == (1.0, 1.0)
    assert found["outliers"]["recall"] == 1.0
    assert found["outliers"]["precision"] >= 0.6
    assert (found["near_duplicates"]["precision"], found["near_duplicates"]["recall"]) == (1.0, 1.0)
    assert {name: part["violations"] for name, part in report["tables"].items()} == {
        "annotations": [],
        "industry_benchmarks": [],
    }
    clean = pl.read_parquet(tmp_path / "out/table.parquet")
    ads = pl.read_parquet(world / "ads.parquet")
    assert clean.height + report["quarantined"] == ads.height
    suspects = pl.read_parquet(tmp_path / "out/suspects.parquet")
    assert suspects.height == sum(entry["count"] for entry in report["quality"]["findings"])
    assert set(suspects["id"]) <= set(ads["ad_id"])


def test_what_is_planted_in_days_is_found(world, tmp_path):
    found = planted(validate(world, tmp_path / "out", model="account_health"))
    assert (found["violations"]["precision"], found["violations"]["recall"]) == (1.0, 1.0)
    assert found["outliers"]["recall"] >= 0.8
    assert found["outliers"]["precision"] >= 0.5
    assert "near_duplicates" not in found


def test_days_of_ads_add_up_to_those_of_accounts_but_where_they_were_spoilt(world, tmp_path):
    report = validate(world, tmp_path / "out", CONTRACT_ALONE, model="account_health")
    wrong = pl.read_parquet(world / "truth/violations.parquet").filter(table="account_days", column="spend")["id"]
    found = {each["rule"]: each for each in report["violations"]}["disagreement"]
    assert (found["count"], found["rows"], found["severity"]) == (wrong.len(), wrong.sort()[:5].to_list(), "warn")


def test_a_wrong_label_is_not_the_mean_of_its_annotations(world, tmp_path):
    warned = validate(world, tmp_path / "warned", CONTRACT_ALONE)
    severity = {"disagreement": "quarantine"}
    aside = validate(world, tmp_path / "aside", CONTRACT_ALONE, severity=severity, max_quarantined_share=0.1)
    wrong = set(pl.read_parquet(world / "truth/wrong_labels.parquet")["ad_id"])
    for report in (warned, aside):
        found = planted(report)
        assert found["wrong_labels"] == {
            "check": "wrong_labels",
            "planted": 8,
            "found": 8,
            "right": 8,
            "precision": 1,
            "recall": 1,
        }
        assert (found["violations"]["precision"], found["violations"]["recall"]) == (1.0, 1.0)
    assert aside["quarantined"] == warned["quarantined"] + len(wrong)
    rows = pl.read_parquet(tmp_path / "aside/quarantine.parquet").filter(rule="effectiveness: disagreement")
    assert set(rows["ad_id"]) == wrong


def test_outliers_are_set_aside_where_the_configuration_says_so(world, tmp_path):
    before = validate(world, tmp_path / "before")
    after = validate(world, tmp_path / "after", {"outliers": {"severity": "quarantine"}})
    suspects = pl.read_parquet(tmp_path / "before/suspects.parquet").filter(check="outliers")["id"].unique()
    kept = pl.read_parquet(tmp_path / "before/table.parquet")
    assert pl.read_parquet(tmp_path / "after/table.parquet").equals(kept.filter(~pl.col("ad_id").is_in(suspects.to_list())))
    assert after["quarantined"] == before["quarantined"] + len(suspects)
    aside = pl.read_parquet(tmp_path / "after/quarantine.parquet")
    assert set(aside.filter(pl.col("rule").str.contains("spend: outliers"))["ad_id"]) <= set(suspects)
    with pytest.raises(DatasetValidationError, match=r"ads is not as data\.quality asks"):
        validate(world, tmp_path / "refused", {"outliers": {"severity": "refuse"}})
    assert list((tmp_path / "refused").iterdir()) == []
    with pytest.raises(DatasetValidationError, match=r"of ads \(\d\.\d%\) break its contract.*allows 1\.5%"):
        validate(world, tmp_path / "many", {"outliers": {"severity": "quarantine"}}, max_quarantined_share=0.015)


def test_an_ad_of_an_account_that_is_not_there(world, tmp_path):
    other = tmp_path / "world"
    other.mkdir()
    for path in world.iterdir():
        (other / path.name).symlink_to(path)
    (other / "accounts.parquet").unlink()
    accounts = pl.read_parquet(world / "accounts.parquet")
    accounts[1:].write_parquet(other / "accounts.parquet")
    gone = accounts["account_id"][0]
    report = validate(other, tmp_path / "warned", CONTRACT_ALONE)
    entry = next(each for each in report["violations"] if each["rule"] == "unknown_reference")
    assert entry["severity"] == "warn"
    assert entry["count"] == pl.read_parquet(world / "ads.parquet").filter(account_id=gone).height
    aside = validate(
        other, tmp_path / "aside", CONTRACT_ALONE, severity={"unknown_reference": "quarantine"}, max_quarantined_share=1
    )
    assert aside["quarantined"] > report["quarantined"]
    with pytest.raises(DatasetValidationError, match="found unknown reference, expected one that accounts knows"):
        validate(other, tmp_path / "refused", CONTRACT_ALONE, severity={"unknown_reference": "refuse"})


def test_precision_and_recall_are_those_of_the_rows_looked_at():
    entries = recalled({"outliers": {"a", "b", "z"}}, {"outliers": {"a", "c", "d"}}, {"outliers": {"a", "b", "c", "d"}})
    assert entries == [{"check": "outliers", "planted": 2, "found": 3, "right": 1, "precision": 1 / 3, "recall": 0.5}]
    assert recalled({"x": set()}, {"x": set()}, {})[0]["recall"] is None
