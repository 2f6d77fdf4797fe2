import statistics

import pytest

from within_wf.errors import TrackingError
from within_wf.tracking import ExperimentTracker, compare_experiments


@pytest.fixture
def runs(target):
    """Two experiments of two runs, the last without ``r2``."""
    made = {}
    for experiment, name, rmse, r2 in [
        ("x", "a", 2.0, 0.5),
        ("x", "b", 1.0, 0.75),
        ("y", "c", 4.0, 0.25),
        ("y", "d", 3.0, None),
    ]:
        tracker = ExperimentTracker(experiment, target.uri)
        with tracker.run(name) as run:
            tracker.log_params({"rate": rmse / 10})
            tracker.log_metrics({"test.rmse": rmse} | ({} if r2 is None else {"test.r2": r2}))
        made[name] = run.info.run_id
    return made


def test_runs_stand_side_by_side_best_first(runs, target):
    found = compare_experiments(["x", "y"], ["test.rmse", "test.r2"], ["rate", "none"], tracking_uri=target.uri)
    table = found["comparison_table"]
    assert table["run_name"].to_list() == ["b", "a", "d", "c"]
    assert table["metric.test.r2"].to_list() == [0.75, 0.5, None, 0.25]
    assert table["param.rate"].to_list() == ["0.1", "0.2", "0.3", "0.4"]
    assert table["param.none"].to_list() == [None] * 4
    assert set(table["status"]) == {"FINISHED"}
    rmse, r2 = found["statistics"]["test.rmse"], found["statistics"]["test.r2"]
    assert rmse == {
        "mean": 2.5,
        "std": pytest.approx(statistics.stdev([1, 2, 3, 4])),
        "min": 1.0,
        "max": 4.0,
        "runs": 4,
        "best_run_id": runs["b"],
    }
    assert (r2["runs"], r2["best_run_id"], r2["mean"]) == (3, runs["b"], 0.5)


def test_experiments_are_named_by_id_too_and_once(runs, target):
    key = ExperimentTracker("y", target.uri).experiment_id
    found = compare_experiments([key, "y"], ["test.r2"], tracking_uri=target.uri)
    assert found["comparison_table"]["run_name"].to_list() == ["c", "d"]
    assert found["statistics"]["test.r2"]["std"] is None


@pytest.mark.parametrize(
    ("name", "best"), [("val_loss", "low"), ("test.mae", "low"), ("ECE", "low"), ("closest", "high"), ("auc", "high")]
)
def test_the_name_says_which_way_is_better(target, name, best):
    tracker = ExperimentTracker("z", target.uri)
    ids = {}
    for label, value in (("low", 0.0), ("high", 1.0)):
        with tracker.run(label) as run:
            tracker.log_metrics({name: value})
        ids[label] = run.info.run_id
    other = "high" if best == "low" else "low"
    given = compare_experiments(["z"], [name], tracking_uri=target.uri)
    assert given["statistics"][name]["best_run_id"] == ids[best]
    turned = compare_experiments(["z"], [name], minimize=[] if best == "low" else [name], tracking_uri=target.uri)
    assert turned["statistics"][name]["best_run_id"] == ids[other]


def test_more_runs_than_a_page(target, monkeypatch):
    from mlflow.tracking import MlflowClient

    tracker = ExperimentTracker("many", target.uri)
    for number in range(5):
        with tracker.run():
            tracker.log_metrics({"auc": number})
    search = MlflowClient.search_runs
    monkeypatch.setattr(MlflowClient, "search_runs", lambda self, *args, **given: search(self, *args, max_results=2, **given))
    assert compare_experiments(["many"], ["auc"], tracking_uri=target.uri)["statistics"]["auc"]["runs"] == 5


def test_all_unknown_experiments_are_named(runs, target):
    with pytest.raises(TrackingError, match=r"experiment_ids: found 'p'.* \(x\)") as caught:
        compare_experiments(["p", "x", "q"], ["test.rmse"], tracking_uri=target.uri)
    assert [problem.found for problem in caught.value.problems] == ["'p'", "'q'"]


def test_all_unknown_metrics_are_named(runs, target):
    with pytest.raises(TrackingError, match=r"metrics: found 'rmse', expected one of test.r2, test.rmse"):
        compare_experiments(["x"], ["rmse", "test.rmse"], tracking_uri=target.uri)


def test_an_experiment_without_runs(target):
    ExperimentTracker("empty", target.uri)
    with pytest.raises(TrackingError, match="metrics: found 'auc', expected one of no run has any"):
        compare_experiments(["empty"], ["auc"], tracking_uri=target.uri)
    assert compare_experiments(["empty"], [], tracking_uri=target.uri)["comparison_table"].is_empty()
