"""A run with nothing to do, beside `snakemake --version`, in turn.

    python benchmarks/noop.py [ROUNDS]

The bound: half a second more than `--version`. The floor is what Snakemake itself needs for a workflow of one rule.
The workflow is run once before, on a small sample world, in a folder of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from common.measure import alternate, medians, write_down

ROOT = Path(__file__).resolve().parents[1]
SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
TARGET = [SNAKEMAKE, "--snakefile", str(ROOT / "Snakefile"), "--profile", str(ROOT / "local"), "train_all"]
SMALL = ["--config", "set=dataset.source.rows=2000"]
ONE_RULE = 'rule one:\n    output: "made"\n    shell: "touch {output}"\n'
BOUND = 0.5


def main() -> int:
    """Measure, print and write down; 1 where the bound does not hold."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "WITHIN_STORE": f"{folder}/store"}
        run = partial(subprocess.run, cwd=folder, env=environment, check=True, capture_output=True)
        run([*TARGET, *SMALL])
        Path(folder, "one.smk").write_text(ONE_RULE)
        Path(folder, "made").touch()
        candidates = {
            "snakemake --version": partial(run, [SNAKEMAKE, "--version"]),
            "floor: one rule, nothing to do": partial(run, [SNAKEMAKE, "--snakefile", "one.smk", "--cores", "1"]),
            "nothing to do": partial(run, [*TARGET, *SMALL]),
        }
        found = medians(alternate(candidates, rounds))
    extra = found["nothing to do"] - found["snakemake --version"]
    lines = ["| | seconds, median |", "|---|---:|"]
    lines += [f"| {name} | {seconds:.2f} |" for name, seconds in found.items()]
    lines += ["", f"{extra:.2f} s more; the bound is {BOUND} s. {rounds} rounds."]
    write_down("noop", "A run with nothing to do", lines)
    return int(extra > BOUND)


if __name__ == "__main__":
    sys.exit(main())
