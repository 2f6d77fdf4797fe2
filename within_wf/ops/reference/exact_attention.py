"""Exact attention in plain torch, in the order that docs/exact/attention.md gives."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from within_wf.ops.reference.exact import fma
from within_wf.runtime.streams import philox

TILE = 64
"""Keys that meet one maximum."""


@dataclass(frozen=True)
class Options:
    """What says how weights are made, beside the tensors."""

    is_causal: bool = False
    scale: float | None = None
    dropout_p: float = 0.0
    seed: int = 0
    offset: int = 0


def exp(x: torch.Tensor) -> torch.Tensor:
    """The power of e of x <= 0 or NaN, float32, as csrc/exact/functions.h makes it."""

    def number(bits: float) -> torch.Tensor:
        return torch.tensor(bits, dtype=torch.float32).expand_as(x)

    bounded = torch.where(x < -104, number(-104.0), x)
    shifted = fma(bounded, number(1.44269504), number(float.fromhex("0x1.8p23")))
    n = shifted - float.fromhex("0x1.8p23")
    r = fma(n, number(float.fromhex("-0x1.62e430p-1")), bounded)
    r = fma(n, number(float.fromhex("0x1.05c610p-29")), r)
    p = number(float.fromhex("0x1.6a2178p-10"))
    for coefficient in ("0x1.123b8ap-7", "0x1.5558fcp-5", "0x1.555490p-3", "0x1.fffffcp-2"):
        p = fma(p, r, number(float.fromhex(coefficient)))
    p = fma(p * r, r, r) + 1.0
    whole = (shifted.view(torch.int32).long() - 0x4B400000).where(x == x, 0)
    half = whole >> 1
    first, second = (((part + 127) << 23).to(torch.int32).view(torch.float32) for part in (half, whole - half))
    return p * first * second


def kept(heads: torch.Tensor, queries: int, keys: int, options: Options) -> torch.Tensor:
    """What weights are multiplied by: [*heads.shape, queries, keys] of float32."""
    if options.dropout_p >= 1:
        return torch.zeros(*heads.shape, queries, keys)
    words = np.zeros((heads.numel(), queries, keys), np.uint32)
    seed = options.seed % (1 << 64)
    for j in range(0, keys, 4):
        head, query = np.meshgrid(heads.flatten().numpy().astype(np.uint32), np.arange(queries, dtype=np.uint32), indexing="ij")
        counter = (query, head, np.full_like(query, j // 4), np.full_like(query, options.offset))
        drawn = philox(counter, (seed & 0xFFFFFFFF, seed >> 32))
        for k in range(min(4, keys - j)):
            words[..., j + k] = drawn[k]
    is_kept = torch.from_numpy(words.astype(np.int64)) >= math.floor(options.dropout_p * 2**32)
    factor = torch.tensor(1 / (1 - options.dropout_p), dtype=torch.float32)
    return (is_kept * factor).reshape(*heads.shape, queries, keys)


def chain(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Chains over the last dimension of a [..., N, K] and b [..., M, K]: [..., N, M]."""
    total = torch.zeros(*a.shape[:-1], b.shape[-2])
    for k in range(a.shape[-1]):
        total = fma(a[..., k, None].expand_as(total), b[..., None, :, k].expand_as(total), total)
    return total


