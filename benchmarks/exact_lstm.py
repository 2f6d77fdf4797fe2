"""An LSTM layer of one order beside torch's, in turn.

python benchmarks/exact_lstm.py [ROUNDS]
"""

from __future__ import annotations

import sys

import torch
from common.measure import alternate, medians, write_down

from within_wf.ops import exact
from within_wf.ops.instruction_set import instruction_set

SHAPES = (
    # batch, moments, inputs, hidden, layers, both ways
    (64, 48, 8, 16, 1, False),
    (64, 48, 8, 32, 1, False),
    (64, 30, 8, 64, 1, False),
    (64, 90, 32, 64, 1, False),
    (64, 90, 32, 128, 1, False),
    (64, 60, 16, 64, 2, True),
    (64, 60, 32, 256, 1, False),
    (64, 30, 64, 512, 1, False),
    (1, 48, 8, 32, 1, False),
)


def timed(shape: tuple[int, int, int, int, int, bool], threads: int, rounds: int, *, is_backward: bool) -> tuple[float, float]:
    """Milliseconds of ours and of torch's layers; with their backward where that is wanted."""
    batch, moments, inputs, hidden, layers, both = shape
    draws = torch.Generator().manual_seed(0)
    module = torch.nn.LSTM(inputs, hidden, layers, batch_first=True, bidirectional=both).requires_grad_(is_backward)
    weights = list(module.parameters())
    x = torch.randn(batch, moments, inputs, generator=draws)
    gradient = torch.randn(batch, moments, hidden * (2 if both else 1), generator=draws)

    def ours() -> torch.Tensor:
        return exact.lstm(x, None, weights, num_layers=layers, bidirectional=both, batch_first=True)[0]

    def theirs() -> torch.Tensor:
        output: torch.Tensor = module(x)[0]
        return output

    def repeat(layer):  # type: ignore[no-untyped-def]
        def call() -> None:
            out = layer()
            if is_backward:
                torch.autograd.grad(out, weights, gradient)

        return call

    torch.set_num_threads(threads)
    seconds = medians(alternate({"ours": repeat(ours), "torch": repeat(theirs)}, rounds))
    return seconds["ours"] * 1e3, seconds["torch"] * 1e3


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 21
    lines = [
        f"LSTM layers with biases, float32, {rounds} rounds in turn; medians, milliseconds. Ours has one order on every "
        f"processor. Kernels: {instruction_set()}; torch: {torch.backends.cpu.get_cpu_capability()}. Ratios are torch's time "
        "over ours; to reach: 1.0 with backward.",
        "",
        "| batch x moments x inputs, hidden, layers | ours, 1 thread | torch | torch / ours | 2 threads | "
        "with backward, ours | torch | torch / ours | 2 threads |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for shape in SHAPES:
        batch, moments, inputs, hidden, layers, both = shape
        found = [timed(shape, threads, rounds, is_backward=back) for back in (False, True) for threads in (1, 2)]
        ratios = [theirs / ours for ours, theirs in found]
        title = f"{batch} x {moments} x {inputs}, {hidden}, {layers}{' both ways' if both else ''}"
        lines.append(
            f"| {title} | {found[0][0]:.2f} | {found[0][1]:.2f} | {ratios[0]:.2f} | {ratios[1]:.2f} | {found[2][0]:.2f} | "
            f"{found[2][1]:.2f} | {ratios[2]:.2f} | {ratios[3]:.2f} |"
        )
        print(lines[-1], flush=True)
    write_down("exact_lstm", "LSTM layers of one order", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
