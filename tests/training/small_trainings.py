"""Trains small networks of every kind of layer for a few steps and prints the SHA-256 of what comes out of each.

python tests/training/small_trainings.py

Run by test_processors.py, here and on processors that are emulated.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from within_wf.config.models import AdScoreModelConfig, LSTMConfig
from within_wf.config.training import TrainingConfig
from within_wf.models.ad_network import AdScoreNetwork
from within_wf.models.image_encoder import EfficientNetLite0
from within_wf.models.networks import predict
from within_wf.models.sequence import LSTMSequenceModel
from within_wf.ops import exact
from within_wf.runtime.streams import Stream
from within_wf.training.samples import Samples
from within_wf.training.trainer import Trainer

ROWS = 24
"""Three whole vectors: qemu 7 reads where a mask says not to, which ends at a null pointer in what is left of a vector."""


def numbers(name: str, *shape: int) -> np.ndarray:
    """Numbers in (-1, 1), of integer work and one product."""
    count = int(np.prod(shape))
    return (2 * Stream(1, name).uniform([0], count)[0] - 1).astype(np.float32).reshape(shape)


def digest(tensors: Mapping[str, np.ndarray]) -> str:
    """Of names, shapes and bytes."""
    whole = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        whole.update(f"{name} {value.dtype} {value.shape}".encode())
        whole.update(np.ascontiguousarray(value).tobytes())
    return whole.hexdigest()


def trained(model: nn.Module, inputs: dict[str, np.ndarray], loss: str) -> str:
    """Weights, scores and history after two epochs of three steps."""
    target = numbers("target", ROWS)
    target = (target > 0).astype(np.float32) if loss == "bce" else target
    samples = Samples(inputs, target, np.arange(ROWS), np.abs(numbers("weight", ROWS)))
    result = Trainer(model, TrainingConfig(epochs=2, loss=loss), 8).fit(samples, samples)
    history = np.array([list(epoch.values()) for epoch in result.epochs])
    return digest({**result.weights, "scores": predict(model, inputs), "history": history})


class Attentive(nn.Module):
    """A transformer's layer, and the mean of what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(16, 2, 24, dropout=0.0, activation="gelu", batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From [n, words, 16] to [n]."""
        states: torch.Tensor = self.layer(x)
        return states.mean(dim=(1, 2))


def scored_image() -> str:
    """What the image encoder says, with weights that are drawn."""
    model = exact.convert(EfficientNetLite0().eval())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(numbers(name, *parameter.shape) * np.float32(0.5)))
    return digest({"features": predict(model, {"x": numbers("image", 1, 3, 32, 32)})})


def main() -> None:
    """Train, score and print."""
    views = {name: numbers(name, ROWS, width) for name, width in {"text": 24, "image": 40, "table": 7}.items()}
    network = AdScoreNetwork({name: view.shape[1] for name, view in views.items()}, AdScoreModelConfig())
    lstm = LSTMSequenceModel(5, LSTMConfig(hidden_size=9, num_layers=2, bidirectional=True))
    found = {
        "ad score": trained(network, views, "huber"),
        "account health": trained(lstm, {"x": numbers("windows", ROWS, 7, 5)}, "bce"),
        "transformer": trained(exact.convert(Attentive()), {"x": numbers("words", ROWS, 6, 16)}, "mse"),
        "image encoder": scored_image(),
    }
    print(json.dumps(found, indent=4))


if __name__ == "__main__":
    main()
