"""Exact sums by group beside torch's and numpy's, in turn.

    python benchmarks/scatter.py [ROUNDS]

The floor is the time in which the values and the index are read once: what a sum cannot go below.
"""

from __future__ import annotations

import sys
from functools import partial

import numpy as np
import torch
from common.measure import alternate, medians, write_down

from within_wf.ops.scatter import scatter

CASES = ((1_000_000, 1, 1000), (1_000_000, 1, 500_000), (200_000, 16, 1000))


def case(rows: int, columns: int, groups: int, rounds: int) -> list[str]:
    """One row for each way to sum."""
    draws = np.random.default_rng(0)
    values = torch.from_numpy(draws.standard_normal((rows, columns), dtype=np.float32))
    index = torch.from_numpy(draws.integers(0, groups, rows))
    out = torch.zeros(groups, columns)
    plain = values.numpy().sum(axis=1).astype(np.float64) if columns > 1 else values.numpy()[:, 0].astype(np.float64)
    candidates = {
        "exact": partial(scatter, values, index, groups),
        "torch index_add_": lambda: out.zero_().index_add_(0, index, values),
        "numpy bincount, one column": partial(np.bincount, index.numpy(), plain, groups),
        "floor: read once": lambda: (values.sum(), index.sum()),
    }
    found = medians(alternate(candidates, rounds))
    name = f"{rows:,} x {columns} in {groups:,} groups"
    return [f"| {name} | {way} | {1e3 * seconds:.2f} | {found['exact'] / seconds:.2f} |" for way, seconds in found.items()]


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    lines = ["| float32 values | way | ms, median | exact / way |", "|---|---|---:|---:|"]
    for sizes in CASES:
        lines += case(*sizes, rounds)
    write_down("scatter", "Exact sums by group", [*lines, "", f"{torch.get_num_threads()} threads, {rounds} rounds."])
    return 0


if __name__ == "__main__":
    sys.exit(main())
