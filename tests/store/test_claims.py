import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from within_wf.errors import StoreError
from within_wf.store import claims
from within_wf.store.claims import Folder, Posting, claimed, walk
from within_wf.store.owner import Owner

KEY = "ab" * 32

WORKER = """
import os, sys, time
from within_wf.store.claims import Folder, claimed
from pathlib import Path
root, rounds, die = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "die"
log = os.open(root / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
board = Folder(root)
for turn in range(rounds):
    with claimed(board, "ab" * 32, say=lambda message: None):
        os.write(log, f"in {os.getpid()}\\n".encode())
        time.sleep(0.002)
        if die and turn == rounds - 1:
            os.kill(os.getpid(), 9)
        os.write(log, f"out {os.getpid()}\\n".encode())
"""


@pytest.fixture
def board(tmp_path):
    for name in ("claims", "scratch"):
        (tmp_path / name).mkdir()
    return Folder(tmp_path)


def post(board, owner, name=KEY, lease=60.0, needs=()):
    assert board.post(name, claims._text(KEY, owner, needs, lease))


def dead_owner():
    process = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    owner = replace(Owner.me(), pid=process.pid, started=_started(process.pid))
    assert owner.life() == "alive"
    process.kill()
    process.stdin.close()
    deadline = time.monotonic() + 10
    while owner.life() != "dead":  # before it is waited for: a zombie is dead
        assert time.monotonic() < deadline
    process.wait()
    assert owner.life() == "dead"
    return owner


def _started(pid):
    from within_wf.store.owner import _process

    return _process(pid)


def elsewhere():
    return replace(Owner.me(), host="other", boot="another boot")


def test_a_claim_is_held_and_let_go(board, tmp_path):
    with claimed(board, KEY, needs=["cd" * 32]) as claim:
        assert claim.held
        (posting,) = walk(board, KEY)
        assert posting.owner.pid == os.getpid()
        assert posting.needs == ("cd" * 32,)
    assert walk(board, KEY) == []
    assert list((tmp_path / "claims").iterdir()) == []


def test_a_claim_is_let_go_when_the_work_fails(board):
    with pytest.raises(ZeroDivisionError), claimed(board, KEY):
        raise ZeroDivisionError
    assert walk(board, KEY) == []


def test_the_second_waits_for_the_first_and_says_so(board):
    said, order = [], []

    def second():
        with claimed(board, KEY, label="train", say=said.append) as claim:
            order.append(("second", claim.held, claim.waited > 0.1))

    with claimed(board, KEY):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", ("second", True, True)]
    assert said == [f"train: process {os.getpid()} on {os.uname().nodename} is already making this; waiting for it"]


def test_who_waits_long_hears_of_it_again(monkeypatch, board):
    monkeypatch.setattr(claims, "_SAY_EVERY", 0.0)
    said = []
    tell = claims._teller("train", said.append)
    tell(Posting(KEY, "n", None, 60.0), 0.0)
    tell(Posting(KEY, "n", None, 60.0), 31.0)
    assert said == [
        "train: a process that left no name is already making this; waiting for it",
        "train: a process that left no name is already making this; waiting for it, 31 s so far",
    ]


def test_waiting_ends_when_the_work_is_done(board):
    post(board, Owner.me())
    done = iter([False, False, True])
    with claimed(board, KEY, until=lambda: next(done), say=lambda _: None) as claim:
        assert not claim.held
    assert len(walk(board, KEY)) == 1


def test_the_claim_of_a_dead_process_is_taken_over_at_once(board):
    post(board, dead_owner())
    start = time.monotonic()
    with claimed(board, KEY) as claim:
        assert claim.held
        assert len(walk(board, KEY)) == 2
    assert time.monotonic() - start < 1
    assert walk(board, KEY) == []


def test_a_pid_used_again_is_another_process(board):
    post(board, replace(Owner.me(), started="1"))
    with claimed(board, KEY) as claim:
        assert claim.held


def test_another_machine_is_dead_when_its_lease_ran_out(board):
    post(board, elsewhere(), lease=0.4)
    start = time.monotonic()
    with claimed(board, KEY, say=lambda _: None) as claim:
        assert claim.held
    assert time.monotonic() - start >= 0.4


def test_a_heartbeat_keeps_another_machine_alive(board):
    owner = elsewhere()
    post(board, owner, lease=0.4)
    posting = walk(board, KEY)[-1]
    stop = threading.Event()
    thread = threading.Thread(target=claims._keep_beating, args=(board, posting, stop))
    thread.start()
    until = time.monotonic() + 1.2
    with claimed(board, KEY, until=lambda: time.monotonic() > until, say=lambda _: None) as claim:
        assert not claim.held
    stop.set()
    thread.join()


