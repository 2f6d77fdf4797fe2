"""torch.nn's layers with exact functions: the same names, constructors and state_dict, and still instances of torch's classes.

Linear, convolutions, Embedding, LayerNorm, LSTM, Dropout and the common activations call their function at once. All others run
torch's own forward pass inside the mode of :mod:`within_wf.ops.exact.mode`, which also keeps torch's fused and nested-tensor
paths out; they are made from the lists at the end of this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch.nn.utils.rnn import PackedSequence

from within_wf.ops.exact import functional, table  # noqa: F401 - fills the mode's table
from within_wf.ops.exact.adapters import pad
from within_wf.ops.exact.mode import inside, outside
from within_wf.ops.exact.names import words
from within_wf.ops.exact.recurrent import between_layers


class Linear(torch.nn.Linear):
    """torch.nn.Linear."""

    @outside
    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
        """From shape [..., in_features] to [..., out_features]."""
        return functional.linear(input, self.weight, self.bias)


class Conv1d(torch.nn.Conv1d):
    """torch.nn.Conv1d."""

    @outside
    def _conv_forward(self, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:  # noqa: A002
        padded, padding = _padded(self, input)
        return functional.conv1d(padded, weight, bias, self.stride, padding, self.dilation, self.groups)


class Conv2d(torch.nn.Conv2d):
    """torch.nn.Conv2d."""

    @outside
    def _conv_forward(self, input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:  # noqa: A002
        padded, padding = _padded(self, input)
        return functional.conv2d(padded, weight, bias, self.stride, padding, self.dilation, self.groups)


def _padded(layer: torch.nn.Conv1d | torch.nn.Conv2d, x: torch.Tensor) -> tuple[torch.Tensor, Any]:
    """What a convolution reads, and what is padded with zeros still."""
    if layer.padding_mode == "zeros":
        return x, layer.padding
    return pad(x, layer._reversed_padding_repeated_twice, layer.padding_mode), 0


class Embedding(torch.nn.Embedding):
    """torch.nn.Embedding."""

    @outside
    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
        """From numbers of rows, of any shape, to the rows."""
        return functional.embedding(
            input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse
        )


class LayerNorm(torch.nn.LayerNorm):
    """torch.nn.LayerNorm."""

    @outside
    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
        """The shape stays."""
        return functional.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)


class LSTM(torch.nn.LSTM):
    """torch.nn.LSTM, without projections."""

    def forward(self, input: Any, hx: tuple[torch.Tensor, torch.Tensor] | None = None) -> Any:  # noqa: A002
        """As torch.nn.LSTM; packed sequences too.

        Raises:
            NotExactError: The layer has a projection.
            ValueError: A shape is not one that torch.nn.LSTM takes.
        """
        if isinstance(input, PackedSequence) or self.proj_size:
            return _torchs_lstm(self, input, hx)
        self._update_flat_weights()
        return _lstm(
            input,
            hx,
            cast("list[torch.Tensor]", self._flat_weights),
            num_layers=self.num_layers,
            bidirectional=self.bidirectional,
            batch_first=self.batch_first,
            between=between_layers(self.dropout, is_training=self.training),
        )


_lstm = outside(functional.lstm)


@inside
def _torchs_lstm(layer: LSTM, input: Any, hx: Any) -> Any:  # noqa: A002
    return torch.nn.LSTM.forward(layer, input, hx)


class Dropout(torch.nn.Dropout):
    """torch.nn.Dropout, with numbers drawn by :func:`within_wf.ops.exact.functional.dropout`."""

    @outside
    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
        """Drop numbers and scale the rest; in evaluation, nothing."""
        if not self.training or self.p == 0:
            return input
        return functional.dropout(input, self.p, inplace=self.inplace)


_OF_ONE_FUNCTION: Mapping[str, tuple[Callable[..., torch.Tensor], tuple[str, ...]]] = {
    "GELU": (functional.gelu, ("approximate",)),
    "LeakyReLU": (functional.leaky_relu, ("negative_slope",)),
    "LogSigmoid": (functional.logsigmoid, ()),
    "Sigmoid": (functional.sigmoid, ()),
    "Softplus": (functional.softplus, ("beta", "threshold")),
    "Tanh": (functional.tanh, ()),
}
"""Layers that call a function with some of their attributes."""

_AS_TORCHS = words("Hardshrink Softshrink Threshold")
"""Layers that are one operation on each number already."""

_INSIDE = words(
    # activations
    "CELU ELU GLU Hardsigmoid Hardswish Hardtanh LogSoftmax Mish PReLU ReLU ReLU6 SELU SiLU Softmax Softmax2d Softmin Softsign",
    "Tanhshrink",
    # normalisation, dropout, pooling, padding, sizes
    "BatchNorm1d BatchNorm2d GroupNorm RMSNorm Dropout1d Dropout2d AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d AvgPool1d AvgPool2d MaxPool1d MaxPool2d CircularPad1d CircularPad2d ReflectionPad1d ReflectionPad2d",
    "ReplicationPad1d ReplicationPad2d Upsample UpsamplingNearest2d",
    # attention
    "MultiheadAttention Transformer TransformerDecoder TransformerDecoderLayer TransformerEncoder TransformerEncoderLayer",
    # distances and losses
    "CosineSimilarity PairwiseDistance BCEWithLogitsLoss CrossEntropyLoss HuberLoss L1Loss MarginRankingLoss MSELoss NLLLoss",
    "SmoothL1Loss",
)
"""Layers whose forward pass is torch's, inside the mode."""


def _class(name: str, forward: Callable[..., Any]) -> type[torch.nn.Module]:
    base: type[torch.nn.Module] = getattr(torch.nn, name)
    return type(name, (base,), {"forward": forward, "__module__": __name__, "__doc__": f"torch.nn.{name}."})


def _of_one_function(function: Callable[..., torch.Tensor], attributes: tuple[str, ...]) -> Callable[..., torch.Tensor]:
    def forward(self: torch.nn.Module, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
        return function(input, *(getattr(self, name) for name in attributes))

    return forward


EXACT_CLASSES: Mapping[type[torch.nn.Module], type[torch.nn.Module]] = {
    **{written.__mro__[1]: written for written in (Linear, Conv1d, Conv2d, Embedding, LayerNorm, LSTM, Dropout)},
    **{getattr(torch.nn, name): _class(name, outside(_of_one_function(*call))) for name, call in _OF_ONE_FUNCTION.items()},
    **{getattr(torch.nn, name): _class(name, getattr(torch.nn, name).forward) for name in _AS_TORCHS},
    **{getattr(torch.nn, name): _class(name, inside(getattr(torch.nn, name).forward)) for name in _INSIDE},
}
"""torch's classes to the exact ones."""

globals().update({made.__name__: made for made in EXACT_CLASSES.values()})


def __getattr__(name: str) -> Any:
    raise AttributeError(f"torch.nn.{name} has no exact form" if hasattr(torch.nn, name) else f"there is no layer {name!r}")
