"""Time and peak memory of drawing sample worlds of growing size, each in a process of its own.

    python benchmarks/world_memory.py [ROWS …]

Memory must not grow with the number of rows: below 1.5 GiB for 10,000,000 as for 100,000. What was measured is written
to benchmarks/results/world_memory.md.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "world_memory.md"
LIMIT_MIB = 1536
CHILD = """
import sys
from pathlib import Path
from within_wf.data.sample_world.world import simulate
simulate(int(sys.argv[1]), 42, Path(sys.argv[2]))
"""


def measure(rows: int) -> tuple[float, float, float]:
    """Seconds, peak resident memory and size of the world, both in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(rows), folder])
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
        seconds = time.perf_counter() - began
        assert status == 0, f"drawing {rows} rows ended with {status}"
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    return seconds, usage.ru_maxrss / 1024, size / 2**20


def main() -> int:
    """Measure, print and write down."""
    sizes = [int(word) for word in sys.argv[1:]] or [100_000, 1_000_000, 10_000_000]
    lines = [
        "# Memory of the sample world",
        "",
        "`python benchmarks/world_memory.py`, one process a world, interpreter's start and imports included, "
        f"on {os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}.",
        "",
        "| rows | seconds | peak memory, MiB | files, MiB |",
        "|---:|---:|---:|---:|",
    ]
    peaks = []
    for rows in sizes:
        seconds, peak, size = measure(rows)
        peaks.append(peak)
        lines.append(f"| {rows:,} | {seconds:.1f} | {peak:.0f} | {size:.0f} |")
        print(lines[-1], flush=True)
    lines += ["", f"The bound is {LIMIT_MIB} MiB; the largest peak is {max(peaks):.0f} MiB."]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return int(max(peaks) > LIMIT_MIB)


if __name__ == "__main__":
    sys.exit(main())
