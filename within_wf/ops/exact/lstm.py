"""LSTM layers of one order (Hochreiter and Schmidhuber, "Long short-term memory", 1997): the same bits on every processor.

The order is in docs/exact/lstm.md. float32 and float64; float16 and bfloat16 are read as float32, and what comes out of a layer
is rounded to their format once: the states of a layer are float32 from moment to moment. A NaN among what comes out is the
positive quiet one without payload.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from within_wf.ops.library import load_core, register_fake

load_core()

_OPS = torch.ops.within


def lstm(
    input: torch.Tensor,  # noqa: A002 - torch's name
    hx: tuple[torch.Tensor, torch.Tensor] | None,
    weights: Sequence[torch.Tensor],
    *,
    num_layers: int = 1,
    bidirectional: bool = False,
    batch_first: bool = False,
    lengths: torch.Tensor | None = None,
    between: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
    """LSTM layers over sequences, as ``torch.nn.LSTM`` has them, without projections.

    Args:
        input: float32, float64, float16 or bfloat16, shape [T, B, I]; [B, T, I] where ``batch_first``; [T, I] of one sequence.
        hx: h and c of each layer and direction at first, shape [layers x directions, B, H], without B for one sequence; zeros
            where None.
        weights: Of each layer, and in it of each direction: w_ih [4H, I or directions x H], w_hh [4H, H], and b_ih and b_hh
            [4H], or of no direction these two; gates in torch's order i, f, g, o: ``torch.nn.LSTM``'s flat weights.
        num_layers: How many layers.
        bidirectional: Whether each layer goes backwards through time too.
        batch_first: Whether the batch is the first dimension of input and output.
        lengths: int64, shape [B], each sequence's moments, from 1 to T, in any order. What lies beyond is not read, zero in the
            output, and has gradient zero; final states, and first ones backwards, are at the sequence's own end. All T where
            None.
        between: What the output of each layer but the last goes through on its way to the next: dropout.

    Returns:
        The last layer's output, [T, B, directions x H] or as ``input``, and h and c at the end, each as in ``hx``.

    Raises:
        ValueError: A shape, dtype, device or length is none of those.
    """
    directions = 2 if bidirectional else 1
    if num_layers < 1 or len(weights) not in (2 * num_layers * directions, 4 * num_layers * directions):
        raise ValueError(
            f"exact.lstm: weights are {len(weights)} tensors of {num_layers} layers, expected {2 * num_layers * directions} "
            f"without biases or {4 * num_layers * directions} with them"
        )
    if input.dim() == 2:
        if lengths is not None:
            raise ValueError("exact.lstm: lengths of one sequence, expected none beside input without a batch")
        one = None if hx is None else (_with_batch("h0", hx[0]), _with_batch("c0", hx[1]))
        options = {"num_layers": num_layers, "bidirectional": bidirectional, "between": between}
        output, (h, c) = lstm(input[:, None], one, weights, **options)  # type: ignore[arg-type]
        return output[:, 0], (h[:, 0], c[:, 0])
    if input.dim() != 3:
        raise ValueError(f"exact.lstm: input has shape {list(input.shape)}, expected 3 dimensions, or 2 of one sequence")
    if weights[1].dim() != 2:
        raise ValueError(f"exact.lstm: weights[1] has shape {list(weights[1].shape)}, expected [4 hidden, hidden]")
    shape = (num_layers * directions, input.shape[0 if batch_first else 1], weights[1].shape[1])
    if hx is None:
        hx = (input.new_zeros(shape), input.new_zeros(shape))
    for name, state in zip(("h0", "c0"), hx, strict=True):
        if state.shape != shape:
            raise ValueError(f"exact.lstm: {name} has shape {list(state.shape)}, expected {list(shape)}")
    if num_layers == 1:
        output, h, c = _OPS.exact_lstm(input, *hx, weights, lengths, batch_first)
        return output, (h, c)
    each = len(weights) // num_layers
    output, ends = input, []
    for layer in range(num_layers):
        rows = slice(layer * directions, (layer + 1) * directions)
        own = weights[layer * each : (layer + 1) * each]
        output, *end = _OPS.exact_lstm(output, hx[0][rows], hx[1][rows], own, lengths, batch_first)
        ends.append(end)
        if between is not None and layer + 1 < num_layers:
            output = between(output)
    return output, (torch.cat([end[0] for end in ends]), torch.cat([end[1] for end in ends]))


def _with_batch(name: str, state: torch.Tensor) -> torch.Tensor:
    if state.dim() != 2:
        raise ValueError(
            f"exact.lstm: {name} has shape {list(state.shape)}, expected 2 dimensions beside input without a batch"
        )
    return state[:, None]


# What follows tells torch of shapes.


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


@register_fake("within::exact_lstm")
def _like_layer(
    input: torch.Tensor,  # noqa: A002
    h0: torch.Tensor,
    c0: torch.Tensor,
    weights: Sequence[torch.Tensor],
    lengths: torch.Tensor | None,
    batch_first: bool,
) -> tuple[torch.Tensor, ...]:
    output = input.new_empty((*input.shape[:2], h0.shape[0] * h0.shape[2]))
    return output, h0.new_empty(h0.shape), c0.new_empty(c0.shape)


@register_fake("within::exact_lstm_forward")
def _like_forward(*arguments: Any) -> tuple[torch.Tensor, ...]:
    input, h0, *_, batch_first = arguments  # noqa: A001
    output, h, c = _like_layer(*arguments)
    moments, batch = (input.shape[1], input.shape[0]) if batch_first else input.shape[:2]
    wide = _wide(input.dtype)
    kept = input.new_empty((h0.shape[0], moments, batch, 6, h0.shape[2]), dtype=wide)
    return output, h, c, kept, input.new_empty((0,) if wide == input.dtype else output.shape, dtype=wide)


@register_fake("within::exact_lstm_backward")
def _like_gradients(*arguments: Any) -> list[torch.Tensor]:
    _, _, _, input, h0, c0, weights, *_, wants_input = arguments  # noqa: A001
    own = input.new_empty(input.shape if wants_input else (0,))
    return [own, *(tensor.new_empty(tensor.shape) for tensor in (h0, c0, *weights))]
