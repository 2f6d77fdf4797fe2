import json

import numpy as np
import pytest
from sklearn import metrics as sk

from within_wf.config.training import BootstrapConfig, EvaluationConfig
from within_wf.errors import EvaluationError
from within_wf.evaluation.judgement import Predictions, judge

CONFIG = EvaluationConfig(bootstrap=BootstrapConfig(resamples=200))
RNG = np.random.default_rng(0)
N = 300
TRUTH = RNG.normal(50, 15, N)
GOOD, BAD = TRUTH + RNG.normal(0, 5, N), TRUTH + RNG.normal(0, 12, N)
LABEL = RNG.integers(0, 2, N)
SURE = np.clip(0.5 + 0.3 * (LABEL - 0.5) + RNG.normal(0, 0.1, N), 0, 1)
SIDE = np.where(np.arange(N) % 3 == 0, "left", "right")


@pytest.mark.parametrize(("model", "baseline", "want"), [(GOOD, BAD, "above"), (BAD, GOOD, "below"), (GOOD, GOOD, "level")])
def test_a_lower_error_is_above(model, baseline, want):
    result = judge("regression", Predictions(TRUTH, model, {"other": baseline}), CONFIG)
    other = result["baselines"]["other"]
    assert result["verdict"] == other["verdict"] == want
    assert other["difference"]["value"] == result["test"]["rmse"] - other["metrics"]["rmse"]
    low, high = result["intervals"]["rmse"]
    assert low < result["test"]["rmse"] < high


def test_binary_task_and_its_metrics():
    result = judge("binary_classification", Predictions(LABEL, SURE, {"coin": RNG.random(N)}), CONFIG)
    assert result["primary_metric"] == "auc"
    assert result["verdict"] == "above"
    assert result["test"]["auc"] == pytest.approx(sk.roc_auc_score(LABEL, SURE), abs=1e-12)
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_worst_baseline_decides():
    result = judge("regression", Predictions(TRUTH, GOOD, {"bad": BAD, "exact": TRUTH}), CONFIG)
    assert [result["baselines"][name]["verdict"] for name in ("bad", "exact")] == ["above", "below"]
    assert result["verdict"] == "below"


def test_a_baseline_without_a_value_is_not_compared():
    config = EvaluationConfig(primary_metric="pearson_correlation", bootstrap=BootstrapConfig(resamples=50))
    result = judge("regression", Predictions(TRUTH, GOOD, {"mean": np.full(N, 50.0), "bad": BAD}), config)
    mean = result["baselines"]["mean"]
    assert mean["metrics"]["pearson_correlation"] is None
    assert mean["difference"] == {"value": None, "low": None, "high": None}
    assert mean["verdict"] == "level"
    assert result["verdict"] == "above", "what has no value holds nobody back"


def test_slices_and_the_gap_between_them():
    worse = GOOD + np.where(SIDE == "left", RNG.normal(0, 20, N), 0)
    slices = {"side": SIDE, "other": np.where(np.arange(N) < 10, "few", "many")}
    sensitive = frozenset({"side", "other"})
    result = judge("regression", Predictions(TRUTH, worse, slices=slices, sensitive=sensitive), CONFIG)
    left = result["slices"]["side"]["left"]
    rows = SIDE == "left"
    assert left["rows"] == rows.sum()
    assert left["metrics"]["rmse"] == pytest.approx(sk.root_mean_squared_error(TRUTH[rows], worse[rows]), rel=1e-12)
    low, high = left["intervals"]["rmse"]
    assert low < left["metrics"]["rmse"] < high
    gap = result["fairness"]["side"]
    assert (gap["best"], gap["worst"]) == ("right", "left")
    assert gap["gap"] < 0
    assert gap["interval"][1] < 0
    assert "other" not in result["fairness"], "a slice of 10 rows says too little for a gap"
    assert result["slices"]["other"]["few"]["rows"] == 10


def test_rows_of_weight_zero_do_not_count():
    weight = (np.arange(N) < 200).astype(float)
    part = judge("regression", Predictions(TRUTH, GOOD, weight=weight), CONFIG)["test"]
    assert part == pytest.approx(judge("regression", Predictions(TRUTH[:200], GOOD[:200]), CONFIG)["test"], rel=1e-12)


