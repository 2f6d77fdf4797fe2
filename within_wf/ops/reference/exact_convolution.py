"""Exact convolutions in plain torch, in the order that docs/exact/convolution.md gives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
import torch

from within_wf.ops.reference.exact import fma, stored, sum_in_order

CHAIN = 256
"""Positions of a chain of a weight's gradient."""
LANES = 8
"""Chains of a weight's gradient where groups have one input channel."""


def convolution(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> torch.Tensor:
    """Of float32, float16 or bfloat16, [N, C, H, W] and [M, C / groups, K, L]."""
    outputs, channels, kernel_rows, kernel_columns = weight.shape
    taps = below_taps(x.float(), weight.shape, stride, padding, dilation, groups)
    weights = weight.float().reshape(groups, outputs // groups, channels, kernel_rows * kernel_columns)
    chain = torch.zeros(len(x), groups, outputs // groups, *taps.shape[4:])
    for c in range(channels):
        for k in range(kernel_rows * kernel_columns):
            number, factor = taps[:, :, c, k, None], weights[None, :, :, c, k, None, None]
            chain = fma(number.expand_as(chain), factor.expand_as(chain), chain)
    result = chain.flatten(1, 2)
    if bias is not None:
        result = result + bias.float()[:, None, None]
    return stored(result, x.dtype)


def below_taps(
    x: torch.Tensor,
    weight: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> torch.Tensor:
    """The number below each tap at each position: [N, groups, channels, taps, rows, columns]."""
    padded = torch.nn.functional.pad(x, (padding[1], padding[1], padding[0], padding[0]))
    rows, columns = ((padded.shape[2 + i] - dilation[i] * (weight[2 + i] - 1) - 1) // stride[i] + 1 for i in range(2))
    found = [
        padded[:, :, i * dilation[0] :: stride[0], j * dilation[1] :: stride[1]][:, :, :rows, :columns]
        for i in range(weight[2])
        for j in range(weight[3])
    ]
    return torch.stack(found, 2).reshape(len(x), groups, -1, weight[2] * weight[3], rows, columns)


def backward_input(
    gradient: torch.Tensor,
    weight: torch.Tensor,
    shape: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> torch.Tensor:
    """The gradient of the input."""
    outputs, channels, kernel_rows, kernel_columns = weight.shape
    wide = gradient.float().reshape(len(gradient), groups, outputs // groups, *gradient.shape[2:])
    weights = weight.float().reshape(groups, outputs // groups, channels, kernel_rows, kernel_columns)
    chain = torch.zeros(shape[0], groups, channels, shape[2], shape[3])
    for o in range(outputs // groups):
        for i in range(kernel_rows):
            to_rows, rows = _reached(shape[2], i, stride[0], padding[0], dilation[0], wide.shape[3])
            for j in range(kernel_columns):
                to_columns, columns = _reached(shape[3], j, stride[1], padding[1], dilation[1], wide.shape[4])
                if not to_rows or not to_columns:
                    continue
                # One row and column of zeros stand for all that is beyond the edges.
                edged = torch.nn.functional.pad(wide[:, :, o], (0, 1, 0, 1))
                number = edged[:, :, rows][:, :, :, columns][:, :, None]
                part = chain[:, :, :, to_rows][:, :, :, :, to_columns]
                factor = weights[None, :, o, :, i, j, None, None]
                part = fma(number.expand_as(part), factor.expand_as(part), part)
                chain[:, :, :, torch.tensor(to_rows)[:, None], torch.tensor(to_columns)] = part
    return stored(chain.reshape(tuple(shape)), gradient.dtype)


def _reached(size: int, tap: int, stride: int, padding: int, dilation: int, outputs: int) -> tuple[list[int], list[int]]:
    """Places of the input that a tap reaches, and the output that each belongs to; -1: one beyond the edges."""
    to, of = [], []
    for place in range(size):
        output, rest = divmod(place + padding - tap * dilation, stride)
        if rest == 0:
            to.append(place)
            of.append(output if 0 <= output < outputs else -1)
    return to, of


def backward_weight(
    gradient: torch.Tensor,
    x: torch.Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> torch.Tensor:
    """The gradient of the weight."""
    outputs, channels = gradient.shape[1], x.shape[1] // groups
    taps = below_taps(x.float(), (outputs, channels, *kernel), stride, padding, dilation, groups)
    wide = gradient.float().reshape(len(x), groups, outputs // groups, *gradient.shape[2:])
    find = _in_lanes if channels == 1 else _in_chains
    # [groups, outputs, channels, taps]
    return stored(find(wide, taps).reshape(outputs, channels, *kernel), gradient.dtype)


def _in_chains(gradient: torch.Tensor, taps: torch.Tensor) -> torch.Tensor:
    batch, positions = len(gradient), gradient.shape[3] * gradient.shape[4]
    together = max(1, CHAIN // positions)
    units = []
    for first in range(0, batch, together):
        some = slice(first, first + together)
        left = gradient[some].flatten(3).permute(0, 3, 1, 2).flatten(0, 1)[:, :, :, None, None]
        right = taps[some].flatten(4).permute(0, 4, 1, 2, 3).flatten(0, 1)[:, :, None]
        chains = []
        for begin in range(0, len(left), CHAIN):
            chain = torch.zeros(np.broadcast_shapes(left.shape[1:], right.shape[1:]))
            for q in range(begin, min(begin + CHAIN, len(left))):
                chain = fma(left[q].expand_as(chain), right[q].expand_as(chain), chain)
            chains.append(chain)
        units.append(reduce(torch.add, chains))
    return reduce(torch.add, units)


def _in_lanes(gradient: torch.Tensor, taps: torch.Tensor) -> torch.Tensor:
    images = []
    for left, right in zip(gradient, taps, strict=True):
        chains = [torch.zeros(*left.shape[:2], 1, right.shape[2]) for _ in range(LANES)]
        for y in range(left.shape[2]):
            for x in range(left.shape[3]):
                chain = chains[x % LANES]
                factor, number = left[:, :, None, None, y, x], right[:, None, :, :, y, x]
                chains[x % LANES] = fma(factor.expand_as(chain), number.expand_as(chain), chain)
        images.append(chains)
    totals: list[torch.Tensor] = [reduce(torch.add, lane) for lane in zip(*images, strict=True)]
    half = LANES // 2
    while half:
        totals[:half] = [totals[i] + totals[i + half] for i in range(half)]
        half //= 2
    return totals[0]


def backward_bias(gradient: torch.Tensor) -> torch.Tensor:
    """The gradient of the bias."""
    return stored(sum_in_order(sum_in_order(gradient.float().flatten(2)).T), gradient.dtype)
