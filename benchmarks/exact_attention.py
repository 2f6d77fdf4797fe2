"""Attention of one order beside torch's, in turn.

python benchmarks/exact_attention.py [ROUNDS]
"""

from __future__ import annotations

import sys

import torch
from common.measure import alternate, medians, write_down
from torch.nn import functional

from within_wf.ops import exact
from within_wf.ops.instruction_set import instruction_set

SHAPES = ((32, 12, 64, 32), (8, 12, 128, 32), (32, 4, 30, 16), (2, 8, 1024, 64))
"""Batch, heads, queries and keys, width: MiniLM's, a small transformer's, a long one's."""
KINDS = ("plain", "padding", "numbers", "causal")
SMALLEST = 30_000_000
"""Multiplications of a timed call; smaller ones are repeated."""


def options_of(kind: str, batch: int, keys: int, draws: torch.Generator) -> dict[str, object]:
    """Arguments beside query, key and value."""
    if kind == "padding":
        lengths = torch.randint(keys // 2, keys + 1, (batch, 1), generator=draws)
        return {"attn_mask": (torch.arange(keys) < lengths)[:, None, None, :].expand(batch, 1, keys, keys).contiguous()}
    if kind == "numbers":
        return {"attn_mask": torch.randn(1, 1, keys, keys, generator=draws)}
    return {"is_causal": True} if kind == "causal" else {}


def timed(shape: tuple[int, int, int, int], kind: str, threads: int, rounds: int, *, is_backward: bool) -> tuple[float, float]:
    """Milliseconds of ours and of torch's; with its backward where that is wanted."""
    batch, heads, rows, width = shape
    draws = torch.Generator().manual_seed(0)
    # As projections of all heads give them: heads within rows.
    given = [
        torch.randn(batch, rows, heads, width, generator=draws).transpose(1, 2).requires_grad_(is_backward) for _ in range(3)
    ]
    gradient = torch.randn(batch, rows, heads, width, generator=draws).transpose(1, 2)
    options = options_of(kind, batch, rows, draws)
    times = max(1, SMALLEST // (batch * heads * rows * rows * width))

    def repeat(attend):  # type: ignore[no-untyped-def]
        def call() -> None:
            for _ in range(times):
                out = attend(*given, **options)
                if is_backward:
                    torch.autograd.grad(out, given, gradient)

        return call

    torch.set_num_threads(threads)
    candidates = {"ours": repeat(exact.scaled_dot_product_attention), "torch": repeat(functional.scaled_dot_product_attention)}
    seconds = medians(alternate(candidates, rounds))
    return seconds["ours"] / times * 1e3, seconds["torch"] / times * 1e3


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    lines = [
        f"Attention, float32, {rounds} rounds in turn; medians. Ours has one order on every processor; torch's is its default, "
        "with nothing deterministic about it. A ratio is torch's time by ours; to reach: 1.0. "
        f"Kernels: {instruction_set()}; torch: {torch.backends.cpu.get_cpu_capability()}.",
        "",
        "| batch x heads x rows x width | mask | with backward, ms | torch | ratio | 2 threads | forward alone | 2 threads |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for shape in SHAPES:
        for kind in KINDS:
            found = [timed(shape, kind, threads, rounds, is_backward=back) for back in (True, False) for threads in (1, 2)]
            ratios = " | ".join(f"{theirs / ours:.2f}" for ours, theirs in found)
            ours, theirs = found[0]
            lines.append(f"| {' x '.join(map(str, shape))} | {kind} | {ours:.2f} | {theirs:.2f} | {ratios} |")
            print(lines[-1], flush=True)
    write_down("exact_attention", "Attention of one order", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
