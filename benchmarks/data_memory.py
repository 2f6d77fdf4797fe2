"""Peak memory of every data step, on sample worlds and on files of growing size.

    python benchmarks/data_memory.py [ROWS …]

The bound: 1.5 GiB for 10,000,000 rows as for 100,000. A row of the sample world is a day of an ad; one of the files an ad, in
twelve columns, that YAML alone describes (benchmarks/common/ad_files.py). Every step runs in a process of its own, and its peak
is what the kernel says of that process, interpreter and imports included. What no step can be below stands beside them: a
process that only imports torch, and one in which polars reads the rows of the Parquet files whole.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import ad_files
from common.measure import write_down

ROOT = Path(__file__).resolve().parents[1]
SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
LIMIT_MIB = 1536
NAME = "large_ads"
FORMS = {"Parquet": ad_files.write_parquet_folder, "CSV, compressed": ad_files.write_csv}
Measured = dict[str, tuple[float, float]]
"""Step to its seconds and its peak memory in MiB, of both models the larger."""


def sample_world(rows: int) -> Measured:
    """The steps of a sample world."""
    with tempfile.TemporaryDirectory() as folder:
        sets = f"set=[dataset.source.rows={rows}, tracking.enabled=false]"
        return _run(Path(folder), ROOT, ["augment_ads", "augment_accounts"], sets)


def files(rows: int, form: str) -> Measured:
    """The steps of a dataset of files, and the two floors."""
    with tempfile.TemporaryDirectory() as folder:
        raw, code = Path(folder, "raw"), Path(folder, "code")
        # a process of its own: what it held is no part of what is measured
        call = (
            f"from pathlib import Path; from common import ad_files as a; a.{FORMS[form].__name__}(Path({str(raw)!r}), {rows})"
        )
        subprocess.run([sys.executable, "-c", call], check=True, cwd=Path(__file__).parent)
        for name in ("Snakefile", "setup.py", "pyproject.toml"):
            (code / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, code)
        for name in ("rules", "configs", "local"):
            shutil.copytree(ROOT / name, code / name)
        for name in ("within_wf", "csrc"):
            (code / name).symlink_to(ROOT / name)
        given = {"name": NAME, "folder": raw, "files": "*.parquet" if form == "Parquet" else "*.csv.gz"}
        (code / f"configs/data/{NAME}.yaml").write_text(ad_files.DATASET.format(**given))
        (code / f"configs/experiment/{NAME}.yaml").write_text(ad_files.EXPERIMENT.format(**given))
        # whatever the files were, what is read of them has the same bytes
        last = "augment_ads" if form == "Parquet" else "read_source"
        found = _run(Path(folder), code, [last], f"dataset={NAME}", "set=[tracking.enabled=false]")
        if form == "Parquet":
            read = f"import polars; polars.read_parquet({str(raw / '*.parquet')!r})"
            found |= {"(import torch)": _alone("import torch"), "(polars.read_parquet, whole)": _alone(read)}
        return found


def _run(folder: Path, code: Path, until: list[str], *config: str) -> Measured:
    command = [SNAKEMAKE, "--snakefile", str(code / "Snakefile"), "--profile", str(code / "local"), "--cores", "1"]
    with (folder / "log").open("w") as log:
        done = subprocess.run(
            [*command, "--until", *until, "--config", *config],
            cwd=folder,
            env={**os.environ, "WITHIN_STORE": f"{folder}/store", "PYTHONPATH": str(ROOT)},
            check=False,
            stdout=log,
            stderr=log,
        )
    assert done.returncode == 0, (folder / "log").read_text()
    found: Measured = {}
    for path in folder.glob("out/*/*/*.provenance.json"):
        step = json.loads(path.read_text())
        seconds, peak = found.get(step["step"], (0.0, 0.0))
        found[step["step"]] = max(seconds, step["seconds"]), max(peak, step["peak_memory_bytes"] / 2**20)
    return found


def _alone(program: str) -> tuple[float, float]:
    """Seconds and peak of a program in a process of its own."""
    said = "import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", f"{program}\n{said}"], check=True, capture_output=True, text=True)
    return time.perf_counter() - began, int(done.stdout) / 1024


def _table(title: str, found: dict[int, Measured]) -> list[str]:
    heads = [f"{rows:,} rows: s | MiB" for rows in found]
    lines = [f"## {title}", "", f"| step | {' | '.join(heads)} |", "|---|" + "---:|" * (2 * len(found))]
    for step in next(iter(found.values())):
        cells = [f"{seconds:.1f} | {peak:.0f}" for seconds, peak in (measured[step] for measured in found.values())]
        lines.append(f"| {step} | {' | '.join(cells)} |")
    return [*lines, ""]


def main() -> int:
    """Measure, print and write down; 1 where the bound does not hold."""
    sizes = [int(word) for word in sys.argv[1:]] or [100_000, 1_000_000, 10_000_000]
    tables = {"The sample world": {rows: sample_world(rows) for rows in sizes}}
    tables |= {f"Files: {form}": {rows: files(rows, form) for rows in sizes} for form in FORMS}
    lines = [line for title, found in tables.items() for line in _table(title, found)]
    peaks = [
        peak
        for found in tables.values()
        for measured in found.values()
        for step, (_, peak) in measured.items()
        if not step.startswith("(")
    ]
    load = " ".join(f"{each:.0f}" for each in os.getloadavg())
    lines += [
        f"The bound is {LIMIT_MIB} MiB; the largest peak of a step is {max(peaks):.0f} MiB.",
        "",
        f"The machine's load was {load} at the end.",
    ]
    write_down("data_memory", "Memory of the data steps", lines)
    return int(max(peaks) > LIMIT_MIB)


if __name__ == "__main__":
    sys.exit(main())
