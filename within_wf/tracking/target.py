"""Where experiments are recorded. Nothing here imports MLflow."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from within_wf.errors import Problem, TrackingError
from within_wf.store.redaction import redact

SCHEMES = ("http", "https", "sqlite", "postgresql", "mysql", "mssql")
_SQLITE = "sqlite:///"


@dataclass(frozen=True)
class Target:
    """A tracking database or server, and the experiment there; make one with :meth:`resolve`.

    Attributes:
        uri: The MLflow tracking URI; it may hold a password, so print :attr:`shown` instead.
        experiment: The experiment's name.
        folder: Where lock files and the artifacts of an embedded database are kept.
        database: The file of an embedded database; none for a server.
        tags: What every run is tagged with.
    """

    uri: str = field(repr=False)
    experiment: str
    folder: Path
    database: Path | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def resolve(cls, experiment: str, uri: str | None = None, tags: Mapping[str, str] | None = None) -> Target:
        """Decide where to record.

        Args:
            experiment: The experiment's name.
            uri: An MLflow tracking URI; by default ``MLFLOW_TRACKING_URI`` and, without it, a sqlite database in the
                folder ``<store>-tracking`` beside the store.
            tags: What every run is tagged with.

        Raises:
            TrackingError: The URI is of no kind that can be recorded to.
        """
        where = "tracking.uri" if uri else "MLFLOW_TRACKING_URI"
        folder = tracking_folder()
        uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or f"{_SQLITE}{folder / 'mlflow.db'}"
        scheme = uri.partition(":")[0].partition("+")[0]
        if "://" not in uri or scheme not in SCHEMES:
            cure = "Correct it, or set tracking.enabled=false."
            problem = Problem(where, redact(uri), f"a URI that begins with {', '.join(SCHEMES)}", cure)
            raise TrackingError("experiments cannot be recorded there", [problem])
        if scheme != "sqlite":
            return cls(uri, experiment, folder, None, dict(tags or {}))
        path = uri.partition("?")[0].removeprefix(_SQLITE)
        if not uri.startswith(_SQLITE) or not path or path.startswith(":memory:"):
            problem = Problem(where, redact(uri), "sqlite:/// and the path of a file")
            raise TrackingError("experiments cannot be recorded there", [problem])
        database = Path(path).absolute()
        return cls(f"{_SQLITE}{database}", experiment, database.parent, database, dict(tags or {}))

    @property
    def shown(self) -> str:
        """The URI without credentials."""
        return redact(self.uri)

    @property
    def identity(self) -> str:
        """SHA-256 of where this is, hexadecimal; another password is no other place."""
        parts = urlsplit(self.uri)
        place = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}\0{self.experiment}"
        return hashlib.sha256(place.encode()).hexdigest()

    @property
    def lock(self) -> Path:
        """The file that is locked while something is recorded."""
        if self.database is not None:
            return self.database.with_name(f"{self.database.name}.lock")
        return self.folder / f"{self.identity[:16]}.lock"

    @property
    def artifacts(self) -> Path | None:
        """Where an embedded database keeps files; a server decides itself."""
        return None if self.database is None else self.database.with_name(f"{self.database.stem}-artifacts")


def tracking_folder() -> Path:
    """The folder beside the store."""
    store = Path(os.environ.get("WITHIN_STORE") or Path(".within", "store")).absolute()
    return store.with_name(f"{store.name}-tracking")
