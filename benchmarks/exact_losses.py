"""Losses of one order beside torch's, in turn.

python benchmarks/exact_losses.py [ROUNDS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from common.measure import alternate, medians, write_down
from torch.nn import functional

from within_wf.ops import exact
from within_wf.ops.instruction_set import instruction_set

LEAST_SECONDS = 2e-3
"""Of a timed call; shorter ones are repeated."""
ELEMENTS = (256, 8192, 1 << 18, 1 << 22)
CLASSES = ((256, 2), (4096, 10), (1024, 1000), (64, 30522))
Loss = Callable[[Any, torch.Tensor, torch.Tensor], torch.Tensor]

OF_ELEMENTS: dict[str, Loss] = {
    "mse_loss": lambda f, x, t: f.mse_loss(x, t),
    "l1_loss": lambda f, x, t: f.l1_loss(x, t),
    "huber_loss": lambda f, x, t: f.huber_loss(x, t),
    "smooth_l1_loss": lambda f, x, t: f.smooth_l1_loss(x, t),
    "binary_cross_entropy_with_logits": lambda f, x, t: f.binary_cross_entropy_with_logits(x, t),
}
OF_CLASSES: dict[str, Loss] = {
    "cross_entropy": lambda f, x, t: f.cross_entropy(x, t),
    "cross_entropy, smoothed": lambda f, x, t: f.cross_entropy(x, t, label_smoothing=0.1),
}


def pinball(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The quantile loss as it is written in torch."""
    gap = t - x
    return torch.maximum(0.3 * gap, -0.7 * gap).mean()


def all_pairs(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """The pairwise loss as it is written in torch."""
    losses = functional.softplus(x[None, :] - x[:, None])
    return losses[t[:, None] > t[None, :]].mean()


def timed(
    ours: Callable[[], torch.Tensor], theirs: Callable[[], torch.Tensor], of: torch.Tensor, rounds: int, *, is_backward: bool
):  # type: ignore[no-untyped-def]
    """Microseconds of both."""

    def repeat(call: Callable[[], torch.Tensor], times: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(times):
                loss = call()
                if is_backward:
                    torch.autograd.grad(loss, of)

        return run

    once = min(alternate({"theirs": repeat(theirs, 1)}, 5)["theirs"])
    times = max(1, int(LEAST_SECONDS / once))
    seconds = medians(alternate({"ours": repeat(ours, times), "torch": repeat(theirs, times)}, rounds))
    return tuple(seconds[name] / times * 1e6 for name in ("ours", "torch"))


def cases():  # type: ignore[no-untyped-def]
    """A title, ours, torch's and what has a gradient."""
    draws = torch.Generator().manual_seed(0)
    for name, loss in OF_ELEMENTS.items():
        for count in ELEMENTS:
            x, t = torch.randn(count, generator=draws).requires_grad_(), torch.rand(count, generator=draws)
            yield f"{name}, {count}", *(lambda f=f, x=x, t=t, loss=loss: loss(f, x, t) for f in (exact, functional)), x
    for name, loss in OF_CLASSES.items():
        for rows, classes in CLASSES:
            x = torch.randn(rows, classes, generator=draws).requires_grad_()
            t = torch.randint(0, classes, (rows,), generator=draws)
            yield (
                f"{name}, {rows} x {classes}",
                *(lambda f=f, x=x, t=t, loss=loss: loss(f, x, t) for f in (exact, functional)),
                x,
            )
    x = torch.randn(4, 21, 96, 96, generator=draws).requires_grad_()
    t = torch.randint(0, 21, (4, 96, 96), generator=draws)
    yield "cross_entropy, 4 x 21 x 96 x 96", lambda: exact.cross_entropy(x, t), lambda: functional.cross_entropy(x, t), x
    y, s = torch.randn(1 << 18, generator=draws).requires_grad_(), torch.rand(1 << 18, generator=draws)
    yield f"quantile_loss, {1 << 18}", lambda: exact.quantile_loss(y, s, 0.3), lambda: pinball(y, s), y
    z, r = torch.randn(512, generator=draws).requires_grad_(), torch.randint(0, 4, (512,), generator=draws).float()
    yield "pairwise_logistic_loss, 512", lambda: exact.pairwise_logistic_loss(z, r), lambda: all_pairs(z, r), z


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    lines = [
        f"The mean of losses, float32, {rounds} rounds in turn; medians. Ours has one order on every processor. "
        f"Kernels: {instruction_set()}; torch: {torch.backends.cpu.get_cpu_capability()}. Ratios: torch's time over ours; "
        "the last two columns are forward with backward. To reach: 1.0.",
        "",
        "| loss | ours, 1 thread, µs | torch | torch / ours | 2 threads | with backward | 2 threads |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for title, ours, theirs, of in cases():
        found = []
        for is_backward in (False, True):
            for threads in (1, 2):
                torch.set_num_threads(threads)
                found.append(timed(ours, theirs, of, rounds, is_backward=is_backward))
        ratios = [other / own for own, other in found]
        lines.append(
            f"| {title} | {found[0][0]:.1f} | {found[0][1]:.1f} | {ratios[0]:.2f} | {ratios[1]:.2f} | {ratios[2]:.2f} | "
            f"{ratios[3]:.2f} |"
        )
        print(lines[-1], flush=True)
    write_down("exact_losses", "Losses of one order", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
