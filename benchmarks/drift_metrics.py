"""Drift metrics beside scipy, and beside NumPy used directly, in turn.

python benchmarks/drift_metrics.py [ROUNDS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import scipy.stats
import torch
from common.measure import alternate, copy_bandwidth, medians, write_down

from within_wf.ops.drift import drift_metrics
from within_wf.ops.instruction_set import instruction_set

ROWS = 5_000_000
GROUPS = 100  # each beyond the exact p-value's number of rows
Call = Callable[[], object]
Numbers = npt.NDArray[np.floating]


def by_scipy(reference: Numbers, current: Numbers) -> object:
    """The statistic with its p-value, and the distance."""
    return scipy.stats.ks_2samp(reference, current), scipy.stats.wasserstein_distance(reference, current)


def by_numpy(reference: Numbers, current: Numbers) -> object:
    """The same without p-value: each sample sorted once, and both together."""
    r, c = np.sort(reference), np.sort(current)
    x = np.concatenate([r, c])
    x.sort(kind="stable")
    apart = np.abs(np.searchsorted(r, x, side="right") / r.size - np.searchsorted(c, x, side="right") / c.size)
    return apart.max(), (apart[:-1] * np.diff(x)).sum()


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    bandwidth = copy_bandwidth()
    draws = torch.Generator().manual_seed(0)
    groups: dict[str, torch.Tensor] = {
        name: torch.randint(0, GROUPS, (ROWS,), generator=draws) for name in ("reference_groups", "current_groups")
    }
    lines = [
        f"{ROWS:,} rows against {ROWS:,}, {rounds} rounds in turn; medians, and of ours the least. Ours have psi, kl and the "
        f"p-value besides. A copy moves {bandwidth / 1e9:.0f} GB/s. Kernels: {instruction_set()}. To reach on two threads: 50 "
        "times scipy, 8 times NumPy.",
        "",
        "| | threads | ours, ms | least | scipy, ms | scipy / ours | NumPy, ms | NumPy / ours | floor, ms |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for dtype in (torch.float32, torch.float64):
        reference = torch.randn(ROWS, generator=draws).to(dtype)
        current = (torch.randn(ROWS, generator=draws) * 1.1 + 0.02).to(dtype)
        arrays = reference.numpy(), current.numpy()
        candidates: dict[str, Call] = {
            "ours": lambda r=reference, c=current: drift_metrics(r, c),  # type: ignore[misc]
            "scipy": lambda a=arrays: by_scipy(*a),  # type: ignore[misc]
            "numpy": lambda a=arrays: by_numpy(*a),  # type: ignore[misc]
            "in groups": lambda r=reference, c=current: drift_metrics(r, c, **groups),  # type: ignore[misc]
        }
        for threads in (2, 1):
            torch.set_num_threads(threads)
            seconds = alternate(candidates, rounds)
            found = medians(seconds)
            floor = (reference.nbytes + current.nbytes) / bandwidth
            groups_floor = sum(of.nbytes for of in groups.values()) / bandwidth
            ours, by = 1e3 * found["ours"], {name: found[name] / found["ours"] for name in ("scipy", "numpy")}
            lines.append(
                f"| {str(dtype).removeprefix('torch.')} | {threads} | {ours:.0f} | {1e3 * min(seconds['ours']):.0f} | "
                f"{1e3 * found['scipy']:.0f} | {by['scipy']:.1f} | {1e3 * found['numpy']:.0f} | "
                f"{by['numpy']:.1f} | {1e3 * floor:.1f} |"
            )
            lines.append(
                f"| {str(dtype).removeprefix('torch.')}, in {GROUPS} groups | {threads} | {1e3 * found['in groups']:.0f} | "
                f"{1e3 * min(seconds['in groups']):.0f} | | | | | {1e3 * (floor + groups_floor):.1f} |"
            )
            print(*lines[-2:], sep="\n", flush=True)
    write_down("drift_metrics", "Drift metrics", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
