"""Reductions, softmax and normalisation in plain torch, in the order of docs/exact/norms.md; float32 inside."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from within_wf.ops.exact.elementwise import exp, log
from within_wf.ops.reference.exact import fma

LANES, BLOCK = 32, 1024


def total(x: torch.Tensor, factor: torch.Tensor | None = None) -> torch.Tensor:
    """The sum of the numbers along the last dimension, or of fma(x, factor, ·), float32."""
    blocks = [_block(x[..., at : at + BLOCK], None if factor is None else factor[..., at : at + BLOCK])
              for at in range(0, max(x.shape[-1], 1), BLOCK)]  # fmt: skip
    while len(blocks) > 1:
        pairs = [left + right for left, right in zip(blocks[::2], blocks[1::2], strict=False)]
        blocks = pairs + blocks[len(pairs) * 2 :]
    return blocks[0]


def _block(x: torch.Tensor, factor: torch.Tensor | None) -> torch.Tensor:
    chains = torch.zeros(*x.shape[:-1], LANES)
    for at in range(0, x.shape[-1], LANES):
        own = x[..., at : at + LANES]
        here = chains[..., : own.shape[-1]]
        here.copy_(here + own if factor is None else fma(own, factor[..., at : at + LANES], here))
    half = LANES // 2
    while half:
        chains = chains[..., :half] + chains[..., half:]
        half //= 2
    return chains[..., 0]


def rows(x: torch.Tensor, dim: Sequence[int] | None) -> tuple[torch.Tensor, list[int]]:
    """What is reduced side by side, in the last dimension, as float32, and which dimensions it was."""
    dims = sorted(d % max(x.dim(), 1) for d in dim) if dim else list(range(x.dim()))
    kept = [d for d in range(x.dim()) if d not in dims]
    turned = x.float().permute(*kept, *dims) if x.dim() else x.float()
    return turned.reshape(*(x.shape[d] for d in kept), math.prod(x.shape[d] for d in dims)), dims


def reduce(x: torch.Tensor, dim: Sequence[int] | None, keepdim: bool, name: str, correction: float = 0) -> torch.Tensor:
    """What ``exact_reduce`` gives of float32, float16 or bfloat16."""
    row, dims = rows(x, dim)
    n = torch.tensor(float(row.shape[-1]))
    divisor = torch.tensor(max(0.0, row.shape[-1] - correction))
    match name:
        case "sum":
            value = total(row)
        case "mean":
            value = total(row) / n
        case "var" | "std":
            deviation = row - (total(row) / n)[..., None]
            value = total(deviation, deviation) / divisor
            value = torch.as_tensor(np.sqrt(value.numpy())) if name == "std" else value
        case "logsumexp":
            most = row.amax(-1)
            value = torch.where(most.isfinite(), most + log(total(exp(row - most[..., None]))), most)
        case _:
            value = _extreme(row, name)
    for d in dims:
        value = value.unsqueeze(d) if keepdim else value
    return canonical(value, x.dtype)


def _extreme(row: torch.Tensor, name: str) -> torch.Tensor:
    """Ordered by value, then by sign; NaN where there is one."""
    value = row.amax(-1) if name == "amax" else row.amin(-1)
    zeros = (row == 0) & (row.signbit() == (name == "amin"))
    sign = -0.0 if name == "amin" else 0.0
    value = torch.where(value == 0, torch.where(zeros.any(-1), sign, -sign), value)
    return value.masked_fill(row.isnan().any(-1), math.nan)


def softmax(x: torch.Tensor, dim: int, is_log: bool) -> torch.Tensor:
    """What ``exact_softmax`` gives."""
    row = x.float().movedim(dim, -1) if x.dim() else x.float()[None]
    most = row.amax(-1, keepdim=True)
    power = exp(row - most)
    added = total(power)[..., None]
    result = row - most - log(added) if is_log else power * (1 / added)
    return canonical(result.movedim(-1, dim).reshape(x.shape), x.dtype)


def softmax_backward(gradient: torch.Tensor, result: torch.Tensor, dim: int, is_log: bool) -> torch.Tensor:
    """What ``exact_softmax_backward`` gives."""
    g, y = (of.float().movedim(dim, -1) for of in (gradient, result))
    of_x = fma(-exp(y), total(g)[..., None].expand_as(y), g) if is_log else y * (g - total(y, g)[..., None])
    return canonical(of_x.movedim(-1, dim), result.dtype)


def norm(
    x: torch.Tensor, dims: int, weight: torch.Tensor | None, bias: torch.Tensor | None, eps: float, is_centred: bool
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What ``exact_norm`` gives."""
    row = x.float().reshape(*x.shape[: x.dim() - dims], -1)
    n = torch.tensor(float(row.shape[-1]))
    mean = total(row) / n if is_centred else torch.zeros(row.shape[:-1])
    deviation = row - mean[..., None]
    scale = _scale(total(deviation, deviation) / n, eps)
    out = deviation * scale[..., None]
    w, b = (None if of is None else of.float().reshape(-1) for of in (weight, bias))
    out = _affine(out, w, b)
    means = canonical(mean, torch.float32) if is_centred else torch.empty(0)
    return canonical(out.reshape(x.shape), x.dtype), means, canonical(scale, torch.float32)


