from functools import cache

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import mean_squared_error

from within_wf.errors import TrainingError
from within_wf.models.ad_baselines import ALPHAS, MOST_TREES, Ads, Baseline, fit_ad_baselines, tfidf, weighted_mean

WORDS = np.array(["save", "now", "free", "shoes", "summer", "new"])


def planted(texts: bool = True, table: bool = True, seed: int = 0) -> Ads:
    """A score from the words (free: +3) and a step in the first feature; 60 % of the ads are for training."""
    random = np.random.default_rng(seed)
    words = random.integers(0, 6, size=(400, 3))
    x = random.normal(size=(400, 2)).astype(np.float32)
    target = 20 + 3.0 * (words == 2).sum(axis=1) + 4 * (x[:, 0] > 0) + 0.5 * random.normal(size=400)
    place = np.arange(400) % 5
    return Ads(
        texts=[" ".join(row) for row in WORDS[words]] if texts else [""] * 400,
        table=x if table else np.zeros((400, 0), np.float32),
        target=target,
        weight=random.gamma(2, 1, size=400),
        train=place < 3,
        validation=place == 3,
    )


@cache
def fitted() -> dict[str, Baseline]:
    """Those of ``planted()``."""
    return fit_ad_baselines(planted(), 0)


def error(ads: Ads, prediction: np.ndarray, of: np.ndarray) -> float:
    return mean_squared_error(ads.target[of], prediction[of], sample_weight=ads.weight[of])


def closed_form_ridge(ads: Ads, alpha: float) -> np.ndarray:
    """The normal equations about the weighted means, dense."""
    texts = np.array(ads.texts)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2).fit(texts[ads.train])
    words = vectorizer.transform(texts).toarray()
    x, y = words[ads.train], ads.target[ads.train]
    weight = ads.weight[ads.train] / ads.weight[ads.train].mean()
    x_mean, y_mean = np.average(x, axis=0, weights=weight), np.average(y, weights=weight)
    x, y = x - x_mean, y - y_mean
    slopes = np.linalg.solve((x.T * weight) @ x + alpha * np.eye(x.shape[1]), (x.T * weight) @ y)
    return (words - x_mean) @ slopes + y_mean


def test_the_mean_is_the_weighted_one_of_the_training_ads():
    ads = planted()
    prediction = fitted()["mean"].prediction
    assert np.unique(prediction).size == 1
    assert prediction[0] == pytest.approx(np.average(ads.target[ads.train], weights=ads.weight[ads.train]), rel=1e-14)


def test_the_words_are_those_of_the_closed_form_with_the_best_alpha():
    ads = planted()
    by_alpha = {alpha: closed_form_ridge(ads, alpha) for alpha in ALPHAS}
    best = min(ALPHAS, key=lambda alpha: error(ads, by_alpha[alpha], ads.validation))
    ridge = fitted()["tfidf_ridge"]
    assert ridge.prediction == pytest.approx(by_alpha[best], abs=1e-7)
    assert f"; alpha {best:g} of 0.3, 1, 3, 10 was best" in ridge.description


def test_boosting_stops_where_the_validation_ads_are_predicted_best():
    ads = planted()
    boosting = fit_ad_baselines(ads, 3)["gradient_boosting"]
    trees = int(boosting.description.partition("; ")[2].split()[0])
    assert 1 < trees < MOST_TREES
    weight = ads.weight[ads.train] / ads.weight[ads.train].mean()
    stopped, one_less, one_more = (
        HistGradientBoostingRegressor(max_iter=count, early_stopping=False, random_state=3)
        .fit(ads.table[ads.train], ads.target[ads.train], sample_weight=weight)
        .predict(ads.table)
        for count in (trees, trees - 1, trees + 1)
    )
    assert boosting.prediction == pytest.approx(stopped, abs=1e-9)
    least = error(ads, stopped, ads.validation)
    assert least < min(error(ads, other, ads.validation) for other in (one_less, one_more))


