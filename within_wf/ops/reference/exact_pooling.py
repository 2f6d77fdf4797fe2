"""Exact pooling in plain loops, in the order that docs/exact/convolution.md gives."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import torch

from within_wf.ops.reference.exact import stored, sum_in_order


def output_size(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool) -> int:
    """Windows along an axis."""
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    windows = (math.ceil(room / stride) if ceil_mode else room // stride) + 1
    return windows - 1 if ceil_mode and (windows - 1) * stride >= size + padding else windows


def windows(
    shape: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> list[list[range]]:
    """The places of each window along rows and along columns, those in the padding too."""
    found = []
    for size, k, s, p, d in zip(shape[2:], kernel, stride, padding, dilation, strict=True):
        found.append(
            [range(o * s - p, o * s - p + (k - 1) * d + 1, d) for o in range(output_size(size, k, s, p, d, ceil_mode))]
        )
    return found


def adaptive_windows(shape: Sequence[int], output: Sequence[int]) -> list[list[range]]:
    """The same where windows adapt to the size."""
    return [
        [range(o * size // n, -(-(o + 1) * size // n)) for o in range(n)] for size, n in zip(shape[2:], output, strict=True)
    ]


def _each(axes: list[list[range]], shape: Sequence[int]) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Each window's row and column, and its places that have a number, row by row."""
    for (y, rows), (x, columns) in itertools.product(enumerate(axes[0]), enumerate(axes[1])):
        inside = itertools.product((r for r in rows if 0 <= r < shape[2]), (c for c in columns if 0 <= c < shape[3]))
        yield y, x, list(inside)


def max_pool(x: torch.Tensor, axes: list[list[range]]) -> tuple[torch.Tensor, torch.Tensor]:
    """The largest numbers and their places."""
    wide = x if x.dtype == torch.float64 else x.float()
    out = wide.new_empty(*x.shape[:2], len(axes[0]), len(axes[1]))
    found = torch.empty(out.shape, dtype=torch.int64)
    for y, column, places in _each(axes, x.shape):
        value = torch.full(x.shape[:2], -math.inf, dtype=wide.dtype)
        place = torch.full(x.shape[:2], places[0][0] * x.shape[3] + places[0][1])
        for r, c in places:
            number = wide[:, :, r, c]
            taken = (number > value) | number.isnan()
            value, place = torch.where(taken, number, value), torch.where(taken, r * x.shape[3] + c, place)
        out[:, :, y, column], found[:, :, y, column] = value, place
    return stored(out, x.dtype), found


def _divisor(axes: list[list[range]], y: int, x: int, shape: Sequence[int], padding: Sequence[int], counted: bool) -> int:
    """Numbers of a window of an average, with those in the padding where they are counted."""
    sizes = []
    for window, size, p in zip((axes[0][y], axes[1][x]), shape[2:], padding, strict=True):
        low, high = (-p, size + p) if counted else (0, size)
        sizes.append(sum(low <= place < high for place in window))
    return sizes[0] * sizes[1]


def average_pool(
    x: torch.Tensor, axes: list[list[range]], padding: Sequence[int], counted: bool, divisor: int | None
) -> torch.Tensor:
    """Averages of windows."""
    wide = x if x.dtype == torch.float64 else x.float()
    out = wide.new_empty(*x.shape[:2], len(axes[0]), len(axes[1]))
    for y, column, places in _each(axes, x.shape):
        total = wide.new_zeros(x.shape[:2])
        for r, c in places:
            total = total + wide[:, :, r, c]
        out[:, :, y, column] = total / (divisor or _divisor(axes, y, column, x.shape, padding, counted))
    return stored(out, x.dtype)


def adaptive_average_pool(x: torch.Tensor, axes: list[list[range]]) -> torch.Tensor:
    """Averages of windows that adapt to the size, of float32 and narrower formats."""
    wide = x.float()
    out = wide.new_empty(*x.shape[:2], len(axes[0]), len(axes[1]))
    for y, column, places in _each(axes, x.shape):
        numbers = torch.stack([wide[:, :, r, c] for r, c in places], -1)
        out[:, :, y, column] = sum_in_order(numbers) / len(places)
    return stored(out, x.dtype)


def max_pool_backward(gradient: torch.Tensor, places: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """The gradient of what maxima were taken of."""
    wide = (gradient if gradient.dtype == torch.float64 else gradient.float()).flatten(0, 1).flatten(1)
    total = wide.new_zeros(wide.shape[0], shape[2] * shape[3])
    for (plane, i), place in zip(itertools.product(*map(range, wide.shape)), places.flatten().tolist(), strict=True):
        total[plane, place] += wide[plane, i]
    return stored(total.reshape(tuple(shape)), gradient.dtype)


def average_pool_backward(
    gradient: torch.Tensor,
    shape: Sequence[int],
    axes: list[list[range]],
    padding: Sequence[int],
    counted: bool,
    divisor: int | None,
) -> torch.Tensor:
    """The gradient of what averages were taken of, adaptive ones among them."""
    wide = gradient if gradient.dtype == torch.float64 else gradient.float()
    total = wide.new_zeros(*shape)
    for y, x, places in _each(axes, shape):
        share = wide[:, :, y, x] / (divisor or _divisor(axes, y, x, shape, padding, counted))
        for r, c in places:
            total[:, :, r, c] += share
    return stored(total, gradient.dtype)
