"""Reductions by group in plain torch, in float64."""

from __future__ import annotations

import torch


def scatter(values: torch.Tensor, index: torch.Tensor, dim_size: int, reduce: str = "sum", *, ddof: int = 0) -> torch.Tensor:
    """What :func:`within_wf.ops.scatter` gives, up to rounding; arguments as there, the result in float64."""
    rows = values.to(torch.float64)
    if reduce == "softmax":
        result = torch.empty_like(rows)
        for group in range(dim_size):
            result[index == group] = torch.softmax(rows[index == group], dim=0)
        return result
    return torch.stack([_reduce(rows[index == group], reduce, ddof) for group in range(dim_size)])


def _reduce(rows: torch.Tensor, reduce: str, ddof: int) -> torch.Tensor:
    missing = torch.full(rows.shape[1:], torch.nan, dtype=torch.float64)
    count = len(rows)
    match reduce:
        case "sum":
            return rows.sum(dim=0)
        case "count":
            return torch.full(rows.shape[1:], float(count), dtype=torch.float64)
        case "logsumexp":
            return torch.logsumexp(rows, dim=0) if count else -torch.inf + missing.nan_to_num()
        case "mean":
            return rows.mean(dim=0)
        case "min":
            return rows.amin(dim=0) if count else missing
        case "max":
            return rows.amax(dim=0) if count else missing
        case "var" | "std" if count > ddof:
            variance = rows.var(dim=0, correction=ddof)
            return variance.sqrt() if reduce == "std" else variance
    return missing
