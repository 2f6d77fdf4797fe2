"""The whole workflow on the default sample world, on an empty store and two cores.

    python benchmarks/cold_run.py [DATASET]

The bounds: five minutes, at least 80 % of them with a step at work. The physical floor is the work of the steps spread
evenly over the cores.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common.measure import write_down

ROOT = Path(__file__).resolve().parents[1]
SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
CORES = 2
MINUTES = 5
SHARE = 0.8


def main() -> int:
    """Measure, print and write down; 1 where a bound does not hold."""
    dataset = sys.argv[1] if len(sys.argv) > 1 else "sample_world"
    with tempfile.TemporaryDirectory() as folder:
        command = [SNAKEMAKE, "--snakefile", str(ROOT / "Snakefile"), "--profile", str(ROOT / "local"), "--cores", str(CORES)]
        began = time.perf_counter()
        with Path(folder, "log").open("w") as log:
            subprocess.run(
                [*command, "train_all", "--config", f"dataset={dataset}"],
                cwd=folder,
                env={**os.environ, "WITHIN_STORE": f"{folder}/store"},
                check=True,
                stdout=log,
                stderr=log,
            )
        wall = time.perf_counter() - began
        steps = [json.loads(path.read_text()) for path in Path(folder, "out").glob("*/*/*.provenance.json")]
    busy = covered([(step["started_seconds"], step["started_seconds"] + step["seconds"]) for step in steps])
    work = sum(step["seconds"] for step in steps)
    lines = [
        f"{dataset}: {wall:.0f} s, of which {busy:.0f} s ({busy / wall:.0%}) with a step at work on at least one core.",
        f"The steps took {work:.0f} s together: at best {work / CORES:.0f} s on {CORES} cores.",
        f"The bounds are {60 * MINUTES} s and {SHARE:.0%}.",
        "",
        "| step | seconds |",
        "|---|---:|",
    ]
    ordered = sorted(steps, key=lambda step: -step["seconds"])
    lines += [f"| {step['step']} {step['name']} | {step['seconds']:.1f} |" for step in ordered]
    write_down("cold_run", "A cold run", lines)
    return int(wall > 60 * MINUTES or busy < SHARE * wall)


def covered(spans: list[tuple[float, float]]) -> float:
    """How long at least one of the spans lasts."""
    total, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total


if __name__ == "__main__":
    sys.exit(main())
