"""Optimizers of one order beside torch's, in turn.

python benchmarks/exact_optimizers.py [ROUNDS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch
from common.measure import alternate, medians, write_down

from within_wf.ops import exact
from within_wf.ops.instruction_set import instruction_set

LEAST_SECONDS = 2e-3
"""Of a timed call; shorter ones are repeated."""
SHAPES: dict[str, list[tuple[int, ...]]] = {
    "a perceptron, 6 tensors, 0.1 M": [(256, 384), (256,), (64, 256), (64,), (1, 64), (1,)],
    "EfficientNet-like, 160 tensors, 4 M": [(160, 160) for _ in range(155)] + [(32,)] * 5,
    "a transformer, 100 tensors, 22 M": [(384, 1536), (1536,), (1536, 384), (384,), (384, 384)] * 16
    + [(30522, 384 // 2)]
    + [(384,)] * 19,
    "one tensor, 16 M": [(1 << 24,)],
}
OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "AdamW": ("AdamW", {}),
    "AdamW, amsgrad": ("AdamW", {"amsgrad": True}),
    "SGD, momentum": ("SGD", {"lr": 1e-3, "momentum": 0.9}),
}


def parameters(shapes: list[tuple[int, ...]]) -> list[torch.nn.Parameter]:
    """With gradients."""
    draws = torch.Generator().manual_seed(0)
    made = [torch.nn.Parameter(torch.randn(shape, generator=draws)) for shape in shapes]
    for parameter in made:
        parameter.grad = torch.randn(parameter.shape, generator=draws) * 1e-2
    return made


def timed(candidates: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Microseconds of each."""
    once = min(alternate({"ours": candidates["ours"]}, 5)["ours"])
    times = max(1, int(LEAST_SECONDS / once))

    def repeat(call: Callable[[], object]) -> Callable[[], None]:
        def run() -> None:
            for _ in range(times):
                call()

        return run

    seconds = medians(alternate({name: repeat(call) for name, call in candidates.items()}, rounds))
    return {name: of / times * 1e6 for name, of in seconds.items()}


def rows(rounds: int):  # type: ignore[no-untyped-def]
    """Lines of the table."""
    for title, shapes in SHAPES.items():
        for name, (kind, options) in OPTIMIZERS.items():
            made = {who: parameters(shapes) for who in ("ours", "fused", "default")}
            candidates = {
                "ours": getattr(exact, kind)(made["ours"], **options).step,
                "fused": getattr(torch.optim, kind)(made["fused"], fused=True, **options).step,
                "default": getattr(torch.optim, kind)(made["default"], **options).step,
            }
            yield f"{name}: {title}", candidates
        given = {who: parameters(shapes) for who in ("ours", "fused")}
        yield (
            f"clip_grad_norm_: {title}",
            {
                "ours": lambda given=given: exact.clip_grad_norm_(given["ours"], 1e9),
                "fused": lambda given=given: torch.nn.utils.clip_grad_norm_(given["fused"], 1e9),
            },
        )


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    lines = [
        f"A step, float32, {rounds} rounds in turn; medians. Ours has one order on every processor. "
        f"Kernels: {instruction_set()}; torch: {torch.backends.cpu.get_cpu_capability()}, `fused=True`, and its default. "
        "Ratios: torch's time over ours. To reach: 1.0 of fused.",
        "",
        "| step | ours, 1 thread, µs | torch, fused | fused / ours | default / ours | 2 threads: fused | default |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for title, candidates in rows(rounds):
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(timed(candidates, rounds))
        shares = [f"{of[who] / of['ours']:.2f}" if who in of else "" for of in found for who in ("fused", "default")]
        lines.append(f"| {title} | {found[0]['ours']:.0f} | {found[0]['fused']:.0f} | {' | '.join(shares)} |")
        print(lines[-1], flush=True)
    write_down("exact_optimizers", "Optimizers of one order", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
