import shutil
import sqlite3
from dataclasses import replace

import pytest

from within_wf.tracking.client import connect
from within_wf.tracking.known import find_run
from within_wf.tracking.record import log_record


def find(target, record):
    return find_run(target.database, target.experiment, record.name, record.action)


def test_a_recorded_run_is_found_without_mlflow(target, record):
    assert find(target, record) is None
    run = log_record(target, record)
    assert find(target, record) == run


def test_only_the_same_experiment_model_and_evaluation_is_found(target, record):
    log_record(target, record)
    assert find(target, replace(record, name="sample_world.account_health")) is None
    assert find(target, replace(record, action="b" * 64)) is None
    assert find_run(target.database, "other", record.name, record.action) is None


def test_an_unfinished_run_is_not_known(target, record):
    run = log_record(target, record)
    connect(target).update_run(run, status="RUNNING")
    assert find(target, record) is None


def test_a_run_that_was_deleted_by_hand_was_recorded(target, record):
    run = log_record(target, record)
    connect(target).delete_run(run)
    assert find(target, record) == run
    assert log_record(target, record) == run


def test_no_database_has_no_run_and_is_not_made(tmp_path):
    assert find_run(tmp_path / "none.db", "x", "y", "z") is None
    assert not (tmp_path / "none.db").exists()


def test_a_file_of_another_kind_is_an_error_the_caller_decides_on(tmp_path):
    (tmp_path / "other.db").write_text("no database" * 100)
    with pytest.raises(sqlite3.Error, match="not a database"):
        find_run(tmp_path / "other.db", "x", "y", "z")


def test_odd_folder_names_are_no_query(target, record, tmp_path):
    log_record(target, record)
    odd = tmp_path / "a?mode=x#b %41"
    odd.mkdir()
    shutil.copyfile(target.database, odd / "mlflow.db")
    assert find_run(odd / "mlflow.db", target.experiment, record.name, record.action) is not None
