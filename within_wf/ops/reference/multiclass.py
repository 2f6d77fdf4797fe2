"""Multiclass metrics in plain torch, in float64, row by row and pair by pair."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def multiclass_metrics(
    probabilities: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, top_k: Sequence[int] = (2,)
) -> dict[str, torch.Tensor]:
    """What :func:`within_wf.ops.multiclass_metrics` gives for one weighting without groups, up to rounding."""
    classes = probabilities.shape[1]
    decided = torch.tensor([row.index(max(row)) for row in probabilities.tolist()], dtype=torch.int64)
    places = torch.argsort(probabilities, dim=1, stable=True).flip(1)
    epsilon = torch.finfo(probabilities.dtype).eps
    own = probabilities.clamp(epsilon, 1 - epsilon).to(torch.float64)[torch.arange(len(labels)), labels]
    confusion = torch.zeros(classes, classes, dtype=torch.float64)
    confusion.index_put_((labels, decided), weights, accumulate=True)
    hit, there, called = confusion.diagonal(), confusion.sum(dim=1), confusion.sum(dim=0)
    f1 = torch.where(there + called > 0, 2 * hit / (there + called), 0.0)
    total = weights.sum()
    tops = [(weights * (places[:, :k] == labels[:, None]).any(dim=1)).sum() / total for k in top_k]
    return {
        "accuracy": hit.sum() / total,
        "log_loss": -(weights * own.log()).sum() / total,
        "macro_f1": f1.sum() / ((there > 0) | (called > 0)).sum(),
        "weighted_f1": (f1 * there).sum() / total,
        "top_k": torch.stack(tops),
        "confusion": confusion,
        "roc_auc_ovr": torch.stack([_area(probabilities[:, c], labels == c, weights) for c in range(classes)]).mean(),
    }


def _area(scores: torch.Tensor, is_positive: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Of all pairs of a positive and a negative, the weight of those in order; ties count half."""
    of, rest = scores[is_positive][:, None], scores[~is_positive][None]
    pairs = weights[is_positive][:, None] * weights[~is_positive][None]
    return (pairs * ((of > rest) + 0.5 * (of == rest))).sum() / pairs.sum()
