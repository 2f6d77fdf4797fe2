"""How good varied rows are: closed forms, and other people's numbers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from within_wf.errors import EvaluationError
from within_wf.evaluation.augmentation import LabelJudge, Quality, embedding_distance, frechet_distance, measure
from within_wf.evaluation.text_diversity import self_bleu

DRAWS = np.random.default_rng(5)


def with_moments(rows, mean, covariance):
    """Rows whose mean and covariance are exactly these."""
    x = DRAWS.normal(size=(rows, len(mean)))
    x -= x.mean(axis=0)
    white = np.linalg.solve(np.linalg.cholesky(np.cov(x.T).reshape(len(mean), -1)), x.T).T
    return white @ np.linalg.cholesky(np.asarray(covariance)).T + mean


def test_normal_distributions_of_one_number_are_apart_as_their_moments():
    one, other = with_moments(40, [1.0], [[4.0]]), with_moments(70, [3.5], [[0.25]])
    assert frechet_distance(one, other) == pytest.approx(2.5**2 + (2 - 0.5) ** 2, abs=1e-9)


def test_covariances_that_commute_are_apart_as_their_roots():
    turn = np.linalg.qr(DRAWS.normal(size=(3, 3)))[0]
    one, other = np.array([1.0, 4.0, 9.0]), np.array([2.25, 0.25, 16.0])
    mean = np.array([0.5, -1.0, 2.0])
    found = frechet_distance(
        with_moments(50, mean, turn @ np.diag(one) @ turn.T), with_moments(60, np.zeros(3), turn @ np.diag(other) @ turn.T)
    )
    assert found == pytest.approx(mean @ mean + ((np.sqrt(one) - np.sqrt(other)) ** 2).sum(), abs=1e-8)


def test_others_are_apart_as_the_formula_says():
    one, other = DRAWS.normal(size=(30, 4)), DRAWS.normal(1, 2, size=(40, 4)) @ DRAWS.normal(size=(4, 4))
    covariances = np.cov(one.T), np.cov(other.T)
    gap = one.mean(axis=0) - other.mean(axis=0)
    want = gap @ gap + np.trace(covariances[0] + covariances[1] - 2 * sqrtm(covariances[0] @ covariances[1]).real)
    assert frechet_distance(one, other) == pytest.approx(want, rel=1e-9)
    assert frechet_distance(other, one) == pytest.approx(want, rel=1e-9)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(one[:3], one[:3] + np.array([1, 0, 0, 0])) == pytest.approx(1, abs=1e-6)  # fewer rows than numbers


def test_the_distance_is_one_less_the_cosine():
    one = np.array([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    other = np.array([[3.0, 0.0], [0.0, 5.0], [-1.0, 0.0]])
    assert embedding_distance(one, other) == pytest.approx((0 + 1 + 2) / 3)
    assert embedding_distance(one[:1], [[1.0, 1.0]]) == pytest.approx(1 - 1 / math.sqrt(2))


GROUPS = [
    ["Save on shoes today, save now!", "Save on shoes now, save today!", "save on boots today"],
    ["a b c d e f", "a b c d e f"],
    ["one two", "three four"],
    ["the the the cat", "the cat the", "the"],
    [
        "You won't believe this story of a dog",
        "You won't believe the tale of this dog",
        "You believe this story of dog",
        "No one knows what it is",
    ],
]
NLTK = {
    2: [0.4977490206672251, 1.0, 0.0, 0.3498203076401269, 0.5070190335424636],
    4: [0.1526661988601346, 1.0, 0.0, 0.13421094195677502, 0.30645564768922595],
}
"""``sentence_bleu`` of nltk 3.10.4 with its first smoothing, each text against the others, the mean."""


@pytest.mark.parametrize("order", [2, 4])
def test_self_bleu_is_that_of_nltk(order):
    assert [self_bleu([group], order) for group in GROUPS] == pytest.approx(NLTK[order], rel=1e-12)
    texts = [len(group) for group in GROUPS]
    assert self_bleu(GROUPS, order) == pytest.approx(np.average(NLTK[order], weights=texts), rel=1e-12)


@given(st.lists(st.text("ab ,", max_size=8), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_self_bleu_is_a_share_and_knows_no_order(texts, random):
    found = self_bleu([texts])
    assert 0 <= found <= 1 + 1e-12
    assert self_bleu([random.sample(texts, len(texts))]) == pytest.approx(found, abs=1e-12)


def test_labels_are_kept_where_rows_stay_in_their_class():
    x = np.concatenate([DRAWS.normal(-3, 1, (60, 2)), DRAWS.normal(3, 1, (60, 2))])
    y = np.repeat([0.0, 1.0], 60)
    judge = LabelJudge(x, y, is_class=True)
    assert np.mean(judge.predict(x) == y) > 0.97
    near, far = measure("near", x, x + 0.01, judge=judge, target=y), measure("far", x, -x, judge=judge, target=y)
    assert near.preserved > 0.97
    assert near.accuracy > 0.97
    assert far.preserved < 0.05
    assert far.accuracy < 0.05
    assert near.changed == far.changed == 1.0
    assert far.distance == pytest.approx(2)
    assert near.distance < 0.01


def test_numbers_are_judged_by_thirds():
    x = DRAWS.normal(size=(300, 1))
    judge = LabelJudge(x, x[:, 0])
    assert np.unique(judge.classes_of(x[:, 0]), return_counts=True)[1].tolist() == [100, 100, 100]
    assert np.mean(judge.predict(x) == judge.classes_of(x[:, 0])) > 0.8


def test_a_quality_is_written_with_six_digits():
    written = Quality("a", 3, distance=1 / 3).to_json()
    assert written["distance"] == 0.333333
    assert written["rows"] == 3
    assert written["frechet"] is None


def test_what_cannot_be_measured_is_told():
    with pytest.raises(EvaluationError, match=r"varied: found shape \[1, 2\], expected that of the originals, \[2, 2\]"):
        embedding_distance(np.ones((2, 2)), np.ones((1, 2)))
    with pytest.raises(EvaluationError, match="varied: found 1 vectors of nought"):
        embedding_distance(np.ones((2, 2)), np.eye(2) * [0, 1])
    with pytest.raises(EvaluationError, match="one: found numbers that are not finite"):
        frechet_distance([[np.nan], [1.0]], [[1.0], [2.0]])
    with pytest.raises(
        EvaluationError, match=r"one: found 1 rows[\s\S]*other: found 2 columns, expected as many as the one has, 1"
    ):
        frechet_distance([[1.0]], np.ones((3, 2)))
    with pytest.raises(EvaluationError, match="target: found one class, expected two classes or more"):
        LabelJudge(np.ones((4, 1)), np.ones(4), is_class=True)
    with pytest.raises(EvaluationError, match=r"target: found shape \[3\], or not finite"):
        LabelJudge(np.ones((4, 1)), np.ones(3))
    with pytest.raises(EvaluationError, match=r"order: found 0, expected 1 or more[\s\S]*groups: found no two texts"):
        self_bleu([["a"], []], 0)
