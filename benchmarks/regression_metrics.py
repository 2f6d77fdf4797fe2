"""Regression metrics beside the calls of scikit-learn, scipy and NumPy that give them, in turn.

python benchmarks/regression_metrics.py [ROUNDS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import scipy.stats
import sklearn.metrics
import torch
from common.measure import alternate, copy_bandwidth, medians, write_down

from within_wf.ops.instruction_set import instruction_set
from within_wf.ops.regression import QUANTILES, regression_metrics

ROWS = 5_000_000
Call = Callable[[], object]


def peers(predictions: torch.Tensor, targets: torch.Tensor) -> Call:
    """All calls together."""
    p, t = predictions.numpy(), targets.numpy()

    def call() -> object:
        return (
            sklearn.metrics.root_mean_squared_error(t, p),
            sklearn.metrics.mean_absolute_error(t, p),
            sklearn.metrics.r2_score(t, p),
            sklearn.metrics.mean_absolute_percentage_error(t, p),
            sklearn.metrics.explained_variance_score(t, p),
            scipy.stats.pearsonr(p, t),
            scipy.stats.spearmanr(p, t),
            np.quantile(p - t, QUANTILES),
        )

    return call


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    bandwidth = copy_bandwidth()
    draws = torch.Generator().manual_seed(0)
    targets = torch.randn(ROWS, generator=draws)
    predictions = targets + 0.3 * torch.randn(ROWS, generator=draws)
    weights, groups = torch.rand(ROWS, generator=draws), torch.randint(0, 1000, (ROWS,), generator=draws)
    lines = [
        f"{ROWS:,} rows, {rounds} rounds in turn; medians, and of each the least. A copy moves {bandwidth / 1e9:.0f} GB/s. "
        f"Kernels: {instruction_set()}. To reach: 20 times the peers on two threads.",
        "",
        "| | threads | ours, ms | least | peers, ms | least | times as fast | floor, ms |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for dtype in (torch.float32, torch.float64):
        p, t = predictions.to(dtype), targets.to(dtype)
        pair: dict[str, Call] = {
            "ours": lambda p=p, t=t: regression_metrics(p, t),  # type: ignore[misc]
            "weighted": lambda p=p, t=t: regression_metrics(p, t, weights=weights),  # type: ignore[misc]
            "in 1,000 groups": lambda p=p, t=t: regression_metrics(p, t, groups=groups, num_groups=1000),  # type: ignore[misc]
            "peers": peers(p, t),
        }
        for threads in (2, 1):
            torch.set_num_threads(threads)
            seconds = alternate(pair, rounds)
            found = medians(seconds)
            floor = (p.nbytes + t.nbytes) / bandwidth
            for name in ("ours", "weighted", "in 1,000 groups"):
                title = f"{str(dtype).removeprefix('torch.')}{f', {name}' * (name != 'ours')}"
                ratio = f"{found['peers'] / found[name]:.1f}" if name == "ours" else ""
                lines.append(
                    f"| {title} | {threads} | {1e3 * found[name]:.0f} | {1e3 * min(seconds[name]):.0f} | "
                    f"{1e3 * found['peers']:.0f} | {1e3 * min(seconds['peers']):.0f} | {ratio} | {1e3 * floor:.1f} |"
                )
                print(lines[-1], flush=True)
    write_down("regression_metrics", "Regression metrics", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
