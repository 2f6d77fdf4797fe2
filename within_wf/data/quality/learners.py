"""The models that judge labels: few, cheap and of different kinds, so that their mean is sharp and none is fooled alone."""

from __future__ import annotations

from typing import Any

COMPONENTS = 200
"""Landmarks of the kernel."""


def classifiers(rows: int, seed: int) -> list[Any]:
    """Logistic regression, the same on a Gaussian kernel's landmarks, shrunken discriminants, neighbours, and extra trees.

    Regularised more than for prediction, since what they learn from is wrong in part.

    Args:
        rows: How many rows they are trained on at least.
        seed: Of the draws.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kernel = Nystroem(n_components=max(2, min(COMPONENTS, rows // 2)), random_state=seed)
    return [
        make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)),
        make_pipeline(StandardScaler(), kernel, LogisticRegression(C=1.0, max_iter=1000)),
        make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")),
        make_pipeline(StandardScaler(), KNeighborsClassifier(max(1, min(15, rows // 4)), n_jobs=1)),
        ExtraTreesClassifier(30, min_samples_leaf=3, random_state=seed, n_jobs=1),
    ]


def regressors(rows: int, seed: int) -> list[Any]:
    """Huber's regression, ridge on a Gaussian kernel's landmarks, and extra trees.

    Args:
        rows: How many rows they are trained on at least.
        seed: Of the draws.
    """
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import HuberRegressor, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    kernel = Nystroem(n_components=max(2, min(COMPONENTS, rows // 2)), random_state=seed)
    return [
        make_pipeline(StandardScaler(), HuberRegressor(alpha=1.0, max_iter=1000)),
        make_pipeline(StandardScaler(), kernel, Ridge(alpha=1.0)),
        ExtraTreesRegressor(30, min_samples_leaf=5, random_state=seed, n_jobs=1),
    ]
