"""Dropout in numpy, in the order of docs/exact/dropout.md."""

from __future__ import annotations

import numpy as np
import torch

from within_wf.runtime.streams import Stream


def kept(ids: torch.Tensor, masks: int, p: float, *, seed: int, step: int, layer: str) -> torch.Tensor:
    """Which masks keep their numbers; bool, shape [samples, masks]."""
    words = Stream(seed, f"dropout {layer}", step).words(ids.numpy(), (masks + 1) // 2)
    halves = np.stack([words & np.uint64(0xFFFFFFFF), words >> np.uint64(32)], -1).reshape(len(ids), -1)[:, :masks]
    return torch.from_numpy(halves >= min(round(p * 2**32), 2**32 - 1))


def dropout(x: torch.Tensor, ids: torch.Tensor, p: float, *, seed: int, step: int, layer: str, shared: int = 1) -> torch.Tensor:
    """Samples along the first dimension; ``shared`` neighbouring numbers have one mask."""
    rows = x.reshape(len(ids), -1)
    keep = kept(ids, rows.shape[1] // shared, p, seed=seed, step=step, layer=layer).repeat_interleave(shared, 1)
    wide = rows if x.dtype == torch.float64 else rows.float()
    scale = torch.tensor(1 / (1 - p), dtype=torch.float64).to(wide.dtype)
    dropped = torch.where(keep, wide * scale, 0).to(x.dtype)
    return dropped.masked_fill(dropped.isnan(), torch.nan).reshape(x.shape)
