"""Pooling in one order: maxima, averages, and both of windows that adapt to the size.

A maximum is the first largest number of its window, row by row, or its last NaN. An average adds the numbers of its window
row by row to +0, each sum rounded, and divides once; an adaptive one adds them by the order of sums in docs/exact.md, 32
chains, and divides once. Gradients are added to +0 window by window, row by row. 16-bit formats are read as float32 and
rounded to their format at the end; a NaN among what comes out is the positive quiet one without payload. A gradient of a
gradient is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from within_wf.ops.exact.convolution import Size, tuple_of
from within_wf.ops.library import load_core

load_core()

_OPS = torch.ops.within

OutputSize = int | None | Sequence[int | None]
Pooled = torch.Tensor | tuple[torch.Tensor, torch.Tensor]


def max_pool1d(
    input: torch.Tensor,  # noqa: A002 - torch's name
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """The largest number of each window of a line, [N, C, L] or [C, L]; otherwise as :func:`max_pool2d`."""
    return _max_pool(
        "max_pool1d", 1, input, _sizes("max_pool1d", 1, kernel_size, stride, padding, dilation), ceil_mode, return_indices
    )


def max_pool2d(
    input: torch.Tensor,  # noqa: A002 - torch's name
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """The largest number of each window of a plane.

    Args:
        input: float32, float64, float16 or bfloat16, shape [N, C, H, W] or [C, H, W], in any order in memory.
        kernel_size: Of a window, along both axes or along each.
        stride: From window to window; the kernel's size where it is not given.
        padding: Places on each side that have no number, at most half of a window.
        dilation: Between the numbers of a window.
        ceil_mode: Whether a last window may reach over the padding.
        return_indices: Whether to say where each is in its plane, counted row by row, int64.

    Returns:
        Of the same dtype, contiguous, and where it was asked for, the places.

    Raises:
        ValueError: A shape, dtype or number is not one above.
    """
    return _max_pool(
        "max_pool2d", 2, input, _sizes("max_pool2d", 2, kernel_size, stride, padding, dilation), ceil_mode, return_indices
    )


def avg_pool1d(
    input: torch.Tensor,  # noqa: A002 - torch's name
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> torch.Tensor:
    """The average of each window of a line, [N, C, L] or [C, L]; otherwise as :func:`avg_pool2d`."""
    return _avg_pool(
        "avg_pool1d", 1, input, _sizes("avg_pool1d", 1, kernel_size, stride, padding), ceil_mode, count_include_pad, None
    )


def avg_pool2d(
    input: torch.Tensor,  # noqa: A002 - torch's name
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> torch.Tensor:
    """The average of each window of a plane.

    Args:
        input: As :func:`max_pool2d`'s.
        kernel_size: As there.
        stride: As there.
        padding: As there.
        ceil_mode: As there.
        count_include_pad: Whether places in the padding count among those that the sum is divided by.
        divisor_override: What it is divided by instead.

    Returns:
        Of the same dtype, contiguous.

    Raises:
        ValueError: A shape, dtype or number is not one of these.
    """
    return _avg_pool(
        "avg_pool2d",
        2,
        input,
        _sizes("avg_pool2d", 2, kernel_size, stride, padding),
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


def adaptive_max_pool1d(
    input: torch.Tensor,  # noqa: A002 - torch's name
    output_size: OutputSize,
    return_indices: bool = False,
) -> Pooled:
    """As many maxima of a line, [N, C, L] or [C, L], as are asked for; otherwise as :func:`adaptive_max_pool2d`."""
    planes = _planes("adaptive_max_pool1d", input, 1)
    found = _OPS.exact_adaptive_max_pool(planes, _output("adaptive_max_pool1d", output_size, input, 1))
    return _as_given(found, input, 1, return_indices)


def adaptive_max_pool2d(
    input: torch.Tensor,  # noqa: A002 - torch's name
    output_size: OutputSize,
    return_indices: bool = False,
) -> Pooled:
    """As many maxima of a plane as are asked for: window o of n takes places floor(o size / n) to ceil((o + 1) size / n).

    Args:
        input: As :func:`max_pool2d`'s.
        output_size: Windows along both axes or along each; None for as many as there are numbers.
        return_indices: As there.

    Returns:
        As there.

    Raises:
        ValueError: A shape, dtype or number is not one of these.
    """
    planes = _planes("adaptive_max_pool2d", input, 2)
    found = _OPS.exact_adaptive_max_pool(planes, _output("adaptive_max_pool2d", output_size, input, 2))
    return _as_given(found, input, 2, return_indices)


def adaptive_avg_pool1d(
    input: torch.Tensor,  # noqa: A002 - torch's name
    output_size: OutputSize,
) -> torch.Tensor:
    """As many averages of a line, [N, C, L] or [C, L], as are asked for; windows as :func:`adaptive_max_pool2d`'s."""
    planes = _planes("adaptive_avg_pool1d", input, 1)
    found = _OPS.exact_adaptive_average_pool(planes, _output("adaptive_avg_pool1d", output_size, input, 1))
    return _shaped(found, input, 1)


def adaptive_avg_pool2d(
    input: torch.Tensor,  # noqa: A002 - torch's name
    output_size: OutputSize,
) -> torch.Tensor:
    """As many averages of a plane as are asked for; arguments and windows as :func:`adaptive_max_pool2d`'s."""
    planes = _planes("adaptive_avg_pool2d", input, 2)
    found = _OPS.exact_adaptive_average_pool(planes, _output("adaptive_avg_pool2d", output_size, input, 2))
    return _shaped(found, input, 2)


