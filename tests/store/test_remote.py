"""The second tier against a real S3 server on loopback, and against plain folders."""

import json
import os
import threading
import time
from dataclasses import replace

import pytest

from within_wf.errors import StoreError
from within_wf.store import remote as remote_module
from within_wf.store.claims import _text, walk
from within_wf.store.local import Store
from within_wf.store.owner import Owner
from within_wf.store.redaction import redact
from within_wf.store.remote import Bucket, Remote
from within_wf.store.verify import verify

SECRET = "wJalrXUtnFEMI/K7MDENG"


@pytest.fixture
def s3(s3_server, monkeypatch, tmp_path):
    """Opens the tier at a fresh bucket."""
    import s3fs

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    options = {"endpoint_url": s3_server}
    bucket = f"bucket-{os.urandom(4).hex()}"
    s3fs.S3FileSystem(**options, use_listings_cache=False).mkdir(bucket)
    return f"s3://{bucket}/team", options


@pytest.fixture(params=["s3", "file", "memory"])
def tier(request, tmp_path):
    """Opens stores with one second tier behind them, each with a folder of its own."""
    if request.param == "s3":
        url, options = request.getfixturevalue("s3")
    else:
        url, options = {"file": f"file://{tmp_path}/tier", "memory": f"memory://{tmp_path}/tier"}[request.param], {}
    return lambda name: Store.open(tmp_path / name, url, options)


def test_what_one_makes_the_other_reads(tier, make, key, tmp_path, tree):
    one, two = tier("one"), tier("two")
    manifest = make("a", {"x": b"1", "deep/y": b"2" * 100_000, "same": b"1"}, into=one)
    one.derive(key("d"), key("a"))
    one.flush()
    assert two.derived(key("d")) == key("a")
    assert two.derived(key("d"), remote=False) is None
    assert two.get(key("a"), remote=False) is None
    assert two.get(key("a")) == manifest
    assert tree(two.materialize(manifest, tmp_path / "out")) == {"x": b"1", "deep/y": b"2" * 100_000, "same": b"1"}
    assert one.record_path(key("a")).read_bytes() == two.record_path(key("a")).read_bytes()
    assert two.get(key("b")) is None
    verify(two).raise_if_damaged()
    assert list((two.root / "scratch").iterdir()) == []


def test_a_missing_blob_is_brought_back(tier, make, key):
    one = tier("one")
    manifest = make("a", {"x": b"1"}, into=one)
    one.flush()
    one.blob(manifest.files["x"].sha256).unlink()
    assert one.get(key("a")) == manifest
    assert one.blob(manifest.files["x"].sha256).read_bytes() == b"1"


def test_claims_hold_across_stores(tier, key, capsys):
    """Two machines (two stores) with one tier: the second waits for the first."""
    order = []

    def second():
        with tier("two").claim(key("a"), say=lambda message: order.append(message.split(":")[0])) as claim:
            order.append(claim.held)

    with tier("one").claim(key("a")):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.5)
        order.append("done")
    thread.join()
    assert order == [key("a")[:12], "done", True]


def test_who_waited_finds_the_artifact(tier, make, key):
    two, found = tier("two"), []

    def second():
        with two.claim(key("a"), say=lambda _: None):
            found.append(two.get(key("a")))

    one = tier("one")
    with one.claim(key("a")):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        manifest = make("a", {"x": b"1"}, into=one)
    thread.join()
    assert found == [manifest]


def test_a_dead_machine_is_taken_over_after_its_lease(tier, key):
    store = tier("one")
    board = Bucket(store.tier)
    far = replace(Owner.me(), boot="another")
    assert board.post(key("a"), _text(key("a"), far, (), 0.5))
    assert not board.post(key("a"), b"too late")
    start = time.monotonic()
    with store.claim(key("a"), say=lambda _: None) as claim:
        assert claim.held
        assert claim.waited > 0.4
        assert len(walk(board, key("a"))) == 2
    assert time.monotonic() - start > 0.4
    assert walk(board, key("a")) == []


