"""Matrix products of one order: each element is a chain of fused multiply-adds over k, upwards.

out[i, j] = fma(a[i, K-1], b[K-1, j], … fma(a[i, 1], b[1, j], fma(a[i, 0], b[0, j], +0))), and then + bias[j]; each fma and the
addition are rounded once, to nearest even. 16-bit formats are read as float32, summed in float32, and rounded to their format
at the end. A NaN among what comes out is the positive quiet one without payload. Gradients of the matrices are two more such
products; that of a bias is the correctly rounded sum of what it received.
"""

from __future__ import annotations

from typing import Any

import torch

from within_wf.ops.library import load_core, register_fake
from within_wf.ops.scatter import scatter

load_core()

_OPS = torch.ops.within


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
    _want("mm", 2, a=a, b=b)
    product: torch.Tensor = _OPS.exact_matmul(a[None], b[None], None)[0]
    return product


def bmm(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The products of two batches of matrices, [B, N, K] and [B, K, M]: [B, N, M]; otherwise as :func:`mm`."""
    _want("bmm", 3, a=a, b=b)
    product: torch.Tensor = _OPS.exact_matmul(a, b, None)
    return product


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
    _want("addmm", 2, a=a, b=b)
    if input.dtype != a.dtype or input.device != a.device:
        raise ValueError(f"exact.addmm: input is {input.dtype} on {input.device}, expected {a.dtype} on {a.device} as a")
    shape = (a.shape[0], b.shape[1])
    broadcast = len(input.shape) <= 2 and all(
        size in (1, whole) for size, whole in zip(reversed(input.shape), reversed(shape), strict=False)
    )
    if not broadcast:
        raise ValueError(f"exact.addmm: input has shape {list(input.shape)}, expected one that broadcasts to {list(shape)}")
    if beta == 1 and alpha == 1 and input.shape == shape[1:]:
        return _OPS.exact_matmul(a[None], b[None], input)[0]  # type: ignore[no-any-return]
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
) -> torch.Tensor:
    """The layer input weight^T + bias.

    Args:
        input: As ``a`` in :func:`mm`, shape [..., K].
        weight: Of the same dtype, shape [M, K].
        bias: Of the same dtype, shape [M].

    Returns:
        Of the same dtype, shape [..., M].

    Raises:
        ValueError: A shape, dtype or device is not one above.
    """
    _want("linear", 2, weight=weight)
    if input.dim() == 0:
        raise ValueError("exact.linear: input is a scalar, expected [..., K]")
    rows = input.reshape(1, input.shape[:-1].numel(), input.shape[-1])
    product: torch.Tensor = _OPS.exact_matmul(rows, weight.t()[None], bias)
    return product.reshape(*input.shape[:-1], weight.shape[0])


def _want(name: str, dimensions: int, **tensors: torch.Tensor) -> None:
    for argument, tensor in tensors.items():
        if tensor.dim() != dimensions:
            raise ValueError(f"exact.{name}: {argument} has shape {list(tensor.shape)}, expected {dimensions} dimensions")


# What follows tells torch of shapes and gradients.


@register_fake("within::exact_matmul")
def _like_product(a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    return a.new_empty((a.shape[0], a.shape[1], b.shape[2]))


def _keep(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
    ctx.save_for_backward(inputs[0], inputs[1])


def _backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
    a, b = ctx.saved_tensors
    of_a = _OPS.exact_matmul(gradient, b.mT, None) if ctx.needs_input_grad[0] else None
    of_b = _OPS.exact_matmul(a.mT, gradient, None) if ctx.needs_input_grad[1] else None
    of_bias = None
    if ctx.needs_input_grad[2]:
        rows = gradient.reshape(-1, gradient.shape[-1])
        of_bias = scatter(rows, torch.zeros(len(rows), dtype=torch.int64, device=rows.device), 1)[0]
    return of_a, of_b, of_bias


torch.library.register_autograd("within::exact_matmul", _backward, setup_context=_keep)
