import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.steps.judged_world import make, plan_world, write_plan
from within_wf.config.run import TrackingConfig
from within_wf.errors import TrackingError
from within_wf.steps.place import open_store
from within_wf.steps.recorded import read_record
from within_wf.steps.tracking import plan_tracking, refresh, track
from within_wf.tracking.client import connect, create_database
from within_wf.tracking.target import Target


@pytest.fixture(scope="session")
def empty(tmp_path_factory):
    """An empty database, made once."""
    database = tmp_path_factory.mktemp("empty") / "mlflow.db"
    create_database(Target.resolve("x", f"sqlite:///{database}"))
    return database


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch, empty):
    monkeypatch.chdir(tmp_path)
    for store in (tmp_path / ".within" / "store", tmp_path / "store"):
        folder = store.with_name("store-tracking")
        folder.mkdir(parents=True)
        shutil.copyfile(empty, folder / "mlflow.db")
    monkeypatch.delenv("WITHIN_STORE", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_LOGGING_LEVEL"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
        monkeypatch.delenv(name)


def record_all(plan, config=None):
    """Do what a run does: plan, refresh, and a job for every marker that is missing; returns the jobs."""
    tracking = plan_tracking(plan, config or TrackingConfig())
    refresh(tracking)
    jobs = [marker for marker in tracking.markers if not Path(marker.path).exists()]
    path = write_plan(plan, Path(".within/plans/plan.json"))
    for marker in jobs:
        track(marker.name, path, tracking.settings, Path(marker.path), Path("logs/track.log"))
    return jobs


def content(plan, config=None):
    (marker,) = plan_tracking(plan, config or TrackingConfig()).markers
    return json.loads(Path(marker.path).read_text())


def runs():
    client = connect(Target.resolve("within_wf"))
    experiment = client.get_experiment_by_name("within_wf")
    return [] if experiment is None else list(client.search_runs([experiment.experiment_id]))


def test_a_judged_model_is_recorded_once():
    plan = plan_world("ad_score")
    make(plan, open_store())
    assert len(record_all(plan)) == 1
    (run,) = runs()
    assert content(plan)["run"] == run.info.run_id
    assert run.data.metrics == {"test.rmse": 1.5, "training.train_loss": 0.5, "training.validation_loss": 0.25}
    assert run.data.params["training.rate"] == "0.1"
    assert "recorded as run" in Path("logs/track.log").read_text()
    assert record_all(plan) == []


def test_both_models_are_recorded():
    plan = plan_world("ad_score") | plan_world("account_health")
    make(plan, open_store())
    assert sorted(marker.name for marker in record_all(plan)) == ["world.account_health", "world.ad_score"]
    assert len(runs()) == 2


def test_another_configuration_is_another_run_and_going_back_is_none():
    for rate, jobs in ((0.1, 1), (0.2, 1), (0.1, 0)):
        plan = plan_world("ad_score", rate)
        make(plan, open_store())
        assert len(record_all(plan)) == jobs
    assert sorted(run.data.params["training.rate"] for run in runs()) == ["0.1", "0.2"]


def test_a_second_clone_has_nothing_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))
    plan = plan_world("ad_score")
    make(plan, open_store())
    record_all(plan)
    (tmp_path / "clone").mkdir()
    monkeypatch.chdir(tmp_path / "clone")
    make(plan, open_store())
    assert record_all(plan) == []
    assert content(plan)["run"] == runs()[0].info.run_id


def test_a_known_run_is_marked_without_mlflow(monkeypatch):
    plan = plan_world("ad_score")
    make(plan, open_store())
    record_all(plan)
    tracking = plan_tracking(plan, TrackingConfig())
    (marker,) = tracking.markers
    Path(marker.path).unlink()
    monkeypatch.setitem(sys.modules, "within_wf.tracking.record", None)
    track(marker.name, Path(".within/plans/plan.json"), tracking.settings, Path(marker.path), Path("logs/track.log"))
    assert "run" in content(plan)
    assert "recorded before as run" in Path("logs/track.log").read_text()


def test_a_run_whose_database_is_gone_is_recorded_anew():
    plan = plan_world("ad_score")
    make(plan, open_store())
    record_all(plan)
    Path(".within/store-tracking/mlflow.db").unlink()
    assert len(record_all(plan)) == 1
    assert len(runs()) == 1


def test_a_database_that_cannot_be_read_just_now_changes_no_marker():
    plan = plan_world("ad_score")
    make(plan, open_store())
    record_all(plan)
    Path(".within/store-tracking/mlflow.db").write_text("something else" * 100)
    assert record_all(plan) == []


