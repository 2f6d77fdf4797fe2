"""Who works on what: two runs that start the same work agree on one, and nobody ever has to unlock anything.

A claim is a file that is created if it is absent and never changed. The first holder of a key posts ``<key>``. Whoever finds
its holder dead posts ``<key>.<nonce of the dead holder>``: a nonce is never used twice, so exactly one heir wins, and an heir
who comes too late (its predecessor's chain was released meanwhile) sees, walking the chain from ``<key>``, that it does not
lead to its own claim, and starts over. The last of the chain holds the key. It releases by removing ``<key>`` first, which
frees the key at once, and then the rest, which nothing refers to any more.

A holder on the same machine is dead when its process is. Of any other, a waiter knows only whether its heartbeat moves: it
is taken to be dead when the waiter, by its own clock, saw no beat for a whole lease. A holder that stood still that long and
wakes up works beside its heir; both make the same bytes, and the store lets them agree. Claims save work, they guard nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from within_wf.store.disk import write_once, writing
from within_wf.store.owner import Owner

LEASE = 60.0
"""Seconds without a heartbeat after which a holder on another machine is taken to be dead."""

_BEATS_A_LEASE = 6
_FIRST_PAUSE = 0.02
_SAY_EVERY = 30.0


@dataclass(frozen=True)
class Posting:
    """A claim as it was posted.

    Attributes:
        name: The name it stands under.
        nonce: Its holder's nonce; for a damaged posting, made from its bytes.
        owner: Its holder; none for a damaged posting.
        lease: Seconds without a beat that its holder may be silent.
        needs: The action keys whose artifacts its holder reads.
    """

    name: str
    nonce: str
    owner: Owner | None
    lease: float
    needs: tuple[str, ...] = ()


@dataclass
class Claim:
    """What came of asking for a key.

    Attributes:
        key: The key.
        held: Whether the caller holds it; if not, the work was done by somebody else meanwhile.
        waited: Seconds spent waiting.
    """

    key: str
    held: bool
    waited: float


class Board(Protocol):
    """Where claims are posted.

    Attributes:
        pause: The longest a waiter sleeps between two looks, in seconds.
    """

    pause: float

    def post(self, name: str, text: bytes) -> bool:
        """Post ``text`` unless ``name`` is taken; whether it was free."""

    def read(self, name: str) -> bytes | None:
        """What is posted under ``name``."""

    def remove(self, name: str, nonce: str) -> None:
        """Take down the posting of this holder under this name, if it is there."""

    def beat(self, posting: Posting) -> None:
        """Show that the holder of a posting lives."""

    def pulse(self, posting: Posting) -> object:
        """Something that changes with each beat."""


class Folder:
    """A board that is a directory.

    Args:
        root: The store it belongs to; the claims are in ``claims``.
    """

    pause = 1.0

    def __init__(self, root: Path) -> None:
        self._root = root
        self._claims = root / "claims"

    def post(self, name: str, text: bytes) -> bool:
        """See `Board`."""
        with writing(self._root):
            return write_once(self._claims / name, text, self._root / "scratch")

    def read(self, name: str) -> bytes | None:
        """See `Board`."""
        try:
            return (self._claims / name).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, name: str, nonce: str) -> None:
        """See `Board`."""
        (self._claims / name).unlink(missing_ok=True)

    def beat(self, posting: Posting) -> None:
        """See `Board`."""
        os.utime(self._claims / posting.name)

    def pulse(self, posting: Posting) -> object:
        """See `Board`; opened first, because NFS answers a bare stat from memory."""
        try:
            with (self._claims / posting.name).open("rb") as file:
                return os.fstat(file.fileno()).st_mtime_ns
        except FileNotFoundError:
            return None


def read_posting(name: str, text: bytes) -> Posting:
    """The posting in ``text``; damage makes one with no owner, whose lease runs out."""
    try:
        value = json.loads(text)
        owner = Owner.from_json(json.dumps(value["owner"]))
        needs = tuple(str(key) for key in value["needs"])
        return Posting(name, owner.nonce, owner, float(value["lease"]), needs)
    except (ValueError, KeyError, TypeError):
        return Posting(name, hashlib.sha256(text).hexdigest()[:32], None, LEASE)


def walk(board: Board, key: str) -> list[Posting]:
    """The postings of a key, first holder first; the last one holds it. Empty where nobody does."""
    chain: list[Posting] = []
    name = key
    while (text := board.read(name)) is not None:
        chain.append(read_posting(name, text))
        name = f"{key}.{chain[-1].nonce}"
    return chain


class _Watch:
    """Decides whether a holder is dead, by its process or by the silence that was observed."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._seen: tuple[str, object] | None = None
        self._silent = 0.0
        self._last = 0.0

    def sees_dead(self, posting: Posting) -> bool:
        life = posting.owner.life() if posting.owner else "unknown"
        if life != "unknown":
            return life == "dead"
        now = time.monotonic()
        seen = (posting.nonce, self._board.pulse(posting))
        if seen != self._seen:
            self._seen, self._silent = seen, 0.0
        else:
            # a waiter that was itself stopped for an hour observed no hour of silence
            self._silent += min(now - self._last, 2 * self._board.pause)
        self._last = now
        return self._silent >= posting.lease


