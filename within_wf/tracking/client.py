"""The one place that imports MLflow."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from within_wf.errors import TrackingError
from within_wf.store.redaction import redact
from within_wf.tracking.target import Target

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


def connect(target: Target) -> MlflowClient:
    """A client of a target; the embedded database is made where it is missing.

    MLflow's usage reports to its makers are turned off first, and so is its printing of addresses. No global state of MLflow is
    set: clients of several targets live side by side.

    Raises:
        TrackingError: The target cannot be reached, or its database is of another version of MLflow.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # with its password
    from mlflow.tracking import MlflowClient

    if target.database is not None:
        create_database(target)
    with explained(target):
        return MlflowClient(tracking_uri=target.uri, registry_uri=target.uri)


@contextmanager
def explained(target: Target) -> Iterator[None]:
    """Turn what MLflow raises into one error that names the target and no credential.

    Raises:
        TrackingError: In place of what MLflow and what stands below it raise.
    """
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (MlflowException, RequestException, SQLAlchemyError, OSError) as error:
        reason = redact(" ".join(str(error).split()))[:500]
        raise TrackingError(f"MLflow at {target.shown} refuses: {reason}") from None


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; it is never removed, and the kernel lets go of it when its holder dies.

    Raises:
        TrackingError: The file cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    except OSError as error:
        raise TrackingError(f"the lock {path} cannot be made: {error.strerror}") from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def create_database(target: Target) -> None:
    """Make the embedded database where it is missing; one process does, all others wait.

    MLflow's migrations cannot run beside each other, and one that is killed leaves half a schema behind: they run on a
    draft that takes the database's name when it is whole.

    Raises:
        TrackingError: It cannot be made.
    """
    database = target.database
    if database is None or database.exists():
        return
    with locked(database.with_name(f"{database.name}.create.lock")):
        if database.exists():
            return
        draft = database.with_name(f".{database.name}.draft")
        for left in (draft, draft.with_name(f"{draft.name}-journal")):
            left.unlink(missing_ok=True)
        with explained(target):
            from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

            store = SqlAlchemyStore(f"sqlite:///{draft}", str(target.artifacts))
            store.engine.dispose()
            draft.replace(database)
