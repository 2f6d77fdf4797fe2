"""Embeddings: rows of a table, whose gradients are exact sums rounded once."""

from __future__ import annotations

import torch

from within_wf.ops.library import load_core, register_fake

load_core()

_EMBEDDING = torch.ops.within.exact_embedding.default


def embedding(
    input: torch.Tensor,  # noqa: A002 - torch's name
    weight: torch.Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> torch.Tensor:
    """The rows of ``weight`` that ``input`` names.

    The gradient of a row is the correctly rounded sum of all it received (:func:`within_wf.ops.scatter.scatter`), in no order
    at all.

    Args:
        input: int64 or int32, of any shape, in [0, V).
        weight: float64, float32, float16 or bfloat16, shape [V, D].
        padding_idx: A row whose gradient is 0, in [-V, V).
        max_norm: Refused: it would change the table.
        norm_type: Of ``max_norm``; not read.
        scale_grad_by_freq: Divides the gradient of a row by how often it was named.
        sparse: Refused: the gradient is a dense table.

    Returns:
        The dtype of ``weight``, shape [..., D].

    Raises:
        ValueError: A shape, dtype or argument is not one above.
        IndexError: A row is outside the table; the first is named.
    """
    if max_norm is not None:
        raise ValueError(f"exact.embedding: max_norm is {max_norm}, expected None, as it would change the table")
    if sparse:
        raise ValueError("exact.embedding: sparse is True, expected False, as the gradient is a dense table")
    rows = weight.shape[0] if weight.dim() else 0
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise ValueError(f"exact.embedding: padding_idx is {padding_idx}, expected -{rows} to {rows - 1}")
    row = -1 if padding_idx is None else padding_idx % rows
    result: torch.Tensor = _EMBEDDING(weight, input, row, scale_grad_by_freq)
    return result


@register_fake("within::exact_embedding")
def _like_rows(
    weight: torch.Tensor, indices: torch.Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False
) -> torch.Tensor:
    return weight.new_empty((*indices.shape, weight.shape[1]))


@register_fake("within::exact_embedding_backward")
def _like_table(
    gradient: torch.Tensor,
    indices: torch.Tensor,
    rows: int,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
) -> torch.Tensor:
    return gradient.new_empty((rows, gradient.shape[-1]))
