"""Peak memory of every data step, on sample worlds of growing size.

    python benchmarks/data_memory.py [ROWS …]

The bound: 1.5 GiB for 10,000,000 rows as for 100,000. A row is a day of an ad. Every step runs in a process of its own, and
its peak is what the kernel says of that process, interpreter and imports included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from common.measure import write_down

ROOT = Path(__file__).resolve().parents[1]
SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
LAST = ("augment_ads", "augment_accounts")
LIMIT_MIB = 1536


def measure(rows: int) -> dict[str, tuple[float, float]]:
    """Step to its seconds and its peak memory in MiB, of both models the larger."""
    found: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        command = [SNAKEMAKE, "--snakefile", str(ROOT / "Snakefile"), "--profile", str(ROOT / "local"), "--cores", "1"]
        sets = f"set=[dataset.source.rows={rows}, tracking.enabled=false]"
        with Path(folder, "log").open("w") as log:
            done = subprocess.run(
                [*command, "--until", *LAST, "--config", sets],
                cwd=folder,
                env={**os.environ, "WITHIN_STORE": f"{folder}/store"},
                check=False,
                stdout=log,
                stderr=log,
            )
        assert done.returncode == 0, Path(folder, "log").read_text()
        for path in Path(folder, "out").glob("*/*/*.provenance.json"):
            step = json.loads(path.read_text())
            seconds, peak = found.get(step["step"], (0.0, 0.0))
            found[step["step"]] = max(seconds, step["seconds"]), max(peak, step["peak_memory_bytes"] / 2**20)
    return found


def main() -> int:
    """Measure, print and write down; 1 where the bound does not hold."""
    sizes = [int(word) for word in sys.argv[1:]] or [100_000, 1_000_000, 10_000_000]
    found = {rows: measure(rows) for rows in sizes}
    heads = [f"{rows:,} rows: s | MiB" for rows in sizes]
    lines = [f"| step | {' | '.join(heads)} |", "|---|" + "---:|" * (2 * len(sizes))]
    for step in found[sizes[0]]:
        cells = [f"{seconds:.1f} | {peak:.0f}" for seconds, peak in (found[rows][step] for rows in sizes)]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    largest = max(peak for steps in found.values() for _, peak in steps.values())
    lines += ["", f"The bound is {LIMIT_MIB} MiB; the largest peak is {largest:.0f} MiB."]
    write_down("data_memory", "Memory of the data steps", lines)
    return int(largest > LIMIT_MIB)


if __name__ == "__main__":
    sys.exit(main())
