import hashlib
from pathlib import Path

import pytest

from within_wf.store.local import Store


@pytest.fixture
def store(tmp_path):
    return Store.open(tmp_path / "store")


@pytest.fixture
def key():
    return lambda name: hashlib.sha256(name.encode()).hexdigest()


@pytest.fixture
def make(store, key):
    """Commit files as the artifact of an action named by a word."""

    def commit(name, files, kind="demo", into=None):
        into = into or store
        with into.scratch(key(name)) as directory:
            for path, data in files.items():
                (directory / path).parent.mkdir(parents=True, exist_ok=True)
                (directory / path).write_bytes(data)
            return into.commit(key(name), directory, kind)

    return commit


@pytest.fixture
def tree():
    """Every file below a directory with its bytes."""

    def read(root):
        return {str(path.relative_to(root)): path.read_bytes() for path in sorted(Path(root).rglob("*")) if path.is_file()}

    return read