def one_nan(x: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """As dtype; any NaN is the same."""
    return x.to(dtype).masked_fill(x.isnan(), torch.nan)


class Attention:
    """Float32, float16 or bfloat16 heads [B, H, L, E], [B, H, S, E] and [B, H, S, V], and a mask that broadcasts."""

    def __init__(
        self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, mask: torch.Tensor | None, options: Options
    ) -> None:
        self.dtype, self.options = query.dtype, options
        scale = 1 / math.sqrt(max(1, query.shape[3])) if options.scale is None else options.scale
        self.scale = torch.tensor(scale, dtype=torch.float32)
        shared = query.shape[1] // key.shape[1]
        self.shared = shared
        self.key, self.value = (of.float().repeat_interleave(shared, 1) for of in (key, value))
        self.query = query.float() * self.scale
        batch, heads, queries, _ = query.shape
        keys = key.shape[2]
        self.scores = chain(self.query, self.key)
        self.mask = mask
        if mask is not None and mask.dtype == torch.bool:
            self.scores = self.scores.masked_fill(~mask, -torch.inf)
        elif mask is not None:
            self.scores = self.scores + mask.float()
        self.sees = torch.ones(queries, keys, dtype=torch.bool)
        if options.is_causal:
            self.sees = self.sees.tril()
        numbers = torch.arange(batch * heads).reshape(batch, heads)
        self.kept = kept(numbers, queries, keys, options) if options.dropout_p > 0 else None

    def forward(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The output, the maxima and the reciprocals of the sums."""
        lead = self.scores.shape[:-1]
        top, total, zeros = torch.full(lead, -torch.inf), torch.zeros(lead), torch.zeros(lead)
        sums = torch.zeros(*lead, self.value.shape[-1])
        for tile in range(0, self.scores.shape[-1], TILE):
            keys = range(tile, min(tile + TILE, self.scores.shape[-1]))
            reached = self.sees[:, tile].expand(lead)
            highest = top
            for j in keys:
                score = self.scores[..., j]
                highest = torch.where((score > highest) & self.sees[:, j], score, highest)
            zero = torch.where(highest == -torch.inf, zeros, highest)
            factor, part, of_tile = exp(top - zero), zeros, sums * exp(top - zero)[..., None]
            for j in keys:
                weight = exp(self.scores[..., j] - zero)
                part = torch.where(self.sees[:, j], part + weight, part)
                if self.kept is not None:
                    weight = weight * self.kept[..., j]
                value = self.value[..., None, j, :].expand_as(sums)
                added = fma(weight[..., None].expand_as(sums), value, of_tile)
                of_tile = torch.where(self.sees[:, j, None], added, of_tile)
            total = torch.where(reached, fma(total, factor, part), total)
            sums = torch.where(reached[..., None], of_tile, sums)
            top = highest
        reciprocal = torch.where(total == 0, zeros, 1 / total)
        zero = torch.where(top == -torch.inf, zeros, top)
        return one_nan(sums * reciprocal[..., None], self.dtype), zero, one_nan(reciprocal, torch.float32)

    def backward(self, gradient: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Gradients of query, key, value and, where it is of numbers, of the mask."""
        out, highest, reciprocal = self.forward()
        scaled = gradient.float() * reciprocal[..., None]
        delta = torch.zeros_like(highest)
        for e in range(scaled.shape[-1]):
            delta = fma(scaled[..., e], out[..., e].float(), delta)
        weights = exp(self.scores - highest[..., None])
        slopes = chain(scaled, self.value)
        if self.kept is not None:
            slopes = slopes * self.kept
        slopes = weights * (slopes - delta[..., None])
        if self.kept is not None:
            weights = weights * self.kept
        batch, heads, queries, keys = weights.shape
        of_query = torch.zeros_like(self.query)
        for j in range(keys):
            added = fma(slopes[..., j, None].expand_as(of_query), self.key[..., None, j, :].expand_as(of_query), of_query)
            of_query = torch.where(self.sees[:, j, None], added, of_query)
        groups = heads // self.shared
        of_key = torch.zeros(batch, groups, keys, self.query.shape[-1])
        of_value = torch.zeros(batch, groups, keys, scaled.shape[-1])
        for h in range(self.shared):
            for i in range(queries):
                seen = self.sees[i, :, None]
                for sums, of, rows in ((of_key, slopes, self.query), (of_value, weights, scaled)):
                    number = of[:, h :: self.shared, i, :, None].expand_as(sums)
                    row = rows[:, h :: self.shared, i, None, :].expand_as(sums)
                    sums.copy_(torch.where(seen, fma(number, row, sums), sums))
        wide = (of_query * self.scale, of_key, of_value)
        gradients = tuple(one_nan(of, self.dtype) for of in wide)
        if self.mask is None or self.mask.dtype == torch.bool:
            return gradients
        return *gradients, one_nan(self._of_mask(slopes, self.mask.shape), self.mask.dtype)

    def _of_mask(self, slopes: torch.Tensor, shape: torch.Size) -> torch.Tensor:
        slopes = torch.where(self.sees, slopes, torch.zeros(()))
        if shape[3] == 1 and slopes.shape[3] > 1:
            rows = torch.zeros(*slopes.shape[:3], 1)
            for j in range(slopes.shape[3]):
                rows = rows + slopes[..., j : j + 1]
            slopes = rows
        total = torch.zeros(shape)
        for b in range(slopes.shape[0]):
            for h in range(slopes.shape[1]):
                own = total[b if shape[0] > 1 else 0, h if shape[1] > 1 else 0]
                for i in range(slopes.shape[2]):
                    own[i if shape[2] > 1 else 0] += slopes[b, h, i]
        return total
