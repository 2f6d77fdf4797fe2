"""What an account health model must not fall behind: robust z-scores and plain gradient boosting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32] | npt.NDArray[np.float64]

DESCRIPTIONS = {
    "robust_z": (
        "robust z-scores of a window's last moment, against the window and against the training moments of its series; "
        "the largest of all channels, turned into a probability by a logistic regression on the training windows"
    ),
    "gradient_boosting": "scikit-learn's HistGradientBoostingClassifier with its defaults on the statistics of a window",
}


@dataclass(frozen=True)
class AccountWindows:
    """Windows of series and what is known of them.

    Attributes:
        x: float32, shape [n, moments, channels].
        features: Statistics of each window, float32, shape [n, f].
        label: 0 or 1, int64, shape [n].
        series: The series of each window, shape [n].
        train: Which windows are for training, bool, shape [n].
    """

    x: npt.NDArray[np.float32]
    features: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64]
    series: npt.NDArray[np.str_]
    train: npt.NDArray[np.bool_]


def fit_account_baselines(windows: AccountWindows, seed: int) -> dict[str, npt.NDArray[np.float64]]:
    """Fit each baseline on the training windows.

    Args:
        windows: All windows.
        seed: Seed of the gradient boosting.

    Returns:
        Baseline to the probability of trouble of every window, float64, shape [n]; where the training windows hold one
        class alone, their share of trouble.
    """
    labels = windows.label[windows.train]
    if labels.size == 0 or labels.min() == labels.max():
        constant = np.full(windows.label.size, float(labels[0]) if labels.size else 0.0)
        return {"robust_z": constant, "gradient_boosting": constant.copy()}
    return {"robust_z": _robust_z(windows), "gradient_boosting": _gradient_boosting(windows, seed)}


def robust_z(values: Floats, history: Floats) -> npt.NDArray[np.float64]:
    """Distance from the median of a history in units of its spread.

    The spread is 1.4826 times the median absolute deviation, a consistent estimate of a normal's standard deviation
    (Rousseeuw and Croux, 1993); a history without spread gives 0 at its median and 10 elsewhere.

    Args:
        values: Shape [..., channels].
        history: Shape [..., moments, channels].

    Returns:
        float64, shape [..., channels], not negative, at most 10.
    """
    middle = np.median(history, axis=-2).astype(np.float64)
    spread = 1.4826 * np.median(np.abs(history - middle[..., None, :]), axis=-2)
    distance = np.abs(values - middle)
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.where(spread > 0, distance / spread, np.where(distance > 0, np.inf, 0.0))
    return np.minimum(scaled, 10.0)


def _robust_z(windows: AccountWindows) -> npt.NDArray[np.float64]:
    from sklearn.linear_model import LogisticRegression

    last = windows.x[:, -1, :]
    against_window = robust_z(last, windows.x[:, :-1, :]).max(axis=1)
    against_series = np.zeros_like(against_window)
    for series in np.unique(windows.series):
        rows = windows.series == series
        known = rows & windows.train
        history = last[known] if known.any() else last[windows.train]
        against_series[rows] = robust_z(last[rows], history[None]).max(axis=1)
    scores = np.stack([against_window, against_series], axis=1)
    model = LogisticRegression(max_iter=1000).fit(scores[windows.train], windows.label[windows.train])
    probabilities: npt.NDArray[np.float64] = model.predict_proba(scores)[:, 1]
    return probabilities


def _gradient_boosting(windows: AccountWindows, seed: int) -> npt.NDArray[np.float64]:
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(random_state=seed)
    model.fit(windows.features[windows.train], windows.label[windows.train])
    probabilities: npt.NDArray[np.float64] = model.predict_proba(windows.features)[:, 1]
    return probabilities
