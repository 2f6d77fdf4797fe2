"""Initial weights that follow from a seed and a parameter's name alone.

torch's defaults draw from one global generator, so a layer that is added changes all the others. Here each parameter has a
stream of its own.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import nn

from within_wf.runtime.streams import Stream


def draw_weights(model: nn.Module, seed: int) -> None:
    """Draw every trainable parameter of ``model`` anew, by torch's own rules for its kind of layer.

    Linear, convolution and LSTM weights and biases are uniform in ±1/√fan_in (LeCun et al., 1998; for LSTM the fan is the
    hidden size); embeddings are normal with standard deviation 0.02; weights of normalisations are 1, their biases 0;
    parameters a module holds itself are 0. Frozen parameters stay.
    """
    for prefix, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad:
                stream = Stream(seed, f"initial weights.{prefix}.{name}" if prefix else f"initial weights.{name}")
                _draw(module, name, parameter, stream)


def _draw(module: nn.Module, name: str, parameter: nn.Parameter, stream: Stream) -> None:
    count = parameter.numel()
    if isinstance(module, (nn.LayerNorm, nn.BatchNorm1d, nn.BatchNorm2d)):
        values = np.full(count, 1.0 if name == "weight" else 0.0)
    elif isinstance(module, nn.Embedding):
        values = 0.02 * stream.normal([0], count)[0]
    elif isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.LSTM, nn.MultiheadAttention)):
        values = (2 * stream.uniform([0], count)[0] - 1) / math.sqrt(_fan_in(module))
    else:
        values = np.zeros(count)
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(values.astype(np.float32)).reshape(parameter.shape))


def _fan_in(module: nn.Module) -> int:
    if isinstance(module, nn.LSTM):
        return int(module.hidden_size)
    if isinstance(module, nn.MultiheadAttention):
        return int(module.embed_dim)
    weight = module.weight
    assert isinstance(weight, torch.Tensor)  # noqa: S101
    fan: int = weight[0].numel()
    return fan
