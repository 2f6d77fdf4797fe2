"""The store: a directory of artifacts that are committed whole or not at all.

::

    <root>/format.json                the version of this layout
    <root>/cas/<aa>/<sha256>          blobs, read-only, named by their bytes
    <root>/actions/<aa>/<key>.json    which files an action made; written last, so it commits the artifact
    <root>/used/<aa>/<key>            touched when an action is read (for the collector: least recently used goes first)
    <root>/derivations/<key>.json     derivation key -> action key, so that finished work is known before anything runs
    <root>/claims/ scratch/ roots/    who works on what; where they work; what is kept on purpose
    <root>/values/<digest>/           files and folders that `CachingPipelineExecutor` gives back as paths
    <root>/quarantine/                what `verify` moved aside

A reader is given symbolic links and not hard ones: they cross file systems, `chmod -R` and `rm -r` on the reader's directory
never reach the blob, and collecting a blob frees its bytes. Every blob is read-only and bears one fixed modification time, so a
privileged reader that writes through a link all the same is noticed when the blob is next used.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from within_wf.errors import Problem, StoreError
from within_wf.store.disk import BLOB_MODE, BLOB_TIME_NS, digest_file, remove_tree, write_once, writing
from within_wf.store.layout import check_format, create
from within_wf.store.manifest import File, Manifest, Record, check_key, is_digest, read_record

if TYPE_CHECKING:
    from within_wf.store.claims import Claim
    from within_wf.store.tier import Tier

SMALL = 16 * 2**20
"""Bytes up to which a blob is hashed when a process first uses it: 10 ms, nothing beside reading it for work."""

_USED_EVERY = 600.0
_REPAIR = "Run `within-wf store verify --repair`: it moves what is damaged aside, and the steps that made it run again."


class Store:
    """A store on disk; make one with `Store.open`.

    Attributes:
        root: Its directory, absolute.
        tier: What it reads through and writes behind, if anything.
    """

    def __init__(self, root: Path, tier: Tier | None = None) -> None:
        self.root = root
        self.tier = tier
        self._checked: set[str] = set()

    @classmethod
    def open(cls, path: str | Path, remote: str | None = None, options: Mapping[str, object] | None = None) -> Store:
        """Open a store, or make one in an empty or missing directory.

        Args:
            path: Its directory.
            remote: An fsspec URL to read through and write behind (``s3://bucket/folder``).
            options: For the file system of ``remote``.

        Raises:
            StoreError: The directory holds something else, or a store of another format; nothing in it was changed.
        """
        root = Path(path).absolute()
        try:
            text = (root / "format.json").read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            create(root)
        except OSError as error:
            raise StoreError(f"the store at {root} cannot be read: {error.strerror}") from error
        else:
            check_format(root, text)
        if remote is None:
            return cls(root)
        from within_wf.store.remote import Remote

        return cls(root, Remote.open(remote, options))

    # What there is

    def blob(self, sha256: str) -> Path:
        """Where the blob with this digest is, if it is."""
        return self.root / "cas" / sha256[:2] / sha256

    def record_path(self, action_key: str) -> Path:
        """Where the record of an action is, if it is."""
        return self.root / "actions" / action_key[:2] / f"{action_key}.json"

    def used_path(self, action_key: str) -> Path:
        """The file whose modification time says when an action was last read."""
        return self.root / "used" / action_key[:2] / action_key

    def actions(self) -> Iterator[str]:
        """The keys of all committed actions, sorted."""
        for path in sorted((self.root / "actions").glob("[0-9a-f][0-9a-f]/*.json")):
            if is_digest(path.stem):
                yield path.stem

    def knows(self, action_key: str) -> bool:
        """Whether the action was committed here; looks at nothing but the record's name."""
        check_key(action_key)
        return self.record_path(action_key).exists()

    def record(self, action_key: str) -> Record | None:
        """The record of an action, as it is on disk here.

        Raises:
            StoreError: The record is damaged.
        """
        check_key(action_key)
        path = self.record_path(action_key)
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        return read_record(text, action_key, str(path))

    def get(self, action_key: str, *, remote: bool = True) -> Manifest | None:
        """The artifact of an action, if it was committed here or in the second tier; its blobs are then here.

        Sizes of blobs are always compared; their bytes when they are used (`materialize`).

        Args:
            action_key: The action.
            remote: Whether to ask the second tier.

        Raises:
            StoreError: The record is damaged, or blobs are missing or cut short; all of them are named.
        """
        record = self.record(action_key)
        if record is None:
            if not (remote and self.tier and self.tier.pull(self, action_key)):
                return None
            record = self.record(action_key)
            if record is None:
                return None
        self._check(record.manifest, f"action {action_key[:12]} ({record.kind})", full=False)
        self._mark_used(action_key)
        return record.manifest

    def check(self, manifest: Manifest, what: str) -> None:
        """Compare blobs with a manifest as `materialize` does, without laying anything out.

        Args:
            manifest: The artifact.
            what: What to call it in the message.

        Raises:
            StoreError: Blobs are missing or damaged; all of them are named.
        """
        self._check(manifest, what, full=True)

    def materialize(self, manifest: Manifest, directory: Path, *, verify: bool = False) -> Path:
        """Make a read-only directory of links to an artifact's blobs.

        A blob's size and modification time are always compared. It is hashed when this process first uses it, if it is
        small (`SMALL`) or its time was moved (written to, or copied by a tool that keeps no times); ``verify`` hashes all.

        Args:
            manifest: The artifact.
            directory: A missing or empty directory.
            verify: Whether to hash large blobs too.

        Returns:
            ``directory``.

        Raises:
            StoreError: ``directory`` holds something, or blobs are missing or damaged; all of them are named.
        """
        self._check(manifest, str(directory), full=True, everything=verify)
        if directory.is_dir() and any(directory.iterdir()):
            raise StoreError(f"{directory} is not empty, so no artifact can be laid out there. Remove it first")
        with writing(directory):
            directory.mkdir(parents=True, exist_ok=True)
            made = {directory}
            for path, file in manifest.files.items():
                link = directory / path
                if link.parent not in made:
                    link.parent.mkdir(parents=True, exist_ok=True)
                    made.update(parent for parent in link.parents if directory in parent.parents)
                link.symlink_to(self.blob(file.sha256))
            for made_directory in made:
                made_directory.chmod(0o555)
        return directory

    def discard(self, directory: Path) -> None:
        """Remove a directory that `materialize` made; its links are removed and not followed."""
        remove_tree(directory)

    # What is made

    def commit(self, action_key: str, directory: Path, kind: str) -> Manifest:
        """Make the files of a directory the artifact of an action, all at once.

        The files are moved, so that the directory is used up. Directories with nothing in them are no part of an artifact.

        Args:
            action_key: The action that made them.
            directory: The files; nested as they like.
            kind: The step's name, or another word for what made them.

        Raises:
            StoreError: The action is known with other files (it is not deterministic; the files are named); there
                are no files, or something that is no plain file; the store cannot be written.
        """
        from within_wf.store.commit import commit_directory

        manifest = commit_directory(self, action_key, directory, kind)
        self._mark_used(action_key)
        if self.tier:
            self.tier.push(self, action_key)
        return manifest

    def derive(self, derivation_key: str, action_key: str) -> None:
        """Remember which action a derivation comes down to.

        Raises:
            StoreError: It came down to another action before, whose artifact differs and is still here: something upstream
                made other bytes from the same code, configuration and data.
        """
        check_key(derivation_key, "a derivation key")
        check_key(action_key)
        path = self._derivation_path(derivation_key)
        text = (json.dumps({"action": action_key}) + "\n").encode()
        with writing(self.root):
            while (before := self.derivation(derivation_key)) != action_key:
                self._refuse_other(derivation_key, before, action_key)
                self._make("scratch", "derivations")
                if path.exists():
                    path.unlink(missing_ok=True)
                write_once(path, text, self.root / "scratch")
        if self.tier:
            self.tier.derive(derivation_key, action_key)

    def derived(self, derivation_key: str, *, remote: bool = True) -> str | None:
        """The action key a derivation came down to; none where that is not known."""
        check_key(derivation_key, "a derivation key")
        action_key = self.derivation(derivation_key)
        if action_key is None and remote and self.tier:
            action_key = self.tier.derived(derivation_key)
        return action_key

    def derivation(self, derivation_key: str) -> str | None:
        """The action key that is remembered here for a derivation."""
        try:
            value = json.loads(self._derivation_path(derivation_key).read_bytes())
            action_key = value["action"]
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None
        return action_key if isinstance(action_key, str) and is_digest(action_key) else None

    @contextmanager
    def claim(
        self,
        action_key: str,
        *,
        label: str = "",
        needs: Sequence[str] = (),
        say: Callable[[str], None] | None = None,
        lease: float | None = None,
    ) -> Iterator[Claim]:
        """Hold an action while making it, after waiting for whoever makes it now.

        The claim is not ``held`` where the action was committed already, or while waiting. Where it is held, the second
        tier's claim is too, if it can be reached.

        Args:
            action_key: The action.
            label: What to call it while waiting: the step's name.
            needs: Action keys of the artifacts it reads, which the collector then leaves alone.
            say: Where to say for whom one waits; standard error by default.
            lease: Seconds without a heartbeat after which another machine takes over.

        Raises:
            StoreError: The store cannot be written.
        """
        from within_wf.store import claims

        check_key(action_key)
        say, lease = say or claims.say, lease or claims.LEASE
        if not self.knows(action_key):
            with writing(self.root):
                self._make("scratch", "claims")
        board, label = claims.Folder(self.root), label or action_key[:12]
        with claims.claimed(
            board, action_key, label=label, needs=needs, until=lambda: self.knows(action_key), say=say, lease=lease
        ) as claim:
            if not claim.held or self.tier is None:
                yield claim
                return
            with self.tier.claim(action_key, label, needs, say, lease) as shared:
                claim.waited += shared.waited
                yield claim

    @contextmanager
    def scratch(self, action_key: str) -> Iterator[Path]:
        """An empty directory in the store's file system, removed at the end.

        Raises:
            StoreError: The store cannot be written, or what was written there filled the disk.
        """
        from within_wf.store.scratch import scratch_directory

        check_key(action_key)
        with scratch_directory(self.root, action_key) as directory:
            yield directory

    def drop(self, action_key: str) -> bool:
        """Forget an action; its blobs stay until they are collected. Whether it was known."""
        known = self.knows(action_key)
        with writing(self.root):
            self.record_path(action_key).unlink(missing_ok=True)
            self.used_path(action_key).unlink(missing_ok=True)
        return known

    def flush(self) -> None:
        """Wait until the second tier has everything; what could not be sent has been said."""
        if self.tier:
            self.tier.flush()

    # Inside

    def _make(self, *names: str) -> None:
        for name in names:
            (self.root / name).mkdir(exist_ok=True)

    def _derivation_path(self, derivation_key: str) -> Path:
        return self.root / "derivations" / f"{derivation_key}.json"

    def _refuse_other(self, derivation_key: str, before: str | None, action_key: str) -> None:
        old = self.record(before) if before else None
        new = self.record(action_key)
        if old is None or (new is not None and new.manifest == old.manifest):
            return
        raise StoreError(
            f"the same derivation {derivation_key[:12]} ({old.kind}) came down to two actions whose artifacts differ: "
            f"{old.action} before, {action_key} now. A step before it is not deterministic, or a library that it does not "
            f"declare changed. Find it with `within-wf why`; `within-wf store gc --drop {old.action}` forgets the older one"
        )

    def _mark_used(self, action_key: str) -> None:
        path = self.used_path(action_key)
        with suppress(OSError):  # a store that cannot be written has no collector either
            try:
                if time.time() - path.stat().st_mtime > _USED_EVERY:
                    os.utime(path)
            except FileNotFoundError:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()

    def _check(self, manifest: Manifest, what: str, *, full: bool, everything: bool = False) -> None:
        problems = []
        for path, file in manifest.files.items():
            found = self._fault(file, full=full, everything=everything)
            if found and self.tier and found == "nothing" and self.tier.pull_blob(self, file):
                found = self._fault(file, full=full, everything=everything)
            if found:
                expected = f"{file.size} bytes with SHA-256 {file.sha256}"
                problems.append(Problem(f"{self.blob(file.sha256)} ({path})", found, expected, _REPAIR))
        if problems:
            raise StoreError(f"the store at {self.root} holds damaged files of {what}; nothing was overwritten", problems)

    def _fault(self, file: File, *, full: bool, everything: bool) -> str:
        """What is wrong with a blob, in words; empty where nothing is."""
        blob = self.blob(file.sha256)
        try:
            status = blob.lstat()
            if status.st_size != file.size:
                return f"{status.st_size} bytes"
            touched = status.st_mtime_ns != BLOB_TIME_NS
            if not full or (file.sha256 in self._checked and not touched):
                return ""
            if touched or everything or file.size <= SMALL:
                digest = digest_file(blob)
                if digest != file.sha256:
                    return f"other bytes of the same length, SHA-256 {digest}"
                if touched:
                    with suppress(OSError):
                        blob.chmod(BLOB_MODE)
                        os.utime(blob, ns=(BLOB_TIME_NS, BLOB_TIME_NS))
                self._checked.add(file.sha256)
        except FileNotFoundError:
            return "nothing"
        except OSError as error:
            return f"a file that cannot be read ({error.strerror})"
        return ""
