import os
import sys

import pytest

from within_wf.errors import StoreError
from within_wf.store.disk import BLOB_TIME_NS
from within_wf.store.local import Store
from within_wf.store.pins import pin
from within_wf.store.verify import verify


def blob(store, manifest, path):
    return store.blob(manifest.files[path].sha256)


def rewrite(path, data):
    path.unlink()
    path.write_bytes(data)
    path.chmod(0o444)
    os.utime(path, ns=(BLOB_TIME_NS, BLOB_TIME_NS))


def damages(store, key, manifests):
    """Every kind of damage, with what the report should say of it."""
    rewrite(blob(store, manifests["flipped"], "x"), b"flippee")
    rewrite(blob(store, manifests["cut"], "x"), b"cu")
    blob(store, manifests["lost"], "x").unlink()
    blob(store, manifests["open"], "x").chmod(0o644)
    (store.root / "cas" / "stranger").write_text("?")
    (store.root / "cas" / "ab").mkdir(exist_ok=True)
    (store.root / "cas" / "ab" / ("cd" * 32)).write_text("wrong folder")
    rewrite(store.record_path(key("record")), b"{")
    (store.root / "actions" / "notes.txt").write_text("?")
    (store.root / "derivations").mkdir(exist_ok=True)
    (store.root / "derivations" / f"{key('d')}.json").write_text("[]")
    return {
        "7 bytes with SHA-256",
        "2 bytes with SHA-256",
        "x of demo without its blob",
        "mode 0644",
        "something that is no blob",
        "a damaged record",
        "something that is no record",
        "something that names no action",
    }


def test_a_whole_store_is_clean(store, make, key):
    make("a", {"x": b"1", "y": b"22"})
    make("b", {"x": b"1"})
    store.derive(key("d"), key("a"))
    pin(store, "model", [key("a")])
    seen = []
    report = verify(store, progress=lambda done, total: seen.append((done, total)))
    report.raise_if_damaged()
    assert (report.actions, report.blobs, report.size, report.unreferenced) == (2, 2, 3, 0)
    assert seen[-1] == (3, 3)


def test_an_empty_store_is_clean(store):
    verify(store).raise_if_damaged()


def test_blobs_of_a_dropped_action_are_no_damage(store, make, key):
    make("a", {"x": b"1"})
    store.drop(key("a"))
    report = verify(store)
    report.raise_if_damaged()
    assert report.unreferenced == 1


def test_every_damage_is_found_and_repaired(store, make, key, tree, tmp_path):
    names = ["flipped", "cut", "lost", "open", "record", "fine"]
    manifests = {name: make(name, {"x": name.encode()}) for name in names}
    expected = damages(store, key, manifests)
    before = tree(store.root)
    report = verify(store)
    with pytest.raises(StoreError, match="9 things are wrong with the store") as caught:
        report.raise_if_damaged()
    assert tree(store.root) == before
    for words in expected:
        assert words in str(caught.value)
    assert all(problem.cure for problem in report.problems)

    repaired = verify(store, repair=True)
    repaired.raise_if_damaged()
    assert len(repaired.problems) == 9
    again = verify(Store.open(store.root))
    assert again.problems == ()
    assert sorted(store.actions()) == sorted([key("fine"), key("open")])
    aside = list(tree(store.root / "quarantine").values())
    assert b"flippee" in aside
    assert b"cu" in aside
    assert tree(store.materialize(store.get(key("open")), tmp_path / "out")) == {"x": b"open"}
    assert make("flipped", {"x": b"flipped"}) == manifests["flipped"]


def test_a_pin_of_what_is_gone_is_reported_and_left(store, make, key):
    make("a", {"x": b"1"})
    pin(store, "model", [key("a")])
    store.drop(key("a"))
    for repair in (False, True):
        with pytest.raises(StoreError, match=r"1 thing is wrong.*\n.*a pin of .*unpin it"):
            verify(store, repair=repair).raise_if_damaged()


def test_a_damaged_pin_is_reported(store):
    (store.root / "roots").mkdir()
    (store.root / "roots" / "model.json").write_text("{")
    with pytest.raises(StoreError, match="a damaged pin"):
        verify(store).raise_if_damaged()


def test_what_is_collected_meanwhile_is_no_damage(store, make, key, monkeypatch):
    manifest = make("a", {"x": b"1"})

    def collect(*_):
        store.drop(key("a"))
        blob(store, manifest, "x").unlink(missing_ok=True)

    verify(store, progress=collect).raise_if_damaged()


def test_what_cannot_be_read_is_reported(store, make, monkeypatch):
    make("a", {"x": b"1"})

    def refuse(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys.modules["within_wf.store.verify"], "digest_file", refuse)
    with pytest.raises(StoreError, match=r"unreadable \(Input/output error\)"):
        verify(store).raise_if_damaged()
