import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from within_wf.evaluation.metrics import metrics_of
from within_wf.evaluation.multiclass import MulticlassScores

NAMES = [m.name for m in metrics_of("multiclass")]
CLASSES = 4

rows_of = st.lists(
    st.tuples(
        st.integers(0, CLASSES - 1),
        st.lists(st.integers(1, 6), min_size=CLASSES, max_size=CLASSES),
        st.integers(1, 8).map(lambda i: i / 4),
    ),
    min_size=2,
    max_size=40,
)


@settings(max_examples=60, derandomize=True)
@given(rows_of)
def test_equals_scikit_learn(rows):
    truth = np.array([row[0] for row in rows])
    probability = np.array([row[1] for row in rows], float)
    probability /= probability.sum(axis=1, keepdims=True)
    weight = np.array([row[2] for row in rows])
    called = probability.argmax(axis=1)
    scores = MulticlassScores(truth, called, probability, CLASSES)
    got = {k: v[0] for k, v in scores(weight[:, None], [*NAMES, "confusion"]).items()}
    common = {"sample_weight": weight}
    averages = {"zero_division": 0, **common}
    want = {
        "accuracy": sk.accuracy_score(truth, called, **common),
        "f1_macro": sk.f1_score(truth, called, average="macro", **averages),
        "f1_weighted": sk.f1_score(truth, called, average="weighted", **averages),
        "precision_macro": sk.precision_score(truth, called, average="macro", **averages),
        "recall_macro": sk.recall_score(truth, called, average="macro", **averages),
        "top_k": sk.top_k_accuracy_score(truth, probability, k=2, labels=range(CLASSES), **common),
        "log_loss": sk.log_loss(truth, probability, labels=range(CLASSES), **common),
    }
    if len(set(truth.tolist())) == CLASSES:
        want["roc_auc_ovr"] = sk.roc_auc_score(truth, probability, multi_class="ovr", **common)
    else:
        assert math.isnan(got["roc_auc_ovr"])
    for name, value in want.items():
        assert got[name] == pytest.approx(value, abs=1e-12), name
    confusion = sk.confusion_matrix(truth, called, labels=range(CLASSES), **common)
    assert got["confusion"] == pytest.approx(confusion, abs=1e-12)


def test_without_probabilities_their_metrics_are_left_out():
    scores = MulticlassScores(np.array([0, 1, 2]), np.array([0, 1, 1]), None, 3)
    assert set(NAMES) - set(scores(np.ones((3, 1)), NAMES)) == {"top_k", "roc_auc_ovr", "log_loss"}