def test_a_server_that_is_not_there_warns_and_is_tried_again(capsys, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    plan = plan_world("ad_score")
    make(plan, open_store())
    config = TrackingConfig(uri="http://me:hunter2@127.0.0.1:9")
    assert len(record_all(plan, config)) == 1
    warning = capsys.readouterr().err
    assert warning.startswith(
        "within-wf: world.ad_score is not recorded yet; nothing else is lost, and the next run tries again."
    )
    assert warning.count("\n") == 1
    assert list(content(plan, config)) == ["pending"]
    assert len(record_all(plan, config)) == 1
    said = warning + Path("logs/track.log").read_text() + json.dumps(content(plan, config))
    assert "hunter2" not in said


def test_any_fault_of_mlflow_is_a_warning(capsys, monkeypatch):
    import within_wf.tracking.record as room

    def fail(*_):
        raise ZeroDivisionError("inside")

    monkeypatch.setattr(room, "log_record", fail)
    plan = plan_world("ad_score")
    make(plan, open_store())
    record_all(plan)
    assert "ZeroDivisionError: inside" in capsys.readouterr().err
    assert "Traceback" in Path("logs/track.log").read_text()
    monkeypatch.undo()


def test_what_is_not_made_or_planned_is_a_warning(capsys):
    plan = plan_world("ad_score")
    assert len(record_all(plan)) == 1
    assert "is not made yet; start the workflow again" in capsys.readouterr().err
    tracking = plan_tracking(plan, TrackingConfig())
    track("world.other", Path(".within/plans/plan.json"), tracking.settings, Path("out/m.run.json"), Path("logs/x.log"))
    assert "judges no world.other; start the workflow again" in capsys.readouterr().err


def test_an_artifact_that_left_the_store_is_a_warning(capsys):
    plan = plan_world("ad_score")
    make(plan, open_store())
    store = open_store()
    store.drop(json.loads(Path(plan["report_model/world.ad_score"].ref).read_text())["action"])
    record_all(plan)
    assert "report_model/world.ad_score left the store; start the workflow again" in capsys.readouterr().err


def test_a_damaged_marker_is_no_marker():
    plan = plan_world("ad_score")
    make(plan, open_store())
    (marker,) = record_all(plan)
    Path(marker.path).write_text("{")
    assert record_all(plan) == []
    assert "run" in content(plan)


def test_nothing_is_recorded_where_tracking_is_off():
    shutil.rmtree(".within/store-tracking")
    plan = plan_world("ad_score")
    make(plan, open_store())
    assert record_all(plan, TrackingConfig(enabled=False)) == []
    assert not Path(".within/store-tracking").exists()


def test_a_model_that_is_not_judged_has_no_marker():
    plan = {key: node for key, node in plan_world("ad_score").items() if node.step in ("simulate_world", "validate_data")}
    assert plan_tracking(plan, TrackingConfig()).markers == ()


def test_another_place_or_experiment_has_its_own_marker():
    plan = plan_world("ad_score")
    configs = (TrackingConfig(), TrackingConfig(experiment="other"), TrackingConfig(uri="http://host"))
    assert len({plan_tracking(plan, config).markers[0].path for config in configs}) == 3


def test_an_impossible_uri_ends_the_run_before_it_begins():
    with pytest.raises(TrackingError, match=r"tracking.uri: found nonsense"):
        plan_tracking(plan_world("ad_score"), TrackingConfig(uri="nonsense"))


def test_the_settings_are_for_their_owner_alone():
    config = TrackingConfig(uri="http://me:hunter2@host")
    path = plan_tracking(plan_world("ad_score"), config).settings
    assert path.stat().st_mode & 0o777 == 0o600
    assert TrackingConfig.model_validate_json(path.read_text()) == config
    again = plan_tracking(plan_world("ad_score"), TrackingConfig(uri="http://me:other@host")).settings
    assert again == path
    assert "other" in path.read_text()


def test_a_record_leads_back_to_the_store_and_to_raw_bytes():
    plan = plan_world("ad_score", files=True)
    make(plan, open_store())
    nodes = plan_tracking(plan, TrackingConfig()).markers[0].inputs
    record = read_record(plan, nodes, open_store())
    raw = plan["read_source/world"].parts["raw"]["ads.csv"]
    other = plan["validate_data/world.ad_score"].parts["raw"]["accounts/accounts.csv"]
    assert [(data.name, data.digest, data.source) for data in record.datasets] == [
        ("world/ads.csv", raw, "ads.csv"),
        ("world/accounts/accounts.csv", other, "accounts/accounts.csv"),
    ]
    assert record.tags["within_wf.raw.ads.csv"] == raw
    assert record.tags["within_wf.raw.accounts/accounts.csv"] == other
    trained = plan["train_ad_score/world.ad_score"]
    assert record.tags["within_wf.key.train_ad_score"] == trained.key
    assert record.tags["within_wf.artifact.train_ad_score"] == json.loads(Path(trained.ref).read_text())["digest"]
    assert sorted(record.files) == ["history.json", "metrics.json", "report.html"]
    assert record.params == {
        "dataset.source": {"kind": "files"},
        "dataset.ads": {"id": "ad_id"},
        "training": {"rate": 0.1},
        "evaluation": {},
    }


def test_a_drawn_world_is_named_by_what_it_came_to():
    plan = plan_world("account_health")
    make(plan, open_store())
    record = read_record(plan, plan_tracking(plan, TrackingConfig()).markers[0].inputs, open_store())
    drawn = json.loads(Path(plan["simulate_world/world"].ref).read_text())["digest"]
    assert [(data.name, data.digest) for data in record.datasets] == [("world", drawn)]
    assert "dataset.series" in record.params
    assert (record.started, record.ended) == (None, None)


def test_times_author_and_commit_come_from_provenance():
    from within_wf.steps.provenance import provenance_path

    plan = plan_world("ad_score")
    make(plan, open_store())
    for step, started, seconds in (("train_ad_score", 1000.0, 20.0), ("evaluate_ad_score", 1020.0, 5.0)):
        path = provenance_path(Path(plan[f"{step}/world.ad_score"].ref))
        path.write_text(json.dumps({"started_seconds": started, "seconds": seconds, "who": "ann", "commit": "abc"}))
    record = read_record(plan, plan_tracking(plan, TrackingConfig()).markers[0].inputs, open_store())
    assert (record.started, record.ended) == (1000.0, 1025.0)
    assert (record.tags["mlflow.user"], record.tags["mlflow.source.git.commit"]) == ("ann", "abc")
