"""The committed digests of a small sample world's outputs, one set a lock file.

python -m tests.workflow.digests    # runs the small sample world and writes its digests down
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.workflow.place import ROOT, Place
from within_wf.store.canonical import write_json

FOLDER = ROOT / "tests" / "digests"
EXCUSED = FOLDER / "excused.json"
"""Steps whose bytes differ between processors though their inputs are equal, each with the reason."""

Outputs = Mapping[str, Mapping[str, str]]
"""``step/name`` to file to SHA-256."""


def committed() -> Path:
    """The file that holds the digests made under the lock file as it is."""
    lock = hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()
    return FOLDER / f"{lock[:16]}.json"


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


def main() -> int:
    """Run the small sample world and write its digests down."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder) / "run", Path(folder) / "store")
        place.run("train_all")
        FOLDER.mkdir(exist_ok=True)
        for old in FOLDER.glob("*.json"):
            if old != EXCUSED:
                old.unlink()
        write_json(committed(), place.outputs())
    print(committed().relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
