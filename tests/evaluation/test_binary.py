import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk

from within_wf.evaluation.binary import BinaryScores
from within_wf.evaluation.metrics import metrics_of

NAMES = [m.name for m in metrics_of("binary_classification")]


def score(truth, probability, weight=None, threshold=0.5):
    truth, probability = np.asarray(truth, float), np.asarray(probability, float)
    weight = np.ones(truth.size) if weight is None else np.asarray(weight, float)
    scores = BinaryScores(truth, probability, (probability >= threshold).astype(float))
    return {k: v[0] for k, v in scores(weight[:, None], NAMES).items()}


columns = st.integers(2, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 1), min_size=n, max_size=n),
        st.lists(st.integers(0, 16).map(lambda i: i / 16), min_size=n, max_size=n),
        st.lists(st.integers(1, 8).map(lambda i: i / 4), min_size=n, max_size=n),
    )
)


@settings(max_examples=80, derandomize=True)
@given(columns)
def test_equals_scikit_learn_with_weights_and_ties(rows):
    truth, probability, weight = (np.array(column) for column in rows)
    got = score(truth, probability, weight)
    called = (probability >= 0.5).astype(int)
    given_weight = {"sample_weight": weight}
    want = {
        "accuracy": sk.accuracy_score(truth, called, **given_weight),
        "precision": sk.precision_score(truth, called, zero_division=0, **given_weight),
        "recall": sk.recall_score(truth, called, zero_division=0, **given_weight),
        "f1": sk.f1_score(truth, called, zero_division=0, **given_weight),
        "f1_macro": sk.f1_score(truth, called, labels=[0, 1], average="macro", zero_division=0, **given_weight),
        "log_loss": sk.log_loss(truth, probability, labels=[0, 1], **given_weight),
        "brier": sk.brier_score_loss(truth, probability, labels=[0, 1], **given_weight),
    }
    if truth.any():
        want["average_precision"] = sk.average_precision_score(truth, probability, **given_weight)
    else:
        assert math.isnan(got["average_precision"])
    if 0 < truth.sum() < truth.size:
        want["auc"] = sk.roc_auc_score(truth, probability, **given_weight)
        fallout, recall, _ = sk.roc_curve(truth, probability, **given_weight)
        want["ks"] = np.abs(recall - fallout).max()
    else:
        assert math.isnan(got["auc"])
        assert math.isnan(got["ks"])
    for name, value in want.items():
        assert got[name] == pytest.approx(value, abs=1e-12), name


def test_ks_is_scipys_statistic():
    rng = np.random.default_rng(1)
    truth, probability = rng.integers(0, 2, 200), rng.random(200).round(2)
    want = stats.ks_2samp(probability[truth == 1], probability[truth == 0]).statistic
    assert score(truth, probability)["ks"] == pytest.approx(want, abs=1e-15)


def test_calibration_error_by_hand():
    truth, probability, weight = [1, 0, 0, 1, 1], [0.02, 0.02, 0.5, 0.5, 1.0], [1, 1, 1, 2, 1]
    first, middle = abs(0.5 - 0.02) * 2, abs(2 / 3 - 0.5) * 3
    assert score(truth, probability, weight)["ece"] == pytest.approx((first + middle) / 6, rel=1e-12)


def test_calibration_error_has_fifteen_bins():
    truth, probability = [1, 0, 1, 0], [0.061, 0.071, 0.93, 0.94]
    apart = ((1 - 0.061) + 0.071 + (1 - 0.93) + 0.94) / 4
    assert score(truth, probability)["ece"] == pytest.approx(apart, rel=1e-12)


def test_a_bin_holds_its_upper_edge():
    assert score([1, 0], [0.15, 0.2])["ece"] == pytest.approx(abs(0.35 - 1) / 2, rel=1e-12)


def test_a_tie_across_the_classes_counts_half():
    assert score([0, 1], [0.3, 0.3])["auc"] == 0.5


def test_what_is_called_nothing_is_zero_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = score([1, 1, 0], [0.1, 0.2, 0.3])
    assert (got["precision"], got["recall"], got["f1"]) == (0, 0, 0)


def test_no_weight_at_all_is_undefined():
    assert all(math.isnan(value) for value in score([0, 1], [0.2, 0.7], [0, 0]).values())
