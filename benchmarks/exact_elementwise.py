"""Exact elementwise functions, dropout and embeddings beside torch's, in turn.

python benchmarks/exact_elementwise.py [ROUNDS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch
from common.measure import alternate, medians, write_down
from torch.nn import functional

from within_wf.ops import exact
from within_wf.ops.instruction_set import instruction_set

Call = Callable[[torch.Tensor], torch.Tensor]
SIZES = (1 << 16, 1 << 22)
SMALLEST = 1 << 20
"""Numbers of a timed call; smaller tensors are taken repeatedly."""
VOCABULARY, COLUMNS = 30_522, 384


def calls() -> dict[str, tuple[Call, Call]]:
    """Ours and torch's of one tensor."""
    names = ("exp", "expm1", "log", "log1p", "sqrt", "rsqrt", "sin", "cos", "tanh", "sigmoid", "erf")
    found: dict[str, tuple[Call, Call]] = {name: (getattr(exact, name), getattr(torch, name)) for name in names}
    activations = ("logsigmoid", "softplus", "silu", "mish", "gelu", "relu", "leaky_relu", "elu", "hardtanh", "hardswish")
    found |= {name: (getattr(exact, name), getattr(functional, name)) for name in activations}
    found["gelu, tanh"] = (lambda x: exact.gelu(x, "tanh"), lambda x: functional.gelu(x, approximate="tanh"))
    found["pow, 2"] = (lambda x: exact.pow(x, 2), lambda x: torch.pow(x, 2))
    found["pow, 1.7"] = (lambda x: exact.pow(x, 1.7), lambda x: torch.pow(x, 1.7))
    found["dropout, 0.1"] = (
        lambda x: exact.dropout(x.view(-1, 1 << 12), 0.1, seed=0, step=0),
        lambda x: functional.dropout(x.view(-1, 1 << 12), 0.1),
    )
    return found


def repeated(call: Call, x: torch.Tensor, gradient: torch.Tensor, times: int, *, is_backward: bool) -> Callable[[], None]:
    """So many calls, with backwards where they are wanted."""

    def run() -> None:
        for _ in range(times):
            result = call(x)
            if is_backward:
                torch.autograd.grad(result, x, gradient.view(result.shape))

    return run


def ratio(
    name: str, pair: tuple[Call, Call], size: int, threads: int, rounds: int, *, is_backward: bool
) -> tuple[float, float]:
    """Nanoseconds a number of ours, and torch's time over ours."""
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(size, generator=draws)
    x = x.abs() + 0.01 if name.startswith(("log", "sqrt", "rsqrt", "pow")) and name != "logsigmoid" else x
    gradient = torch.randn(size, generator=draws)
    torch.set_num_threads(threads)
    x.requires_grad_(is_backward)
    times = max(1, SMALLEST // size)
    both = {
        who: repeated(call, x, gradient, times, is_backward=is_backward)
        for who, call in zip(("ours", "torch"), pair, strict=True)
    }
    seconds = medians(alternate(both, rounds))
    return seconds["ours"] / times / size * 1e9, seconds["torch"] / seconds["ours"]


def embedding_ratio(threads: int, rounds: int, *, is_backward: bool) -> tuple[float, float]:
    """As above, of the tokens of 64 headlines of 128."""
    draws = torch.Generator().manual_seed(0)
    weight = torch.randn(VOCABULARY, COLUMNS, generator=draws).requires_grad_(is_backward)
    index = (torch.rand(64, 128, generator=draws) ** 4 * VOCABULARY).long()
    pair = (lambda weight: exact.embedding(index, weight, 0), lambda weight: functional.embedding(index, weight, 0))
    gradient = torch.randn(64, 128, COLUMNS, generator=draws)
    torch.set_num_threads(threads)
    both = {
        who: repeated(call, weight, gradient, 1, is_backward=is_backward)
        for who, call in zip(("ours", "torch"), pair, strict=True)
    }
    seconds = medians(alternate(both, rounds))
    return seconds["ours"] / gradient.numel() * 1e9, seconds["torch"] / seconds["ours"]


def row(name: str, found: list[tuple[float, float]]) -> str:
    """A line of the table."""
    return f"| {name} | " + " | ".join(f"{nanoseconds:.2f} | {over:.2f}" for nanoseconds, over in found) + " |"


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    lines = [
        f"float32, {rounds} rounds in turn; medians, nanoseconds a number of ours, and torch's time over ours (above 1: ours "
        f"is faster; to reach 1). Kernels: {instruction_set()}; torch: {torch.backends.cpu.get_cpu_capability()}.",
    ]
    cells = [(threads, is_backward) for is_backward in (False, True) for threads in (1, 2)]
    head = (
        "| | " + " | ".join(f"{'with backward' if back else 'forward'}, {n} threads | torch / ours" for n, back in cells) + " |"
    )
    for size in SIZES:
        lines += ["", f"{size:,} numbers:", "", head, "|---|" + "---:|" * (2 * len(cells))]
        for name, pair in calls().items():
            lines.append(row(name, [ratio(name, pair, size, n, rounds, is_backward=back) for n, back in cells]))
            print(lines[-1], flush=True)
    lines += ["", f"Rows of {VOCABULARY:,} x {COLUMNS} by 64 x 128 indices:", "", head, "|---|" + "---:|" * (2 * len(cells))]
    lines.append(row("embedding", [embedding_ratio(n, rounds, is_backward=back) for n, back in cells]))
    write_down("exact_elementwise", "Exact elementwise functions, dropout and embeddings", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
