"""Matrix products of one order: each element is a chain of fused multiply-adds over k, upwards.

out[i, j] = fma(a[i, K-1], b[K-1, j], … fma(a[i, 1], b[1, j], fma(a[i, 0], b[0, j], +0))), and then + bias[j]; each fma and the
addition are rounded once, to nearest even. 16-bit formats are read as float32, summed in float32, and rounded to their format
at the end. A NaN among what comes out is the positive quiet one without payload. Gradients of the matrices are two more such
products; that of a bias is the sum of what it received, in the one order of sums (docs/exact.md).
"""

from __future__ import annotations

from typing import Literal

import torch
from torch.compiler import is_compiling

import within_wf.ops.exact.elementwise
import within_wf.ops.exact.sum_rows  # noqa: F401 - what gradients of activations and biases go through
from within_wf.ops.library import load_core, register_fake

load_core()

from within_wf import _C  # type: ignore[attr-defined]  # noqa: E402 - the core has to be loaded

_MATMUL = torch.ops.within.exact_matmul.default
_MM = torch.ops.within.exact_mm.default
_LINEAR = torch.ops.within.exact_linear.default
_LINEAR_ACTIVATED = torch.ops.within.exact_linear_activated.default

Activation = Literal["relu", "gelu", "gelu_tanh", "silu", "tanh", "sigmoid"]


def mm(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The product of two matrices.

    Args:
        a: float32, float64, float16 or bfloat16, shape [N, K], of any strides.
        b: Of the same dtype, shape [K, M].

    Returns:
        Of the same dtype, shape [N, M], contiguous.

    Raises:
        ValueError: A shape, dtype or device is not one above.
    """
    product: torch.Tensor = NotImplemented if is_compiling() else _C.mm(a, b)
    return _MM(a, b) if product is NotImplemented else product


def bmm(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The products of two batches of matrices, [B, N, K] and [B, K, M]: [B, N, M]; otherwise as :func:`mm`."""
    product: torch.Tensor = NotImplemented if is_compiling() else _C.bmm(a, b)
    return _MATMUL(a, b, None) if product is NotImplemented else product


def addmm(
    input: torch.Tensor,  # noqa: A002 - torch's name
    a: torch.Tensor,
    b: torch.Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
) -> torch.Tensor:
    """The sum beta * input + alpha * (a b).

    Args:
        input: What is added, of a shape that broadcasts to [N, M]; not read where ``beta`` is 0.
        a: As in :func:`mm`.
        b: As in :func:`mm`.
        beta: What ``input`` is multiplied by first.
        alpha: What the product is multiplied by, before the sum is made. Each operation is rounded, of 16-bit formats to
            float32; the sum then to their format.

    Returns:
        As :func:`mm`.

    Raises:
        ValueError: A shape, dtype or device is none of those.
    """
    for name, matrix in (("a", a), ("b", b)):
        if matrix.dim() != 2:
            raise ValueError(f"exact.addmm: {name} has shape {list(matrix.shape)}, expected 2 dimensions")
    if input.dtype != a.dtype or input.device != a.device:
        raise ValueError(f"exact.addmm: input is {input.dtype} on {input.device}, expected {a.dtype} on {a.device} as a")
    shape = (a.shape[0], b.shape[1])
    broadcast = len(input.shape) <= 2 and all(
        size in (1, whole) for size, whole in zip(reversed(input.shape), reversed(shape), strict=False)
    )
    if not broadcast:
        raise ValueError(f"exact.addmm: input has shape {list(input.shape)}, expected one that broadcasts to {list(shape)}")
    if beta == 1 and alpha == 1 and input.shape == shape[1:]:
        return _MM(a, b, input)  # type: ignore[no-any-return]
    # 16-bit numbers are read as float32 here as in the product, and rounded once.
    wide = torch.float64 if a.dtype == torch.float64 else torch.float32
    result = mm(a.to(wide), b.to(wide))
    if alpha != 1:
        result = result * alpha
    if beta != 0:
        added = input.to(wide)
        result = (added if beta == 1 else added * beta) + result
    return result.to(a.dtype).masked_fill(result.isnan(), torch.nan)


def linear(
    input: torch.Tensor,  # noqa: A002 - torch's name
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    *,
    activation: Activation | None = None,
) -> torch.Tensor:
    """The layer input weight^T + bias, and what follows it.

    Args:
        input: As ``a`` in :func:`mm`, shape [..., K].
        weight: Of the same dtype, shape [M, K].
        bias: Of the same dtype, shape [M].
        activation: What is applied to each number while it is in the cache: the same bits, forward and backward, as the
            function of that name in ``within_wf.ops.exact`` applied to the layer (``gelu_tanh``: gelu, approximated).

    Returns:
        Of the same dtype, shape [..., M].

    Raises:
        ValueError: A shape, dtype or device is not one above, or the activation is no such function.
    """
    if activation is not None:
        return _LINEAR_ACTIVATED(input, weight, bias, activation)  # type: ignore[no-any-return]
    product: torch.Tensor = NotImplemented if is_compiling() else _C.linear(input, weight, bias)
    return _LINEAR(input, weight, bias) if product is NotImplemented else product


# What follows tells torch of shapes.


@register_fake("within::exact_matmul")
def _like_products(a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    return a.new_empty((a.shape[0], a.shape[1], b.shape[2]))


@register_fake("within::exact_mm")
def _like_product(a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    return a.new_empty((a.shape[0], b.shape[1]))


@register_fake("within::exact_linear")
def _like_layer(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:  # noqa: A002
    return input.new_empty((*input.shape[:-1], weight.shape[0]))


@register_fake("within::exact_linear_activated")
def _like_activated(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, activation: str) -> torch.Tensor:  # noqa: A002
    return input.new_empty((*input.shape[:-1], weight.shape[0]))


@register_fake("within::exact_linear_kept")
def _like_kept(
    input: torch.Tensor,  # noqa: A002
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    activation: str,
) -> tuple[torch.Tensor, torch.Tensor]:
    shape = (*input.shape[:-1], weight.shape[0])
    return input.new_empty(shape), input.new_empty(shape)
