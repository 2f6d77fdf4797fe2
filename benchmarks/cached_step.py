"""A step whose artifact is in the store, beside the start of the interpreter, in turn.

    python benchmarks/cached_step.py [ROUNDS]

The bound: 0.3 s more, and no torch. The step is made once before, on a small sample world, in a folder of its own.
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
BIN = Path(sys.executable).parent
STEP = "split_data"
BOUND = 0.3


def main() -> int:
    """Measure, print and write down; 1 where the bound does not hold."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "WITHIN_STORE": f"{folder}/store"}
        run = partial(subprocess.run, cwd=folder, env=environment, check=True, capture_output=True, text=True)
        whole = [str(BIN / "snakemake"), "--snakefile", str(ROOT / "Snakefile"), "--profile", str(ROOT / "local")]
        run([*whole, "--until", STEP, "--config", "set=dataset.source.rows=2000"])
        (plan,) = Path(folder, ".within", "plans").glob("*.json")
        ref = next(Path(folder, "out", STEP).glob("*.ad_score/*.ref.json"))
        step = ["step", STEP, "--name", ref.parent.name, "--plan", str(plan), "--ref", str(ref), "--log", f"{folder}/log"]

        def cached() -> None:
            ref.unlink()
            run([str(BIN / "within-wf"), *step])

        found = medians(alternate({"python -c pass": partial(run, [sys.executable, "-c", "pass"]), STEP: cached}, rounds))
        ref.unlink()
        traced = run([sys.executable, "-X", "importtime", "-c", "from within_wf.cli import main; main()", *step]).stderr
        assert ref.exists()
    modules = {line.rpartition("|")[2].strip() for line in traced.splitlines()}
    heavy = sorted(modules & {"torch", "numpy", "polars", "snakemake", "transformers", "xgboost", "sklearn"})
    extra = found[STEP] - found["python -c pass"]
    lines = ["| | seconds, median |", "|---|---:|"]
    lines += [f"| {name} | {seconds:.3f} |" for name, seconds in found.items()]
    lines += ["", f"{extra:.3f} s more; the bound is {BOUND} s. {rounds} rounds."]
    lines += [f"Of the heavy libraries it imports {', '.join(heavy) or 'none'}."]
    write_down("cached_step", "A step that is in the store", lines)
    return int(extra > BOUND or bool(heavy))


if __name__ == "__main__":
    sys.exit(main())
