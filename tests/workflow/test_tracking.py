"""The rule that records, in whole runs whose artifacts are committed beforehand: nothing is computed."""

import json
import shutil

import pytest

from tests.steps.judged_world import make
from tests.workflow.place import ROOT, Place
from within_wf.steps.place import open_store
from within_wf.steps.workflow import open_workflow
from within_wf.tracking import compare_experiments

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A checkout where everything is made and nothing recorded."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))
    found = Place(tmp_path / "run", tmp_path / "store")
    found.folder.mkdir()
    monkeypatch.chdir(found.folder)
    make(open_workflow({}, ROOT / "configs").plan, open_store())
    return found


def markers(place):
    return [json.loads(path.read_text()) for path in sorted((place.folder / "out" / "track").glob("*/*.run.json"))]


def recorded(tmp_path):
    uri = f"sqlite:///{tmp_path / 'store-tracking' / 'mlflow.db'}"
    return compare_experiments(["within_wf"], ["test.rmse"], tracking_uri=uri)["comparison_table"]


def test_both_models_are_recorded_once_whoever_asks(place, tmp_path):
    place.run("train_all", small=False)
    runs = {marker["run"] for marker in markers(place)}
    assert set(recorded(tmp_path)["run_id"]) == runs
    assert len(runs) == 2
    assert "Nothing to be done" in place.run("train_all", small=False)
    clone = Place(tmp_path / "clone", place.store)
    assert "Nothing to be done" in clone.run("train_all", small=False)
    assert {marker["run"] for marker in markers(clone)} == runs
    assert len(recorded(tmp_path)) == 2


def test_a_report_that_is_newer_is_no_reason_to_record_again(place):
    place.run("train_all", small=False)
    reports = list((place.folder / "out" / "report_model").glob("*/*.ref.json"))
    assert len(reports) == 2
    for path in reports:
        path.touch()
    shutil.rmtree(place.folder / ".snakemake")
    assert "Nothing to be done" in place.run("train_all", small=False)


def test_a_server_that_is_not_there_fails_no_run_and_is_tried_again(place):
    place.more["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    for _ in range(2):
        text = place.run("train_all", "set=tracking.uri=http://me:hunter2@127.0.0.1:9", small=False)
        assert text.count("is not recorded yet; nothing else is lost, and the next run tries again.") == 2
        assert [list(marker) for marker in markers(place)] == [["pending"], ["pending"]]
    text = place.run("train_all", small=False)
    assert "not recorded" not in text
    assert sum("run" in marker for marker in markers(place)) == 2


def test_a_run_without_tracking(place, tmp_path):
    assert "Nothing to be done" in place.run("train_all", "set=tracking.enabled=false", small=False)
    assert not (tmp_path / "store-tracking").exists()


def test_one_model_is_recorded_where_one_is_asked_for(place):
    place.run("ad_score", small=False)
    assert len(markers(place)) == 1