def say(message: str) -> None:
    """Tell the person who waits."""
    print(message, file=sys.stderr, flush=True)  # noqa: T201


def _acquire(
    board: Board, key: str, text: bytes, nonce: str, until: Callable[[], bool], tell: Callable[[Posting, float], None]
) -> Posting | None:
    """Post a claim that holds ``key``; none when ``until`` came true first."""
    watch, pause, start = _Watch(board), _FIRST_PAUSE, time.monotonic()
    while not until():
        chain = walk(board, key)
        if chain and not watch.sees_dead(chain[-1]):
            tell(chain[-1], time.monotonic() - start)
            time.sleep(pause)
            pause = min(2 * pause, board.pause)
            continue
        posting = _post(board, key, chain, text, nonce)
        if posting:
            return posting
    return None


def _post(board: Board, key: str, chain: Sequence[Posting], text: bytes, nonce: str) -> Posting | None:
    """Post a claim after the last of a chain; none where somebody was faster."""
    name = f"{key}.{chain[-1].nonce}" if chain else key
    if not board.post(name, text):
        return None
    now = walk(board, key)
    if now and now[-1].nonce == nonce:
        return now[-1]
    board.remove(name, nonce)
    return None


def bury(board: Board, key: str, chain: Sequence[Posting]) -> bool:
    """Remove a chain of claims whose last holder is dead, by becoming its heir and letting go; whether that came in time."""
    owner = Owner.me()
    heir = _post(board, key, chain, _text(key, owner, (), LEASE), owner.nonce)
    if heir:
        _release(board, key, owner.nonce)
    return heir is not None


def _text(key: str, owner: Owner, needs: Sequence[str], lease: float) -> bytes:
    return json.dumps({"key": key, "lease": lease, "needs": sorted(needs), "owner": asdict(owner)}, sort_keys=True).encode()


def _release(board: Board, key: str, nonce: str) -> None:
    chain = walk(board, key)
    if chain and chain[-1].nonce == nonce:
        for posting in chain:
            board.remove(posting.name, posting.nonce)


def _keep_beating(board: Board, posting: Posting, stop: threading.Event) -> None:
    while not stop.wait(posting.lease / _BEATS_A_LEASE):
        with suppress(Exception):  # a disk or network that is away for a while is no reason to stop working
            text = board.read(posting.name)
            if text is None or read_posting(posting.name, text).nonce != posting.nonce:
                return
            board.beat(posting)


def _teller(label: str, say: Callable[[str], None]) -> Callable[[Posting, float], None]:
    said = -_SAY_EVERY

    def tell(posting: Posting, waited: float) -> None:
        nonlocal said
        if waited - said >= _SAY_EVERY:
            said = waited
            who = posting.owner or "a process that left no name"
            since = f", {waited:.0f} s so far" if waited >= 1 else ""
            say(f"{label}: {who} is already making this; waiting for it{since}")

    return tell


@contextmanager
def claimed(
    board: Board,
    key: str,
    *,
    label: str = "",
    needs: Sequence[str] = (),
    until: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = say,
    lease: float = LEASE,
) -> Iterator[Claim]:
    """Hold a key, waiting for whoever holds it now.

    Args:
        board: Where claims are posted.
        key: What is claimed.
        label: What to call it while waiting.
        needs: Action keys of the artifacts that are read meanwhile; the garbage collector leaves them alone.
        until: Asked while waiting; when true the work has been done by somebody else, and nothing is claimed.
        say: Where to say for whom one waits: at once, then every 30 s.
        lease: Seconds after which others may take this holder to be dead if its heartbeat stops.

    Raises:
        StoreError: The claim cannot be written.
    """
    owner = Owner.me()
    text = _text(key, owner, needs, lease)
    start = time.monotonic()
    posting = _acquire(board, key, text, owner.nonce, until, _teller(label or key[:12], say))
    waited = time.monotonic() - start
    if posting is None:
        yield Claim(key, held=False, waited=waited)
        return
    stop = threading.Event()
    beating = threading.Thread(target=_keep_beating, args=(board, posting, stop), name=f"claim {key[:12]}", daemon=True)
    beating.start()
    try:
        yield Claim(key, held=True, waited=waited)
    finally:
        stop.set()
        beating.join()
        with suppress(Exception):  # what is left behind is taken over and collected like any dead claim
            _release(board, key, owner.nonce)
