"""Rows of a table varied in one pass beside torch's operations one after another."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from benchmarks.gpu.timing import Comparison
from within_wf.ops.features import FeatureAugmentation, augment_features

SHAPES = ((1_000_000, 40), (100_000, 400))


def comparisons(device: torch.device, scale: float = 1.0) -> Iterator[Comparison]:
    """Noise and dropout of float32 rows; ``scale`` makes them fewer."""
    draws = torch.Generator(device).manual_seed(0)
    config = FeatureAugmentation()
    for rows, columns in ((max(1, int(r * scale)), c) for r, c in SHAPES):
        x = torch.randn(rows, columns, device=device, generator=draws)
        ids = torch.arange(rows, device=device)
        ours = lambda x=x, i=ids: augment_features(x, config=config, seed=1, epoch=0, sample_ids=i)  # noqa: E731
        peers = {"torch, step by step": lambda x=x: in_torch(x, config)}
        moved = 2 * x.numel() * x.element_size() + ids.numel() * ids.element_size()
        yield Comparison(f"augment_features, noise and dropout, float32, {rows} x {columns}", ours, peers, moved)


def in_torch(x: torch.Tensor, config: FeatureAugmentation) -> torch.Tensor:
    """The same steps, drawn by torch."""
    noisy = torch.addcmul(x, torch.randn_like(x), torch.full_like(x[:1], config.noise_std))
    return noisy.masked_fill(torch.rand_like(x) < config.dropout, 0)
