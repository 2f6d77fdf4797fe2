"""Metrics of scores for two classes in plain torch, in float64."""

from __future__ import annotations

import torch


def binary_metrics(
    scores: torch.Tensor,
    labels: torch.Tensor,
    *,
    weights: torch.Tensor | None = None,
    threshold: float = 0.5,
    bins: int = 15,
) -> dict[str, torch.Tensor]:
    """What :func:`within_wf.ops.binary_metrics` gives of all rows, up to rounding; there must be some of each class."""
    clip = torch.finfo(scores.dtype).eps
    p, y = scores.double(), labels.double()
    w = torch.ones_like(p) if weights is None else weights.double()
    thresholds, place = p.unique(return_inverse=True)  # type: ignore[no-untyped-call]
    gained = [torch.zeros_like(thresholds).index_add_(0, place, w * of).flip(0) for of in (y, 1 - y)]
    tps, fps = (sums.cumsum(0) for sums in gained)
    tpr, fpr = tps / tps[-1], fps / fps[-1]
    before = torch.cat([tpr.new_zeros(1), tpr[:-1]])
    hit = torch.where(y == 1, p, 1 - p).clamp(clip, 1 - clip)
    bin_of = torch.bucketize(p, torch.arange(1, bins, dtype=torch.float64, device=p.device) * (1 / bins))
    gap = p.new_zeros(bins).index_add_(0, bin_of, w * (p - y))
    is_above = p >= threshold
    tp, fp = (w[is_above & (y == of)].sum() for of in (1, 0))
    fn, tn = (w[~is_above & (y == of)].sum() for of in (1, 0))
    precision = tps / (tps + fps)
    return {
        "roc_auc": (gained[1] / fps[-1] * (tpr + before) / 2).sum(),
        "average_precision": (gained[0] / tps[-1] * precision.nan_to_num()).sum(),
        "log_loss": -(w * hit.log()).sum() / w.sum(),
        "brier": (w * (p - y) ** 2).sum() / w.sum(),
        "ece": gap.abs().sum() / w.sum(),
        "ks": (tpr - fpr).abs().max(),
        "tp": tp,
        "fp": fp,
        "tn": tn,
        "fn": fn,
        "accuracy": (tp + tn) / w.sum(),
        "precision": (tp / (tp + fp)).nan_to_num(),
        "recall": tp / (tp + fn),
        "f1": 2 * tp / (2 * tp + fp + fn),
    }
