"""Calls of LSTM layers; torch alone, as tests/ops/cases.py."""

from __future__ import annotations

from collections.abc import Iterator

import torch

import within_wf.ops.exact.lstm  # noqa: F401 - registers its operators
from tests.ops.case import Case

Layer = tuple[torch.Tensor, torch.Tensor, torch.Tensor, list[torch.Tensor], torch.Tensor | None, bool]
KINDS = (
    # moments, batch, inputs, hidden, directions, has bias, lengths
    (1, 1, 1, 1, 1, True, None),
    (3, 2, 3, 2, 2, False, None),
    (5, 7, 9, 20, 1, True, None),
    (4, 14, 3, 33, 2, True, (4, 1, 3, 2, 2, 1, 4, 4, 3, 1, 2, 4, 1, 3)),
    (6, 3, 0, 16, 1, True, (2, 5, 1)),
    (2, 8, 70, 67, 1, False, None),
    (2, 0, 3, 4, 2, True, None),
)


def layer(
    moments: int,
    batch: int,
    inputs: int,
    hidden: int,
    directions: int,
    has_bias: bool,
    lengths: tuple[int, ...] | None,
    dtype: torch.dtype = torch.float32,
    *,
    batch_first: bool = False,
) -> Layer:
    """Arguments of the operator: what trained networks have, roughly."""
    draws = torch.Generator().manual_seed(moments * 1000 + batch * 31 + inputs * 7 + hidden)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draws, dtype=torch.float64).to(dtype)

    sequence = (batch, moments, inputs) if batch_first else (moments, batch, inputs)
    shapes = [(4 * hidden, inputs), (4 * hidden, hidden), *([(4 * hidden,)] * 2 if has_bias else [])]
    weights = [normal(*shape) * (2 / hidden**0.5) for _ in range(directions) for shape in shapes]
    states = [normal(directions, batch, hidden) for _ in range(2)]
    return normal(*sequence), *states, weights, None if lengths is None else torch.tensor(lengths), batch_first


def special_layer(dtype: torch.dtype) -> Layer:
    """Infinities, NaN, zeros of both signs, the largest and subnormal numbers as input and first states."""
    info = torch.finfo(dtype)
    values = [float("inf"), -float("inf"), float("nan"), 0.0, -0.0, info.max, -info.max, info.smallest_normal / 4, 1.0]
    x, h0, c0, weights, lengths, batch_first = layer(3, 9, 2, 5, 1, True, None, dtype)
    column = torch.tensor(values, dtype=torch.float64).to(dtype)
    x[1, :, 0] = column
    h0[0, :, 0], c0[0, :, 1] = column.flip(0), column.roll(1)
    return x, h0, c0, weights, lengths, batch_first


def gradients(of: Layer) -> tuple[object, ...]:
    """Arguments of the backward operator: what comes back is drawn, what was kept is the forward operator's."""
    x, h0, c0, weights, lengths, batch_first = of
    output, h, _, kept, wide = torch.ops.within.exact_lstm_forward(*of)
    draws = torch.Generator().manual_seed(kept.numel())
    back = [torch.randn(t.shape, generator=draws, dtype=torch.float64).to(x.dtype) for t in (output, h, h)]
    own = output if x.dtype in (torch.float32, torch.float64) else wide
    return *back, x, h0, c0, weights, lengths, batch_first, own, kept, True


def lstm_cases() -> Iterator[Case]:
    """Of every dtype: one direction and two, ragged lengths, sizes that no register divides, none of a batch."""
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        name = str(dtype).removeprefix("torch.")
        for kind in KINDS:
            for batch_first in (False, True):
                title = f"{name}, {' x '.join(map(str, kind[:5]))}{', batch first' if batch_first else ''}"
                make = lambda k=kind, d=dtype, b=batch_first: layer(*k, d, batch_first=b)  # noqa: E731
                yield Case("exact_lstm", title, make, (0, 1, 2))
                yield Case("exact_lstm_forward", title, make)
                yield Case("exact_lstm_backward", title, lambda m=make: gradients(m()))
        special = lambda d=dtype: special_layer(d)  # noqa: E731
        yield Case("exact_lstm", f"{name}, specials", special)
        yield Case("exact_lstm_forward", f"{name}, specials", special)
        yield Case("exact_lstm_backward", f"{name}, specials", lambda m=special: gradients(m()))
