import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from within_wf.models.account_baselines import AccountWindows, fit_account_baselines, robust_z


def planted(spike: float, windows: int = 400) -> AccountWindows:
    """Windows of two series at different levels; a twentieth ends in a spike."""
    random = np.random.default_rng(0)
    series = np.where(np.arange(windows) % 2 == 0, "a", "b")
    x = random.normal(size=(windows, 12, 2)).astype(np.float32) + np.where(series == "a", 0, 5)[:, None, None]
    label = (np.arange(windows) % 20 == 3).astype(np.int64)
    x[label == 1, -1, 0] += spike
    features = np.stack([x[:, -1, 0], x.mean(axis=(1, 2))], axis=1).astype(np.float32)
    return AccountWindows(x.astype(np.float32), features, label, series, np.arange(windows) < windows // 2)


def test_robust_z_is_that_of_scipy():
    random = np.random.default_rng(1)
    history = random.normal(size=(20, 3))
    values = history[-1]
    spread = stats.median_abs_deviation(history, axis=0, scale="normal")
    assert robust_z(values, history) == pytest.approx(np.abs(values - np.median(history, axis=0)) / spread, rel=1e-4)


def test_a_history_without_spread():
    history = np.zeros((5, 2))
    assert robust_z(np.array([0.0, 1e-9]), history).tolist() == [0.0, 10.0]


def test_both_find_a_planted_spike():
    windows = planted(spike=8.0)
    later = ~windows.train
    for scores in fit_account_baselines(windows, seed=0).values():
        assert roc_auc_score(windows.label[later], scores[later]) > 0.95


def test_neither_finds_what_is_not_there():
    windows = planted(spike=0.0)
    later = ~windows.train
    for scores in fit_account_baselines(windows, seed=0).values():
        assert 0.2 < roc_auc_score(windows.label[later], scores[later]) < 0.8


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_gives_its_share(label):
    windows = planted(spike=1.0)
    windows.label[:] = label
    for scores in fit_account_baselines(windows, seed=0).values():
        assert scores.tolist() == [float(label)] * windows.label.size
