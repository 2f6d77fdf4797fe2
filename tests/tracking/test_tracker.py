import json
from pathlib import Path

import numpy as np
import pytest
import torch

from within_wf.errors import TrackingError
from within_wf.tracking import ExperimentTracker


@pytest.fixture
def tracker(target):
    return ExperimentTracker("by hand", target.uri, tags={"team": "ads"})


def files(tracker, run, path=None):
    return sorted(file.path for file in tracker.client.list_artifacts(run.info.run_id, path))


def folder(tracker, run):
    return tracker.target.artifacts / run.info.run_id / "artifacts"


def test_a_run_by_hand(tracker):
    run = tracker.start_run("first")
    tracker.log_params({"model": {"layers": [1, 2]}})
    tracker.log_metrics({"loss": 2.0}, step=1)
    tracker.log_metrics({"loss": 1.0}, step=2)
    tracker.end_run()
    found = tracker.client.get_run(run.info.run_id)
    assert (found.info.status, found.info.run_name, found.data.tags["team"]) == ("FINISHED", "first", "ads")
    assert found.data.params == {"model.layers": "[1, 2]"}
    assert [(point.step, point.value) for point in tracker.client.get_metric_history(run.info.run_id, "loss")] == [
        (1, 2.0),
        (2, 1.0),
    ]
    assert tracker.active_run is None
    tracker.end_run()


def test_an_experiment_is_found_again_and_brought_back(tracker, target):
    assert ExperimentTracker("by hand", target.uri).experiment_id == tracker.experiment_id
    tracker.client.delete_experiment(tracker.experiment_id)
    assert ExperimentTracker("by hand", target.uri).experiment_id == tracker.experiment_id


def test_a_new_experiment_keeps_files_where_it_is_told(target, tmp_path):
    tracker = ExperimentTracker("elsewhere", target.uri, artifact_location=str(tmp_path / "here"))
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "file.txt").write_text("x")
    with tracker.run() as run:
        tracker.log_artifacts(tmp_path / "some")
    assert (tmp_path / "here" / run.info.run_id / "artifacts" / "file.txt").read_text() == "x"


def test_nested_runs_are_children(tracker):
    with tracker.run("parent") as parent, tracker.run("child", nested=True) as child:
        assert tracker.active_run is child
    assert tracker.client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert tracker.active_run is None


def test_a_second_run_beside_an_active_one_is_refused(tracker):
    tracker.start_run("first")
    with pytest.raises(TrackingError, match="the run first is still active; end it, or say nested=True"):
        tracker.start_run("second")


def test_a_run_whose_block_raises_has_failed(tracker):
    with pytest.raises(ZeroDivisionError), tracker.run() as run:
        raise ZeroDivisionError
    assert tracker.client.get_run(run.info.run_id).info.status == "FAILED"


@pytest.mark.parametrize(
    "log",
    [
        lambda tracker: tracker.log_params({"a": 1}),
        lambda tracker: tracker.log_metrics({"a": 1.0}),
        lambda tracker: tracker.log_artifacts("."),
        lambda tracker: tracker.log_model(torch.nn.Linear(1, 1), "pytorch"),
    ],
)
def test_nothing_is_recorded_without_a_run(tracker, log):
    with pytest.raises(TrackingError, match=r"no run is active; begin one with start_run\(\)"):
        log(tracker)


def test_what_mlflow_refuses_is_one_error(tracker):
    tracker.start_run()
    tracker.log_params({"a": 1})
    with pytest.raises(TrackingError, match=r"refuses: .*Changing param values is not allowed"):
        tracker.log_params({"a": 2})


