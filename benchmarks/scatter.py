"""Exact reductions by group beside torch's inexact ones, in turn.

    python benchmarks/scatter.py [ROUNDS]

The floor is the time in which the bytes that must move are copied: values, index and result once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from common.measure import alternate, copy_bandwidth, medians, write_down

from within_wf.ops.instruction_set import instruction_set
from within_wf.ops.scatter import scatter

ROWS = 10_000_000
Call = Callable[[], object]


def draws() -> torch.Generator:
    """The same draws each time."""
    return torch.Generator().manual_seed(0)


def narrow(columns: int = 1) -> torch.Tensor:
    """Standard normal float32."""
    values = torch.randn(ROWS // columns, columns, generator=draws())
    return values[:, 0].contiguous() if columns == 1 else values


def wide() -> torch.Tensor:
    """float32 whose exponents span 160 powers of two."""
    return torch.ldexp(narrow(), torch.randint(-100, 60, (ROWS,), generator=draws()))


def evenly(groups: int, rows: int = ROWS) -> torch.Tensor:
    """Groups of much the same size, in no order."""
    return torch.randint(0, groups, (rows,), generator=draws())


def skewed(groups: int) -> torch.Tensor:
    """Groups of which few have most rows."""
    return (torch.rand(ROWS, generator=draws()) ** 4 * groups).long()


def torch_sum(values: torch.Tensor, index: torch.Tensor, groups: int) -> torch.Tensor:
    """Torch's fastest sum, rounded at each addition."""
    out = torch.zeros(groups, *values.shape[1:])
    return out.scatter_add_(0, index, values) if values.dim() == 1 else out.index_add_(0, index, values)


def torch_mean(values: torch.Tensor, index: torch.Tensor, groups: int) -> torch.Tensor:
    """Two sums and a quotient."""
    return torch_sum(values, index, groups) / torch_sum(torch.ones_like(values), index, groups)


def torch_std(values: torch.Tensor, index: torch.Tensor, groups: int) -> torch.Tensor:
    """Three sums; deviations from the mean."""
    count = torch_sum(torch.ones_like(values), index, groups)
    mean = torch_sum(values, index, groups) / count
    return (torch_sum((values - mean[index]).square_(), index, groups) / count).sqrt_()


def torch_softmax(values: torch.Tensor, index: torch.Tensor, groups: int) -> torch.Tensor:
    """A maximum, exponentials, a sum and a quotient."""
    top = torch.full((groups,), -torch.inf).scatter_reduce_(0, index, values, "amax")
    powers = (values - top[index]).exp_()
    return powers.div_(torch_sum(powers, index, groups)[index])


def cases() -> dict[str, tuple[torch.Tensor, torch.Tensor, int, str, Callable[..., torch.Tensor], str]]:
    """Name to values, index, groups, reduction, the peer and the bound of the ratio."""
    values = narrow()
    found = {}
    for groups, bound in ((1_000, "0.8"), (100_000, "0.8"), (1_000_000, "1"), (4_000_000, "1")):
        found[f"sum, {groups:,} groups"] = (values, evenly(groups), groups, "sum", torch_sum, bound)
    found["sum, 100,000 groups, skewed"] = (values, skewed(100_000), 100_000, "sum", torch_sum, "0.8")
    found["sum, 100,000 groups, sorted"] = (values, evenly(100_000).sort().values, 100_000, "sum", torch_sum, "0.8")
    for groups in (1_000, 20_000, 100_000):
        name = f"sum of 64 columns, {groups:,} groups"
        found[name] = (narrow(64), evenly(groups, ROWS // 64), groups, "sum", torch_sum, "0.85")
    for groups in (1_000, 100_000, 1_000_000):
        found[f"sum, wide exponents, {groups:,} groups"] = (wide(), evenly(groups), groups, "sum", torch_sum, "2.5")
    for reduce, peer, bound in (("mean", torch_mean, "0.4"), ("std", torch_std, "0.33"), ("softmax", torch_softmax, "0.2")):
        found[f"{reduce}, 100,000 groups"] = (values, evenly(100_000), 100_000, reduce, peer, bound)
    return found


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    bandwidth = copy_bandwidth()
    lines = [
        f"{ROWS:,} float32 values, {rounds} rounds in turn; medians. Ours are exact, torch's are not. A copy moves "
        f"{bandwidth / 1e9:.0f} GB/s on two threads. Kernels: {instruction_set()}.",
        "",
        "| | ours, ms | torch, ms | ours / torch | to reach | floor, ms | one thread: ours / torch |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, (values, index, groups, reduce, peer, bound) in cases().items():
        pair: dict[str, Call] = {
            "ours": lambda v=values, i=index, g=groups, r=reduce: scatter(v, i, g, r),  # type: ignore[misc]
            "torch": lambda v=values, i=index, g=groups, p=peer: p(v, i, g),  # type: ignore[misc]
        }
        found = {}
        for threads in (2, 1):
            torch.set_num_threads(threads)
            found[threads] = medians(alternate(pair, rounds))
        written = values.numel() if reduce == "softmax" else groups * values[0].numel()
        floor = (values.nbytes + index.nbytes + 4 * written) / bandwidth
        two, one = found[2], found[1]
        lines.append(
            f"| {name} | {1e3 * two['ours']:.1f} | {1e3 * two['torch']:.1f} | {two['ours'] / two['torch']:.2f} | {bound} | "
            f"{1e3 * floor:.1f} | {one['ours'] / one['torch']:.2f} |"
        )
        print(lines[-1], flush=True)
    write_down("scatter", "Exact reductions by group", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
