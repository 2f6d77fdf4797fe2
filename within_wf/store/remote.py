"""A second store behind the first, on any file system that fsspec knows: read through, written behind.

It has the same layout. What arrives is hashed before it is believed. Nothing that goes wrong there loses work or stops a run:
it is said once, and the process goes on with the local store alone. `Remote.send_missing` makes up for that later.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from within_wf.errors import StoreError
from within_wf.store import claims
from within_wf.store.claims import Claim, Posting
from within_wf.store.commit import seal
from within_wf.store.disk import digest_file, explain, is_full, place, sync_file, write_once, writing
from within_wf.store.layout import FORMAT, FORMAT_TEXT
from within_wf.store.manifest import File, Record, is_digest, read_record
from within_wf.store.redaction import redact

if TYPE_CHECKING:
    from within_wf.store.local import Store

T = TypeVar("T")
Side = Literal["read", "write"]

_UPLOADS = 2
_S3_DEFAULTS: Mapping[str, object] = {
    "use_listings_cache": False,
    "config_kwargs": {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 2}},
}


class Remote:
    """A second tier; make one with `Remote.open`.

    Args:
        files: An fsspec file system.
        path: The store's folder in it.
        url: Its URL, for people; credentials in it are never shown.
        options: What ``files`` was made with; credentials in it are never shown.
        tell: Where to say what went wrong.
    """

    def __init__(
        self,
        files: Any,
        path: str,
        url: str,
        options: Mapping[str, object] | None = None,
        tell: Callable[[str], None] = claims.say,
    ) -> None:
        self._files = files
        self._path = path.rstrip("/")
        self._options = dict(options or {})
        self._is_local = bool(getattr(files, "local_file", False))
        self.url = redact(url, self._options)
        self._tell = tell
        self._lock = threading.Lock()
        self._off: set[Side] = set()
        self._is_checked = False
        self._damaged: set[str] = set()
        self._pool: ThreadPoolExecutor | None = None
        self._sending: set[Future[None]] = set()

    @classmethod
    def open(cls, url: str, options: Mapping[str, object] | None = None, tell: Callable[[str], None] = claims.say) -> Remote:
        """The tier at an fsspec URL; nothing is asked of the network yet.

        Args:
            url: ``s3://bucket/folder``, ``file:///mnt/shared``, …
            options: For the file system; by default it takes credentials and end point from where its library looks for them.
            tell: Where to say what went wrong.

        Raises:
            StoreError: No such kind of file system, or its library is not installed.
        """
        from fsspec.core import url_to_fs

        is_s3 = url.split("://", 1)[0] in ("s3", "s3a")
        settings = {**(_S3_DEFAULTS if is_s3 else {}), **(options or {})}
        try:
            files, path = url_to_fs(url, **settings)
        except (ImportError, ValueError, OSError) as error:
            raise StoreError(
                f"the second tier {redact(url, options)} cannot be used: {redact(str(error), options)}. "
                "Give an fsspec URL such as s3://bucket/folder, with its library installed"
            ) from None
        return cls(files, path, url, options, tell)

    # What a store asks (see `within_wf.store.tier`)

    def pull(self, store: Store, action_key: str) -> bool:
        """See `Tier`.

        Raises:
            StoreError: The store here cannot be written.
        """
        return self._try("read", lambda: self._pull(store, action_key), otherwise=False)

    def pull_blob(self, store: Store, file: File) -> bool:
        """See `Tier`.

        Raises:
            StoreError: The store here cannot be written.
        """
        return self._try("read", lambda: self._bring(store, file), otherwise=False)

    def push(self, store: Store, action_key: str) -> None:
        """See `Tier`."""
        self._later(lambda: self._send(store, action_key))

    def derived(self, derivation_key: str) -> str | None:
        """See `Tier`."""
        return self._try("read", lambda: self._derived(derivation_key), otherwise=None)

    def derive(self, derivation_key: str, action_key: str) -> None:
        """See `Tier`."""
        text = (json.dumps({"action": action_key}) + "\n").encode()
        self._later(lambda: self.create(_derivation_name(derivation_key), text))

    @contextmanager
    def claim(
        self, action_key: str, label: str, needs: Sequence[str], say: Callable[[str], None], lease: float
    ) -> Iterator[Claim]:
        """See `Tier`; held without asking anyone where the tier cannot be reached."""
        with ExitStack() as stack:
            shared = claims.claimed(
                Bucket(self),
                action_key,
                label=label,
                needs=needs,
                until=lambda: self.read(_record_name(action_key)) is not None,
                say=say,
                lease=lease,
            )
            alone = Claim(action_key, held=True, waited=0.0)
            claim = self._try("write", lambda: stack.enter_context(shared), otherwise=alone)
            try:
                yield claim
            finally:
                self.flush()  # who waits for this claim looks for the artifact there

    def flush(self) -> None:
        """See `Tier`."""
        with self._lock:
            sending = set(self._sending)
        wait(sending)
        with self._lock:
            self._sending -= sending

    def send_missing(self, store: Store) -> int:
        """Send every artifact that the tier lacks, as after a time when it could not be reached.

        Returns:
            How many were sent.
        """
        sent = 0
        for action_key in store.actions():
            sent += self._try("write", partial(self._send_if_missing, store, action_key), otherwise=False)
        return sent

    # Names and bytes there; these raise whatever the file system raises

    def read(self, name: str) -> bytes | None:
        """What stands under a name; none where nothing does."""
        try:
            return bytes(self._files.cat_file(f"{self._path}/{name}"))
        except FileNotFoundError:
            return None

    def write(self, name: str, text: bytes) -> None:
        """Put, whatever was there."""
        self._make_folder(name)
        self._files.pipe_file(f"{self._path}/{name}", text)

    def create(self, name: str, text: bytes) -> bool:
        """Put if absent; whether it was."""
        self._make_folder(name)
        if self._is_local:
            return self._link_new(Path(self._path, name), text)
        try:
            self._files.pipe_file(f"{self._path}/{name}", text, mode="create")
        except FileExistsError:
            return False
        return True

    def _link_new(self, target: Path, text: bytes) -> bool:
        """Put if absent in a folder, where fsspec looks first and writes then: two could both win."""
        self._make_folder("scratch/draft")
        draft = Path(self._path, "scratch", f"{os.urandom(8).hex()}.draft")
        try:
            draft.write_bytes(text)
            sync_file(draft)
            return place(draft, target)
        finally:
            draft.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove what stands under a name, if anything does."""
        with suppress(FileNotFoundError):
            self._files.rm_file(f"{self._path}/{name}")

    def _make_folder(self, name: str) -> None:
        if self._is_local:  # object stores have no folders
            self._files.makedirs(f"{self._path}/{name}".rsplit("/", 1)[0], exist_ok=True)

    # Work

    def _try(self, side: Side, work: Callable[[], T], otherwise: T) -> T:
        """Do what touches the tier; where that fails, say so once and leave this side of it alone from then on."""
        if side in self._off:
            return otherwise
        try:
            self._check_format()
            return work()
        except StoreError:
            raise
        except Exception as error:  # each file system has exceptions of its own
            with self._lock:
                is_first = side not in self._off
                self._off.add(side)
            if is_first:
                self._tell(self._complaint(side, error))
            return otherwise

    def _complaint(self, side: Side, error: Exception) -> str:
        what = "read" if side == "read" else "written"
        cause = redact(f"{type(error).__name__}: {error}", self._options)
        return (
            f"warning: the second tier {self.url} cannot be {what}: {cause}. Nothing is lost: this process goes on with the "
            "local store alone. Check its address and credentials; `within-wf store push` sends later what it lacks"
        )

    def _later(self, work: Callable[[], object]) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_UPLOADS, thread_name_prefix="second tier")
        with self._lock:
            self._sending.add(self._pool.submit(self._send_or_tell, work))

    def _send_or_tell(self, work: Callable[[], object]) -> None:
        try:
            self._try("write", work, otherwise=None)
        except StoreError as error:  # the local record was damaged since
            self._tell(f"warning: {self.url} was not sent an artifact: {error}")

    def _check_format(self) -> None:
        if self._is_checked:
            return
        text = FORMAT_TEXT.encode()
        found = self.read("format.json")
        if found is None:
            with suppress(PermissionError):  # a tier that may only be read and holds nothing yet
                self.create("format.json", text)
        elif found != text:
            raise _OtherFormatError(f"its format.json is not that of format {FORMAT}; nothing in it was changed")
        self._is_checked = True

    def _pull(self, store: Store, action_key: str) -> bool:
        name = _record_name(action_key)
        text = self.read(name)
        if text is None:
            return False
        try:
            record = read_record(text, action_key, f"{self.url}/{name}")
        except StoreError:
            self._tell(f"warning: {self.url}/{name} is damaged and not used; it is put right when the step was run here")
            return False
        if not all(self._bring(store, file) for file in dict.fromkeys(record.manifest.files.values())):
            return False
        with writing(store.root):
            target = store.record_path(action_key)
            target.parent.mkdir(parents=True, exist_ok=True)
            write_once(target, record.to_json().encode(), store.root / "scratch")
        return True

    def _bring(self, store: Store, file: File) -> bool:
        """Have one blob here, verified; whether it could be had."""
        blob = store.blob(file.sha256)
        if blob.exists():
            return True
        with writing(store.root):
            (store.root / "scratch").mkdir(exist_ok=True)
            blob.parent.mkdir(parents=True, exist_ok=True)
        draft = store.root / "scratch" / f"{os.urandom(8).hex()}.draft"
        name = _blob_name(file.sha256)
        try:
            self._files.get_file(f"{self._path}/{name}", str(draft))
            if draft.stat().st_size != file.size or digest_file(draft) != file.sha256:
                self._damaged.add(file.sha256)
                self._tell(
                    f"warning: {self.url}/{name} holds other bytes than its name says and is not used; it is put right "
                    "when the step was run here"
                )
                return False
            with writing(store.root):
                seal(draft)
                place(draft, blob)
        except FileNotFoundError:
            self._tell(f"warning: {self.url}/{name} is missing; the step that made it runs again")
            return False
        except OSError as error:
            if is_full(error):
                raise explain(store.root, error) from error
            raise
        finally:
            draft.unlink(missing_ok=True)
        return True

    def _derived(self, derivation_key: str) -> str | None:
        text = self.read(_derivation_name(derivation_key))
        with suppress(ValueError, KeyError, TypeError):
            action_key = json.loads(text or b"")["action"]
            return action_key if isinstance(action_key, str) and is_digest(action_key) else None
        return None

    def _send(self, store: Store, action_key: str) -> bool:
        """Blobs first, the record last; whether the artifact is there now."""
        record = store.record(action_key)
        if record is None:
            return False
        for file in dict.fromkeys(record.manifest.files.values()):
            name = _blob_name(file.sha256)
            if file.sha256 in self._damaged or self._size(name) != file.size:
                self._make_folder(name)
                self._files.put_file(str(store.blob(file.sha256)), f"{self._path}/{name}")
                self._damaged.discard(file.sha256)
        name = _record_name(action_key)
        if not self.create(name, record.to_json().encode()):
            self._compare(record, name)
        return True

    def _send_if_missing(self, store: Store, action_key: str) -> bool:
        return self.read(_record_name(action_key)) is None and self._send(store, action_key)

    def _size(self, name: str) -> int | None:
        try:
            return int(self._files.info(f"{self._path}/{name}")["size"])
        except FileNotFoundError:
            return None

    def _compare(self, record: Record, name: str) -> None:
        """Agree with the record that the tier has, or put it right where it is damaged."""
        try:
            other = read_record(self.read(name) or b"", record.action, name)
        except StoreError:
            self.write(name, record.to_json().encode())
            return
        if other.manifest != record.manifest:
            self._tell(
                f"warning: {self.url} has other bytes for action {record.action[:12]} ({record.kind}) than were made here. "
                "Both were kept. The step is not deterministic, or a library that it does not declare differs between the two"
            )


