"""The committed digests of what the workflow makes of a small sample world and of the real datasets, one file a lock file.

python -m tests.workflow.digests [DATASET …]    # runs them (none named: all that are here) and writes
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.workflow.place import ROOT, Place
from within_wf.store.canonical import write_json

FOLDER = ROOT / "tests" / "digests"
REAL = {"upworthy": "ad_score", "ad_exchange": "account_health", "facebook_campaigns": "ad_score"}
"""Real datasets, run with their configurations as they are, and the model that is made of each."""
EXCUSED = FOLDER / "excused.json"
"""Steps whose bytes differ between processors though their inputs are equal, each with the reason."""

Outputs = Mapping[str, Mapping[str, str]]
"""``step/name`` to file to SHA-256."""


def committed() -> Path:
    """The file that holds the digests made under the lock file as it is."""
    lock = hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()
    return FOLDER / f"{lock[:16]}.json"


def committed_of(dataset: str) -> dict[str, dict[str, str]]:
    """The digests of a dataset's outputs.

    Raises:
        AssertionError: None were written down under this lock file.
    """
    path = committed()
    known = json.loads(path.read_text()) if path.exists() else {}
    cure = f"make them with `python -m tests.workflow.digests {dataset}`"
    assert dataset in known, f"no digests of {dataset} for this lock file ({path.name}); {cure}"
    digests: dict[str, dict[str, str]] = known[dataset]
    return digests


def inputs_of(place: Place) -> dict[str, list[str]]:
    """``step/name`` to the steps whose artifacts it reads, as the plan of the run says."""
    (path,) = (place.folder / ".within" / "plans").glob("*.json")
    return {name: sorted(node["inputs"].values()) for name, node in json.loads(path.read_text()).items()}


def differing(expected: Outputs, found: Outputs, inputs: Mapping[str, list[str]]) -> tuple[list[str], list[str]]:
    """What differs by its own doing, inputs being equal, and what only follows from that.

    Args:
        expected: The committed digests.
        found: What a run made.
        inputs: ``step/name`` to those it reads.
    """
    changed = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    own = [name for name in changed if not set(inputs.get(name, ())) & set(changed)]
    return own, [name for name in changed if name not in own]


def main(datasets: Sequence[str]) -> int:
    """Run datasets and write their digests down."""
    known = json.loads(committed().read_text()) if committed().exists() else {}
    for dataset in datasets or ("sample_world", *(REAL if "WITHIN_DATA" in os.environ else ())):
        with tempfile.TemporaryDirectory() as folder:
            place = Place(Path(folder) / "run", Path(folder) / "store")
            place.run("train_all", f"dataset={dataset}", small=dataset not in REAL)
            known[dataset] = place.outputs()
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        if old != EXCUSED:
            old.unlink()
    write_json(committed(), known)
    print(committed().relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
