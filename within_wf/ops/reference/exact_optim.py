"""Steps of optimizers in plain torch and NumPy, in the order that docs/exact/optim.md gives; float32, float16 and bfloat16."""

from __future__ import annotations

import math

import numpy as np
import torch

from within_wf.ops.reference.exact import fma, stored, sum_in_order


def power(base: float, exponent: int) -> float:
    """The power by repeated squaring, from the exponent's lowest bit."""
    result = 1.0
    while exponent > 0:
        if exponent & 1:
            result *= base
        base *= base
        exponent >>= 1
    return result


def _fma(a: torch.Tensor | float, b: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    return fma(torch.as_tensor(a, dtype=torch.float32), b, c)


def _rounded(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float32)


def root(x: torch.Tensor) -> torch.Tensor:
    """The square root of float32, rounded correctly."""
    with np.errstate(invalid="ignore"):
        return torch.from_numpy(np.sqrt(x.numpy()))


def adam(
    parameter: torch.Tensor,
    gradient: torch.Tensor,
    mean: torch.Tensor,
    square: torch.Tensor,
    largest: torch.Tensor | None,
    step: int,
    *,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    is_decoupled: bool,
    maximize: bool,
) -> tuple[torch.Tensor, ...]:
    """Parameter, mean, square and the largest square after the step-th step, counted from 1."""
    dtype = parameter.dtype
    p, g, m, v = (of.float() for of in (parameter, gradient, mean, square))
    g = -g if maximize else g
    if weight_decay != 0 and is_decoupled:
        p = p * _rounded(1 - lr * weight_decay)
    elif weight_decay != 0:
        g = _fma(weight_decay, p, g)
    m = _fma(1 - beta1, g - m, m)
    v = fma(_rounded(1 - beta2) * g, g, _rounded(beta2) * v)
    top = v
    results = [m, v]
    if largest is not None:
        top = torch.where(v > largest.float(), v, largest.float()).where(~v.isnan(), v)
        results.append(top)
    bound = _fma(1 / math.sqrt(1 - power(beta2, step)), root(top), _rounded(eps))
    p = _fma(-(lr / (1 - power(beta1, step))), m / bound, p)
    return tuple(stored(of, dtype) for of in (p, *results))


def sgd(
    parameter: torch.Tensor,
    gradient: torch.Tensor,
    momentum_buffer: torch.Tensor | None,
    *,
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    is_first: bool,
) -> tuple[torch.Tensor, ...]:
    """Parameter and momentum after a step."""
    dtype = parameter.dtype
    p, g = parameter.float(), gradient.float()
    g = -g if maximize else g
    if weight_decay != 0:
        g = _fma(weight_decay, p, g)
    results = []
    if momentum_buffer is not None:
        moved = g if is_first else _fma(momentum, momentum_buffer.float(), _rounded(1 - dampening) * g)
        g = _fma(momentum, moved, g) if nesterov else moved
        results.append(moved)
    return tuple(stored(of, dtype) for of in (_fma(-lr, g, p), *results))


def total_norm(tensors: list[torch.Tensor], norm_type: float) -> torch.Tensor:
    """The norm of tensors taken as one vector, float64 where one is, otherwise float32."""
    dtype = torch.float64 if any(tensor.dtype == torch.float64 for tensor in tensors) else torch.float32
    flat = [tensor.double().flatten() for tensor in tensors]
    if math.isinf(norm_type):
        sizes = torch.cat(flat).abs()
        value = torch.tensor(torch.nan) if sizes.isnan().any() else sizes.max() if len(sizes) else torch.tensor(0.0)
        return stored(value, dtype)
    total = sum_in_order(torch.stack([sum_in_order(x * x if norm_type == 2 else x.abs()) for x in flat]))
    return stored(total.new_tensor(math.sqrt(total) if norm_type == 2 and total == total else total.item()), dtype)


def clip_by_norm(tensor: torch.Tensor, norm: torch.Tensor, max_norm: float) -> torch.Tensor:
    """A gradient times what brings its norm, a float32, to max_norm."""
    factor = _rounded(max_norm) / (norm + _rounded(1e-6))
    factor = torch.where(factor > 1, _rounded(1.0), factor)
    return tensor if factor == 1 else stored(tensor.float() * factor, tensor.dtype)
