"""Disks that are full, stores that cannot be written, processes that are killed: nothing half-made, and words that help."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from within_wf.errors import StoreError
from within_wf.store import commit, disk
from within_wf.store.gc import collect
from within_wf.store.local import Store
from within_wf.store.verify import verify


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 300 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("mounting is refused here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_in_the_step(small_disk, key):
    store = Store.open(small_disk / "store")
    with pytest.raises(StoreError, match=r"no space is left.*store gc"), store.scratch(key("a")) as directory:
        (directory / "x").write_bytes(os.urandom(400_000))
    assert list((store.root / "scratch").iterdir()) == []


def test_a_full_disk_in_the_commit(small_disk, key, make, tmp_path, tree):
    store = Store.open(small_disk / "store")
    kept = make("kept", {"x": b"1" * 100_000}, into=store)
    work = tmp_path / "work"  # on another disk, so that the commit itself copies
    work.mkdir()
    (work / "small").write_bytes(b"2" * 50_000)
    (work / "large").write_bytes(os.urandom(250_000))
    with pytest.raises(StoreError, match=r"no space is left.*nothing was overwritten.*WITHIN_STORE"):
        store.commit(key("a"), work, "demo")
    assert store.get(key("a")) is None
    assert store.get(key("kept")) == kept
    verify(store).raise_if_damaged()
    (work / "large").write_bytes(os.urandom(100_000))
    collect(store, grace=0)
    store.commit(key("a"), work, "demo")
    assert set(store.get(key("a")).files) == {"small", "large"}
    verify(store).raise_if_damaged()


def test_no_room_for_the_record(store, make, key, monkeypatch):
    """The last write of a commit fails: the artifact is not there, and comes whole with the next attempt."""

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(commit, "write_once", full)
    with pytest.raises(StoreError, match="no space is left"):
        make("a", {"x": b"1"})
    monkeypatch.undo()
    assert store.get(key("a")) is None
    verify(store).raise_if_damaged()
    assert make("a", {"x": b"1"}) == store.get(key("a"))


def test_a_read_only_store_is_read(small_disk, key, make, tmp_path, tree):
    store = Store.open(small_disk / "store")
    manifest = make("a", {"x": b"1"}, into=store)
    store.derive(key("d"), key("a"))
    before = tree(store.root)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    again = Store.open(small_disk / "store")
    assert again.get(key("a")) == manifest
    assert again.derived(key("d")) == key("a")
    again.derive(key("d"), key("a"))
    assert tree(again.materialize(manifest, tmp_path / "out")) == {"x": b"1"}
    with again.claim(key("a")) as claim:
        assert not claim.held
    verify(again).raise_if_damaged()
    work = tmp_path / "work"
    work.mkdir()
    (work / "x").write_bytes(b"2")
    for write in (
        lambda: again.commit(key("b"), work, "demo"),
        lambda: again.derive(key("e"), key("a")),
        lambda: again.claim(key("b")).__enter__(),
        lambda: again.scratch(key("b")).__enter__(),
        lambda: collect(again),
        lambda: again.drop(key("a")),
        lambda: Store.open(small_disk / "new"),
    ):
        with pytest.raises(StoreError, match=r"cannot be written \(Read-only file system\).*WITHIN_STORE"):
            write()
    assert tree(store.root) == before
    assert (work / "x").read_bytes() == b"2"


def test_other_failures_of_a_disk_are_told_too(tmp_path):
    assert "Check the disk" in str(disk.explain(tmp_path, OSError(5, "Input/output error")))


def test_a_store_that_cannot_be_read_says_so(tmp_path, monkeypatch):
    Store.open(tmp_path / "store")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(StoreError, match="cannot be read: Permission denied"):
        Store.open(tmp_path / "store")


COMMIT = """
import hashlib, sys
from within_wf.store.local import Store
store = Store.open(sys.argv[1])
for turn in range(int(sys.argv[2]), 10_000):
    name = f"turn {turn}".encode()
    key = hashlib.sha256(name).hexdigest()
    with store.claim(key), store.scratch(key) as work:
        for part in range(4):
            (work / f"{part}").write_bytes(hashlib.sha256(name + bytes([part])).digest() * 2000)
        (work / "shared").write_bytes(b"the same in all")
        store.commit(key, work, "demo")
    print(turn, flush=True)
"""


def _kill_often(root, kills, rng):
    """Kill a process that commits, at random moments; yields after each kill the turns it had said were committed."""
    said = -1
    for _ in range(kills):
        process = subprocess.Popen([sys.executable, "-c", COMMIT, str(root), str(said + 1)], stdout=subprocess.PIPE, text=True)
        line = process.stdout.readline()
        time.sleep(rng.random() * 0.03)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
        process.stdout.close()
        process.wait()
        said = max(said, *(int(turn) for turn in (line + rest).split()))
        yield said


def _check_turns(store, said):
    for turn in range(said + 2):
        name = f"turn {turn}".encode()
        manifest = store.get(hashlib.sha256(name).hexdigest())
        assert manifest is not None or turn > said
        if manifest:
            assert set(manifest.files) == {"0", "1", "2", "3", "shared"}
            for part in range(4):
                expected = hashlib.sha256(hashlib.sha256(name + bytes([part])).digest() * 2000).hexdigest()
                assert manifest.files[str(part)].sha256 == expected


@pytest.mark.parametrize("kills", [6, pytest.param(60, marks=pytest.mark.slow)])
def test_sigkill_leaves_all_or_nothing(tmp_path, kills):
    rng = random.Random(kills)
    root = tmp_path / "store"
    said = -1
    for said in _kill_often(root, kills, rng):
        store = Store.open(root)
        verify(store).raise_if_damaged()
        _check_turns(store, said)
    leftovers = sum(1 for _ in (root / "scratch").iterdir())
    claims = sum(1 for _ in (root / "claims").iterdir())
    print(f"{kills} kills, {said + 1} artifacts, {leftovers} working directories and {claims} claims left")
    report = collect(store, grace=0)
    assert report.kept_actions >= said + 1
    assert list((root / "scratch").iterdir()) == []
    assert list((root / "claims").iterdir()) == []
    verify(store).raise_if_damaged()
