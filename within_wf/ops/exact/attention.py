"""Attention of one order: the same bits on every processor, for any number of threads and however a batch is cut.

Scores are chains of fused multiply-adds over the width of a head; a row of queries meets its keys in tiles of 64, whose
weights exp(score - maximum) are added up and multiply the values, keys upwards. docs/exact/attention.md has every operation.
Nothing of the size [queries, keys] is kept.
"""

from __future__ import annotations

from typing import Any

import torch

from within_wf.ops.library import load_core, register_fake

load_core()

_OPS = torch.ops.within
_NAME = "exact.scaled_dot_product_attention"


def scaled_dot_product_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
    *,
    seed: int | None = None,
    offset: int = 0,
) -> torch.Tensor:
    """The values, weighted by softmax(query key^T scale + mask).

    Source: Dao et al., "FlashAttention: Fast and memory-efficient exact attention with IO-awareness", 2022; the running
    maximum and sum of Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018.

    Args:
        query: float32, float64, float16 or bfloat16, shape [B, H, L, E] or [B, L, E], of any strides.
        key: Of the same dtype, shape [B, H, S, E] or [B, S, E].
        value: Of the same dtype, shape [B, H, S, V] or [B, S, V].
        attn_mask: Of a shape that broadcasts to [B, H, L, S] or [B, L, S]. bool: where it is false a query does not see a key.
            float32 or query's dtype: is added to the scores. A row that sees no key gives zeros, as do its gradients.
        dropout_p: The share of weights that is dropped; the others are divided by 1 - dropout_p.
        is_causal: A query sees the keys up to its own number, and no mask is given; later keys and values do not reach it
            even where they are no numbers.
        scale: What scores are multiplied by; 1 / sqrt(E) if None.
        enable_gqa: key and value may have fewer heads, which as many heads of query as divide theirs share in turn.
        seed: The key of the Philox stream that drops weights; needed where dropout_p > 0.
        offset: In [0, 2**32); the place in that stream. Another one, or another seed, drops others.

    Returns:
        Of the same dtype, shape [B, H, L, V] or [B, L, V]; 16-bit formats are rounded once, at the end.

    Raises:
        ValueError: A shape, dtype, device or number is not one above, or a mask is given beside ``is_causal``.
    """
    if attn_mask is not None and is_causal:
        raise ValueError(f"{_NAME}: attn_mask is given beside is_causal, expected one of them")
    if dropout_p > 0 and seed is None:
        raise ValueError(f"{_NAME}: dropout_p is {dropout_p}, expected a seed beside it")
    dimensions = query.dim()
    if dimensions == 3:
        if enable_gqa:
            raise ValueError(f"{_NAME}: enable_gqa is given, expected query of 4 dimensions, found 3")
        query, key, value = _with_head("query", query), _with_head("key", key), _with_head("value", value)
    elif not enable_gqa and dimensions == 4 and key.dim() == 4 and key.shape[1] != query.shape[1]:
        raise ValueError(f"{_NAME}: key has {key.shape[1]} heads, expected {query.shape[1]} as query, or enable_gqa")
    if attn_mask is not None:
        attn_mask = _of_four_dimensions(attn_mask, dimensions)
    out: torch.Tensor = _OPS.exact_attention(query, key, value, attn_mask, is_causal, scale, dropout_p, seed or 0, offset)[0]
    return out[:, 0] if dimensions == 3 else out


def _with_head(name: str, of: torch.Tensor) -> torch.Tensor:
    if of.dim() != 3:
        raise ValueError(f"{_NAME}: {name} has shape {list(of.shape)}, expected 3 dimensions as query")
    return of[:, None]


def _of_four_dimensions(mask: torch.Tensor, dimensions: int) -> torch.Tensor:
    if mask.dim() > dimensions:
        raise ValueError(f"{_NAME}: attn_mask has shape {list(mask.shape)}, expected at most {dimensions} dimensions")
    if dimensions == 3 and mask.dim() == 3:
        return mask[:, None]
    return mask if mask.dim() == 4 else mask[(None,) * (4 - mask.dim())]


# What follows tells torch of shapes.


@register_fake("within::exact_attention")
def _like_attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: Any) -> tuple[torch.Tensor, ...]:
    batch, heads, queries, _width = query.shape
    out = query.new_empty((batch, queries, heads, value.shape[3])).transpose(1, 2)
    wide = torch.float64 if query.dtype == torch.float64 else torch.float32
    return out, *(query.new_empty((batch, heads, queries), dtype=wide) for _ in range(2))


@register_fake("within::exact_attention_backward")
def _like_gradients(
    gradient: torch.Tensor,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    mask: torch.Tensor | None,
    *options: Any,
) -> tuple[torch.Tensor, ...]:
    of_mask = mask.new_empty(mask.shape) if mask is not None and options[-1] else query.new_empty((0,))
    return *(torch.empty_like(tensor) for tensor in (query, key, value)), of_mask
