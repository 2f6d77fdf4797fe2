import numpy as np
import pytest
from sklearn import metrics as sk

from within_wf.evaluation.curves import MAX_CURVE_POINTS, MAX_POINTS, draw_curves

RNG = np.random.default_rng(2)
N = 2000
TRUTH = RNG.normal(50, 10, N)
PREDICTION = TRUTH + RNG.normal(0, 4, N)
LABEL = RNG.integers(0, 2, N).astype(float)
CHANCE = np.clip(0.5 + 0.4 * (LABEL - 0.5) + RNG.normal(0, 0.2, N), 0, 1)
ONES = np.ones(N)


def test_regression_curves():
    curves = draw_curves("regression", TRUTH, PREDICTION, ONES)
    assert len(curves["scatter"]["actual"]) == MAX_POINTS
    assert curves["scatter"]["predicted"] == sorted(curves["scatter"]["predicted"])
    assert sum(curves["residuals"]["counts"]) == N
    assert curves["calibration"]["rows"] == [N // 10] * 10
    tenth = np.argsort(PREDICTION)[: N // 10]
    assert curves["calibration"]["actual"][0] == pytest.approx(TRUTH[tenth].mean(), abs=1e-6)


def test_order_of_the_rows_changes_nothing():
    order = RNG.permutation(N)
    tied = np.round(PREDICTION)
    assert draw_curves("regression", TRUTH[order], tied[order], ONES) == draw_curves("regression", TRUTH, tied, ONES)
    assert draw_curves("regression", TRUTH[order], PREDICTION[order], ONES) == draw_curves(
        "regression", TRUTH, PREDICTION, ONES
    )
    assert draw_curves("binary_classification", LABEL[order], CHANCE[order], ONES) == draw_curves(
        "binary_classification", LABEL, CHANCE, ONES
    )


def test_binary_curves_lie_on_scikit_learns():
    curves = draw_curves("binary_classification", LABEL, CHANCE, ONES, {"coin": RNG.random(N)})
    assert set(curves["roc"]) == {"model", "coin"}
    roc = curves["roc"]["model"]
    assert len(roc["x"]) == MAX_CURVE_POINTS + 1
    assert (roc["x"][0], roc["y"][0], roc["x"][-1], roc["y"][-1]) == (0, 0, 1, 1)
    fallout, recall, _ = sk.roc_curve(LABEL, CHANCE, drop_intermediate=False)
    known = {(round(float(x), 6), round(float(y), 6)) for x, y in zip(fallout, recall, strict=True)}
    assert set(zip(roc["x"], roc["y"], strict=True)) <= known
    assert sk.auc(roc["x"], roc["y"]) == pytest.approx(sk.roc_auc_score(LABEL, CHANCE), abs=0.002)
    assert curves["positive_share"] == pytest.approx(LABEL.mean(), abs=1e-6)
    assert sum(curves["scores"]["positive"]) == LABEL.sum()


def test_degenerate_rows_still_draw():
    one_class = draw_curves("binary_classification", np.zeros(5), np.full(5, 0.2), np.ones(5))
    assert one_class["roc"]["model"] == {"x": [], "y": []}
    assert one_class["calibration"] == {"predicted": [0.2], "actual": [0.0], "rows": [5]}
    single = draw_curves("regression", np.array([1.0]), np.array([1.0]), np.ones(1))
    assert single["scatter"] == {"predicted": [1.0], "actual": [1.0]}
    assert sum(single["residuals"]["counts"]) == 1
