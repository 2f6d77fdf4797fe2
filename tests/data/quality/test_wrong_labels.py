"""Labels of any type from features alone; targets of regression; folds."""

import numpy as np
import pytest

from within_wf.data.quality.folds import fold_of, out_of_fold_probabilities
from within_wf.data.quality.regression_labels import find_target_issues
from within_wf.data.quality.wrong_labels import coded, judge_labels
from within_wf.errors import DatasetError


def wine(rate, seed, names=(0, 1, 2)):
    from sklearn.datasets import load_wine

    x, y = load_wine(return_X_y=True)
    draws = np.random.default_rng(seed)
    wrong = np.zeros(y.size, bool)
    wrong[draws.choice(y.size, int(rate * y.size), replace=False)] = True
    noisy = np.where(wrong, (y + draws.integers(1, 3, y.size)) % 3, y)
    return x, [names[k] for k in noisy], [names[k] for k in y], wrong, [str(row) for row in x.tolist()]


def test_labels_of_any_type_are_judged_alike():
    x, texts, right, wrong, content = wine(0.15, 0, ("b", "a", "c"))
    found = judge_labels(x, texts, content)
    assert found.classes == ["a", "b", "c"]
    hits = (found.issues.suspected & wrong).sum()
    assert hits > 0.85 * found.issues.suspected.sum()
    assert hits > 0.85 * wrong.sum()
    suspects = np.flatnonzero(found.issues.suspected & wrong)
    suggested = [found.classes[found.issues.suggested[row]] for row in suspects]
    assert np.mean([suggested[at] == right[row] for at, row in enumerate(suspects)]) > 0.9
    _, numbers, _, _, _ = wine(0.15, 0, (30, -7, 100))  # the same order of classes
    assert (judge_labels(x, numbers, content).issues.quality == found.issues.quality).all()


def test_the_order_of_rows_changes_nothing():
    x, labels, _, _, content = wine(0.2, 1)
    order = np.random.default_rng(2).permutation(len(labels))
    one = judge_labels(x, labels, content, rounds=1).issues
    two = judge_labels(x[order], [labels[row] for row in order], [content[row] for row in order], rounds=1).issues
    assert (one.quality[order] == two.quality).all()


def test_labels_that_cannot_be_judged_are_all_named():
    x = np.zeros((5, 1))
    with pytest.raises(DatasetError, match=r"(?s)label 'a'.*label 'c'"):
        judge_labels(x, ["a", "b", "b", "b", "c"], list("abcde"))
    with pytest.raises(DatasetError, match="1 classes"):
        judge_labels(x, [True] * 5, list("abcde"))
    assert coded([True, False, True])[1].tolist() == [1, 0, 1]


def test_folds_are_even_by_class_and_keep_equal_rows_together():
    content = [str(row // 2) for row in range(200)]
    strata = np.repeat([0, 1], 100)
    fold, order = fold_of(content, strata, 5, 0)
    assert (fold[::2] == fold[1::2]).all()
    assert np.bincount(fold[:100]).tolist() == [20] * 5
    assert np.bincount(fold[100:]).tolist() == [20] * 5
    assert sorted(order.tolist()) == list(range(200))
    mixed = np.random.default_rng(0).permutation(200)
    assert (fold_of([content[row] for row in mixed], strata[mixed], 5, 0)[0] == fold[mixed]).all()
    assert (fold_of(content, strata, 5, 1)[0] != fold).any()


def test_no_row_is_predicted_by_a_model_that_saw_it():
    class Memory:
        def fit(self, x, y):
            self.seen, self.classes_ = set(x[:, 0].tolist()), np.unique(y)
            return self

        def predict_proba(self, x):
            assert not self.seen & set(x[:, 0].tolist())
            return np.full((len(x), self.classes_.size), 1 / self.classes_.size)

    x, y = np.arange(20.0)[:, None], np.tile([0, 1], 10)
    fold, order = fold_of([str(v) for v in range(20)], y, 4, 0)
    p = out_of_fold_probabilities(x, y, 2, fold, order, lambda: [Memory()])
    assert (p == 0.5).all()
    trusted = y == 1
    p = out_of_fold_probabilities(x, y, 2, fold, order, lambda: [Memory()], trusted)
    assert p[0].tolist() == [0, 1]  # what is left is of one class


def test_shifted_targets_are_found():
    from sklearn.datasets import make_friedman1
    from sklearn.metrics import average_precision_score

    x, y = make_friedman1(200, 6, noise=0.5, random_state=0)
    draws = np.random.default_rng(0)
    wrong = np.zeros(200, bool)
    wrong[draws.choice(200, 20, replace=False)] = True
    noisy = np.where(wrong, y + draws.choice([-3, 3], 200) * y.std(), y)
    found = find_target_issues(x, noisy, [str(row) for row in x.tolist()])
    assert average_precision_score(wrong, found.score) > 0.9
    assert (found.suspected & wrong).sum() >= 18
    assert (found.suspected & ~wrong).sum() <= 8
    assert abs(found.noise_rate - 0.1) < 0.06
    order = draws.permutation(200)
    again = find_target_issues(x[order], noisy[order], [str(row) for row in x[order].tolist()])
    np.testing.assert_allclose(again.score, found.score[order], rtol=1e-9)


def test_a_target_of_one_value_has_no_issue():
    found = find_target_issues(np.arange(40.0)[:, None], np.full(40, 3.0), [str(row) for row in range(40)])
    assert not found.suspected.any()