@pytest.mark.parametrize("name", ["tfidf_ridge", "gradient_boosting"])
def test_what_is_planted_is_found_in_ads_that_were_not_seen(name):
    ads = planted()
    unseen = ~ads.train & ~ads.validation
    baselines = fitted()
    assert error(ads, baselines[name].prediction, unseen) < 0.8 * error(ads, baselines["mean"].prediction, unseen)


def test_the_targets_of_the_test_ads_say_nothing():
    ads, other = planted(), planted()
    other.target[~ads.train & ~ads.validation] = 1e6
    for name, baseline in fit_ad_baselines(other, 0).items():
        assert np.array_equal(baseline.prediction, fitted()[name].prediction)


def test_an_ad_without_weight_is_as_if_it_were_not_there():
    ads = planted()
    ads.weight[::4] = 0.0
    counted = ads.weight > 0
    rest = Ads(
        [text for text, of in zip(ads.texts, counted, strict=True) if of],
        ads.table[counted],
        ads.target[counted],
        ads.weight[counted],
        ads.train[counted],
        ads.validation[counted],
    )
    all_of_them, again = fit_ad_baselines(ads, 0), fit_ad_baselines(rest, 0)
    for name, baseline in all_of_them.items():
        assert np.array_equal(baseline.prediction[counted], again[name].prediction)


def test_weights_count_the_same_in_any_unit():
    other = planted()
    other.weight[:] *= 1024.0
    for name, baseline in fit_ad_baselines(other, 0).items():
        assert np.array_equal(baseline.prediction, fitted()[name].prediction)


def test_weights_decide_what_is_learned():
    """Two markets at odds: the one with the weight is believed."""
    ads = planted()
    market = np.arange(400) % 2 == 0
    ads.target[market] = 40 - ads.target[market]
    for trusted in (market, ~market):
        ads.weight[:] = np.where(trusted, 1.0, 1e-3)
        baselines = fit_ad_baselines(ads, 0)
        for name in ("tfidf_ridge", "gradient_boosting"):
            assert error(ads, baselines[name].prediction, trusted) < error(ads, baselines["mean"].prediction, trusted)


@pytest.mark.parametrize(
    ("texts", "table", "names"),
    [
        (True, True, ["mean", "tfidf_ridge", "gradient_boosting"]),
        (True, False, ["mean", "tfidf_ridge"]),
        (False, True, ["mean", "gradient_boosting"]),
        (False, False, ["mean"]),
    ],
)
def test_only_what_the_ads_allow(texts, table, names):
    assert list(fit_ad_baselines(planted(texts, table), 0)) == names


def test_ads_that_are_all_alike():
    ads = planted()
    ads.target[:] = 7.0
    for baseline in fit_ad_baselines(ads, 0).values():
        assert baseline.prediction == pytest.approx(np.full(400, 7.0), rel=1e-12)


@pytest.mark.parametrize(("part", "named"), [("train", "the training ads"), ("validation", "the validation ads")])
def test_no_ad_to_learn_from_or_to_choose_by(part, named):
    ads = planted()
    ads.weight[getattr(ads, part)] = 0.0
    with pytest.raises(TrainingError, match=rf"{named}: found \d+ ads, none with a weight above 0") as raised:
        fit_ad_baselines(ads, 0)
    assert len(raised.value.problems) == 1


@pytest.mark.parametrize(
    ("learned", "words"),
    [
        (["free shoes", "free hats"], 1),
        (["free shoes", "new hats", ""], 6),
        (["free shoes"], 3),
        (["", ""], None),
        (["a !", "?"], None),
        ([], None),
    ],
)
def test_words_of_few_texts(learned, words):
    vectors = tfidf(learned, [*learned, "unknown"])
    assert (None if vectors is None else vectors.shape) == (None if words is None else (len(learned) + 1, words))


def test_the_weighted_mean_keeps_what_naive_sums_lose():
    values = np.array([1e16, 1.0, -1e16])
    assert weighted_mean(values, np.ones(3)) == 1 / 3
