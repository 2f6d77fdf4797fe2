"""Finds the parts of the Account Health Predictor, and what each counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xgboost
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression

from within_wf.config.models import AccountHealthModelConfig
from within_wf.config.reproducibility import Arithmetic
from within_wf.config.training import TrainingConfig
from within_wf.errors import Problem, TrainingError
from within_wf.models.account_health import AccountHealthPredictor, stack_views
from within_wf.models.sequence import LSTMSequenceModel
from within_wf.training.callbacks import Callback
from within_wf.training.samples import Samples
from within_wf.training.trainer import Trainer


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


def train_account_health(
    train: Windows,
    varied: Windows,
    validation: Windows,
    config: AccountHealthModelConfig,
    training: TrainingConfig,
    batch_size: int,
    arithmetic: Arithmetic = "exact",
    *,
    synthetic: Windows | None = None,
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
        arithmetic: What the LSTM is trained and scores in.
        synthetic: Windows that were drawn, for the LSTM and the trees. The isolation forest, which learns what is usual, sees
            real windows alone.
        callbacks: Who is told how the LSTM's training goes.
        say: Told what is being done.

    Raises:
        TrainingError: The training or validation windows hold one class alone.
    """
    _check_classes({"training": train, "validation": validation})
    drawn = [] if synthetic is None else [synthetic]
    both = _joined([train, varied, *drawn])
    say(f"training the LSTM on {len(both):,} windows")
    lstm = LSTMSequenceModel(train.x.shape[2], config.lstm, arithmetic=arithmetic)
    trainer = Trainer(lstm, training, batch_size, callbacks=callbacks)
    result = trainer.fit(both.samples(), validation.samples())
    say(f"growing {config.xgboost.n_estimators} boosted trees at most and {config.anomaly.n_estimators} isolation trees")
    trees = _boost(_joined([train, *drawn]), validation, config, training.seed)
    forest = IsolationForest(
        n_estimators=config.anomaly.n_estimators, contamination=config.anomaly.contamination, random_state=training.seed
    ).fit(train.features)
    views = stack_views(lstm, trees, forest, validation.x, validation.features)
    join = LogisticRegression(C=1.0, max_iter=1000).fit(views, validation.label)
    weights = np.append(join.coef_[0], join.intercept_[0])
    return AccountHealthPredictor(config, lstm, trees, forest, weights, result.history())


def _joined(parts: Sequence[Windows]) -> Windows:
    if len(parts) == 1:
        return parts[0]
    return Windows(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("x", "features", "label", "ids")))


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
