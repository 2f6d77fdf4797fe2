"""Regression metrics in plain torch, in float64."""

from __future__ import annotations

import torch

from within_wf.ops.regression import QUANTILES


def regression_metrics(predictions: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
    """What :func:`within_wf.ops.regression_metrics` gives, up to rounding; no column constant."""
    p, t = predictions.to(torch.float64), targets.to(torch.float64)
    error = p - t
    return {
        "rmse": error.square().mean().sqrt(),
        "mae": error.abs().mean(),
        "r2": 1 - error.square().sum() / (t - t.mean()).square().sum(),
        "mape": (error.abs() / t.abs().clamp_min(torch.finfo(torch.float64).eps)).mean(),
        "explained_variance": 1 - error.var(correction=0) / t.var(correction=0),
        "pearson": _correlation(p, t),
        "spearman": _correlation(_mean_ranks(p), _mean_ranks(t)),
        "quantiles": torch.quantile(error, error.new_tensor(QUANTILES)),
    }


def _correlation(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return torch.corrcoef(torch.stack([x, y]))[0, 1]


def _mean_ranks(values: torch.Tensor) -> torch.Tensor:
    ordered = values.sort().values
    return (torch.searchsorted(ordered, values) + torch.searchsorted(ordered, values, right=True) + 1).to(torch.float64) / 2