def test_models_are_recorded_as_data(tracker):
    from safetensors.torch import load_model
    from sklearn.linear_model import Ridge
    from xgboost import XGBRegressor

    x, y = np.arange(20.0).reshape(10, 2), np.arange(10.0)
    torch_model, ridge, trees = torch.nn.Linear(2, 1), Ridge().fit(x, y), XGBRegressor(n_estimators=2, n_jobs=1).fit(x, y)
    with tracker.run() as run:
        tracker.log_model(torch_model, "pytorch", "a")
        tracker.log_model(trees, "xgboost", "b")
        tracker.log_model(ridge, "sklearn", "c")
    kept = folder(tracker, run)
    again = torch.nn.Linear(2, 1)
    load_model(again, str(kept / "a" / "weights.safetensors"))
    assert torch.equal(again.weight, torch_model.weight)
    read = XGBRegressor()
    read.load_model(kept / "b" / "model.ubj")
    assert np.array_equal(read.predict(x), trees.predict(x))
    import skops.io

    assert np.array_equal(skops.io.load(kept / "c" / "model.skops").predict(x), ridge.predict(x))


def test_a_model_that_saves_itself(tracker):
    class Model:
        def save(self, path):
            (path / "weights.txt").write_text("1")

    with tracker.run() as run:
        tracker.log_model(Model(), "within")
    assert (folder(tracker, run) / "model" / "weights.txt").read_text() == "1"


def test_a_model_of_another_type_is_refused(tracker):
    tracker.start_run()
    with pytest.raises(TrackingError, match="model_type: found 'keras', expected within, pytorch, xgboost or sklearn"):
        tracker.log_model(object(), "keras")


def test_figures(tracker):
    import altair as alt

    class Savefig:
        def savefig(self, path):
            Path(path).write_text("drawn")

    with tracker.run() as run:
        tracker.log_figure(Savefig(), "plots/one.txt")
        tracker.log_figure(alt.Chart(alt.Data(values=[{"a": 1}])).mark_bar().encode(x="a:Q"), "two.svg")
    assert (folder(tracker, run) / "plots" / "one.txt").read_text() == "drawn"
    assert "<svg" in (folder(tracker, run) / "two.svg").read_text()


def test_figures_that_cannot_be_saved_are_refused(tracker):
    tracker.start_run()
    with pytest.raises(TrackingError, match="figure: found dict, expected a chart of Altair or a figure of Matplotlib"):
        tracker.log_figure({}, "x.png")
    with pytest.raises(TrackingError, match=r"artifact_path: found ../x.png, expected a path inside the run"):
        tracker.log_figure(type("F", (), {"save": lambda self, path: None})(), "../x.png")


def test_a_confusion_matrix_is_drawn_and_kept(tracker):
    with tracker.run() as run:
        tracker.log_confusion_matrix(np.array([[5, 1], [2, 9]]), ["well", "ill"], step=3)
    kept = folder(tracker, run)
    assert json.loads((kept / "confusion_matrix_step_3.json").read_text()) == {
        "classes": ["well", "ill"],
        "counts": [[5, 1], [2, 9]],
    }
    drawn = (kept / "confusion_matrix_step_3.svg").read_text()
    assert all(f">{text}<" in drawn for text in ("well", "ill", "5", "1", "2", "9"))


@pytest.mark.parametrize("cm", [[[1, 2]], [[1], [2]], [[1, 2, 3], [1, 2, 3]]])
def test_a_confusion_matrix_of_another_shape_is_refused(tracker, cm):
    tracker.start_run()
    with pytest.raises(TrackingError, match=r"cm: found shape .* expected 2 rows and columns"):
        tracker.log_confusion_matrix(cm, ["a", "b"])


def test_importance_is_ranked(tracker):
    with tracker.run() as run:
        tracker.log_feature_importance([0.1, 0.7, 0.2], ["a", "b", "c"])
    kept = folder(tracker, run)
    assert list(json.loads((kept / "feature_importance.json").read_text())) == ["b", "c", "a"]
    assert ">b<" in (kept / "feature_importance.svg").read_text()


def test_importance_without_names_is_refused(tracker):
    tracker.start_run()
    with pytest.raises(TrackingError, match="feature_names: found 1 names, expected 2, one a number"):
        tracker.log_feature_importance([0.1, 0.2], ["a"])
