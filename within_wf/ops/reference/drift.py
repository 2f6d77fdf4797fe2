"""Drift metrics in plain torch, in float64."""

from __future__ import annotations

import torch


def drift_metrics(reference: torch.Tensor, current: torch.Tensor, bins: int = 10) -> dict[str, torch.Tensor]:
    """What :func:`within_wf.ops.drift_metrics` gives of one column without weights, up to rounding; no p-value."""
    r, c = reference.to(torch.float64).sort().values, current.to(torch.float64).sort().values
    x = torch.cat([r, c]).sort().values
    apart = (
        torch.searchsorted(r, x, right=True).double() / len(r) - torch.searchsorted(c, x, right=True).double() / len(c)
    ).abs()
    edges = torch.quantile(r, torch.arange(1, bins, dtype=torch.float64, device=r.device) / bins)
    shares = [
        (torch.bincount(torch.bucketize(sample, edges), minlength=bins).double() / len(sample)).clamp_min(1e-6)
        for sample in (r, c)
    ]
    logarithm = (shares[1] / shares[0]).log()
    return {
        "psi": ((shares[1] - shares[0]) * logarithm).sum(),
        "kl": (shares[1] * logarithm).sum(),
        "ks": apart.max(),
        "wasserstein": (apart[:-1] * x.diff()).sum(),
    }


def grouped_drift_metrics(
    reference: torch.Tensor, current: torch.Tensor, reference_groups: torch.Tensor, current_groups: torch.Tensor, bins: int = 10
) -> dict[str, torch.Tensor]:
    """The same of every group, each with rows in both samples, and of the whole behind them."""
    groups = int(torch.maximum(reference_groups.max(), current_groups.max())) + 1
    found = [drift_metrics(reference[reference_groups == g], current[current_groups == g], bins) for g in range(groups)]
    found.append(drift_metrics(reference, current, bins))
    return {key: torch.stack([each[key] for each in found]) for key in found[0]}