def test_the_heart_stops_when_the_claim_is_lost(board, tmp_path):
    post(board, Owner.me(), lease=0.1)
    posting = walk(board, KEY)[-1]
    (tmp_path / "claims" / KEY).unlink()
    post(board, elsewhere())
    claims._keep_beating(board, posting, threading.Event())  # comes back


def test_a_waiter_that_stood_still_counts_no_silence(board, monkeypatch):
    watch, posting = claims._Watch(board), None
    post(board, elsewhere(), lease=60.0)
    posting = walk(board, KEY)[-1]
    assert not watch.sees_dead(posting)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 3600)
    assert not watch.sees_dead(posting)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"owner": {"pid": 1}}', b'{"owner": null, "needs": [], "lease": 1}'])
def test_a_damaged_claim_is_taken_over_after_a_lease(board, text, monkeypatch):
    monkeypatch.setattr(claims, "LEASE", 0.2)
    assert board.post(KEY, text)
    assert walk(board, KEY)[0].owner is None
    with claimed(board, KEY, say=lambda _: None) as claim:
        assert claim.held
    assert walk(board, KEY) == []


def test_an_heir_who_comes_too_late_starts_over(board, tmp_path):
    """It saw a dead holder, but when it posts, that chain has been released and somebody else holds the key."""
    dead = dead_owner()
    post(board, dead)
    chain = walk(board, KEY)
    (tmp_path / "claims" / KEY).unlink()
    holder = Owner.me()
    post(board, holder)
    late = Owner.me()
    assert claims._post(board, KEY, chain, claims._text(KEY, late, (), 60), late.nonce) is None
    assert [posting.nonce for posting in walk(board, KEY)] == [holder.nonce]
    assert [path.name for path in (tmp_path / "claims").iterdir()] == [KEY]


def test_only_one_inherits(board):
    post(board, dead_owner())
    chain = walk(board, KEY)
    heirs = [Owner.me() for _ in range(5)]
    won = [claims._post(board, KEY, chain, claims._text(KEY, heir, (), 60), heir.nonce) for heir in heirs]
    assert [posting is not None for posting in won] == [True, False, False, False, False]


def test_who_was_taken_over_does_not_release_the_heir(board):
    post(board, replace(elsewhere(), nonce="z" * 32))
    heir = Owner.me()
    post(board, heir, name=f"{KEY}.{'z' * 32}")
    claims._release(board, KEY, "z" * 32)
    assert walk(board, KEY)[-1].nonce == heir.nonce


def test_owners_are_read_back_or_refused():
    owner = Owner.me()
    assert Owner.from_json(owner.to_json()) == owner
    for text in ("[]", "{}", owner.to_json().replace(str(owner.pid), '"x"'), owner.to_json().replace(f'"{owner.host}"', "1")):
        with pytest.raises(ValueError, match="an owner"):
            Owner.from_json(text)


def test_a_claim_that_cannot_be_written_says_what_to_do(tmp_path):
    (tmp_path / "scratch").mkdir()
    with pytest.raises(StoreError, match=r"the store at .* failed"), claimed(Folder(tmp_path), KEY):
        pass


def _overlaps(log):
    """Whether two held the key at once; a process that was killed inside is out when the next comes in."""
    inside, bad = None, 0
    for line in log.read_text().splitlines():
        word, pid = line.split()
        if word == "in":
            bad += inside is not None and inside not in killed(log)
            inside = pid
        else:
            bad += inside != pid
            inside = None
    return bad


def killed(log):
    lines = log.read_text().splitlines()
    return {
        line.split()[1]
        for line in lines
        if line.startswith("in ") and lines.count(line) > lines.count(line.replace("in ", "out "))
    }


@pytest.mark.parametrize("seed", range(3))
def test_many_processes_never_hold_a_key_together(board, tmp_path, seed):
    """Eight come for a key whose holder is dead; half of them die holding it, again and again taken over."""
    post(board, dead_owner())
    rng = random.Random(seed)
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(tmp_path), str(rng.randint(2, 6)), "die" if turn % 2 else "live"])
        for turn in range(8)
    ]
    codes = [worker.wait(60) for worker in workers]
    assert sorted(codes) == [-signal.SIGKILL] * 4 + [0] * 4
    assert _overlaps(tmp_path / "log") == 0
    assert len(killed(tmp_path / "log")) == 4
