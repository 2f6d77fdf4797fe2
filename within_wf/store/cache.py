"""The store from Python: run a function once for each of its inputs, and read what it made from then on."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from within_wf.errors import StoreError
from within_wf.store import values
from within_wf.store.canonical import to_json
from within_wf.store.function_key import function_key
from within_wf.store.gc import collect
from within_wf.store.local import Store
from within_wf.store.manifest import Manifest

KIND = "value"
"""The kind of the actions made here; other actions of the same store are never cleared from here."""

_log = logging.getLogger(__name__)
_MEGABYTE = 10**6
_MISS = object()


class CachingPipelineExecutor:
    """Runs the steps of a pipeline, each at most once for the same code, inputs and configuration.

    A result is read back from the store even when it was just made, so that a hit and a miss give the same. Results and
    inputs are polars, pandas or pyarrow tables, numpy arrays, torch tensors (dense, on the CPU, without gradient), JSON
    values, paths (what they lead to is kept; what comes back leads to read-only files), and dicts, lists and tuples of
    these. Nothing is pickled.

    Args:
        cache_dir: A store; it may be the one of the workflow, and several processes may share it.
        cache_ttl: Seconds after which a result is made again; never by default.
        cache_size_limit: Megabytes (10**6 bytes) that results may hold; the least recently used go first. No limit by default.

    Raises:
        StoreError: The directory holds something else, or a limit is negative.
    """

    def __init__(self, cache_dir: str | Path, cache_ttl: float | None = None, cache_size_limit: float | None = None) -> None:
        for name, value in (("cache_ttl", cache_ttl), ("cache_size_limit", cache_size_limit)):
            if value is not None and not value >= 0:
                raise StoreError(f"{name} is a number from 0 up or None, found {value!r}")
        self.cache_dir = Path(cache_dir)
        self.cache_ttl = cache_ttl
        self.cache_size_limit = cache_size_limit
        self.store = Store.open(self.cache_dir)

    def step_key(
        self, step_name: str, step_fn: Callable[..., Any], step_inputs: Mapping[str, Any], step_config: Mapping[str, Any]
    ) -> str:
        """The action key of a step: SHA-256 of its name, its function's code, and the content of inputs and configuration.

        Raises:
            StoreTypeError: An input or the function cannot be keyed; a TypeError as well.
        """
        with tempfile.TemporaryDirectory(prefix="within-key-") as drafts:

            def content(value: object) -> object:
                sink = values.Digests(Path(drafts))
                return [values.encode(value, sink), sink.digests]

            parts = {
                "config": _sorted(content(dict(step_config))),
                "function": function_key(step_fn, content),
                "inputs": {name: content(step_inputs[name]) for name in sorted(step_inputs)},
                "step": step_name,
            }
        return hashlib.sha256(to_json(parts).encode()).hexdigest()

    def execute_step(
        self,
        step_name: str,
        step_fn: Callable[..., Any],
        step_inputs: Mapping[str, Any],
        step_config: Mapping[str, Any],
        force_recompute: bool = False,
    ) -> Any:
        """Run ``step_fn(**step_inputs)``, or read what it made before.

        Two processes that ask for the same step agree on one: the other waits and reads.

        Args:
            step_name: Part of the key.
            step_fn: A pure function; its code and all it reaches are part of the key.
            step_inputs: Its arguments; their content is part of the key.
            step_config: Part of the key alone.
            force_recompute: Run it in any case; what it makes takes the place of what was kept.

        Raises:
            StoreTypeError: The function, an input or the result is of a kind that cannot be kept; a TypeError as well.
            StoreError: The store cannot be written, or what was kept is damaged.
        """
        key = self.step_key(step_name, step_fn, step_inputs, step_config)
        if force_recompute:
            return self._run(key, step_name, step_fn, step_inputs, replace=True)
        result = self._fetch(key)
        if result is _MISS:
            with self.store.claim(key, label=step_name):
                result = self._fetch(key)
                if result is _MISS:
                    return self._run(key, step_name, step_fn, step_inputs, replace=False)
        _log.info("%s: read from the store", step_name)
        return result

    def clear_cache(self, older_than: float | None = None) -> int:
        """Forget results that are not pinned.

        Args:
            older_than: Only those that were not used for so many seconds.

        Returns:
            How many were forgotten.
        """
        return len(collect(self.store, older_than=older_than or 0, kinds={KIND}, spare=0).actions)

    def _fetch(self, key: str) -> Any:
        try:
            manifest = self.store.get(key)
            if manifest is None:
                return _MISS
            if self._is_expired(key):
                self.store.drop(key)
                return _MISS
            return self._load(manifest)
        except (StoreError, FileNotFoundError):
            if self.store.knows(key):
                raise
            return _MISS  # another process forgot it between the two looks

    def _is_expired(self, key: str) -> bool:
        age = time.time() - self.store.record_path(key).stat().st_mtime
        return self.cache_ttl is not None and age >= self.cache_ttl

    def _run(
        self, key: str, step_name: str, step_fn: Callable[..., Any], step_inputs: Mapping[str, Any], *, replace: bool
    ) -> Any:
        _log.info("%s: running", step_name)
        result = step_fn(**step_inputs)
        with self.store.scratch(key) as directory:
            values.save(result, directory)
            if replace:
                self.store.drop(key)
            manifest = self.store.commit(key, directory, KIND)
        loaded = self._load(manifest)
        if self.cache_size_limit is not None:
            collect(self.store, max_size=int(self.cache_size_limit * _MEGABYTE), kinds={KIND}, spare=0)
        return loaded

    def _load(self, manifest: Manifest) -> Any:
        self.store.check(manifest, "a kept value")
        return values.load(lambda name: self.store.blob(manifest.files[name].sha256), lambda: self._layout(manifest))

    def _layout(self, manifest: Manifest) -> Path:
        """A lasting directory of links to the files of a value."""
        target = self.store.root / "values" / manifest.digest
        if not target.is_dir():
            target.parent.mkdir(exist_ok=True)
            draft = target.parent / f"{os.urandom(8).hex()}.draft"
            self.store.materialize(manifest, draft)
            try:
                draft.chmod(0o755)  # a directory that is moved has to be writable
                draft.rename(target)
                target.chmod(0o555)
            except OSError:
                self.store.discard(draft)
                if not target.is_dir():
                    raise
        return target


def _sorted(node: Any) -> Any:
    """A shape in which the order of dicts does not count."""
    if isinstance(node, list):
        return [_sorted(item) for item in node]
    if isinstance(node, dict):
        items = {name: _sorted(item) for name, item in node.items()}
        if items.get("is") == "dict":
            items["items"] = sorted(items["items"], key=to_json)
        return items
    return node
