"""What an ad score model must not fall behind: the mean, a linear model of the words, plain gradient boosting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from within_wf.errors import Problem, TrainingError
from within_wf.ops.sums import column_sums

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

ALPHAS = (0.3, 1.0, 3.0, 10.0)
MOST_TREES = 300


@dataclass(frozen=True)
class Ads:
    """All ads of a dataset and what is known of them.

    Attributes:
        texts: The prose of each ad, n of them, empty where there is none.
        table: Features from the table, float32, shape [n, d]; d may be 0.
        target: What is to be predicted, float64, shape [n].
        weight: How much an ad counts, float64, shape [n], at least 0.
        train: Which ads are for training, bool, shape [n].
        validation: Which ads choose how strong a baseline is, bool, shape [n].
    """

    texts: Sequence[str]
    table: npt.NDArray[np.float32]
    target: Floats
    weight: Floats
    train: Flags
    validation: Flags


@dataclass(frozen=True)
class Baseline:
    """A fitted baseline.

    Attributes:
        prediction: The score of every ad, float64, shape [n].
        description: What it is, with what was chosen, in words.
    """

    prediction: Floats
    description: str


def fit_ad_baselines(ads: Ads, seed: int) -> dict[str, Baseline]:
    """Fit each baseline the ads allow.

    An ad without weight is not learned from, and the others' weights are scaled to a mean of 1, so that the penalties mean
    the same whatever a weight is counted in.

    Args:
        ads: All ads.
        seed: Seed of the gradient boosting.

    Returns:
        Name to baseline: ``mean`` always, ``tfidf_ridge`` where training ads have words, ``gradient_boosting`` where ads
        have features from the table.

    Raises:
        TrainingError: No training or no validation ad has a weight above 0.
    """
    learned, judging = ads.train & (ads.weight > 0), ads.validation & (ads.weight > 0)
    problems = [
        Problem(f"the {name} ads", f"{of.sum()} ads, none with a weight above 0", "at least one", "Change data.split.")
        for name, of, counted in (("training", ads.train, learned), ("validation", ads.validation, judging))
        if not counted.any()
    ]
    if problems:
        raise TrainingError("the baselines of an ad score model cannot be fitted", problems)
    baselines = {"mean": _mean(ads, learned)}
    words = tfidf([text for text, of in zip(ads.texts, learned, strict=True) if of], ads.texts)
    if words is not None:
        baselines["tfidf_ridge"] = _tfidf_ridge(ads, words, learned, judging)
    if ads.table.shape[1]:
        baselines["gradient_boosting"] = _gradient_boosting(ads, learned, judging, seed)
    return baselines


def tfidf(learned: Sequence[str], texts: Sequence[str]) -> csr_matrix | None:
    """Words and pairs of neighbouring words by how telling they are, as scikit-learn's TfidfVectorizer counts them.

    Args:
        learned: Texts the words and their frequencies are taken from; empty ones are left out.
        texts: Texts to transform.

    Returns:
        float64, shape [len(texts), words], of the words of at least two learned texts, or of all where no word is in two;
        none where there is no word.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    documents = [text for text in learned if text]
    for rarest in (2, 1):
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=rarest)
        try:
            vectors: csr_matrix = vectorizer.fit(documents).transform(texts)
        except ValueError:
            # what scikit-learn says where no word is in so many texts
            continue
        return vectors
    return None


def weighted_mean(values: Floats, weight: Floats) -> float:
    """The mean with correctly rounded sums; ``values`` and ``weight`` are float64, shape [n]."""
    total, weighted = column_sums(np.stack([weight, weight * values], axis=1))
    return float(weighted / total)


def _mean(ads: Ads, learned: Flags) -> Baseline:
    mean = weighted_mean(ads.target[learned], ads.weight[learned])
    return Baseline(np.full(ads.target.size, mean), f"the weighted mean of the training ads, {mean:.6g}")


def _tfidf_ridge(ads: Ads, words: csr_matrix, learned: Flags, judging: Flags) -> Baseline:
    from sklearn.linear_model import Ridge

    best, least, chosen = np.empty(0), np.inf, 0.0
    for alpha in ALPHAS:
        # conjugate gradients: no random order as in sag, sparse words stay sparse, and the tolerance is near the rounding of
        # the numbers, so the solution is that of the equations
        model = Ridge(alpha=alpha, solver="sparse_cg", tol=1e-10)
        model.fit(words[learned], ads.target[learned], sample_weight=_scaled(ads.weight[learned]))
        prediction = model.predict(words)
        error = _error(ads, prediction, judging)
        if error < least:
            best, least, chosen = prediction, error, alpha
    text = f"ridge regression on tf-idf of {words.shape[1]:,} words and pairs of words; alpha {chosen:g} of "
    return Baseline(best, text + ", ".join(f"{alpha:g}" for alpha in ALPHAS) + " was best on the validation ads")


def _gradient_boosting(ads: Ads, learned: Flags, judging: Flags, seed: int) -> Baseline:
    from sklearn.ensemble import HistGradientBoostingRegressor

    # stopping by a part of the training rows would draw that part at random: our validation ads choose instead
    model = HistGradientBoostingRegressor(max_iter=MOST_TREES, early_stopping=False, random_state=seed)
    model.fit(ads.table[learned], ads.target[learned], sample_weight=_scaled(ads.weight[learned]))
    given = np.flatnonzero(judging)
    errors = [
        weighted_mean((prediction - ads.target[given]) ** 2, ads.weight[given])
        for prediction in model.staged_predict(ads.table[given])
    ]
    trees = int(np.argmin(errors)) + 1
    prediction: Floats = next(islice(model.staged_predict(ads.table), trees - 1, None))
    text = f"scikit-learn's HistGradientBoostingRegressor with its defaults on {ads.table.shape[1]:,} features of the table; "
    return Baseline(prediction, text + f"{trees} of {MOST_TREES} trees were best on the validation ads")


def _scaled(weight: Floats) -> Floats:
    return weight / weighted_mean(weight, np.ones_like(weight))


def _error(ads: Ads, prediction: Floats, of: Flags) -> float:
    return weighted_mean((prediction[of] - ads.target[of]) ** 2, ads.weight[of])
