import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from within_wf.config.models import AdScoreModelConfig, FusionConfig, HeadConfig
from within_wf.config.training import OptimizerConfig, TrainingConfig
from within_wf.errors import TrainingError
from within_wf.models.ad_regressor import AdScoreRegressor
from within_wf.training.ad_score import AdRows, train_ad_regressor

CONFIG = AdScoreModelConfig(fusion=FusionConfig(hidden_dim=16), head=HeadConfig(hidden_layers=[8], dropout=0.2))
TRAINING = TrainingConfig(epochs=12, optimizer=OptimizerConfig(learning_rate=3e-3, weight_decay=0.1))


def planted(seed: int, count: int) -> AdRows:
    """Text says something by itself, table and image only together."""
    random = np.random.default_rng(seed)
    views = {name: random.normal(size=(count, width)).astype(np.float32) for name, width in [("text", 6), ("table", 3)]}
    score = 50 + 4 * views["text"][:, 0] + 3 * np.sign(views["table"][:, 0]) * np.abs(views["table"][:, 1])
    target = score + random.normal(size=count)
    return AdRows(views, target.astype(np.float64), np.ones(count), np.arange(count) + 1_000_000 * seed)


def some(rows: AdRows, index: object, **other: object) -> AdRows:
    content = {
        "views": {name: view[index] for name, view in rows.views.items()},
        "target": rows.target[index],
        "weight": rows.weight[index],
        "ids": rows.ids[index],
    }
    return AdRows(**{**content, **other})


def nothing(rows: AdRows) -> AdRows:
    return some(rows, slice(0, 0))


def train(rows: AdRows, validation: AdRows, varied: AdRows | None = None) -> AdScoreRegressor:
    return train_ad_regressor(rows, varied or nothing(rows), validation, CONFIG, TRAINING, 64)[0]


@pytest.fixture(scope="module")
def model() -> AdScoreRegressor:
    return train(planted(1, 800), planted(2, 300))


def test_finds_what_is_planted_where_a_linear_model_does_not(model):
    rows, test = planted(1, 800), planted(3, 1000)
    found = r2_score(test.target, model.predict(test.views))
    flat = [np.concatenate(list(part.views.values()), axis=1) for part in (rows, test)]
    linear = r2_score(test.target, Ridge().fit(flat[0], rows.target).predict(flat[1]))
    assert found > linear + 0.03
    assert found > 0.75


def test_the_whole_is_no_worse_than_a_part(model):
    validation = planted(2, 300)
    whole = ((model.predict(validation.views) - validation.target) ** 2).mean()
    for part in model.predict_parts(validation.views).values():
        assert whole <= ((part - validation.target) ** 2).mean() * 1.0001


def test_saved_and_loaded_it_says_the_same(model, tmp_path):
    test = planted(3, 50)
    model.save(tmp_path)
    loaded = AdScoreRegressor.load(tmp_path, CONFIG)
    assert np.array_equal(loaded.predict(test.views), model.predict(test.views))
    assert [loaded.mean, loaded.scale] == [model.mean, model.scale]


def test_a_score_does_not_depend_on_the_other_ads(model):
    test = planted(3, 20)
    whole = model.predict(test.views)
    alone = [model.predict(some(test, slice(i, i + 1)).views)[0] for i in range(20)]
    assert np.allclose(whole, alone, atol=1e-4)


def test_a_missing_view_is_scored_by_the_rest(model):
    test = planted(3, 500)
    views = {**test.views, "table": np.full_like(test.views["table"], np.nan)}
    found = model.predict(views)
    assert np.isfinite(found).all()
    assert np.corrcoef(found, test.views["text"][:, 0])[0, 1] > 0.95


def test_ads_without_weight_count_for_nothing():
    rows, validation = planted(1, 300), planted(2, 100)
    wrong = some(rows, slice(None), target=rows.target[::-1].copy(), weight=np.zeros(300), ids=rows.ids + 5_000)
    both = AdRows(
        {name: np.concatenate([rows.views[name], wrong.views[name]]) for name in rows.views},
        *(np.concatenate([getattr(rows, name), getattr(wrong, name)]) for name in ("target", "weight", "ids")),
    )
    found = train(both, validation)
    plain = train(rows, validation)
    assert np.array_equal([found.mean, found.scale], [plain.mean, plain.scale])
    assert np.array_equal(found.kernel.weights, plain.kernel.weights)
    test = planted(3, 300)
    assert r2_score(test.target, found.predict(test.views)) > r2_score(test.target, plain.predict(test.views)) - 0.1


def test_scores_follow_the_scale_of_the_target():
    rows, validation, test = planted(1, 200), planted(2, 100), planted(3, 50)
    scaled = [some(part, slice(None), target=part.target * 0.001 - 7) for part in (rows, validation)]
    expected = train(rows, validation).predict(test.views) * 0.001 - 7
    assert np.allclose(train(*scaled).predict(test.views), expected, atol=1e-4)


def test_what_cannot_be_trained_is_refused():
    rows = planted(1, 50)
    with pytest.raises(TrainingError, match="in every ad"):
        train(some(rows, slice(None), target=np.full(50, 3.3)), rows)
    with pytest.raises(TrainingError, match="no view of an ad"):
        train(some(rows, slice(None), views={}), rows)
    with pytest.raises(TrainingError, match="the validation ads: found 0 ads"):
        train(rows, nothing(rows))


def test_views_of_another_kind_are_refused(model):
    ads = planted(3, 2)
    with pytest.raises(TrainingError) as caught:
        model.predict({"text": ads.views["table"]})
    assert {problem.where for problem in caught.value.problems} == {"view text", "view table"}
