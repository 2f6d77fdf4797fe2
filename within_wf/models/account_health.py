"""The Account Health Predictor: is an account in trouble, seen from its last moments?

Three views of a window are joined by a logistic regression fitted on the validation windows, which none of them has seen:
an LSTM over the moments (Hochreiter and Schmidhuber, 1997), boosted trees over the window's statistics (Chen and Guestrin,
2016), and an isolation forest over the same statistics, which knows no labels (Liu, Ting and Zhou, 2008).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression

from within_wf.config.models import AccountHealthModelConfig
from within_wf.config.training import TrainingConfig
from within_wf.errors import Problem, TrainingError
from within_wf.models.canonical_skops import TREES, load_estimator, save_estimator
from within_wf.models.sequence import LSTMSequenceModel
from within_wf.store.canonical import read_json, read_tensors, write_json, write_tensors
from within_wf.training.callbacks import Callback
from within_wf.training.samples import Samples
from within_wf.training.trainer import Trainer, load_trainable, predict, trainable

Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Windows:
    """Windows of series, to learn from or to judge.

    Attributes:
        x: Scaled channels, float32, shape [n, moments, channels].
        features: Statistics of each window, float32, shape [n, f].
        label: 1 where the account is in trouble, 0 where it is not, int64, shape [n].
        ids: What names a window for random draws, int64, shape [n].
    """

    x: npt.NDArray[np.float32]
    features: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.label)

    def samples(self) -> Samples:
        """The windows as the trainer reads them."""
        return Samples({"x": self.x}, self.label.astype(np.float32), self.ids)


@dataclass
class AccountHealthPredictor:
    """LSTM, boosted trees and isolation forest, joined.

    Attributes:
        config: What the parts are made of.
        lstm: The recurrent network; gives a logit.
        trees: The boosted trees.
        forest: The isolation forest.
        weights: The logistic regression: one weight for the LSTM's logit, the trees' logit and the forest's score, then the
            intercept; float64, shape [4].
        history: What training saw, as ``history.json`` holds it; empty for a model that was loaded.
    """

    config: AccountHealthModelConfig
    lstm: LSTMSequenceModel
    trees: xgboost.Booster
    forest: IsolationForest
    weights: npt.NDArray[np.float64]
    history: dict[str, object]

    def predict(self, x: npt.NDArray[np.float32], features: npt.NDArray[np.float32]) -> Probabilities:
        """The probability that each account is in trouble at the last moment of its window.

        Args:
            x: Shape [n, moments, channels].
            features: Shape [n, f].

        Returns:
            float64, shape [n], in [0, 1].
        """
        return _sigmoid(self._views(x, features) @ self.weights[:3] + self.weights[3])

    def predict_parts(
        self, x: npt.NDArray[np.float32], features: npt.NDArray[np.float32]
    ) -> dict[str, npt.NDArray[np.float64]]:
        """What each part says by itself: probabilities of ``lstm`` and ``trees``, ``anomaly`` score of the forest."""
        views = self._views(x, features)
        return {"lstm": _sigmoid(views[:, 0]), "trees": _sigmoid(views[:, 1]), "anomaly": views[:, 2]}

    def _views(self, x: npt.NDArray[np.float32], features: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        count = len(x)
        samples = Samples({"x": x}, np.zeros(count, dtype=np.float32), np.arange(count))
        return _stack(self.lstm, self.trees, self.forest, samples, features)

    def save(self, path: Path) -> None:
        """Write the model into the directory ``path``, which is made; no pickle, the same bytes each time."""
        path.mkdir(parents=True)
        shape = {"channels": self.lstm.channels, "features": self.trees.num_features()}
        write_json(path / "config.json", {"model": self.config.model_dump(mode="json"), **shape})
        write_tensors(path / "lstm.safetensors", trainable(self.lstm))
        (path / "trees.ubj").write_bytes(bytes(self.trees.save_raw("ubj")))
        save_estimator(path / "forest.skops", self.forest)
        write_tensors(path / "join.safetensors", {"weights": self.weights})

    @classmethod
    def load(cls, path: Path) -> AccountHealthPredictor:
        """Read a model that :meth:`save` wrote.

        Raises:
            TrainingError: A file is missing or is not what it should be.
        """
        names = ("config.json", "lstm.safetensors", "trees.ubj", "forest.skops", "join.safetensors")
        missing = [
            Problem(name, "no file", "a part of the model", "Train it again.") for name in names if not (path / name).is_file()
        ]
        if missing:
            raise TrainingError("the account health model is not whole", missing)
        about = read_json(path / "config.json")
        config = AccountHealthModelConfig.model_validate_json(json.dumps(about["model"]))
        lstm = LSTMSequenceModel(about["channels"], config.lstm)
        load_trainable(lstm, read_tensors(path / "lstm.safetensors"))
        lstm.eval()
        trees = xgboost.Booster({"nthread": 1})
        try:
            trees.load_model(bytearray((path / "trees.ubj").read_bytes()))
        except xgboost.core.XGBoostError as error:
            problem = Problem("trees.ubj", "bytes XGBoost cannot read", "boosted trees", "Train the model again.")
            raise TrainingError("the account health model is not whole", [problem]) from error
        forest = load_estimator(path / "forest.skops", trusted=TREES)
        return cls(config, lstm, trees, forest, read_tensors(path / "join.safetensors")["weights"], {})


def train_account_health(
    train: Windows,
    varied: Windows,
    validation: Windows,
    config: AccountHealthModelConfig,
    training: TrainingConfig,
    batch_size: int,
    *,
    callbacks: tuple[Callback, ...] = (),
    say: Callable[[str], None] = lambda _: None,
) -> AccountHealthPredictor:
    """Train the three parts and join them.

    Args:
        train: Windows to learn from.
        varied: Varied copies of training windows, for the LSTM alone.
        validation: Windows that stop the training and join the parts.
        config: What the parts are made of.
        training: How the weights are found.
        batch_size: Windows in one optimizer step.
        callbacks: Who is told how the LSTM's training goes.
        say: Told what is being done.

    Raises:
        TrainingError: The training or validation windows hold one class alone.
    """
    _check_classes({"training": train, "validation": validation})
    both = Windows(
        *(np.concatenate([getattr(train, name), getattr(varied, name)]) for name in ("x", "features", "label", "ids"))
    )
    say(f"training the LSTM on {len(both):,} windows")
    lstm = LSTMSequenceModel(train.x.shape[2], config.lstm)
    result = Trainer(lstm, training, batch_size, callbacks=callbacks).fit(both.samples(), validation.samples())
    say(f"growing {config.xgboost.n_estimators} boosted trees at most and {config.anomaly.n_estimators} isolation trees")
    trees = _boost(train, validation, config, training.seed)
    forest = IsolationForest(
        n_estimators=config.anomaly.n_estimators, contamination=config.anomaly.contamination, random_state=training.seed
    ).fit(train.features)
    views = _stack(lstm, trees, forest, validation.samples(), validation.features)
    join = LogisticRegression(C=1.0, max_iter=1000).fit(views, validation.label)
    weights = np.append(join.coef_[0], join.intercept_[0])
    return AccountHealthPredictor(config, lstm, trees, forest, weights, result.history())


def _boost(train: Windows, validation: Windows, config: AccountHealthModelConfig, seed: int) -> xgboost.Booster:
    options = config.xgboost
    parameters: dict[str, Any] = {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "max_depth": options.max_depth,
        "learning_rate": options.learning_rate,
        "subsample": options.subsample,
        "colsample_bytree": options.colsample_bytree,
        "seed": seed,
        "nthread": 1,
    }
    judge = xgboost.DMatrix(validation.features, validation.label, nthread=1)
    booster = xgboost.train(
        parameters,
        xgboost.DMatrix(train.features, train.label, nthread=1),
        num_boost_round=options.n_estimators,
        evals=[(judge, "validation")],
        early_stopping_rounds=max(10, options.n_estimators // 10),
        verbose_eval=False,
    )
    best: xgboost.Booster = booster[: booster.best_iteration + 1]
    # Attributes hold the score as text of the platform's choosing; the trees say all there is.
    best.set_attr(best_iteration=None, best_score=None)
    return best


def _stack(
    lstm: LSTMSequenceModel,
    trees: xgboost.Booster,
    forest: IsolationForest,
    samples: Samples,
    features: npt.NDArray[np.float32],
) -> npt.NDArray[np.float64]:
    """What the parts say of each window: two logits and an anomaly score; float64, shape [n, 3]."""
    if not len(samples):
        return np.empty((0, 3))
    margin = trees.predict(xgboost.DMatrix(features, nthread=1), output_margin=True)
    return np.stack([predict(lstm, samples), margin, -forest.score_samples(features)], axis=1).astype(np.float64)


def _check_classes(parts: dict[str, Windows]) -> None:
    problems = [
        Problem(
            f"the {name} windows",
            f"{int(windows.label.sum())} of {len(windows)} in trouble",
            "windows with trouble and windows without",
            "Move the borders of data.split, or give more history.",
        )
        for name, windows in parts.items()
        if not 0 < windows.label.sum() < len(windows)
    ]
    if problems:
        raise TrainingError("an account health model cannot learn from one class alone", problems)


def _sigmoid(logits: npt.NDArray[np.float64]) -> Probabilities:
    from scipy.special import expit

    result: Probabilities = expit(logits)
    return result
