"""A folder to run the workflow in, with a store of its own, as a person would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from within_wf.steps.refs import read_ref

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SMALL = (
    "dataset.source.rows=1000",
    "ad_score.training.epochs=4",
    "account_health.training.epochs=2",
    "account_health.data.windows.train_stride=6",
    "account_health.model.xgboost.n_estimators=20",
    "evaluation.bootstrap.resamples=50",
)
"""A world and models that take seconds."""


@dataclass
class Place:
    """Where a run happens.

    Attributes:
        folder: The working directory.
        store: The store.
        code: The checkout whose Snakefile and package are used.
        more: Environment variables besides.
    """

    folder: Path
    store: Path
    code: Path = ROOT
    more: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """What the workflow is started with."""
        outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        paths = [str(self.code)] if self.code != ROOT else []
        paths += [outside["PYTHONPATH"]] if outside.get("PYTHONPATH") else []
        own = {"PATH": f"{BIN}:{outside['PATH']}", "WITHIN_STORE": str(self.store), "PYTHONPATH": os.pathsep.join(paths)}
        return {**outside, **own, **self.more}

    def command(self, *arguments: str, profile: str = "local", small: bool = True) -> list[str]:
        """The command line of the workflow; ``arguments`` may hold ``dataset=…`` and ``set=…``."""
        given = [word.removeprefix("set=") for word in arguments if word.startswith("set=")]
        datasets = [word for word in arguments if word.startswith("dataset=")]
        rest = [word for word in arguments if not word.startswith(("set=", "dataset="))]
        sets = [*(SMALL if small else ()), *given]
        config = [*datasets, *([f"set=[{', '.join(sets)}]"] if sets else [])]
        return [
            str(BIN / "snakemake"),
            "-s",
            str(self.code / "Snakefile"),
            "--profile",
            str(self.code / profile),
            *rest,
            *(["--config", *config] if config else []),
        ]

    def start(self, *arguments: str, **options: object) -> subprocess.Popen[str]:
        """Start the workflow; its output is read by the caller."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            self.command(*arguments, **options),  # type: ignore[arg-type]
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, expect: int = 0, **options: object) -> str:
        """Run the workflow to its end and return what it printed."""
        process = self.start(*arguments, **options)
        text, _ = process.communicate(timeout=1500)
        assert process.returncode == expect, f"exit code {process.returncode}\n{text}"
        return text

    def within_wf(self, *arguments: str, expect: int = 0) -> str:
        """Run the command line of the package."""
        done = subprocess.run(
            [str(BIN / "within-wf"), *arguments],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def copy_store(self, to: Path) -> None:
        """Copy the store, and the record of runs beside it."""
        for mine, other in ((self.store, to), (beside(self.store), beside(to))):
            shutil.copytree(mine, other, symlinks=True)

    def outputs(self) -> dict[str, dict[str, str]]:
        """``step/name`` to the SHA-256 of each file it made."""
        refs = [(path, read_ref(path)) for path in sorted((self.folder / "out").glob("*/*/*.ref.json"))]
        return {f"{path.parts[-3]}/{path.parts[-2]}": dict(ref.files) for path, ref in refs if ref is not None}

    def computed(self) -> set[str]:
        """``step/name`` of what was computed here, and not found in the store."""
        return {f"{path.parts[-3]}/{path.parts[-2]}" for path in (self.folder / "out").glob("*/*/*.provenance.json")}


def beside(store: Path) -> Path:
    """The folder beside a store in which runs are recorded."""
    return store.with_name(f"{store.name}-tracking")


def jobs(text: str) -> int:
    """How many jobs Snakemake started."""
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Execute ") and line.endswith("jobs..."))
