"""Wrong labels by probabilities: the joint against cleanlab's, the ranking against what was planted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from within_wf.data.quality.confident import (
    confident_joint,
    confirm,
    find_label_issues,
    normalised_margin,
    self_confidence,
)
from within_wf.errors import DatasetError


def world(seed, classes=4, rows=400, rate=0.2, pairwise=False):
    """Labels, probabilities that know the noise as a calibrated model would, and which labels are wrong."""
    draws = np.random.default_rng(seed)
    true = draws.integers(classes, size=rows)
    noise = np.full((classes, classes), rate / (classes - 1))
    if pairwise:
        noise = np.roll(np.eye(classes), 1, axis=1) * rate
    np.fill_diagonal(noise, 1 - rate)
    labels = np.array([draws.choice(classes, p=noise[k]) for k in true])
    belief = np.exp(2.5 * np.eye(classes)[true] + draws.normal(size=(rows, classes)))
    return labels, belief / belief.sum(1, keepdims=True) @ noise, labels != true


def average_precision(wrong, quality):
    from sklearn.metrics import average_precision_score

    return average_precision_score(wrong, -quality)


@given(st.integers(0, 1000), st.integers(2, 6))
@settings(max_examples=20, derandomize=True)
def test_joint_and_scores_are_those_of_cleanlab(seed, classes):
    count = pytest.importorskip("cleanlab.count")
    rank = pytest.importorskip("cleanlab.rank")
    labels, p, _ = world(seed, classes, 150)
    theirs = count.compute_confident_joint(labels, p, calibrate=True)
    ours = confident_joint(labels, p)
    assert np.abs(ours - theirs).max() <= 1.5 + 1e-9  # ours adds one row a class, theirs at least one, and rounds
    np.testing.assert_allclose(ours.sum(1), np.bincount(labels, minlength=classes))
    np.testing.assert_allclose(self_confidence(labels, p), rank.get_self_confidence_for_each_label(labels, p))
    np.testing.assert_allclose(normalised_margin(labels, p), rank.get_normalized_margin_for_each_label(labels, p))


def test_even_noise_is_ranked_about_as_by_self_confidence():
    labels, p, wrong = world(1)
    found = find_label_issues(labels, p)
    assert average_precision(wrong, found.quality) >= average_precision(wrong, self_confidence(labels, p)) - 0.01
    assert abs(found.noise_rate - 0.2) < 0.05
    off = found.transition - np.diag(np.diag(found.transition))
    np.testing.assert_allclose(off[off > 0], off[0, 1], rtol=1e-3)  # no structure was found, for there is none


def test_noise_to_the_next_class_is_learned_and_used():
    labels, p, wrong = world(2, pairwise=True, rate=0.3)
    found = find_label_issues(labels, p)
    assert average_precision(wrong, found.quality) > average_precision(wrong, self_confidence(labels, p)) + 0.05
    assert all(found.transition[k].argsort()[-2] == (k + 1) % 4 for k in range(4))
    assert (found.suspected & wrong).sum() > 0.8 * found.suspected.sum()


def test_what_is_found_does_not_depend_on_the_order_of_the_rows():
    labels, p, _ = world(3)
    order = np.random.default_rng(0).permutation(labels.size)
    one, two = find_label_issues(labels, p), find_label_issues(labels[order], p[order])
    assert (one.quality[order] == two.quality).all()
    assert (one.suspected[order] == two.suspected).all()
    assert (one.transition == two.transition).all()


def test_a_second_round_sharpens_the_first():
    labels, p, wrong = world(4)
    first = find_label_issues(labels, p)
    clean = np.eye(4)[np.where(wrong, (labels + 1) % 4, labels)] * 0.7 + 0.075
    again = confirm(labels, first, clean)
    assert average_precision(wrong, again.quality) > average_precision(wrong, first.quality)
    assert again.noise_rate == first.noise_rate


def test_labels_that_a_sure_model_shares_are_not_suspected():
    labels = np.repeat([0, 1, 2], 30)
    found = find_label_issues(labels, np.eye(3)[labels] * 0.97 + 0.01)
    assert not found.suspected.any()
    assert (found.suggested != labels).all()  # the likeliest of the others
    assert (found.confidence < 0.1).all()


@pytest.mark.parametrize(
    ("labels", "p", "said"),
    [
        ([0, 1], [[0.5, 0.5]], "the shape"),
        ([0, 2], [[0.5, 0.5]] * 2, "0 to 2"),
        ([0.0, 1.0], [[0.5, 0.5]] * 2, "float64"),
        ([0, 1], [[0.5, -0.5]] * 2, "negative"),
        ([], np.empty((0, 2)), "the shape"),
    ],
)
def test_what_does_not_fit_is_refused(labels, p, said):
    with pytest.raises(DatasetError, match=said):
        find_label_issues(labels, p)
