import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from within_wf.errors import StoreError
from within_wf.store import local
from within_wf.store.local import Store

FILES = {"a.txt": b"one", "deep/er/b.bin": b"two" * 1000, "same.txt": b"one", "empty": b""}


def test_an_artifact_comes_back_as_it_was(store, make, key, tmp_path, tree):
    manifest = make("a", FILES)
    assert store.get(key("a")) == manifest
    assert {path: file.sha256 for path, file in manifest.files.items()} == {
        path: hashlib.sha256(data).hexdigest() for path, data in FILES.items()
    }
    assert list(manifest.files) == sorted(FILES)
    assert tree(store.materialize(manifest, tmp_path / "out")) == FILES
    assert manifest.size == sum(map(len, FILES.values()))


def test_records_and_blobs_follow_from_content_alone(make, key, tmp_path, tree):
    stores = [Store.open(tmp_path / name) for name in ("one", "two")]
    for each in stores:
        make("a", FILES, into=each)
    one, two = (
        {path: data for path, data in tree(each.root).items() if path.startswith(("cas", "actions"))} for each in stores
    )
    assert one == two
    assert len(one) == 4


def test_the_manifest_digest_tells_artifacts_apart(make):
    digests = [make(name, files).digest for name, files in {"a": {"x": b"1"}, "b": {"x": b"2"}, "c": {"y": b"1"}}.items()]
    assert len(set(digests)) == 3
    assert make("d", {"x": b"1"}).digest == digests[0]


def test_what_is_not_known_is_none(store, key):
    assert store.get(key("a")) is None
    assert store.derived(key("d")) is None
    assert not store.knows(key("a"))
    assert list(store.actions()) == []


@pytest.mark.parametrize("bad", ["", "abc", "../../etc/passwd", "A" * 64])
def test_keys_are_digests(store, bad):
    with pytest.raises(StoreError, match="an action key is 64 hexadecimal digits"):
        store.get(bad)
    with pytest.raises(StoreError, match="a derivation key is 64 hexadecimal digits"):
        store.derived(bad)


def test_committing_the_same_again_agrees(store, make, key, tree):
    first = make("a", FILES)
    before = tree(store.root / "cas")
    assert make("a", FILES) == first
    assert tree(store.root / "cas") == before


def test_other_bytes_for_the_same_action_are_refused_by_name(store, make, key, tmp_path, tree):
    make("a", {"same": b"1", "changed": b"1", "gone": b"1"})
    with pytest.raises(StoreError, match="demo is not deterministic") as caught:
        make("a", {"same": b"1", "changed": b"2", "new": b"1"})
    assert [problem.where for problem in caught.value.problems] == ["changed", "gone", "new"]
    assert tree(store.materialize(store.get(key("a")), tmp_path / "out")) == {"same": b"1", "changed": b"1", "gone": b"1"}


def test_two_who_commit_at_the_same_moment_are_compared_too(store, make, key, monkeypatch):
    make("a", {"x": b"1"})
    monkeypatch.setattr(Store, "record", _blind_once(Store.record))
    with pytest.raises(StoreError, match="not deterministic"):
        make("a", {"x": b"2"})


def _blind_once(record):
    seen = []

    def blind(self, key):
        seen.append(key)
        return None if len(seen) == 1 else record(self, key)

    return blind


def test_nothing_and_what_is_no_plain_file_is_refused(store, key, tmp_path):
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    with pytest.raises(StoreError, match=r"cannot be committed\n.*found no files"):
        store.commit(key("a"), tmp_path / "empty", "demo")
    odd = tmp_path / "odd"
    odd.mkdir()
    (odd / "link").symlink_to("/etc/hostname")
    os.mkfifo(odd / "pipe")
    (odd / "line\nbreak").write_text("x")
    with pytest.raises(StoreError, match="cannot be committed") as caught:
        store.commit(key("a"), odd, "demo")
    assert len(caught.value.problems) == 3
    assert store.get(key("a")) is None


def test_a_directory_on_another_disk_is_copied(store, key, tmp_path):
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    directory = other / f"within-{os.getpid()}"
    directory.mkdir()
    try:
        (directory / "x").write_bytes(b"1")
        manifest = store.commit(key("a"), directory, "demo")
        assert store.materialize(manifest, tmp_path / "out").joinpath("x").read_bytes() == b"1"
        assert list((store.root / "scratch").iterdir()) == []
    finally:
        for path in directory.iterdir():
            path.unlink()
        directory.rmdir()


