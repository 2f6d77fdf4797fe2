import json

import numpy as np
import pytest
from sklearn import metrics as sk

from within_wf.errors import EvaluationError
from within_wf.evaluation import ModelEvaluator

RNG = np.random.default_rng(5)
TRUTH = RNG.normal(size=60)
CLOSE = TRUTH + RNG.normal(0, 0.3, 60)
LABEL = RNG.integers(0, 2, 60)
CHANCE = RNG.random(60)
CLASS = RNG.integers(0, 3, 60)
CHANCES = RNG.dirichlet([1, 1, 1], 60)


def test_regression():
    got = ModelEvaluator("regression").evaluate(TRUTH, CLOSE)
    assert got["r2"] == pytest.approx(sk.r2_score(TRUTH, CLOSE), abs=1e-12)
    assert set(got) >= {"rmse", "mae", "r2", "mape", "pearson_correlation"}


def test_binary_from_probabilities_and_threshold():
    got = ModelEvaluator("binary_classification", threshold=0.3).evaluate(LABEL, CHANCE)
    assert got["f1"] == pytest.approx(sk.f1_score(LABEL, CHANCE >= 0.3))
    assert got["auc"] == pytest.approx(sk.roc_auc_score(LABEL, CHANCE))


def test_binary_with_decisions_of_its_own_and_names():
    named = np.where(LABEL == 1, "sick", "well")
    called = np.where(CHANCE > 0.8, "sick", "well")
    both = np.stack([1 - CHANCE, CHANCE], axis=1)
    got = ModelEvaluator("binary_classification").evaluate(named, called, both, class_names=["well", "sick"])
    assert got["precision"] == pytest.approx(sk.precision_score(named, called, pos_label="sick"))
    assert got["brier"] == pytest.approx(sk.brier_score_loss(LABEL, CHANCE))


def test_multiclass_with_and_without_probabilities():
    called = CHANCES.argmax(axis=1)
    evaluator = ModelEvaluator("multiclass")
    got = evaluator.evaluate(CLASS, called, CHANCES)
    assert got["roc_auc_ovr"] == pytest.approx(sk.roc_auc_score(CLASS, CHANCES, multi_class="ovr"), abs=1e-12)
    assert got["confusion"] == sk.confusion_matrix(CLASS, called).tolist()
    bare = evaluator.evaluate(CLASS, called)
    assert "log_loss" not in bare
    assert bare["f1_macro"] == got["f1_macro"]
    names = np.array(["a", "b", "c"])
    assert evaluator.evaluate(names[CLASS], names[called], class_names=names.tolist()) == bare


def test_slices_and_weights():
    side = np.where(TRUTH > 0, "up", "down")
    weight = np.where(TRUTH > 0, 1.0, 2.0)
    got = ModelEvaluator("regression", metrics=["mae"]).evaluate(TRUTH, CLOSE, weight=weight, slices={"side": side})
    assert got["mae"] == pytest.approx(sk.mean_absolute_error(TRUTH, CLOSE, sample_weight=weight))
    up = TRUTH > 0
    want = {"rows": int(up.sum()), "metrics": {"mae": pytest.approx(sk.mean_absolute_error(TRUTH[up], CLOSE[up]))}}
    assert got["slices"]["side"]["up"] == want
    multi = ModelEvaluator("multiclass").evaluate(CLASS, CLASS, slices={"side": side})
    assert multi["slices"]["side"]["up"]["metrics"]["accuracy"] == 1


@pytest.mark.parametrize(
    ("task", "columns"),
    [
        ("regression", (np.where(TRUTH > 1, 0, TRUTH), CLOSE)),
        ("binary_classification", (LABEL, CHANCE)),
        ("binary_classification", (LABEL, RNG.integers(0, 2, 60), CHANCE)),
        ("multiclass", (CLASS, CHANCES.argmax(axis=1), CHANCES)),
        ("multiclass", (CLASS, RNG.integers(0, 3, 60), CHANCES)),
        ("multiclass", (CLASS, RNG.integers(0, 3, 60))),
    ],
)
def test_a_slice_has_the_numbers_of_its_rows_alone(task, columns):
    side, weight = RNG.choice(["up", "down", "left", "few"], 60, p=[0.4, 0.3, 0.25, 0.05]), RNG.random(60)
    side[7] = "alone"
    weight[side == "left"] = 0
    names = {"class_names": ["0", "1", "2"]} if task == "multiclass" else {}
    evaluator = ModelEvaluator(task)
    slices = evaluator.evaluate(*columns, weight=weight, slices={"side": side}, **names)["slices"]["side"]
    assert list(slices) == sorted(set(side))
    assert slices["left"]["metrics"]["mape" if task == "regression" else "accuracy"] is None
    for value in set(side) - {"left"}:
        rows = side == value
        alone = evaluator.evaluate(*(column[rows] for column in columns), weight=weight[rows], **names)
        assert slices[value] == {"rows": rows.sum(), "metrics": alone}


