"""From the views of an ad to its score: a network and a Gaussian process, joined.

The network also learns from varied copies and finds what views say together; the process says exactly what similar training
ads say. Their non-negative weights are fitted by least squares on the validation ads, which neither has learned from
(stacking: Breiman, "Stacked regressions", Machine Learning 24, 1996).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from within_wf.config.models import AdScoreModelConfig
from within_wf.errors import Problem, TrainingError
from within_wf.models.ad_network import AdScoreNetwork
from within_wf.models.additive_kernel import AdditiveKernel, Amplitudes
from within_wf.models.networks import load_trainable, predict, trainable
from within_wf.models.views import Centring, Views
from within_wf.store.canonical import read_json, read_tensors, write_json, write_tensors

Floats = npt.NDArray[np.float64]
FILES = ("regressor.json", "centring.safetensors", "network.safetensors", "kernel.safetensors")


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
        return predict(self.network, centred).astype(np.float64), self.kernel.predict(points_of(centred))

    def save(self, path: Path) -> None:
        """Write the model's files into the directory ``path``, which is there; no pickle, the same bytes each time."""
        views = {name: {"width": len(centring.mean), "scale": centring.scale} for name, centring in self.centring.items()}
        amplitudes = {name: vars(amplitude) for name, amplitude in self.kernel.amplitudes.items()}
        target = {"mean": self.mean, "scale": self.scale}
        weights = {"network": float(self.weights[0]), "kernel": float(self.weights[1])}
        about = {"target": target, "views": views, "kernel": amplitudes, "weights": weights}
        write_json(path / "regressor.json", {**about, "arithmetic": self.network.arithmetic})
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
        network = AdScoreNetwork(
            {name: len(mean.mean) for name, mean in centring.items()}, config, about.get("arithmetic", "native")
        )
        load_trainable(network, read_tensors(path / "network.safetensors"))
        network.eval()
        saved = read_tensors(path / "kernel.safetensors")
        points = {name: saved[f"points.{name}"].astype(np.float64) for name in about["kernel"]}
        amplitudes = {name: Amplitudes(**amplitude) for name, amplitude in about["kernel"].items()}
        kernel = AdditiveKernel(points, saved["weights"], amplitudes)
        target, weights = about["target"], about["weights"]
        join = np.array([weights["network"], weights["kernel"]])
        return cls(config, centring, network, kernel, target["mean"], target["scale"], join)


def points_of(views: Views) -> dict[str, Floats]:
    """Centred views as the process reads them."""
    return {name: view.astype(np.float64) for name, view in views.items()}
