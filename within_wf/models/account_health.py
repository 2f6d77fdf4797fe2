"""The Account Health Predictor: is an account in trouble, seen from its last moments?

Three views of a window are joined by a logistic regression fitted on the validation windows, which none of them has seen:
an LSTM over the moments (Hochreiter and Schmidhuber, 1997), boosted trees over the window's statistics (Chen and Guestrin,
2016), and an isolation forest over the same statistics, which knows no labels (Liu, Ting and Zhou, 2008).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import xgboost
from sklearn.ensemble import IsolationForest

from within_wf.config.models import AccountHealthModelConfig
from within_wf.data.frames import as_frame
from within_wf.errors import Problem, TrainingError
from within_wf.features.windows import WindowBuilder
from within_wf.models.base import BaseModel
from within_wf.models.canonical_skops import TREES, load_estimator, save_estimator
from within_wf.models.networks import load_trainable, predict, trainable
from within_wf.models.sequence import LSTMSequenceModel
from within_wf.store.canonical import read_json, read_tensors, write_json, write_tensors

Probabilities = npt.NDArray[np.float64]
_PREPROCESSOR = "preprocessor"


@dataclass
class AccountHealthPredictor(BaseModel):
    """LSTM, boosted trees and isolation forest, joined.

    Attributes:
        config: What the parts are made of.
        lstm: The recurrent network; gives a logit.
        trees: The boosted trees.
        forest: The isolation forest.
        weights: The logistic regression: one weight for the LSTM's logit, the trees' logit and the forest's score, then the
            intercept; float64, shape [4].
        history: What training saw, as ``history.json`` holds it; empty for a model that was loaded.
        builder: How moments become windows, as it was learned from the training moments; none for a model that was only ever
            given windows.
    """

    name = "account_health_predictor"

    config: AccountHealthModelConfig
    lstm: LSTMSequenceModel
    trees: xgboost.Booster
    forest: IsolationForest
    weights: npt.NDArray[np.float64]
    history: dict[str, object]
    builder: WindowBuilder | None = None

    def score(self, series: Any) -> pl.DataFrame:
        """The probability of trouble at each moment that has a whole window before it.

        Args:
            series: A table of polars, pandas or pyarrow, with the columns of series, time and channels that the model was
                trained on; rows in any order, no labels.

        Returns:
            The columns of series and time, and ``probability``, float64 in [0, 1]; by series and time.

        Raises:
            DatasetError: Columns are missing.
            TrainingError: The model was saved without its builder.
        """
        if self.builder is None:
            problem = Problem("preprocessor/", "nothing", "how moments become windows", "Train the model by the workflow.")
            raise TrainingError("the model can score windows alone", [problem])
        moments = self.builder.prepare(as_frame(series, "series"))
        parts = [(windows.rows, self.predict(windows.x, windows.features)) for windows in self.builder.build(moments)]
        rows = np.concatenate([part[0] for part in parts]) if parts else np.empty(0, np.int64)
        scores = np.concatenate([part[1] for part in parts]) if parts else np.empty(0)
        return (
            moments[rows].select(self.builder.roles.series, self.builder.roles.time).with_columns(probability=pl.Series(scores))
        )

    def predict(self, x: npt.NDArray[np.float32], features: npt.NDArray[np.float32]) -> Probabilities:
        """The probability that each account is in trouble at the last moment of its window.

        Args:
            x: Shape [n, moments, channels].
            features: Shape [n, f].

        Returns:
            float64, shape [n], in [0, 1].
        """
        return _sigmoid(self.views(x, features) @ self.weights[:3] + self.weights[3])

    def predict_parts(
        self, x: npt.NDArray[np.float32], features: npt.NDArray[np.float32]
    ) -> dict[str, npt.NDArray[np.float64]]:
        """What each part says by itself: probabilities of ``lstm`` and ``trees``, ``anomaly`` score of the forest."""
        views = self.views(x, features)
        return {"lstm": _sigmoid(views[:, 0]), "trees": _sigmoid(views[:, 1]), "anomaly": views[:, 2]}

    def views(self, x: npt.NDArray[np.float32], features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """What the parts say of each window; arguments as for :meth:`predict`.

        Returns:
            The logits of LSTM and trees, and the forest's anomaly score; float64, shape [n, 3].
        """
        return stack_views(self.lstm, self.trees, self.forest, x, features)

    def save(self, path: Path) -> None:
        """Write the model into the directory ``path``, which is made; no pickle, the same bytes each time."""
        path.mkdir(parents=True)
        shape = {"channels": self.lstm.channels, "features": self.trees.num_features()}
        about = {"name": self.name, "model": self.config.model_dump(mode="json"), "arithmetic": self.lstm.arithmetic}
        write_json(path / "config.json", {**about, **shape})
        write_tensors(path / "lstm.safetensors", trainable(self.lstm))
        (path / "trees.ubj").write_bytes(bytes(self.trees.save_raw("ubj")))
        save_estimator(path / "forest.skops", self.forest)
        write_tensors(path / "join.safetensors", {"weights": self.weights})
        if self.builder is not None:
            self.builder.save(path / _PREPROCESSOR)

    @classmethod
    def load(cls, path: str | Path) -> AccountHealthPredictor:
        """Read a model that :meth:`save` wrote.

        Raises:
            TrainingError: A file is missing or is not what it should be.
        """
        path = Path(path)
        names = ("config.json", "lstm.safetensors", "trees.ubj", "forest.skops", "join.safetensors")
        missing = [
            Problem(name, "no file", "a part of the model", "Train it again.") for name in names if not (path / name).is_file()
        ]
        if missing:
            raise TrainingError("the account health model is not whole", missing)
        about = read_json(path / "config.json")
        config = AccountHealthModelConfig.model_validate_json(json.dumps(about["model"]))
        lstm = LSTMSequenceModel(about["channels"], config.lstm, arithmetic=about.get("arithmetic", "native"))
        load_trainable(lstm, read_tensors(path / "lstm.safetensors"))
        lstm.eval()
        trees = xgboost.Booster({"nthread": 1})
        try:
            trees.load_model(bytearray((path / "trees.ubj").read_bytes()))
        except xgboost.core.XGBoostError as error:
            problem = Problem("trees.ubj", "bytes XGBoost cannot read", "boosted trees", "Train the model again.")
            raise TrainingError("the account health model is not whole", [problem]) from error
        forest = load_estimator(path / "forest.skops", trusted=TREES)
        builder = WindowBuilder.load(path / _PREPROCESSOR) if (path / _PREPROCESSOR).is_dir() else None
        return cls(config, lstm, trees, forest, read_tensors(path / "join.safetensors")["weights"], {}, builder)


def stack_views(
    lstm: LSTMSequenceModel,
    trees: xgboost.Booster,
    forest: IsolationForest,
    x: npt.NDArray[np.float32],
    features: npt.NDArray[np.float32],
) -> npt.NDArray[np.float64]:
    """What the parts say of each window: two logits and an anomaly score; float64, shape [n, 3]."""
    if not len(x):
        return np.empty((0, 3))
    margin = trees.predict(xgboost.DMatrix(features, nthread=1), output_margin=True)
    return np.stack([predict(lstm, {"x": x}), margin, -forest.score_samples(features)], axis=1).astype(np.float64)


def _sigmoid(logits: npt.NDArray[np.float64]) -> Probabilities:
    from scipy.special import expit

    result: Probabilities = expit(logits)
    return result
