"""Exact sums by group beside torch's atomics and its deterministic mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from benchmarks.gpu.timing import Comparison
from within_wf.ops.scatter import scatter

CASES = ((10_000_000, 1, 1000), (10_000_000, 1, 100_000), (10_000_000, 1, 4_000_000), (1_000_000, 64, 1000))


def comparisons(device: torch.device, scale: float = 1.0) -> Iterator[Comparison]:
    """Sums of float32 values; ``scale`` makes rows and groups fewer."""
    draws = torch.Generator(device).manual_seed(0)
    for rows, columns, groups in ((max(1, int(r * scale)), c, max(1, int(g * scale))) for r, c, g in CASES):
        values = torch.randn(rows, columns, device=device, generator=draws)
        index = torch.randint(0, groups, (rows,), device=device, generator=draws)
        out = torch.zeros(groups, columns, device=device)
        add = lambda o=out, i=index, v=values: o.zero_().index_add_(0, i, v)  # noqa: E731
        peers = {"index_add_, atomics": add, "index_add_, deterministic": deterministically(add)}
        moved = sum(tensor.numel() * tensor.element_size() for tensor in (values, index, out))
        ours = lambda v=values, i=index, g=groups: scatter(v, i, g)  # noqa: E731
        yield Comparison(f"scatter sum, float32, {rows} x {columns} in {groups}", ours, peers, moved)


def deterministically(call: Callable[[], object]) -> Callable[[], object]:
    """The same call in torch's deterministic mode."""

    def inside() -> object:
        torch.use_deterministic_algorithms(True)
        try:
            return call()
        finally:
            torch.use_deterministic_algorithms(False)

    return inside
