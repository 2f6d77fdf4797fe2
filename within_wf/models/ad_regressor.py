"""From the views of an ad to its score: a network and a Gaussian process, joined.

The network also learns from varied copies and finds what views say together; the process says exactly what similar training
ads say. Their non-negative weights are fitted by least squares on the validation ads, which neither has learned from
(stacking: Breiman, "Stacked regressions", Machine Learning 24, 1996).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from within_wf.config.models import AdScoreModelConfig
from within_wf.config.training import TrainingConfig
from within_wf.errors import Problem, TrainingError
from within_wf.models.ad_network import AdScoreNetwork
from within_wf.models.additive_kernel import AdditiveKernel, Amplitudes, Rows, fit_additive_kernel
from within_wf.models.views import Centring, Views
from within_wf.ops.sums import column_sums
from within_wf.store.canonical import read_json, read_tensors, write_json, write_tensors
from within_wf.training.callbacks import Callback
from within_wf.training.samples import Samples
from within_wf.training.trainer import Trainer, load_trainable, predict, trainable

Floats = npt.NDArray[np.float64]
FILES = ("regressor.json", "centring.safetensors", "network.safetensors", "kernel.safetensors")


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


@dataclass(frozen=True)
class AdScoreRegressor:
    """A trained network and a fitted process, and how they are joined.

    Attributes:
        config: What the network is made of.
        centring: View to how it is centred, by name: the order in which parts are added up.
        network: Predicts the standardised target.
        kernel: Predicts the standardised target.
        mean: Mean of the training target.
        scale: Standard deviation of the training target.
        weights: What the network's and the process's predictions count, float64, shape [2], at least 0.
    """

    config: AdScoreModelConfig
    centring: dict[str, Centring]
    network: AdScoreNetwork
    kernel: AdditiveKernel
    mean: float
    scale: float
    weights: Floats

    def predict(self, views: Views) -> Floats:
        """The score of each ad, on the target's scale; float64, shape [n]."""
        network, kernel = self._parts(self._centred(views))
        joined: Floats = self.weights[0] * network + self.weights[1] * kernel
        return self.mean + self.scale * joined

    def predict_parts(self, views: Views) -> dict[str, Floats]:
        """What ``network`` and ``kernel`` say by themselves, on the target's scale; each float64, shape [n]."""
        network, kernel = self._parts(self._centred(views))
        return {"network": self.mean + self.scale * network, "kernel": self.mean + self.scale * kernel}

    def _centred(self, views: Views) -> Views:
        missing = [
            Problem(f"view {name}", "not given", f"{len(centring.mean)} numbers an ad")
            for name, centring in self.centring.items()
            if name not in views
        ]
        wrong = [
            Problem(f"view {name}", f"{views[name].shape[1]} numbers an ad", str(len(centring.mean)))
            for name, centring in self.centring.items()
            if name in views and views[name].shape[1] != len(centring.mean)
        ]
        if missing or wrong:
            raise TrainingError("the ads' views are not those the model was trained on", missing + wrong)
        return {name: centring.apply(views[name]) for name, centring in self.centring.items()}

    def _parts(self, centred: Views) -> tuple[Floats, Floats]:
        count = len(next(iter(centred.values())))
        if not count:
            return np.zeros(0), np.zeros(0)
        samples = Samples(centred, np.zeros(count, np.float32), np.arange(count))
        return predict(self.network, samples).astype(np.float64), self.kernel.predict(_points(centred))

    def save(self, path: Path) -> None:
        """Write the model's files into the directory ``path``, which is there; no pickle, the same bytes each time."""
        views = {name: {"width": len(centring.mean), "scale": centring.scale} for name, centring in self.centring.items()}
        amplitudes = {name: vars(amplitude) for name, amplitude in self.kernel.amplitudes.items()}
        target = {"mean": self.mean, "scale": self.scale}
        weights = {"network": float(self.weights[0]), "kernel": float(self.weights[1])}
        about = {"target": target, "views": views, "kernel": amplitudes, "weights": weights}
        write_json(path / "regressor.json", about)
        write_tensors(path / "centring.safetensors", {name: centring.mean for name, centring in self.centring.items()})
        write_tensors(path / "network.safetensors", trainable(self.network))
        points = {f"points.{name}": points.astype(np.float32) for name, points in self.kernel.points.items()}
        write_tensors(path / "kernel.safetensors", {**points, "weights": self.kernel.weights})

    @classmethod
    def load(cls, path: Path, config: AdScoreModelConfig) -> AdScoreRegressor:
        """Read what :meth:`save` wrote."""
        about = read_json(path / "regressor.json")
        means = read_tensors(path / "centring.safetensors")
        centring = {name: Centring(means[name], view["scale"]) for name, view in sorted(about["views"].items())}
        network = AdScoreNetwork({name: len(mean.mean) for name, mean in centring.items()}, config)
        load_trainable(network, read_tensors(path / "network.safetensors"))
        network.eval()
        saved = read_tensors(path / "kernel.safetensors")
        points = {name: saved[f"points.{name}"].astype(np.float64) for name in about["kernel"]}
        amplitudes = {name: Amplitudes(**amplitude) for name, amplitude in about["kernel"].items()}
        kernel = AdditiveKernel(points, saved["weights"], amplitudes)
        target, weights = about["target"], about["weights"]
        join = np.array([weights["network"], weights["kernel"]])
        return cls(config, centring, network, kernel, target["mean"], target["scale"], join)


def train_ad_regressor(
    train: AdRows,
    varied: AdRows,
    validation: AdRows,
    config: AdScoreModelConfig,
    training: TrainingConfig,
    batch_size: int,
    *,
    callbacks: tuple[Callback, ...] = (),
    say: Callable[[str], None] = lambda _: None,
) -> tuple[AdScoreRegressor, dict[str, object]]:
    """Train the network, fit the process, join them.

    Args:
        train: Ads to learn from.
        varied: Varied copies of training ads, for the network alone.
        validation: Ads that stop the training, choose the process's amplitudes and join the two.
        config: What the network is made of.
        training: How the network's weights are found.
        batch_size: Ads in one optimizer step.
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
    network = AdScoreNetwork({name: len(fitted.mean) for name, fitted in centring.items()}, config)
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
        Rows(_points(centred["train"]), targets["train"], train.weight),
        Rows(_points(centred["validation"]), targets["validation"], validation.weight),
        training.seed,
    )
    parts = np.stack([predict(network, judges).astype(np.float64), kernel.predict(_points(centred["validation"]))], axis=1)
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


def _points(views: Views) -> dict[str, Floats]:
    return {name: view.astype(np.float64) for name, view in views.items()}