def test_decisions_that_no_threshold_gives():
    called = (np.abs(CHANCE - 0.5) < 0.3).astype(int)
    got = ModelEvaluator("binary_classification").evaluate(LABEL, called, CHANCE)
    assert got["f1"] == pytest.approx(sk.f1_score(LABEL, called), abs=1e-12)
    assert got["f1_macro"] == pytest.approx(sk.f1_score(LABEL, called, average="macro"), abs=1e-12)
    assert got["auc"] == pytest.approx(sk.roc_auc_score(LABEL, CHANCE), abs=1e-12)


def test_decisions_beside_the_most_probable_class():
    called = (CLASS + RNG.integers(0, 2, 60)) % 3
    got = ModelEvaluator("multiclass").evaluate(CLASS, called, CHANCES)
    assert got["confusion"] == sk.confusion_matrix(CLASS, called).tolist()
    assert got["recall_macro"] == pytest.approx(sk.recall_score(CLASS, called, average="macro"), abs=1e-12)
    assert got["log_loss"] == pytest.approx(sk.log_loss(CLASS, CHANCES), abs=1e-12)


def test_written_files_are_the_same_twice(tmp_path):
    for folder in ("a", "b"):
        evaluator = ModelEvaluator("binary_classification", output_dir=tmp_path / folder)
        evaluator.evaluate(LABEL, CHANCE, model_name="health", feature_names=["x"])
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["health_binary_classification.json", "health_binary_classification_curves.json"]
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    about = json.loads((tmp_path / "a" / files[0]).read_text())
    assert about["model"] == "health"
    assert about["features"] == ["x"]


def test_nothing_is_written_without_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ModelEvaluator("regression").evaluate(TRUTH, CLOSE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("task", "arguments", "message"),
    [
        ("regression", ([1.0, np.nan], [1.0, 2.0]), "y_true, row 1: found nan"),
        ("regression", ([], []), "rows to judge: found none"),
        ("binary_classification", ([0, 1], [0.5, 1.5]), "y_pred, row 1: found 1.5, expected a probability"),
        ("binary_classification", ([0, 3], [0.5, 0.5]), "y_true, row 1: found 3.0, expected 0 or 1"),
        ("multiclass", ([0, 2], [0, 1.5]), "y_pred, row 1: found 1.5, expected a class"),
        ("multiclass", ([0, 1], [0, 1], [[0.5, 0.5]]), r"y_prob: found shape \[1, 2\]"),
        ("multiclass", ([0, 1], [0, 1], [[0.5, 0.2], [0, 1]]), "sum of y_prob, row 0: found 0.7, expected 1"),
        ("multiclass", (["a", "z"], ["a", "a"], None, None, ["a", "b"]), "y_true: found the classes z"),
    ],
)
def test_what_cannot_be_judged_is_refused(task, arguments, message):
    with pytest.raises(EvaluationError, match=message):
        ModelEvaluator(task).evaluate(*arguments)


def test_unknown_tasks_metrics_and_misfit_slices_are_refused():
    with pytest.raises(EvaluationError, match="expected one of regression"):
        ModelEvaluator("ranking")
    with pytest.raises(EvaluationError, match="metric gini"):
        ModelEvaluator("regression", ["gini"])
    with pytest.raises(EvaluationError, match="metric auc"):
        ModelEvaluator("regression", primary_metric="auc")
    with pytest.raises(EvaluationError, match="slice side: found 1 values"):
        ModelEvaluator("regression").evaluate(TRUTH, CLOSE, slices={"side": ["x"]})


@pytest.mark.parametrize("name", ["../evil", "a/b", ""])
def test_no_name_leads_out_of_the_folder(tmp_path, name):
    with pytest.raises(EvaluationError, match="model_name: found"):
        ModelEvaluator("regression", output_dir=tmp_path / "here").evaluate(TRUTH, CLOSE, model_name=name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("threshold", ["x", float("nan"), 2])
def test_a_threshold_that_is_no_probability_is_refused(threshold):
    with pytest.raises(EvaluationError, match="expected a probability, 0 to 1"):
        ModelEvaluator("binary_classification", threshold=threshold)
