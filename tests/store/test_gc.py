import json
import os
import time
from dataclasses import replace

import pytest

from within_wf.errors import StoreError
from within_wf.store import gc
from within_wf.store.claims import LEASE, Folder, _text
from within_wf.store.gc import collect, sweep
from within_wf.store.owner import Owner
from within_wf.store.pins import pin, pins, unpin
from within_wf.store.verify import verify


@pytest.fixture
def old(store, make, key):
    """Commit actions that were last used so many seconds ago."""

    def commit(name, files, age=10_000.0, kind="demo"):
        manifest = make(name, files, kind=kind)
        os.utime(store.used_path(key(name)), (time.time() - age,) * 2)
        return manifest

    return commit


def dead():
    return replace(Owner.me(), started="1")


def test_without_limits_only_leftovers_go(store, old, key):
    old("a", {"x": b"1"})
    report = collect(store, grace=0)
    assert report.actions == {}
    assert (report.blobs, report.kept_actions, report.kept_size, report.over) == (0, 1, 1, 0)


def test_age_takes_what_was_not_used(store, old, key):
    old("a", {"x": b"1", "shared": b"22"}, age=10_000)
    old("b", {"shared": b"22"}, age=5_000)
    plan = collect(store, older_than=7_000, dry_run=True)
    assert plan.dry_run
    assert plan.actions == {key("a"): "demo"}
    assert store.knows(key("a"))
    report = collect(store, older_than=7_000)
    assert replace(report, dry_run=True) == plan
    assert (report.blobs, report.freed) == (1, 1)
    assert list(store.actions()) == [key("b")]
    verify(store).raise_if_damaged()


def test_size_takes_the_least_recently_used_first(store, old, key):
    for name, age in (("a", 8000), ("b", 9000), ("c", 7000)):
        old(name, {"x": name.encode() * 100}, age=age)
    report = collect(store, max_size=150)
    assert sorted(report.actions) == sorted([key("a"), key("b")])
    assert (report.kept_size, report.over) == (100, 0)
    report = collect(store, [key("c")], max_size=50)
    assert (report.actions, report.over) == ({}, 50)


def test_kinds_limit_what_goes_and_what_counts(store, old, key):
    old("a", {"x": b"a" * 100}, kind="step")
    old("b", {"x": b"b" * 100}, kind="value")
    assert collect(store, max_size=100, kinds={"value"}, dry_run=True).actions == {}
    assert collect(store, older_than=0, kinds={"value"}).actions == {key("b"): "value"}


def test_what_was_just_used_stays(store, make, key):
    make("a", {"x": b"1"})
    assert collect(store, older_than=0).actions == {}
    assert collect(store, older_than=0, grace=0).actions == {key("a"): "demo"}


def test_dropping_takes_even_what_was_just_used(store, make, key):
    make("a", {"x": b"1"})
    make("b", {"x": b"2"})
    report = collect(store, drop=[key("a")])
    assert report.actions == {key("a"): "demo"}
    assert report.blobs == 1
    assert list(store.actions()) == [key("b")]
    with pytest.raises(StoreError, match="knows no action"):
        collect(store, drop=[key("a")])


