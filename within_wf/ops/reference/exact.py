"""Exact layers in plain torch, in the order that their pages give."""

from __future__ import annotations

import torch


def fma(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """The sum a * b + c of float32, rounded once.

    The product is exact in float64, and so is the error of the sum (Knuth's two-sum); a sum that is not exact is made odd in
    its last bit, so that rounding it to float32 is as rounding the exact one (Boldo and Melquiond, "Emulation of a FMA and
    correctly rounded sums: proved algorithms using rounding to odd", 2008).
    """
    product, addend = a.double() * b.double(), c.double()
    total = product + addend
    part = total - product
    error = (product - (total - part)) + (addend - part)
    bits = total.view(torch.int64)
    towards_zero = (error < 0) ^ (total < 0)
    odd = torch.where(towards_zero, bits - 1, bits + 1)
    inexact = total.isfinite() & error.isfinite() & (error != 0) & (bits % 2 == 0)
    return torch.where(inexact, odd.view(torch.float64), total).float()


def sum_in_order(x: torch.Tensor) -> torch.Tensor:
    """The sum over the last dimension in the order of docs/exact.md: 32 chains, blocks of 1024, then pairs."""
    blocks = max(1, -(-x.shape[-1] // 1024))
    # Chains begin at +0, which another +0 does not change.
    filled = torch.cat([x, x.new_zeros(*x.shape[:-1], blocks * 1024 - x.shape[-1])], -1)
    steps = filled.reshape(*x.shape[:-1], blocks, 32, 32)
    lanes = torch.zeros_like(steps[..., 0, :])
    for step in range(32):
        lanes = lanes + steps[..., step, :]
    while lanes.shape[-1] > 1:
        half = lanes.shape[-1] // 2
        lanes = lanes[..., :half] + lanes[..., half:]
    sums = [lanes[..., block, 0] for block in range(blocks)]
    while len(sums) > 1:
        pairs = [a + b for a, b in zip(sums[::2], sums[1::2], strict=False)]
        sums = pairs + sums[2 * len(pairs) :]
    return sums[0]


def stored(result: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Rounded to a format, each NaN the same."""
    # After the conversion: torch's own gives a NaN of bfloat16 other bits.
    return result.to(dtype).masked_fill(result.isnan(), torch.nan)


def matmul(a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """The product of batches of float32, float16 or bfloat16 matrices, [B, N, K] and [B, K, M], plus a bias [M]."""
    left, right = a.float(), b.float()
    chain = torch.zeros(a.shape[0], a.shape[1], b.shape[2], device=a.device)
    for k in range(a.shape[2]):
        chain = fma(left[:, :, k, None].expand_as(chain), right[:, None, k].expand_as(chain), chain)
    if bias is not None:
        chain = chain + bias.float()
    return stored(chain, a.dtype)
