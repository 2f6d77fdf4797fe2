"""Trains the network and fits the Gaussian process of the Ad Score Predictor, and joins them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from within_wf.config.models import AdScoreModelConfig
from within_wf.config.reproducibility import Arithmetic
from within_wf.config.training import TrainingConfig
from within_wf.errors import Problem, TrainingError
from within_wf.models.ad_network import AdScoreNetwork
from within_wf.models.ad_regressor import AdScoreRegressor, Floats, points_of
from within_wf.models.additive_kernel import Rows, fit_additive_kernel
from within_wf.models.networks import predict
from within_wf.models.views import Centring, Views
from within_wf.ops.sums import column_sums
from within_wf.training.callbacks import Callback
from within_wf.training.samples import Samples
from within_wf.training.trainer import Trainer


@dataclass(frozen=True)
class AdRows:
    """Ads to learn from or to choose by.

    Attributes:
        views: The ads' views; all of the same n rows.
        target: What is to be predicted, float64, shape [n].
        weight: How much an ad counts, float64, shape [n], at least 0.
        ids: What names an ad for random draws, int64, shape [n].
    """

    views: Views
    target: Floats
    weight: Floats
    ids: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.target)


def train_ad_regressor(
    train: AdRows,
    varied: AdRows,
    validation: AdRows,
    config: AdScoreModelConfig,
    training: TrainingConfig,
    batch_size: int,
    arithmetic: Arithmetic = "exact",
    *,
    callbacks: tuple[Callback, ...] = (),
    say: Callable[[str], None] = lambda _: None,
) -> tuple[AdScoreRegressor, dict[str, object]]:
    """Train the network, fit the process, join them.

    Args:
        train: Ads to learn from.
        varied: Varied copies of training ads, and ads that were drawn; for the network alone.
        validation: Ads that stop the training, choose the process's amplitudes and join the two.
        config: What the network is made of.
        training: How the network's weights are found.
        batch_size: Ads in one optimizer step.
        arithmetic: What the network is trained and scores in.
        callbacks: Who is told how the network's training goes.
        say: Told what is being done.

    Returns:
        The model, and what training saw, as ``history.json`` holds it.

    Raises:
        TrainingError: There is nothing to learn from: no view, no ad, no weight, or targets that are all equal.
    """
    mean, scale = _standard(train, validation)
    centring = {name: Centring.fit(train.views[name], train.weight) for name in sorted(train.views)}
    rows = {"train": train, "varied": varied, "validation": validation}
    centred = {which: {name: centring[name].apply(view) for name, view in ads.views.items()} for which, ads in rows.items()}
    targets = {which: (ads.target - mean) / scale for which, ads in rows.items()}

    both = {name: np.concatenate([centred["train"][name], centred["varied"][name]]) for name in centring}
    say(f"training the network on {len(train) + len(varied):,} ads")
    network = AdScoreNetwork({name: len(fitted.mean) for name, fitted in centring.items()}, config, arithmetic)
    samples = Samples(
        both,
        np.concatenate([targets["train"], targets["varied"]]).astype(np.float32),
        np.concatenate([train.ids, varied.ids]),
        np.concatenate([train.weight, varied.weight]).astype(np.float32),
    )
    judges = Samples(
        centred["validation"], targets["validation"].astype(np.float32), validation.ids, validation.weight.astype(np.float32)
    )
    result = Trainer(network, training, batch_size, callbacks=callbacks).fit(samples, judges)

    say(f"fitting the Gaussian process to {len(train):,} ads")
    kernel = fit_additive_kernel(
        Rows(points_of(centred["train"]), targets["train"], train.weight),
        Rows(points_of(centred["validation"]), targets["validation"], validation.weight),
        training.seed,
    )
    parts = np.stack(
        [predict(network, judges.inputs).astype(np.float64), kernel.predict(points_of(centred["validation"]))], axis=1
    )
    root = np.sqrt(validation.weight)
    weights, _ = nnls(parts * root[:, None], targets["validation"] * root)
    return AdScoreRegressor(config, centring, network, kernel, mean, scale, weights), result.history()


def _standard(train: AdRows, validation: AdRows) -> tuple[float, float]:
    """Weighted mean and standard deviation of the training target."""
    problems = [] if train.views else [Problem("the model", "no view of an ad", "text, image or table", "Enable an encoder.")]
    for name, ads in {"training": train, "validation": validation}.items():
        if not (ads.weight > 0).any():
            found = f"{len(ads)} ads, none with a weight above 0"
            problems.append(Problem(f"the {name} ads", found, "at least one", "Change the shares of data.split."))
    if problems:
        raise TrainingError("an ad score model cannot be trained", problems)
    total, weighted = column_sums(np.stack([train.weight, train.weight * train.target], axis=1))
    mean = float(weighted / total)
    scale = float(np.sqrt(column_sums((train.weight * (train.target - mean) ** 2)[:, None])[0] / total))
    if not scale > 1e-12 * max(abs(mean), 1e-300):
        problem = Problem("the target of the training ads", f"{mean:g} in every ad", "values that differ")
        raise TrainingError("an ad score model cannot be trained", [problem])
    return mean, scale
