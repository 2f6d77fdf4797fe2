import math
from dataclasses import replace

import pytest

from tests.tracking.conftest import METRICS
from within_wf.errors import TrackingError
from within_wf.tracking.client import connect
from within_wf.tracking.record import log_record, scores
from within_wf.tracking.target import Target


def runs(target):
    client = connect(target)
    experiment = client.get_experiment_by_name(target.experiment)
    return list(client.search_runs([experiment.experiment_id]))


def test_everything_of_a_record_is_there(target, record):
    client, run_id = connect(target), log_record(target, record)
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert (run.info.start_time, run.info.end_time) == (1_000_000, 1_060_500)
    assert run.info.run_name == "sample_world.ad_score aaaaaaaa"
    assert run.data.params == {
        "model.head.dropout": "0.1",
        "model.head.layers": "[64, 32]",
        "training.seed": "7",
        "training.name": "first",
        "training.stop": "null",
    }
    assert run.data.metrics == scores(METRICS) | {
        "training.train_loss": 0.3,
        "training.validation_loss": 0.4,
        "training.learning_rate": 0.1,
    }
    losses = client.get_metric_history(run_id, "training.train_loss")
    assert [(point.step, point.value) for point in losses] == [(1, 0.5), (2, 0.3)]
    wanted = {
        "team": "ads",
        "within_wf.action_key": "a" * 64,
        "within_wf.name": record.name,
        "within_wf.raw.ads _1_.csv": "b" * 64,
    }
    assert wanted.items() <= run.data.tags.items()
    (data,) = run.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest, data.dataset.source) == ("sample_world", "c" * 36, "drawn")
    assert sorted(file.path for file in client.list_artifacts(run_id)) == ["config.json", "more", "report.html"]
    assert (target.artifacts / run_id / "artifacts" / "more" / "report.html").read_text() == "<p>A report."


def test_recording_again_makes_no_second_run(target, record):
    first = log_record(target, record)
    assert log_record(target, record) == first
    assert len(runs(target)) == 1


def test_another_evaluation_or_model_is_another_run(target, record):
    made = {
        log_record(target, record),
        log_record(target, replace(record, action="b" * 64)),
        log_record(target, replace(record, name="other.ad_score")),
    }
    assert len(made) == len(runs(target)) == 3


def test_a_run_that_was_left_half_done_is_finished(target, record, monkeypatch):
    from mlflow.tracking import MlflowClient

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, "log_artifacts", die)
        with pytest.raises(KeyboardInterrupt):
            log_record(target, record)
    (half,) = runs(target)
    assert half.info.status == "RUNNING"
    run_id = log_record(target, record)
    assert run_id == half.info.run_id
    assert [run.info.status for run in runs(target)] == ["FINISHED"]
    history = connect(target).get_metric_history(run_id, "training.train_loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (2, 0.3)]


def test_many_parameters_and_epochs_go_in_several_batches(target, record):
    epochs = [{"epoch": number, "train_loss": 1 / number} for number in range(1, 1202)]
    many = replace(record, params={f"p{number}": number for number in range(250)}, history={"epochs": epochs})
    run_id = log_record(target, many)
    client = connect(target)
    assert len(client.get_run(run_id).data.params) == 250
    assert len(client.get_metric_history(run_id, "training.train_loss")) == 1201


def test_times_are_those_of_now_where_none_are_known(target, record):
    run = connect(target).get_run(log_record(target, replace(record, started=None, ended=None)))
    assert 1_500_000_000_000 < run.info.start_time <= run.info.end_time


def test_no_credential_is_recorded(target, record):
    given = {"dataset": {"source": {"folder": "s3://me:hunter2@bucket/data"}}}
    run = connect(target).get_run(log_record(target, replace(record, params=given)))
    assert run.data.params == {"dataset.source.folder": "s3://***@bucket/data"}
    assert "hunter2" not in (target.artifacts / run.info.run_id / "artifacts" / "config.json").read_text()


def test_scores_leave_out_what_is_no_number():
    found = scores(
        {"test": {"a": None, "b": math.nan, "c": math.inf, "d e($)": 1.0}, "baselines": {"x": {"metrics": {"b": 2.0}}}}
    )
    assert found == {"test.d e___": 1.0, "baseline.x.b": 2.0}


def test_scores_of_a_judgement():
    assert scores(METRICS) == {
        "test.rmse": 1.5,
        "test.rmse.low": 1.25,
        "test.rmse.high": 1.75,
        "baseline.mean.rmse": 2.0,
        "baseline.mean.difference": -0.5,
        "baseline.mean.difference.low": -0.75,
        "baseline.mean.difference.high": -0.25,
    }


def test_a_server_that_is_not_there_is_an_error_soon(record, monkeypatch, tmp_path):
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match=r"MLflow at http://\*\*\*@127.0.0.1:9 refuses: .*(refused|Max retries)") as caught:
        log_record(Target.resolve("x", "http://me:hunter2@127.0.0.1:9"), record)
    assert "hunter2" not in str(caught.value)