def test_a_heartbeat_shows_there_too(tier, key):
    store = tier("one")
    with store.claim(key("a"), lease=0.3):
        board = Bucket(store.tier)
        posting = walk(board, key("a"))[-1]
        time.sleep(0.3)
        first = board.pulse(posting)
        time.sleep(0.3)
        assert first is not None
        assert board.pulse(posting) != first
    assert board.pulse(posting) is None


def test_many_race_for_one_name_and_one_wins(tier, key):
    store = tier("one")
    board = Bucket(store.tier)
    for name in "abcde":
        barrier, won = threading.Barrier(8), []

        def race(number, name=name, barrier=barrier, won=won):
            barrier.wait()
            won.append(board.post(key(name), str(number).encode()))

        threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(won) == [False] * 7 + [True]


def put(store, name, data):
    store.tier.write(name, data)


def test_damaged_bytes_there_are_not_believed_and_put_right(tier, make, key, capsys):
    one, two = tier("one"), tier("two")
    manifest = make("a", {"x": b"hello"}, into=one)
    one.flush()
    sha256 = manifest.files["x"].sha256
    put(one, f"cas/{sha256[:2]}/{sha256}", b"jello")
    assert two.get(key("a")) is None
    assert "holds other bytes than its name says" in capsys.readouterr().err
    assert list((two.root / "scratch").iterdir()) == []
    assert make("a", {"x": b"hello"}, into=two) == manifest
    two.flush()
    assert tier("three").get(key("a")) == manifest


def test_a_missing_blob_there_is_a_miss(tier, make, key, capsys):
    one = tier("one")
    manifest = make("a", {"x": b"hello"}, into=one)
    one.flush()
    sha256 = manifest.files["x"].sha256
    one.tier.remove(f"cas/{sha256[:2]}/{sha256}")
    assert tier("two").get(key("a")) is None
    assert "is missing; the step that made it runs again" in capsys.readouterr().err


def test_a_damaged_record_there_is_a_miss_and_put_right(tier, make, key, capsys):
    one, two = tier("one"), tier("two")
    name = f"actions/{key('a')[:2]}/{key('a')}.json"
    put(one, name, b"{")
    assert two.get(key("a")) is None
    assert "is damaged and not used" in capsys.readouterr().err
    manifest = make("a", {"x": b"hello"}, into=two)
    two.flush()
    assert tier("three").get(key("a")) == manifest


def test_other_bytes_there_are_told_and_both_kept(tier, make, key, capsys):
    one, two = tier("one"), tier("two")
    first = make("a", {"x": b"1"}, into=one)
    one.flush()
    second = make("a", {"x": b"2"}, into=two)
    two.flush()
    assert "has other bytes for action" in capsys.readouterr().err
    assert (one.get(key("a")), two.get(key("a")), tier("three").get(key("a"))) == (first, second, first)


def test_another_format_there_is_left_alone(tier, make, key, capsys):
    store = tier("one")
    put(store, "format.json", b'{"format": "within-wf store", "version": 9}')
    manifest = make("a", {"x": b"1"}, into=store)
    store.flush()
    assert store.get(key("a")) == manifest
    message = capsys.readouterr().err
    assert "not that of format 1; nothing in it was changed" in message
    assert store.tier.read(f"actions/{key('a')[:2]}/{key('a')}.json") is None


def test_a_derivation_there_that_is_damaged_is_a_miss(tier, key):
    store = tier("one")
    for text in (b"{", b"[]", b'{"action": "x"}'):
        put(store, f"derivations/{key('d')}.json", text)
        assert store.derived(key("d")) is None