def roots_of(kind, store, key, manifest, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    if kind == "key":
        return key("a")
    if kind == "links":
        store.materialize(manifest, results / "world" / "model")
    elif kind == "link":
        (results / "x").symlink_to(store.blob(manifest.files["x"].sha256))
        return results / "x"
    elif kind == "derivation in a name":
        store.derive(key("d"), key("a"))
        (results / f"{key('d')}.ref.json").write_text("{}")
    else:
        value = {"action": key("a"), "artifact": manifest.digest}[kind]
        (results / "a.ref.json").write_text(json.dumps({"deep": [{kind: value}]}))
    return results


@pytest.mark.parametrize("kind", ["key", "links", "link", "action", "artifact", "derivation in a name"])
def test_what_roots_reach_stays(store, old, key, tmp_path, kind):
    manifest = old("a", {"x": b"1", "deep/y": b"2"})
    old("b", {"x": b"3"})
    root = roots_of(kind, store, key, manifest, tmp_path)
    report = collect(store, [root], older_than=0)
    assert report.actions == {key("b"): "demo"}
    assert store.get(key("a")) == manifest


def test_a_root_that_is_not_there_stops_everything(store, old, key, tmp_path):
    old("a", {"x": b"1"})
    with pytest.raises(StoreError, match="is not there, so nothing was collected"):
        collect(store, [tmp_path / "reslts"], older_than=0)
    assert store.knows(key("a"))


def test_pins_stay_until_they_are_removed(store, old, key):
    old("a", {"x": b"1"})
    pin(store, "ad_score@champion", [key("a")])
    assert pins(store) == {"ad_score@champion": (key("a"),)}
    assert collect(store, older_than=0).actions == {}
    assert unpin(store, "ad_score@champion")
    assert not unpin(store, "ad_score@champion")
    assert collect(store, older_than=0).actions == {key("a"): "demo"}


def test_pins_are_replaced_and_refuse_what_is_not_there(store, make, key):
    make("a", {"x": b"1"})
    make("b", {"x": b"2"})
    pin(store, "m", [key("a")])
    pin(store, "m", [key("b")])
    assert pins(store) == {"m": (key("b"),)}
    with pytest.raises(StoreError, match="m cannot be pinned"):
        pin(store, "m", [key("c")])
    for name in ("", ".hidden", "a/b"):
        with pytest.raises(StoreError, match="a pin's name is made of"):
            pin(store, name, [])


def test_a_damaged_pin_stops_everything(store, old, key):
    old("a", {"x": b"1"})
    (store.root / "roots").mkdir()
    (store.root / "roots" / "m.json").write_text('{"actions": ["x"]}')
    with pytest.raises(StoreError, match=r"pins of the store .* cannot be read"):
        collect(store, older_than=0)
    assert store.knows(key("a"))


def test_what_a_running_step_reads_stays(store, old, key):
    manifest = old("input", {"x": b"1"})
    with store.claim(key("output"), needs=[key("input")]):
        assert collect(store, older_than=0).actions == {}
        assert store.get(key("input")) == manifest
    os.utime(store.used_path(key("input")), (1, 1))
    assert collect(store, older_than=0).actions == {key("input"): "demo"}


def test_a_blob_that_was_just_moved_in_stays(store, make, key):
    manifest = make("a", {"x": b"1"})
    store.record_path(key("a")).unlink()
    assert collect(store).blobs == 0
    assert store.blob(manifest.files["x"].sha256).exists()
    assert collect(store, grace=0).blobs == 1


def test_a_record_written_while_collecting_gets_its_blobs_back(store, make, key, monkeypatch):
    """The worst moment: the blob is in the trash already when the record appears."""
    manifest = make("a", {"x": b"1"})
    record = store.record_path(key("a"))
    text = record.read_bytes()
    record.unlink()
    actions = type(store).actions

    def listing(self):
        if not self.blob(manifest.files["x"].sha256).exists() and not record.exists():
            record.write_bytes(text)
        return actions(self)

    monkeypatch.setattr(type(store), "actions", listing)
    report = collect(store, grace=0)
    assert (report.blobs, report.freed) == (0, 0)
    assert store.get(key("a")) == manifest


def test_a_blob_taken_before_the_record_is_put_back_by_the_commit(store, make, key, monkeypatch):
    from within_wf.store import commit

    write_once = commit.write_once

    def collected_just_before(target, data, scratch):
        collect(store, grace=0)
        return write_once(target, data, scratch)

    monkeypatch.setattr(commit, "write_once", collected_just_before)
    manifest = make("a", {"x": b"1", "y": b"2"})
    verify(store).raise_if_damaged()
    assert store.get(key("a")) == manifest


def test_scratch_of_the_dead_goes_and_of_the_living_stays(store, key):
    with store.scratch(key("a")) as alive:
        (alive / "x").write_text("1")
        homes = {}
        for name, owner in (("dead", dead()), ("far", replace(Owner.me(), boot="another"))):
            homes[name] = store.root / "scratch" / name
            (homes[name] / "work" / "deep").mkdir(parents=True)
            (homes[name] / "work" / "deep").chmod(0o555)
            (homes[name] / "owner.json").write_text(owner.to_json())
        (store.root / "scratch" / "nameless").mkdir()
        (store.root / "scratch" / "1.draft").write_text("x")
        assert sweep(store) == (1, 0)
        assert alive.exists()
        assert homes["far"].exists()
        assert sweep(store, grace=0) == (1, 0)
        assert {path.name for path in (store.root / "scratch").iterdir()} == {"far", alive.parent.name}


def test_the_trash_of_a_killed_collector_is_put_back_or_emptied(store, make, key):
    manifest = make("a", {"x": b"1"})
    needed = store.blob(manifest.files["x"].sha256)
    needed.rename(needed.with_suffix(".trash"))
    other = store.root / "cas" / "ab" / f"{'ab' * 32}.trash"
    other.parent.mkdir()
    other.write_text("2")
    collect(store)
    assert other.exists()
    collect(store, grace=0)
    assert not other.exists()
    assert store.get(key("a")) == manifest
    verify(store).raise_if_damaged()


def test_claims_of_the_dead_go_and_of_the_living_stay(store, key):
    with store.claim(key("alive")):
        board = Folder(store.root)
        assert board.post(key("dead"), _text(key("dead"), dead(), (), LEASE))
        assert board.post(key("far"), _text(key("far"), replace(Owner.me(), boot="another"), (), LEASE))
        assert board.post(f"{key('gone')}.{'0' * 32}", b"left over")
        assert sweep(store) == (0, 1)
        assert sweep(store, grace=0) == (0, 1)
        assert {path.name for path in (store.root / "claims").iterdir()} == {key("alive"), key("far")}
        os.utime(store.root / "claims" / key("far"), (1, 1))
        assert sweep(store) == (0, 1)


def test_derivations_of_what_is_gone_go(store, old, key):
    old("a", {"x": b"1"})
    store.derive(key("d"), key("a"))
    collect(store, older_than=0)
    assert store.derived(key("d")) == key("a")
    collect(store, grace=0)
    assert store.derived(key("d")) is None


def test_used_meanwhile_is_not_forgotten(store, old, key):
    old("a", {"x": b"1"})
    before = gc._last_use(store, key("a"))
    store.get(key("a"))
    assert not gc._forget(store, key("a"), before)
    assert store.knows(key("a"))
