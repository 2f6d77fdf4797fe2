"""A bootstrap's resamples in NumPy."""

from __future__ import annotations

import numpy as np
import torch

from within_wf.runtime.streams import Stream


def resample_weights(units: torch.Tensor, seed: int, resample: int, size: int) -> torch.Tensor:
    """What :func:`within_wf.ops.resample_weights` gives for one resample without weights."""
    words = Stream(seed, "bootstrap").words([resample], (size + 1) // 2).view(np.uint32)[0, :size]
    drawn = (words.astype(np.uint64) * np.uint64(size)) >> np.uint64(32)
    counts = np.bincount(drawn.astype(np.int64), minlength=size)
    return torch.from_numpy(counts[units.numpy()].astype(np.float64))