def test_a_file_system_without_hard_links_will_do(store, make, key, monkeypatch, tmp_path, tree):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    manifest = make("a", FILES)
    assert tree(store.materialize(manifest, tmp_path / "out")) == FILES
    with pytest.raises(StoreError, match="not deterministic"):
        make("a", {"x": b"2"})


def test_a_reader_cannot_alter_a_blob(store, make, tmp_path):
    manifest = make("a", {"deep/x": b"1"})
    out = store.materialize(manifest, tmp_path / "out")
    code = f"""
import os
os.setuid(65534)
for work in (lambda: open({str(out / "deep/x")!r}, "r+b"), lambda: os.chmod({str(out / "deep/x")!r}, 0o666),
             lambda: os.unlink({str(out / "deep/x")!r}), lambda: open({str(out / "deep/new")!r}, "w")):
    try:
        work()
    except PermissionError:
        continue
    raise SystemExit("it could")
"""
    if os.getuid() != 0:
        code = code.replace("os.setuid(65534)", "")
    else:
        for path in [tmp_path, *tmp_path.parents]:
            path.chmod(path.stat().st_mode | 0o055)
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stderr == ""
    store.discard(out)
    assert not out.exists()
    assert store.get(next(store.actions())) == manifest


def test_laying_out_over_something_is_refused(store, make, tmp_path):
    manifest = make("a", {"x": b"1"})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("keep")
    with pytest.raises(StoreError, match="is not empty"):
        store.materialize(manifest, tmp_path / "out")
    assert (tmp_path / "out" / "mine").read_text() == "keep"


def test_a_flipped_bit_is_found_when_the_blob_is_used(store, make, tmp_path):
    manifest = make("a", {"x": b"hello"})
    _flip(store, manifest, "x", keep_time=True)
    assert store.get(next(store.actions())) == manifest  # a flip moves no size
    with pytest.raises(StoreError, match=r"other bytes of the same length.*verify --repair") as caught:
        Store.open(store.root).materialize(manifest, tmp_path / "out")
    assert "(x)" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_large_blob_is_hashed_when_written_to_or_asked_for(store, make, tmp_path, monkeypatch):
    monkeypatch.setattr(local, "SMALL", 2)
    manifest = make("a", {"x": b"hello"})
    _flip(store, manifest, "x", keep_time=True)
    store.materialize(manifest, tmp_path / "trusted")
    with pytest.raises(StoreError, match="other bytes"):
        store.materialize(manifest, tmp_path / "verified", verify=True)
    _flip(store, manifest, "x", keep_time=False)
    _flip(store, manifest, "x", keep_time=False)
    with pytest.raises(StoreError, match="other bytes"):
        store.materialize(manifest, tmp_path / "touched")


def test_a_blob_that_was_only_touched_is_accepted_again(store, make, tmp_path):
    manifest = make("a", {"x": b"hello"})
    blob = store.blob(manifest.files["x"].sha256)
    os.utime(blob)
    store.materialize(manifest, tmp_path / "out")
    assert blob.stat().st_mtime_ns == local.BLOB_TIME_NS


@pytest.mark.parametrize("damage", ["short", "missing"])
def test_a_cut_or_missing_blob_is_found_on_get(store, make, key, damage):
    manifest = make("a", {"x": b"hello", "y": b"other"})
    for path in manifest.files:
        blob = store.blob(manifest.files[path].sha256)
        blob.unlink()
        if damage == "short":
            blob.write_bytes(b"he")
    with pytest.raises(StoreError, match=r"damaged files of action .* nothing was overwritten") as caught:
        store.get(key("a"))
    assert {problem.found for problem in caught.value.problems} == {"2 bytes" if damage == "short" else "nothing"}
    assert len(caught.value.problems) == 2


def _flip(store, manifest, path, keep_time):
    blob = store.blob(manifest.files[path].sha256)
    data = bytearray(blob.read_bytes())
    data[0] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(data)
    blob.chmod(0o444)
    if keep_time:
        os.utime(blob, ns=(local.BLOB_TIME_NS, local.BLOB_TIME_NS))