def _max_pool(
    name: str, axes: int, x: torch.Tensor, sizes: Sequence[tuple[int, ...]], ceil_mode: bool, return_indices: bool
) -> Pooled:
    found = _OPS.exact_max_pool(_planes(name, x, axes), *sizes, ceil_mode)
    return _as_given(found, x, axes, return_indices)


def _avg_pool(
    name: str,
    axes: int,
    x: torch.Tensor,
    sizes: Sequence[tuple[int, ...]],
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int | None,
) -> torch.Tensor:
    planes = _planes(name, x, axes)
    return _shaped(_OPS.exact_average_pool(planes, *sizes, ceil_mode, count_include_pad, divisor), x, axes)


def _sizes(name: str, axes: int, kernel: Size, stride: Size | None, *others: Size) -> list[tuple[int, ...]]:
    """Kernel, stride, padding and, where there is one, dilation, along rows and columns."""
    given = (kernel, kernel if stride is None else stride, *others)
    names = ("kernel_size", "stride", "padding", "dilation")
    found = [tuple_of(name, label, size, axes) for label, size in zip(names, given, strict=False)]
    # A line is a plane of one row.
    return found if axes == 2 else [(along_rows, *size) for along_rows, size in zip((1, 1, 0, 1), found, strict=False)]


def _output(name: str, output_size: OutputSize, x: torch.Tensor, axes: int) -> tuple[int, ...]:
    sizes = (output_size,) * axes if output_size is None or isinstance(output_size, int) else tuple(output_size)
    if len(sizes) != axes:
        raise ValueError(f"exact.{name}: output_size is {sizes}, expected one number or {axes}")
    found = tuple(x.shape[i - axes] if size is None else size for i, size in enumerate(sizes))
    return found if axes == 2 else (1, *found)


def _planes(name: str, x: torch.Tensor, axes: int) -> torch.Tensor:
    if x.dim() not in (axes + 1, axes + 2):
        expected = "[N, C, H, W] or [C, H, W]" if axes == 2 else "[N, C, L] or [C, L]"
        raise ValueError(f"exact.{name}: input has shape {list(x.shape)}, expected {expected}")
    batch = x if x.dim() == axes + 2 else x[None]
    return batch if axes == 2 else batch[:, :, None]


def _shaped(found: torch.Tensor, x: torch.Tensor, axes: int) -> torch.Tensor:
    batch = found if axes == 2 else found[:, :, 0]
    return batch if x.dim() == axes + 2 else batch[0]


def _as_given(found: tuple[torch.Tensor, torch.Tensor], x: torch.Tensor, axes: int, return_indices: bool) -> Pooled:
    values = _shaped(found[0], x, axes)
    return (values, _shaped(found[1], x, axes)) if return_indices else values


# What follows tells torch of shapes; csrc/exact/pooling_autograd.cpp has the gradients.


def _pooled(
    x: torch.Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil_mode: bool,
) -> torch.Tensor:
    sizes = []
    for axis in range(2):
        room = x.shape[axis + 2] + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1
        size = (room + (stride[axis] - 1 if ceil_mode else 0)) // stride[axis] + 1
        if ceil_mode and (size - 1) * stride[axis] >= x.shape[axis + 2] + padding[axis]:
            size -= 1
        sizes.append(size)
    return x.new_empty((*x.shape[:2], *sizes))


@torch.library.register_fake("within::exact_max_pool")  # type: ignore[untyped-decorator]
def _like_max(x: torch.Tensor, *sizes: Any) -> tuple[torch.Tensor, torch.Tensor]:
    out = _pooled(x, *sizes)
    return out, torch.empty_like(out, dtype=torch.int64)


@torch.library.register_fake("within::exact_average_pool")  # type: ignore[untyped-decorator]
def _like_average(
    x: torch.Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool,
    *_: Any,
) -> torch.Tensor:
    return _pooled(x, kernel, stride, padding, (1, 1), ceil_mode)


@torch.library.register_fake("within::exact_adaptive_max_pool")  # type: ignore[untyped-decorator]
def _like_adaptive_max(x: torch.Tensor, output: Sequence[int]) -> tuple[torch.Tensor, torch.Tensor]:
    out = x.new_empty((*x.shape[:2], *output))
    return out, torch.empty_like(out, dtype=torch.int64)


@torch.library.register_fake("within::exact_adaptive_average_pool")  # type: ignore[untyped-decorator]
def _like_adaptive_average(x: torch.Tensor, output: Sequence[int]) -> torch.Tensor:
    return x.new_empty((*x.shape[:2], *output))


@torch.library.register_fake("within::exact_max_pool_backward")  # type: ignore[untyped-decorator]
@torch.library.register_fake("within::exact_adaptive_max_pool_backward")  # type: ignore[untyped-decorator]
def _like_max_input(gradient: torch.Tensor, places: torch.Tensor, shape: Sequence[int], *_: Any) -> torch.Tensor:
    return gradient.new_empty(shape)


@torch.library.register_fake("within::exact_average_pool_backward")  # type: ignore[untyped-decorator]
@torch.library.register_fake("within::exact_adaptive_average_pool_backward")  # type: ignore[untyped-decorator]
def _like_average_input(gradient: torch.Tensor, shape: Sequence[int], *_: Any) -> torch.Tensor:
    return gradient.new_empty(shape)
