"""Finds runs in an embedded database without MLflow, whose import costs more than a second."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

ACTION_TAG = "within_wf.action_key"
NAME_TAG = "within_wf.name"
"""What a run is found again by: the action key of its evaluation, and ``<dataset>.<model>``."""

_FIND = """
SELECT runs.run_uuid FROM runs
JOIN experiments ON experiments.experiment_id = runs.experiment_id AND experiments.name = ?
JOIN tags AS action ON action.run_uuid = runs.run_uuid AND action.key = ? AND action.value = ?
JOIN tags AS name ON name.run_uuid = runs.run_uuid AND name.key = ? AND name.value = ?
WHERE runs.status = 'FINISHED' ORDER BY runs.start_time, runs.run_uuid LIMIT 1
"""


def find_run(database: Path, experiment: str, name: str, action: str) -> str | None:
    """The id of the finished run of an evaluation; none where there is no such run, or no database.

    A run that somebody deleted in MLflow counts: it was recorded, and is not wanted.

    Args:
        database: A sqlite file that MLflow made.
        experiment: The experiment's name.
        name: ``<dataset>.<model>``.
        action: The action key of the evaluation.

    Raises:
        sqlite3.Error: The database cannot be read just now, or MLflow lays it out differently.
    """
    if not database.exists():
        return None
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=1.0)) as connection:
        row = connection.execute(_FIND, (experiment, ACTION_TAG, action, NAME_TAG, name)).fetchone()
    return None if row is None else str(row[0])
