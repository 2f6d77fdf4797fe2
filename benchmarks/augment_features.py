"""Rows of a table varied in one pass, beside torch's operations one after another, in turn.

    python benchmarks/augment_features.py [ROUNDS]

The floor is the time in which the rows are copied. Torch's draws depend on where a row stands; ours do not.
"""

from __future__ import annotations

import sys

import torch
from common.measure import alternate, copy_bandwidth, medians, write_down

from within_wf.ops.features import FeatureAugmentation, augment_features
from within_wf.ops.instruction_set import instruction_set

SHAPES = ((200_000, 40), (20_000, 400))
BANK = 10_000
OFF = {"noise_std": 0.0, "dropout": 0.0}
CONFIGS = {
    "noise": FeatureAugmentation(noise_std=0.05, dropout=0.0),
    "dropout": FeatureAugmentation(noise_std=0.0, dropout=0.05),
    "noise and dropout": FeatureAugmentation(),
    "swap noise": FeatureAugmentation(swap_prob=0.15, **OFF),
    "mixup": FeatureAugmentation(mixup_prob=1.0, **OFF),
    "all": FeatureAugmentation(swap_prob=0.15, mixup_prob=1.0),
}


def in_torch(x: torch.Tensor, config: FeatureAugmentation, std: torch.Tensor, bank: torch.Tensor) -> torch.Tensor:
    """The same steps, drawn by torch."""
    out = x
    if config.swap_prob > 0:
        partner = torch.randint(0, len(bank), x.shape)
        out = torch.where(torch.rand_like(x) < config.swap_prob, bank.gather(0, partner), out)
    if config.mixup_prob > 0:
        alpha = torch.full((len(x), 1), config.mixup_alpha)
        weight = torch.distributions.Beta(alpha, alpha).sample()
        out = torch.lerp(out, bank[torch.randint(0, len(bank), (len(x),))], weight)
    if config.noise_std > 0:
        out = torch.addcmul(out, torch.randn_like(x), std * config.noise_std)
    if config.dropout > 0:
        out = out.masked_fill(torch.rand_like(x) < config.dropout, 0)
    return out


def times(rows: int, columns: int, config: FeatureAugmentation, rounds: int) -> dict[int, dict[str, float]]:
    """Seconds of ours and of torch's, on two threads and on one."""
    draws = torch.Generator().manual_seed(0)
    x, bank, spread = (torch.randn(n, columns, generator=draws) for n in (rows, BANK, 1))
    ids, std = torch.arange(rows), spread[0].abs()
    pair = {
        "ours": lambda: augment_features(x, config=config, seed=1, epoch=0, sample_ids=ids, std=std, bank=bank),
        "torch": lambda: in_torch(x, config, std, bank),
    }
    found = {}
    for threads in (2, 1):
        torch.set_num_threads(threads)
        found[threads] = medians(alternate(pair, rounds))
    return found


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    bandwidth = copy_bandwidth()
    lines = [
        f"float32, a bank of {BANK:,} rows, {rounds} rounds in turn; medians. A copy moves {bandwidth / 1e9:.0f} GB/s on two "
        f"threads. Kernels: {instruction_set()}.",
        "",
        "| | ours, ms | torch, ms | ours / torch | floor, ms | one thread: ours, ms | ours / torch |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for rows, columns in SHAPES:
        floor = 2 * 4 * rows * columns / bandwidth
        for name, config in CONFIGS.items():
            found = times(rows, columns, config, rounds)
            two, one = found[2], found[1]
            lines.append(
                f"| {name}, {rows:,} x {columns} | {1e3 * two['ours']:.1f} | {1e3 * two['torch']:.1f} | "
                f"{two['ours'] / two['torch']:.2f} | {1e3 * floor:.1f} | {1e3 * one['ours']:.1f} | "
                f"{one['ours'] / one['torch']:.2f} |"
            )
            print(lines[-1], flush=True)
    write_down("augment_features", "Tables varied", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
