"""Sums over rows in plain torch, in the order of csrc/exact/sum.h."""

from __future__ import annotations

import torch

CHAINS = 32
BLOCK = 1024


def sum_rows(x: torch.Tensor) -> torch.Tensor:
    """The sum of each column of [rows, columns]; 16-bit formats are summed in float32 and rounded once."""
    wide = x if x.dtype == torch.float64 else x.float()
    blocks = max(1, -(-len(wide) // BLOCK))
    # Zeros change no chain: none of them is ever -0.
    padded = torch.cat([wide, wide.new_zeros(blocks * BLOCK - len(wide), wide.shape[1])])
    numbers = padded.reshape(blocks, BLOCK // CHAINS, CHAINS, -1)
    chains = torch.zeros_like(numbers[:, 0])
    for step in range(BLOCK // CHAINS):
        chains = chains + numbers[:, step]
    while chains.shape[1] > 1:
        half = chains.shape[1] // 2
        chains = chains[:, :half] + chains[:, half:]
    sums = list(chains[:, 0])
    while len(sums) > 1:
        pairs = [left + right for left, right in zip(sums[::2], sums[1::2], strict=False)]
        sums = pairs + sums[2 * len(pairs) :]
    total: torch.Tensor = sums[0]
    return total.to(x.dtype).masked_fill(total.isnan(), torch.nan)
