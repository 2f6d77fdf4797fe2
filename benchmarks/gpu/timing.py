"""Timing our operators, PyTorch's and the memory floor on one device, in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

ROUNDS = 20
COPIED = 1 << 28


@dataclass(frozen=True)
class Comparison:
    """One operator beside what does the same in PyTorch.

    Attributes:
        name: What is computed, with its sizes.
        ours: Computes it.
        peers: Others' ways by name; what they give may be less exact.
        moved_bytes: What must be read and written at least.
    """

    name: str
    ours: Callable[[], object]
    peers: Mapping[str, Callable[[], object]]
    moved_bytes: int


def milliseconds(calls: Mapping[str, Callable[[], object]], device: torch.device, rounds: int = ROUNDS) -> dict[str, float]:
    """The median time of each call, taken in turn, after one call of each that is not timed."""
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(_once(call, device))
    return {name: statistics.median(values) for name, values in times.items()}


def _once(call: Callable[[], object], device: torch.device) -> float:
    if device.type != "cuda":
        began = time.perf_counter()
        call()
        return 1e3 * (time.perf_counter() - began)
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize(device)
    start.record()
    call()
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end))


def copy_bandwidth(device: torch.device, count: int = COPIED) -> float:
    """Bytes a millisecond that a copy of ``count`` bytes reads and writes."""
    source = torch.ones(count, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2 * count / milliseconds({"copy": lambda: target.copy_(source)}, device)["copy"]


def compare(comparison: Comparison, device: torch.device, bandwidth: float, rounds: int = ROUNDS) -> dict[str, object]:
    """One entry of the results: medians in ms, ratios, the memory floor."""
    found = milliseconds({"ours": comparison.ours, **comparison.peers}, device, rounds)
    ours = found.pop("ours")
    floor = comparison.moved_bytes / bandwidth
    return {
        "name": comparison.name,
        "ours_ms": round(ours, 4),
        "floor_ms": round(floor, 4),
        "floor_over_ours": round(floor / ours, 3),
        "peers_ms": {name: round(value, 4) for name, value in found.items()},
        "ours_over_peers": {name: round(ours / value, 3) for name, value in found.items()},
    }
