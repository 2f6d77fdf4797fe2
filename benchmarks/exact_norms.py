"""Softmax and normalisation of one order beside torch's, in turn.

python benchmarks/exact_norms.py [ROUNDS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import torch
from common.measure import alternate, medians, write_down
from torch.nn import functional

from within_wf.ops import exact
from within_wf.ops.instruction_set import instruction_set

ROWS: tuple[tuple[int, ...], ...] = ((2048, 384), (2048, 1536), (12 * 32, 64, 64), (4096, 10))
IMAGES: tuple[tuple[int, ...], ...] = ((32, 32, 112, 112), (32, 1280, 7, 7), (4096, 256))
SUMS: tuple[tuple[int, ...], ...] = ((2048, 1536), (4_000_000,))
SMALLEST = 4_000_000
"""Numbers of a timed call; smaller tensors are taken several times."""

Layer = Callable[..., torch.Tensor]


def cases() -> Iterator[tuple[str, tuple[int, ...], Layer, Layer, int]]:
    """Name, shape, ours, torch's, and how many weights there are."""
    for shape in ROWS:
        yield "softmax", shape, lambda x: exact.softmax(x, -1), lambda x: functional.softmax(x, -1), 0
        yield "log_softmax", shape, lambda x: exact.log_softmax(x, -1), lambda x: functional.log_softmax(x, -1), 0
    for shape in ROWS[:3]:
        own = shape[-1:]
        yield (
            "layer_norm",
            shape,
            lambda x, w, b, s=own: exact.layer_norm(x, s, w, b),
            lambda x, w, b, s=own: functional.layer_norm(x, s, w, b),
            2,
        )
        yield (
            "rms_norm",
            shape,
            lambda x, w, s=own: exact.rms_norm(x, s, w),
            lambda x, w, s=own: functional.rms_norm(x, s, w),
            1,
        )
    for shape in IMAGES:
        yield (
            "batch_norm",
            shape,
            lambda x, w, b: exact.batch_norm(x, None, None, w, b, True),
            lambda x, w, b: functional.batch_norm(x, None, None, w, b, True),
            2,
        )
    for shape in SUMS:
        yield "sum", shape, lambda x: exact.sum(x, -1), lambda x: torch.sum(x, -1), 0
        yield "var", shape, lambda x: exact.var(x, -1), lambda x: torch.var(x, -1), 0
        yield "logsumexp", shape, lambda x: exact.logsumexp(x, -1), lambda x: torch.logsumexp(x, -1), 0


def timed(
    shape: tuple[int, ...], ours: Layer, theirs: Layer, weights: int, threads: int, rounds: int, *, is_backward: bool
) -> tuple[float, float]:
    """Seconds of ours and of torch's; with the backward pass where that is wanted."""
    draws = torch.Generator().manual_seed(0)
    channels = shape[1] if shape in IMAGES else shape[-1]
    x = torch.randn(shape, generator=draws, requires_grad=is_backward)
    given = [x, *(torch.randn(channels, generator=draws, requires_grad=is_backward) for _ in range(weights))]
    gradient = torch.randn(ours(*given).shape, generator=draws)
    times = max(1, SMALLEST // x.numel())

    def repeat(layer: Layer) -> Callable[[], None]:
        def call() -> None:
            for _ in range(times):
                out = layer(*given)
                if is_backward:
                    torch.autograd.grad(out, given, gradient)

        return call

    torch.set_num_threads(threads)
    seconds = medians(alternate({"ours": repeat(ours), "torch": repeat(theirs)}, rounds))
    return seconds["ours"] / times, seconds["torch"] / times


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    lines = [
        f"float32, {rounds} rounds in turn; medians. Ratios are torch's time over ours: at least 1.0 is to be reached with "
        f"backward (softmax, normalisation). Kernels: {instruction_set()}; torch: {torch.backends.cpu.get_cpu_capability()}.",
        "",
        "| layer | shape | ours, µs, 1 thread | torch | torch / ours | 2 threads | with backward | 2 threads |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, shape, ours, theirs, weights in cases():
        found = [
            timed(shape, ours, theirs, weights, threads, rounds, is_backward=back)
            for back in (False, True)
            for threads in (1, 2)
        ]
        ratios = [their / our for our, their in found]
        lines.append(
            f"| {name} | {' x '.join(map(str, shape))} | {found[0][0] * 1e6:.0f} | {found[0][1] * 1e6:.0f} | {ratios[0]:.2f} | "
            f"{ratios[1]:.2f} | {ratios[2]:.2f} | {ratios[3]:.2f} |"
        )
        print(lines[-1], flush=True)
    write_down("exact_norms", "Softmax and normalisation of one order", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
