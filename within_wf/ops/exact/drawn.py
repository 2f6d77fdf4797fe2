"""Functions of torch that draw: each call takes one number from torch's generator, and all else from a Philox stream of it.

So ``torch.manual_seed`` and ``torch.random.fork_rng`` mean what they mean for torch's own, and masks are the same on every
device and for any number of threads. Layers that name their draws call :mod:`within_wf.ops.exact.dropout` themselves.
"""

from __future__ import annotations

import torch

from within_wf.ops.exact.attention import scaled_dot_product_attention as keyed_attention
from within_wf.ops.exact.dropout import dropout as keyed_dropout
from within_wf.ops.exact.dropout import dropout1d as keyed_dropout1d
from within_wf.ops.exact.dropout import dropout2d as keyed_dropout2d


def _seed() -> int:
    return int(torch.randint(1 << 62, ()))


def dropout(
    input: torch.Tensor,  # noqa: A002 - torch's name
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
) -> torch.Tensor:
    """Zero with probability ``p``, numbers over 1 - p otherwise; as :func:`within_wf.ops.exact.dropout.dropout`."""
    if not training or p == 0:
        return input
    dropped = keyed_dropout(input, p, seed=_seed(), step=0)
    return input.copy_(dropped) if inplace else dropped


def dropout1d(
    input: torch.Tensor,  # noqa: A002
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
) -> torch.Tensor:
    """:func:`dropout` of whole channels of [N, C, L]."""
    if not training or p == 0:
        return input
    dropped = keyed_dropout1d(input, p, seed=_seed(), step=0)
    return input.copy_(dropped) if inplace else dropped


def dropout2d(
    input: torch.Tensor,  # noqa: A002
    p: float = 0.5,
    training: bool = True,
    inplace: bool = False,
) -> torch.Tensor:
    """:func:`dropout` of whole channels of [N, C, H, W]."""
    if not training or p == 0:
        return input
    dropped = keyed_dropout2d(input, p, seed=_seed(), step=0)
    return input.copy_(dropped) if inplace else dropped


def bernoulli(input: torch.Tensor, p: float) -> torch.Tensor:  # noqa: A002
    """One with probability ``p``, zero otherwise, in the shape of ``input``."""
    kept = keyed_dropout(torch.ones_like(input), 1 - p, seed=_seed(), step=0)
    return (kept != 0).to(input.dtype)


def scaled_dot_product_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attn_mask: torch.Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> torch.Tensor:
    """The values, weighted by softmax(query key^T scale + mask); as :mod:`within_wf.ops.exact.attention` has it."""
    return keyed_attention(
        query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa, seed=_seed() if dropout_p > 0 else None
    )