class _OtherFormatError(Exception):
    """The tier holds a store of another format."""


class Bucket:
    """A board of claims (`within_wf.store.claims.Board`) in a second tier; a heartbeat is an object of its own.

    Args:
        remote: The tier.
    """

    pause = 4.0

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def post(self, name: str, text: bytes) -> bool:
        """See `Board`."""
        return self._remote.create(f"claims/{name}", text)

    def read(self, name: str) -> bytes | None:
        """See `Board`."""
        return self._remote.read(f"claims/{name}")

    def remove(self, name: str, nonce: str) -> None:
        """See `Board`."""
        self._remote.remove(f"claims/{name}")
        self._remote.remove(f"beats/{nonce}")

    def beat(self, posting: Posting) -> None:
        """See `Board`."""
        self._remote.write(f"beats/{posting.nonce}", os.urandom(8).hex().encode())

    def pulse(self, posting: Posting) -> object:
        """See `Board`."""
        return self._remote.read(f"beats/{posting.nonce}")


def _blob_name(sha256: str) -> str:
    return f"cas/{sha256[:2]}/{sha256}"


def _record_name(action_key: str) -> str:
    return f"actions/{action_key[:2]}/{action_key}.json"


def _derivation_name(derivation_key: str) -> str:
    return f"derivations/{derivation_key}.json"
