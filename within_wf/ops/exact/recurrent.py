"""torch's LSTM as torch calls it: padded or packed sequences, dropout between layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from within_wf.ops.exact.functional import dropout, lstm
from within_wf.ops.exact.mode import NotExactError


def between_layers(rate: float, *, is_training: bool) -> Callable[[torch.Tensor], torch.Tensor] | None:
    """Dropout of ``rate`` on the way from layer to layer; none where nothing is dropped."""
    return (lambda states: dropout(states, rate)) if rate and is_training else None


def torch_lstm(*args: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """torch.lstm, of padded and of packed sequences."""
    if isinstance(args[1], torch.Tensor):
        data, batch_sizes, state, weights, has_biases, layers, rate, is_training, is_bidirectional = args
        padded, lengths = torch._VF._pad_packed_sequence(data, batch_sizes, False, 0.0, -1)
        batch_first = False
    else:
        padded, state, weights, has_biases, layers, rate, is_training, is_bidirectional, batch_first = args
        lengths = None
    if len(weights) != layers * (1 + is_bidirectional) * (4 if has_biases else 2):
        raise NotExactError("torch.lstm with proj_size")
    output, last = lstm(
        padded,
        tuple(state),
        weights,
        num_layers=layers,
        bidirectional=is_bidirectional,
        batch_first=batch_first,
        lengths=lengths,
        between=between_layers(rate, is_training=is_training),
    )
    if lengths is not None:
        output, _ = torch._VF._pack_padded_sequence(output, lengths, False)
    return output, *last