def norm_backward(
    gradient: torch.Tensor,
    x: torch.Tensor,
    dims: int,
    weight: torch.Tensor | None,
    mean: torch.Tensor,
    scale: torch.Tensor,
    is_centred: bool,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What ``exact_norm_backward`` gives, all of it."""
    shape = x.shape[x.dim() - dims :]
    row, g = (of.float().reshape(-1, shape.numel()) for of in (x, gradient))
    middle = mean.reshape(-1, 1) if is_centred else torch.zeros(len(row), 1)
    h = (row - middle) * scale.reshape(-1, 1)
    t = g if weight is None else g * weight.float().reshape(-1)
    of_x = _slope(t, h, scale.reshape(-1, 1), is_centred)
    of_weight, of_bias = total(g.T, h.T), total(g.T)
    return (
        canonical(of_x.reshape(x.shape), x.dtype),
        canonical(of_weight.reshape(shape), torch.float32),
        canonical(of_bias.reshape(shape), torch.float32),
    )


def _slope(t: torch.Tensor, h: torch.Tensor, scale: torch.Tensor, is_centred: bool) -> torch.Tensor:
    n = torch.tensor(float(t.shape[-1]))
    of_product = (total(t, h) / n)[..., None].expand_as(h)
    centred = t - (total(t) / n)[..., None] if is_centred else t
    return fma(-h, of_product, centred) * scale


def group_norm(
    x: torch.Tensor, groups: int, weight: torch.Tensor | None, bias: torch.Tensor | None, eps: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What ``exact_group_norm`` gives."""
    grouped = x.reshape(x.shape[0], groups, -1)
    normalised, mean, scale = norm(grouped.float(), 1, None, None, eps, True)
    w, b = (None if of is None else of.float().reshape(-1, 1) for of in (weight, bias))
    out = _affine(normalised.reshape(x.shape[0], x.shape[1], -1), w, b)
    return canonical(out.reshape(x.shape), x.dtype), mean, scale


def group_norm_backward(
    gradient: torch.Tensor, x: torch.Tensor, groups: int, weight: torch.Tensor | None, mean: torch.Tensor, scale: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What ``exact_group_norm_backward`` gives, all of it."""
    samples, channels = x.shape[:2]
    row, g = (of.float().reshape(samples, groups, -1) for of in (x, gradient))
    h = (row - mean[..., None]) * scale[..., None]
    t = g if weight is None else (g.reshape(samples, channels, -1) * weight.float().reshape(-1, 1)).reshape(g.shape)
    of_x = _slope(t, h, scale[..., None], True)
    g, h = (of.reshape(samples, channels, -1).movedim(0, 1).reshape(channels, -1) for of in (g, h))
    return (
        canonical(of_x.reshape(x.shape), x.dtype),
        canonical(total(g, h), torch.float32),
        canonical(total(g), torch.float32),
    )


def batch_norm(
    x: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[torch.Tensor, ...]:
    """What ``exact_batch_norm`` gives."""
    channels = x.float().movedim(1, 0).reshape(x.shape[1], -1)
    n = torch.tensor(float(channels.shape[1]))
    new_mean = new_var = torch.empty(0)
    if training:
        mean = total(channels) / n
        deviation = channels - mean[:, None]
        squares = total(deviation, deviation)
        variance = squares / n
        if running_mean is not None and running_var is not None:
            new_mean = _follow(running_mean, mean, momentum)
            new_var = _follow(running_var, squares / (n - 1), momentum)
    else:
        assert running_mean is not None  # noqa: S101 - as the operator demands
        assert running_var is not None  # noqa: S101
        mean, variance = running_mean.float(), running_var.float()
        new_mean = new_var = running_mean[:0]
    scale = _scale(variance, eps)
    factor = scale if weight is None else scale * weight.float()
    deviation = channels - mean[:, None]
    out = deviation * factor[:, None] if bias is None else _fma(deviation, factor[:, None], bias.float()[:, None])
    out = out.reshape(x.shape[1], x.shape[0], *x.shape[2:]).movedim(0, 1)
    wide = [canonical(of, torch.float32) for of in (mean, scale)]
    return canonical(out, x.dtype), *wide, new_mean, new_var


def batch_norm_backward(
    gradient: torch.Tensor,
    x: torch.Tensor,
    weight: torch.Tensor | None,
    mean: torch.Tensor,
    scale: torch.Tensor,
    training: bool,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What ``exact_batch_norm_backward`` gives, all of it."""
    channels, g = (of.float().movedim(1, 0).reshape(x.shape[1], -1) for of in (x, gradient))
    n = torch.tensor(float(channels.shape[1]))
    h = (channels - mean[:, None]) * scale[:, None]
    factor = (scale if weight is None else scale * weight.float())[:, None]
    of_weight, of_bias = total(g, h), total(g)
    of_x = fma(-h, (of_weight / n)[:, None].expand_as(h), g - (of_bias / n)[:, None]) * factor if training else g * factor
    of_x = of_x.reshape(x.shape[1], x.shape[0], *x.shape[2:]).movedim(0, 1)
    return canonical(of_x, x.dtype), canonical(of_weight, torch.float32), canonical(of_bias, torch.float32)


def _scale(variance: torch.Tensor, eps: float) -> torch.Tensor:
    # NumPy's root is correctly rounded; torch's is not.
    return 1 / torch.as_tensor(np.sqrt((variance + torch.tensor(eps, dtype=torch.float32)).numpy()))


def _follow(old: torch.Tensor, value: torch.Tensor, momentum: float) -> torch.Tensor:
    share, rest = (torch.tensor(of, dtype=torch.float32) for of in (momentum, 1 - momentum))
    return canonical(fma(share.expand_as(value), value, rest * old.float()), old.dtype)


def _fma(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    return fma(a, b.expand_as(a), c.expand_as(a))


def _affine(x: torch.Tensor, weight: torch.Tensor | None, bias: torch.Tensor | None) -> torch.Tensor:
    if weight is not None:
        return x * weight if bias is None else _fma(x, weight, bias)
    return x if bias is None else x + bias


def canonical(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Rounded to a format; any NaN is the positive quiet one without payload."""
    return x.to(dtype).masked_fill(x.isnan(), math.nan)
