"""Matrix products of one order beside torch's, in turn.

python benchmarks/exact.py [ROUNDS]
"""

from __future__ import annotations

import sys

import torch
from common.measure import alternate, medians, write_down
from torch.nn import functional

from within_wf.ops import exact
from within_wf.ops.instruction_set import instruction_set

SQUARES = (64, 128, 256, 512, 1024, 2048)
LAYERS = ((32, 384, 256), (32, 256, 64), (128, 384, 256), (256, 771, 256), (1024, 384, 1536), (2048, 1536, 384))
SMALLEST = 20_000_000
"""Multiplications of a timed call; smaller products are repeated."""


def timed(shape: tuple[int, int, int], threads: int, rounds: int, *, is_backward: bool) -> tuple[float, float]:
    """GF/s of ours and of torch's linear layer of rows, depth, columns; with its backward where that is wanted."""
    rows, depth, columns = shape
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(rows, depth, generator=draws, requires_grad=is_backward)
    weight = torch.randn(columns, depth, generator=draws, requires_grad=is_backward)
    bias = torch.randn(columns, generator=draws, requires_grad=is_backward)
    gradient = torch.randn(rows, columns, generator=draws)
    times = max(1, SMALLEST // (rows * depth * columns))

    def repeat(linear):  # type: ignore[no-untyped-def]
        def call() -> None:
            for _ in range(times):
                out = linear(x, weight, bias)
                if is_backward:
                    torch.autograd.grad(out, (x, weight, bias), gradient)

        return call

    torch.set_num_threads(threads)
    seconds = medians(alternate({"ours": repeat(exact.linear), "torch": repeat(functional.linear)}, rounds))
    operations = (6 if is_backward else 2) * rows * depth * columns * times
    return operations / seconds["ours"] / 1e9, operations / seconds["torch"] / 1e9


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    lines = [
        f"A linear layer with bias, float32, {rounds} rounds in turn; medians, GF/s. Ours has one order on every processor. "
        f"Kernels: {instruction_set()}; torch: {torch.backends.cpu.get_cpu_capability()}.",
        "",
        "| rows x depth x columns | ours, 1 thread | torch | ours / torch | 2 threads | with backward | 2 threads |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for shape in (*LAYERS, *((side, side, side) for side in SQUARES)):
        found = [timed(shape, threads, rounds, is_backward=back) for back in (False, True) for threads in (1, 2)]
        ratios = [ours / theirs for ours, theirs in found]
        lines.append(
            f"| {' x '.join(map(str, shape))} | {found[0][0]:.0f} | {found[0][1]:.0f} | {ratios[0]:.2f} | {ratios[1]:.2f} | "
            f"{ratios[2]:.2f} | {ratios[3]:.2f} |"
        )
        print(lines[-1], flush=True)
    write_down("exact", "Matrix products of one order", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
