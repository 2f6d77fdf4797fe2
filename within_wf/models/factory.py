"""Which class a saved model is of."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

from within_wf.errors import Problem, TrainingError
from within_wf.models.base import BaseModel
from within_wf.store.canonical import read_json

MODELS: Mapping[str, tuple[str, str]] = {
    "account_health_predictor": ("within_wf.models.account_health", "AccountHealthPredictor"),
    "ad_score_predictor": ("within_wf.models.ad_score", "AdScorePredictor"),
}
"""The name in a model's ``config.json`` to the module and the class that wrote it."""


class ModelFactory:
    """Makes models without naming their class."""

    @staticmethod
    def load_model(path: str | Path) -> BaseModel:
        """Read a model that any predictor's ``save`` wrote, ``results/<dataset>/<model>/model`` for instance.

        Raises:
            TrainingError: The folder holds no model, or one of a kind that is not known here.
        """
        about = Path(path) / "config.json"
        try:
            name = read_json(about)["name"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = Problem(str(about), f"{type(error).__name__}: {error}", "what a model's save writes")
            raise TrainingError(f"{path} holds no model", [problem]) from error
        if name not in MODELS:
            problem = Problem(f"{about}, name", repr(name), f"one of {', '.join(MODELS)}")
            raise TrainingError(f"{path} holds a model of an unknown kind", [problem])
        module, kind = MODELS[name]
        model: BaseModel = getattr(importlib.import_module(module), kind).load(Path(path))
        return model
