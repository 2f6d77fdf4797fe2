"""One whole run that nothing disturbed, shared by all tests that compare with it."""

import fcntl
import shutil

import pytest

from tests.workflow.place import Place


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """A finished run of both models on a small sample world; its store must not be written to."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base
    place = Place(shared / "undisturbed" / "run", shared / "undisturbed" / "store")
    with (shared / "undisturbed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place.folder / "done.txt").exists():
            shutil.rmtree(place.folder, ignore_errors=True)
            text = place.run("train_all")
            (place.folder / "done.txt").write_text(text)
    return place


@pytest.fixture
def copy(undisturbed, tmp_path):
    """A copy of the finished run that may be changed."""
    place = Place(tmp_path / "run", tmp_path / "store")
    undisturbed.copy_store(place.store)
    shutil.copytree(undisturbed.folder, place.folder, symlinks=True)
    return place
