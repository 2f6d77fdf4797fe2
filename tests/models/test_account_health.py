import hashlib
import pickle

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from within_wf.config.models import AccountHealthModelConfig, AnomalyConfig, LSTMConfig, XGBoostConfig
from within_wf.config.training import OptimizerConfig, TrainingConfig
from within_wf.errors import TrainingError
from within_wf.models.account_health import AccountHealthPredictor
from within_wf.training.account_health import Windows, train_account_health

CONFIG = AccountHealthModelConfig(
    lstm=LSTMConfig(hidden_size=8, dropout=0.1), xgboost=XGBoostConfig(n_estimators=30), anomaly=AnomalyConfig(n_estimators=20)
)
TRAINING = TrainingConfig(epochs=6, loss="bce", optimizer=OptimizerConfig(learning_rate=0.01))


def planted(seed: int, count: int = 400) -> Windows:
    """Windows whose second channel sinks where the account is in trouble, and nothing else differs."""
    random = np.random.default_rng(seed)
    label = (random.uniform(size=count) < 0.3).astype(np.int64)
    x = random.normal(size=(count, 10, 2)).astype(np.float32)
    x[:, :, 1] -= label[:, None] * np.linspace(0, 2.5, 10, dtype=np.float32)
    features = np.concatenate([x[:, -1], x.mean(axis=1), x.std(axis=1)], axis=1)
    return Windows(x, features, label, np.arange(count) + 10_000 * seed)


def nothing() -> Windows:
    return Windows(np.empty((0, 10, 2), np.float32), np.empty((0, 6), np.float32), np.empty(0, np.int64), np.empty(0, np.int64))


@pytest.fixture(scope="module")
def model() -> AccountHealthPredictor:
    return train_account_health(planted(1), nothing(), planted(2), CONFIG, TRAINING, 64)


def test_finds_planted_trouble_and_says_how_likely(model):
    test = planted(3, 2000)
    probability = model.predict(test.x, test.features)
    assert roc_auc_score(test.label, probability) > 0.93
    bins = np.digitize(probability, [0.2, 0.4, 0.6, 0.8])
    misses = [abs(test.label[bins == b].sum() - probability[bins == b].sum()) for b in range(5)]
    assert sum(misses) / len(test) < 0.08  # the expected calibration error


def test_each_part_finds_it_and_the_whole_is_no_worse(model):
    test = planted(3, 2000)
    parts = {name: roc_auc_score(test.label, score) for name, score in model.predict_parts(test.x, test.features).items()}
    assert parts["lstm"] > 0.85
    assert parts["trees"] > 0.85
    assert parts["anomaly"] > 0.6
    assert roc_auc_score(test.label, model.predict(test.x, test.features)) > max(parts.values()) - 0.01


def test_the_parts_are_those_of_the_libraries(model):
    test = planted(4, 50)
    views = model.views(test.x, test.features)
    assert np.allclose(views[:, 2], -model.forest.score_samples(test.features))
    logits = views @ model.weights[:3] + model.weights[3]
    assert np.allclose(model.predict(test.x, test.features), 1 / (1 + np.exp(-logits)))


def test_a_loaded_model_predicts_the_same_bits(model, tmp_path):
    test = planted(5, 100)
    model.save(tmp_path / "model")
    loaded = AccountHealthPredictor.load(tmp_path / "model")
    assert np.array_equal(loaded.predict(test.x, test.features), model.predict(test.x, test.features))


def digest(folder) -> str:
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in sorted(folder.iterdir()))).hexdigest()


def test_trained_again_gives_the_same_bytes(model, tmp_path):
    again = train_account_health(planted(1), nothing(), planted(2), CONFIG, TRAINING, 64)
    model.save(tmp_path / "a")
    again.save(tmp_path / "b")
    assert digest(tmp_path / "a") == digest(tmp_path / "b")


def test_varied_windows_change_what_is_learned(model, tmp_path):
    varied = train_account_health(planted(1), planted(6, 200), planted(2), CONFIG, TRAINING, 64)
    test = planted(3, 50)
    assert not np.array_equal(varied.predict(test.x, test.features), model.predict(test.x, test.features))


def test_no_windows_give_no_predictions(model):
    empty = nothing()
    assert model.predict(empty.x, empty.features).shape == (0,)


def test_one_class_alone_is_refused_for_both_parts():
    train, validation = planted(1, 50), planted(2, 50)
    train.label[:] = 0
    validation.label[:] = 1
    with pytest.raises(
        TrainingError, match=r"(?s)training windows: found 0 of 50 in trouble.*validation windows: found 50 of 50"
    ):
        train_account_health(train, nothing(), validation, CONFIG, TRAINING, 64)


def test_a_model_that_is_not_whole_names_what_is_missing(model, tmp_path):
    model.save(tmp_path / "model")
    (tmp_path / "model" / "trees.ubj").unlink()
    (tmp_path / "model" / "forest.skops").unlink()
    with pytest.raises(TrainingError, match=r"(?s)trees\.ubj.*forest\.skops"):
        AccountHealthPredictor.load(tmp_path / "model")


@pytest.mark.parametrize("name", ["trees.ubj", "forest.skops"])
def test_a_pickle_in_the_place_of_a_part_is_refused(model, tmp_path, name):
    model.save(tmp_path / "model")
    (tmp_path / "model" / name).write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(TrainingError, match=name):
        AccountHealthPredictor.load(tmp_path / "model")
