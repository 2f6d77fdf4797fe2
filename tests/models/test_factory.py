"""A saved model is read again as what it is."""

import json

import pytest

from tests.models.test_account_health import CONFIG, TRAINING, nothing, planted
from within_wf.errors import TrainingError
from within_wf.models import AccountHealthPredictor, ModelFactory
from within_wf.models.factory import MODELS
from within_wf.training import train_account_health


def test_a_model_comes_back_as_its_class(tmp_path):
    model = train_account_health(planted(1), nothing(), planted(2), CONFIG, TRAINING.model_copy(update={"epochs": 1}), 64)
    model.save(tmp_path / "model")
    again = ModelFactory.load_model(tmp_path / "model")
    assert isinstance(again, AccountHealthPredictor)
    test = planted(3, 20)
    assert (again.predict(test.x, test.features) == model.predict(test.x, test.features)).all()


def test_names_are_those_of_the_classes():
    from importlib import import_module

    for name, (module, kind) in MODELS.items():
        assert getattr(import_module(module), kind).name == name


def test_what_is_no_model_is_told(tmp_path):
    with pytest.raises(TrainingError, match=r"holds no model[\s\S]*expected what a model's save writes"):
        ModelFactory.load_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"name": "oracle"}))
    with pytest.raises(TrainingError, match=r"'oracle', expected one of account_health_predictor, ad_score_predictor"):
        ModelFactory.load_model(tmp_path)
