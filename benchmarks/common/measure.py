"""Timing two things in turn, and writing down what came."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results"


def alternate(candidates: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each candidate, taken in turn so that a machine that changes its pace changes it for all.

    Args:
        candidates: Name to what is timed; each is called once before, untimed.
        rounds: Timed calls of each.
    """
    for call in candidates.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, call in candidates.items():
            began = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def medians(seconds: Mapping[str, list[float]]) -> dict[str, float]:
    """The median of each candidate's seconds."""
    return {name: statistics.median(values) for name, values in seconds.items()}


def copy_bandwidth(size: int = 1 << 28) -> float:
    """Bytes a second that a copy reads and writes, the best of several: the physical floor of what must move them."""
    import torch

    source, target = torch.zeros(size, dtype=torch.uint8), torch.zeros(size, dtype=torch.uint8)
    seconds = []
    for _ in range(7):
        began = time.perf_counter()
        target.copy_(source)
        seconds.append(time.perf_counter() - began)
    return 2 * size / min(seconds)


def machine() -> str:
    """What a number was measured on."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def write_down(name: str, title: str, lines: list[str]) -> None:
    """Print a page and keep it in ``benchmarks/results``."""
    text = "\n".join([f"# {title}", "", f"`python benchmarks/{name}.py` on {machine()}.", "", *lines]) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)