def test_a_tier_that_cannot_be_reached_costs_nothing_but_a_warning(tmp_path, make, key, capsys, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    options = {"endpoint_url": "http://127.0.0.1:9", "client_kwargs": {"region_name": "us-east-1"}}
    store = Store.open(tmp_path / "one", "s3://bucket/team", options)
    start = time.monotonic()
    assert store.get(key("a")) is None
    with store.claim(key("a")) as claim:
        assert claim.held
        manifest = make("a", {"x": b"1"}, into=store)
        store.derive(key("d"), key("a"))
    store.flush()
    assert time.monotonic() - start < 30
    assert store.get(key("a")) == manifest
    told = capsys.readouterr().err
    assert told.count("warning: the second tier s3://bucket/team cannot be read") == 1
    assert told.count("warning: the second tier s3://bucket/team cannot be written") == 1
    assert "Nothing is lost" in told
    assert SECRET not in told


def test_what_was_not_sent_can_be_sent_later(tier, make, key, capsys, monkeypatch):
    one = tier("one")

    def refuse(*_, **__):
        raise PermissionError("Access Denied")

    with monkeypatch.context() as patch:
        patch.setattr(Remote, "create", refuse)
        make("a", {"x": b"1"}, into=one)
        one.flush()
    assert "cannot be written: PermissionError: Access Denied" in capsys.readouterr().err
    assert tier("two").get(key("a")) is None
    again = tier("one")
    assert again.tier.send_missing(again) == 1
    assert again.tier.send_missing(again) == 0
    assert tier("two").get(key("a")) is not None


def test_a_local_record_damaged_before_it_was_sent_is_told(tier, make, key, capsys):
    store = tier("one")
    make("a", {"x": b"1"}, into=store)
    store.flush()
    store.record_path(key("a")).unlink()
    store.record_path(key("a")).write_text("{")
    store.tier.push(store, key("a"))
    store.tier.push(store, key("unknown"))
    store.flush()
    assert "was not sent an artifact: an action record of the store cannot be trusted" in capsys.readouterr().err


def test_credentials_are_never_shown(monkeypatch, tmp_path, key, capsys):
    monkeypatch.setenv("SOME_SECRET_KEY", "hunter2hunter2")
    options = {"client_kwargs": {"aws_secret_access_key": SECRET}, "key": "AKIDEXAMPLE"}
    text = (
        f"s3://user:pass@bucket/x {SECRET} AKIDEXAMPLE hunter2hunter2 "
        "https://h/p?X-Amz-Signature=abcdef&X-Amz-Credential=AKID/2026&part=2"
    )
    shown = redact(text, options)
    for secret in ("user:pass", SECRET, "AKIDEXAMPLE", "hunter2", "abcdef", "AKID/"):
        assert secret not in shown
    assert "s3://***@bucket/x" in shown
    assert "part=2" in shown

    class Failing:
        def cat_file(self, path):
            raise OSError(f"403 for {path} signed by {SECRET}")

    store = Store(Store.open(tmp_path / "one").root, Remote(Failing(), "b", f"s3://me:{SECRET}@b", options))
    assert store.get(key("a")) is None
    assert SECRET not in (told := capsys.readouterr().err)
    assert "403 for b/format.json signed by ***" in told
    with pytest.raises(StoreError, match="cannot be used") as caught:
        Remote.open(f"nonsense://me:{SECRET}@b")
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_full_disk_here_is_told_as_such(tier, make, key, monkeypatch):
    one, two = tier("one"), tier("two")
    make("a", {"x": b"1"}, into=one)
    one.flush()

    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(remote_module, "digest_file", full)
    with pytest.raises(StoreError, match="no space is left"):
        two.get(key("a"))


def test_records_there_cannot_lead_out_of_the_store(tier, make, key, tmp_path, capsys):
    one = tier("one")
    make("a", {"x": b"1"}, into=one)
    one.flush()
    name = f"actions/{key('a')[:2]}/{key('a')}.json"
    record = json.loads(one.tier.read(name))
    record["files"] = {"../../escape": record["files"]["x"]}
    put(one, name, json.dumps(record).encode())
    assert tier("two").get(key("a")) is None