def test_weights_reach_the_resamples_and_the_slices():
    weight = np.where(np.arange(N) < 150, 5.0, 0.0)
    slices = {"side": SIDE}
    weighted = judge("regression", Predictions(TRUTH, GOOD, {"bad": BAD}, weight, slices=slices), CONFIG)
    scaled = judge("regression", Predictions(TRUTH, GOOD, {"bad": BAD}, weight / 5, slices=slices), CONFIG)
    for key in ("test", "intervals"):
        assert weighted[key]["rmse"] == pytest.approx(scaled[key]["rmse"], rel=1e-12)
    plain = judge("regression", Predictions(TRUTH, GOOD, {"bad": BAD}, slices=slices), CONFIG)
    width = {name: r["intervals"]["rmse"][1] - r["intervals"]["rmse"][0] for name, r in (("half", weighted), ("all", plain))}
    assert width["half"] > 1.15 * width["all"]
    rows = (SIDE == "left") & (weight > 0)
    left = weighted["slices"]["side"]["left"]["metrics"]["rmse"]
    assert left == pytest.approx(sk.root_mean_squared_error(TRUTH[rows], GOOD[rows]), rel=1e-12)


def test_the_same_twice_whatever_the_pieces(monkeypatch):
    one = judge("regression", Predictions(TRUTH, GOOD, {"bad": BAD}, slices={"side": SIDE}), CONFIG)
    monkeypatch.setattr("within_wf.evaluation.bootstrap._CELLS", N * 13)
    assert judge("regression", Predictions(TRUTH, GOOD, {"bad": BAD}, slices={"side": SIDE}), CONFIG) == one


def test_every_bad_row_is_named_at_once():
    truth, prediction = TRUTH.copy(), GOOD.copy()
    truth[3], prediction[4], prediction[7] = np.nan, np.inf, np.nan
    ids = [f"ad_{i}" for i in range(N)]
    with pytest.raises(EvaluationError, match=r"target, row 3 \(ad_3\): found nan") as raised:
        judge("regression", Predictions(truth, prediction, ids=ids), CONFIG)
    assert len(raised.value.problems) == 3
    assert "prediction of model, row 7 (ad_7)" in str(raised.value)


@pytest.mark.parametrize(
    ("task", "given", "message"),
    [
        ("regression", Predictions([], []), "rows to judge: found none"),
        ("regression", Predictions([1.0, 2.0], [1.0]), r"shape \[1\], expected 2 numbers"),
        ("regression", Predictions(["a"], [1.0]), "no numbers"),
        ("regression", Predictions([1.0, 2.0], [1.0, 2.0], weight=[1.0, -1.0]), "weight, row 1: found -1.0"),
        ("regression", Predictions([1.0, 2.0], [1.0, 2.0], weight=[0.0, 0.0]), "0 in every row"),
        ("regression", Predictions([1.0], [1.0], {"model": [1.0]}), "model's name"),
        ("regression", Predictions([1.0], [1.0], slices={"x": np.array(["a", "b"])}), "slice x: found 2 values"),
        ("binary_classification", Predictions([0, 2], [0.1, 0.2]), "target, row 1: found 2.0, expected 0 or 1"),
        ("binary_classification", Predictions([0, 1], [0.1, 1.2]), "found 1.2, expected a probability"),
        ("multiclass", Predictions([0], [0]), "ModelEvaluator"),
    ],
)
def test_what_cannot_be_judged_is_refused(task, given, message):
    with pytest.raises(EvaluationError, match=message):
        judge(task, given, CONFIG)


def test_more_than_a_screen_of_bad_rows_is_counted():
    with pytest.raises(EvaluationError, match="found 5 more such rows"):
        judge("regression", Predictions(np.full(25, np.nan), np.zeros(25)), CONFIG)


def test_an_unknown_metric_is_refused_with_the_known():
    with pytest.raises(EvaluationError, match="metric gini: found 'gini', expected one of rmse"):
        judge("regression", Predictions(TRUTH, GOOD), EvaluationConfig(metrics=["gini"]))


def test_chosen_metrics_and_the_primary_one():
    config = EvaluationConfig(metrics=["mae"], primary_metric="r2", bootstrap=BootstrapConfig(resamples=50))
    result = judge("regression", Predictions(TRUTH, GOOD, {"bad": BAD}), config)
    assert set(result["test"]) == {"mae", "r2"}
    assert result["better"] == "higher"
    assert result["verdict"] == "above"
