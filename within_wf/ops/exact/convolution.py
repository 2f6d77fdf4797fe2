"""Convolutions of one order: each element is a chain of fused multiply-adds over (channel, kernel row, kernel column).

out[n, o, y, x] begins with +0 and takes fma(number, weight, chain) for the input channels of the group, the kernel's rows and
its columns, all upwards; where a tap lies in the padding the number is +0, so that an infinite or NaN weight makes NaN there.
Then the bias is added. Each operation is rounded once, to nearest even; 16-bit formats are read as float32 and rounded to
their format at the end. A NaN among what comes out is the positive quiet one without payload. docs/exact/convolution.md has
the orders of the gradients; a gradient of a gradient is refused.

Other ways of padding than by zeros are had by padding the input first (``torch.nn.functional.pad`` copies and rounds
nothing) and convolving without.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import pad

from within_wf.ops.library import load_core

load_core()

_OPS = torch.ops.within

Size = int | Sequence[int]


def conv1d(
    input: torch.Tensor,  # noqa: A002 - torch's name
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> torch.Tensor:
    """A convolution along one axis.

    Args:
        input: float32, float64, float16 or bfloat16, shape [N, C, L] or [C, L].
        weight: Of the same dtype, shape [M, C / groups, K].
        bias: Of the same dtype, shape [M].
        stride: As :func:`conv2d`'s, one number each.
        padding: Zeros on both sides, ``"valid"`` or ``"same"``.
        dilation: From tap to tap.
        groups: As :func:`conv2d`'s.

    Returns:
        Of the same dtype, shape [N, M, positions] or [M, positions], contiguous.

    Raises:
        ValueError: A shape, dtype, device or number is not one above.
    """
    if input.dim() not in (2, 3):
        raise ValueError(f"exact.conv1d: input has shape {list(input.shape)}, expected [N, C, L] or [C, L]")
    if weight.dim() != 3:
        raise ValueError(f"exact.conv1d: weight has shape {list(weight.shape)}, expected [M, C / groups, K]")
    strides, dilations = (1, *tuple_of("conv1d", "stride", stride, 1)), (1, *tuple_of("conv1d", "dilation", dilation, 1))
    zeros = padding if isinstance(padding, str) else (0, *tuple_of("conv1d", "padding", padding, 1))
    batch = input if input.dim() == 3 else input[None]
    result = _convolve("conv1d", batch[:, :, None], weight[:, :, None], bias, strides, zeros, dilations, groups)[:, :, 0]
    return result if input.dim() == 3 else result[0]


def conv2d(
    input: torch.Tensor,  # noqa: A002 - torch's name
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> torch.Tensor:
    """A convolution of planes.

    Args:
        input: float32, float64, float16 or bfloat16, shape [N, C, H, W] or [C, H, W], in any order in memory.
        weight: Of the same dtype, shape [M, C / groups, K, L].
        bias: Of the same dtype, shape [M].
        stride: From position to position, along both axes or along each.
        padding: Zeros on all sides, ``"valid"`` for none, or ``"same"`` for as many as give an output of the input's size
            (one more at the end where they are odd; stride 1).
        dilation: From tap to tap.
        groups: That channels are cut into; each group of outputs reads one of inputs.

    Returns:
        Of the same dtype, shape [N, M, rows, columns] or [M, rows, columns], contiguous.

    Raises:
        ValueError: A shape, dtype, device or number is not one above.
    """
    if input.dim() not in (3, 4):
        raise ValueError(f"exact.conv2d: input has shape {list(input.shape)}, expected [N, C, H, W] or [C, H, W]")
    if weight.dim() != 4:
        raise ValueError(f"exact.conv2d: weight has shape {list(weight.shape)}, expected [M, C / groups, K, L]")
    strides, dilations = tuple_of("conv2d", "stride", stride, 2), tuple_of("conv2d", "dilation", dilation, 2)
    zeros = padding if isinstance(padding, str) else tuple_of("conv2d", "padding", padding, 2)
    batch = input if input.dim() == 4 else input[None]
    result = _convolve("conv2d", batch, weight, bias, strides, zeros, dilations, groups)
    return result if input.dim() == 4 else result[0]


def tuple_of(name: str, argument: str, size: Size, count: int) -> tuple[int, ...]:
    """One number for all axes, or one for each.

    Raises:
        ValueError: There are others.
    """
    if isinstance(size, int):
        return (size,) * count
    numbers = tuple(size)
    if len(numbers) == 1:
        return numbers * count
    if len(numbers) != count:
        raise ValueError(f"exact.{name}: {argument} is {numbers}, expected one number or {count}")
    return numbers


def _convolve(
    name: str,
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    stride: Sequence[int],
    padding: str | Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> torch.Tensor:
    if isinstance(padding, str):
        x, padding = _padded(name, x, weight, stride, padding, dilation)
    result: torch.Tensor = _OPS.exact_convolution(x, weight, bias, stride, padding, dilation, groups)
    return result


def _padded(
    name: str, x: torch.Tensor, weight: torch.Tensor, stride: Sequence[int], padding: str, dilation: Sequence[int]
) -> tuple[torch.Tensor, list[int]]:
    """The input, with zeros where one side needs more than the other, and the zeros of both sides."""
    if padding == "valid":
        return x, [0, 0]
    if padding != "same":
        raise ValueError(f"exact.{name}: padding is {padding!r}, expected numbers, 'valid' or 'same'")
    if any(step != 1 for step in stride):
        raise ValueError(f"exact.{name}: stride is {tuple(stride)}, expected 1 where padding is 'same'")
    total = [step * (kernel - 1) for step, kernel in zip(dilation, weight.shape[2:], strict=True)]
    if any(zeros % 2 for zeros in total):
        x = pad(x, (0, total[1] % 2, 0, total[0] % 2))
    return x, [zeros // 2 for zeros in total]


# What follows tells torch of shapes; csrc/exact/convolution_autograd.cpp has the gradients.


@torch.library.register_fake("within::exact_convolution")  # type: ignore[untyped-decorator]
def _like_convolution(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> torch.Tensor:
    sizes = [(x.shape[i + 2] + 2 * padding[i] - dilation[i] * (weight.shape[i + 2] - 1) - 1) // stride[i] + 1 for i in range(2)]
    return x.new_empty((x.shape[0], weight.shape[0], *sizes))


@torch.library.register_fake("within::exact_convolution_backward_input")  # type: ignore[untyped-decorator]
def _like_input(gradient: torch.Tensor, weight: torch.Tensor, shape: Sequence[int], *_: Any) -> torch.Tensor:
    return gradient.new_empty(shape)


@torch.library.register_fake("within::exact_convolution_backward_weight")  # type: ignore[untyped-decorator]
def _like_weight(
    gradient: torch.Tensor,
    x: torch.Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> torch.Tensor:
    return gradient.new_empty((gradient.shape[1], x.shape[1] // groups, *kernel))


@torch.library.register_fake("within::exact_convolution_backward_bias")  # type: ignore[untyped-decorator]
def _like_bias(gradient: torch.Tensor) -> torch.Tensor:
    return gradient.new_empty((gradient.shape[1],))