def test_a_commit_mends_a_damaged_blob_and_keeps_it_aside(store, make, key, tmp_path, tree):
    manifest = make("a", {"x": b"hello"})
    _flip(store, manifest, "x", keep_time=True)
    make("b", {"x": b"hello"})
    assert store.blob(manifest.files["x"].sha256).read_bytes() == b"hello"
    assert list(tree(store.root / "quarantine").values()) == [b"iello"]


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(action="0" * 64),
        lambda record: record["files"]["x"].update(size=7),
        lambda record: record["files"].update({"../escape": record["files"]["x"]}),
        lambda record: record.pop("kind"),
        lambda record: record.update(files=[]),
    ],
)
def test_a_damaged_record_is_an_error(store, make, key, change):
    make("a", {"x": b"hello"})
    path = store.record_path(key("a"))
    record = json.loads(path.read_text())
    change(record)
    path.unlink()
    path.write_text(json.dumps(record))
    with pytest.raises(StoreError, match=r"action record.*cannot be trusted\n.*verify --repair"):
        store.get(key("a"))


def test_a_cut_record_is_an_error(store, make, key):
    make("a", {"x": b"hello"})
    path = store.record_path(key("a"))
    text = path.read_bytes()
    path.unlink()
    path.write_bytes(text[:-10])
    with pytest.raises(StoreError, match="cannot be trusted"):
        store.get(key("a"))


def test_derivations_lead_to_actions(store, make, key):
    make("a", {"x": b"1"})
    store.derive(key("d"), key("a"))
    store.derive(key("d"), key("a"))
    assert Store.open(store.root).derived(key("d")) == key("a")


def test_a_derivation_with_two_outcomes_is_nondeterminism(store, make, key):
    make("a", {"x": b"1"})
    make("same", {"x": b"1"})
    make("b", {"x": b"2"})
    store.derive(key("d"), key("a"))
    store.derive(key("d"), key("same"))
    with pytest.raises(StoreError, match=r"came down to two actions whose artifacts differ.*gc --drop"):
        store.derive(key("d"), key("b"))
    assert store.drop(key("same"))
    store.derive(key("d"), key("b"))
    assert store.derived(key("d")) == key("b")


def test_a_damaged_derivation_is_a_miss(store, key):
    store.derive(key("d"), key("a"))
    path = store.root / "derivations" / f"{key('d')}.json"
    path.unlink()
    path.write_text("{")
    assert store.derived(key("d")) is None
    store.derive(key("d"), key("a"))
    assert store.derived(key("d")) == key("a")


def test_reading_marks_an_action_as_used(store, make, key):
    make("a", {"x": b"1"})
    used = store.used_path(key("a"))
    os.utime(used, (1, 1))
    store.get(key("a"))
    assert used.stat().st_mtime > 1e9


def test_scratch_is_empty_and_goes_away(store, key):
    with store.scratch(key("a")) as directory:
        assert list(directory.iterdir()) == []
        (directory / "x").mkdir()
        (directory / "x").chmod(0o555)
    assert list((store.root / "scratch").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"format": "within-wf store", "version": 0}', r"has format 0, this program reads format 1.*another folder"),
        ('{"format": "within-wf store", "version": 7}', r"has format 7.*newer within-wf: update"),
        ('{"something": 1}', r"says nothing this program knows"),
        ("{", r"says nothing this program knows"),
    ],
)
def test_another_format_is_refused_and_left_as_it_was(tmp_path, text, message, tree):
    (tmp_path / "store" / "cas").mkdir(parents=True)
    (tmp_path / "store" / "format.json").write_text(text)
    (tmp_path / "store" / "cas" / "old").write_text("data")
    before = tree(tmp_path)
    with pytest.raises(StoreError, match=message):
        Store.open(tmp_path / "store")
    assert tree(tmp_path) == before


def test_a_folder_of_other_things_is_no_store(tmp_path):
    (tmp_path / "holiday.jpg").write_text("x")
    with pytest.raises(StoreError, match=r"holds holiday.jpg and no format.json"):
        Store.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match=r"the store at .* failed"):
        Store.open(tmp_path / "file")


def test_a_creation_that_was_killed_is_taken_up(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "0123.draft").write_text("")
    assert Store.open(tmp_path / "store").root == tmp_path / "store"


def test_finding_a_finished_artifact_imports_nothing_heavy(store, make, key):
    make("a", {"x": b"1"})
    code = (
        "import sys; before = set(sys.modules); from within_wf.store.local import Store; "
        f"store = Store.open({str(store.root)!r}); assert store.get({key('a')!r}); "
        "print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert loaded & {"numpy", "torch", "polars", "pydantic", "fsspec", "threading", "shutil", "concurrent"} == set()
