import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from within_wf.errors import TrackingError
from within_wf.tracking.client import connect, create_database, explained, locked
from within_wf.tracking.target import Target

ROOT = Path(__file__).resolve().parents[2]


def start(code, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def tables(path):
    with closing(sqlite3.connect(path)) as connection:
        return sorted(name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))


def test_the_database_is_made_once_and_whole(made):
    assert {"runs", "tags", "experiments"} <= set(tables(made / "mlflow.db"))
    assert not list(made.glob("*draft*")) + list(made.glob(".*draft*"))


def test_a_database_that_is_there_is_left_alone(target):
    before = target.database.stat()
    create_database(target)
    assert target.database.stat() == before


def test_telemetry_is_off_and_global_state_untouched(target):
    import mlflow

    before = mlflow.get_tracking_uri()
    connect(target)
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert mlflow.get_tracking_uri() == before


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrackingError, match=r"the lock .*file/m.db.create.lock cannot be made"):
        connect(Target.resolve("x", f"sqlite:///{tmp_path}/file/m.db"))


def test_a_file_that_is_no_database_is_an_error(tmp_path):
    (tmp_path / "m.db").write_text("something else" * 100)
    with pytest.raises(TrackingError, match=r"MLflow at sqlite:///.*m.db refuses: .*not a database"):
        connect(Target.resolve("x", f"sqlite:///{tmp_path}/m.db")).search_experiments()


def test_an_error_shows_no_credential():
    target = Target.resolve("x", "postgresql://me:hunter2@127.0.0.1/base")
    with (
        pytest.raises(TrackingError, match=r"postgresql://\*\*\*@127.0.0.1/base refuses: no postgresql://\*\*\*@") as caught,
        explained(target),
    ):
        raise OSError("no   postgresql://me:hunter2@127.0.0.1/base\nthere")
    assert caught.value.__suppress_context__


def test_a_lock_is_waited_for(tmp_path):
    code = """
import pathlib, sys, time
from within_wf.tracking.client import locked
with locked(pathlib.Path(sys.argv[1])):
    print("in", flush=True)
    time.sleep(30)
"""
    process = start(code, tmp_path / "lock")
    assert process.stdout.readline() == "in\n"
    waiting = start(code.replace("time.sleep(30)", "pass"), tmp_path / "lock")
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(1.0)
    process.kill()
    assert waiting.wait(10) == 0
    process.communicate()
    waiting.communicate()
    with locked(tmp_path / "lock"):
        pass


@pytest.mark.slow
def test_processes_that_meet_on_a_fresh_database_all_succeed(tmp_path):
    code = """
import sys
from within_wf.tracking.record import RunRecord, log_record
from within_wf.tracking.target import Target
target = Target.resolve("x", f"sqlite:///{sys.argv[1]}")
print(log_record(target, RunRecord(sys.argv[2], "a" * 64, {"a": 1}, {}, {"test": {"rmse": 1.0}})))
"""
    names = ["w.one", "w.two", "w.one", "w.two"]
    started = [start(code, tmp_path / "fresh" / "mlflow.db", name) for name in names]
    ended = [process.communicate(timeout=120) for process in started]
    assert [process.returncode for process in started] == [0] * 4, ended
    runs = [out.strip() for out, _ in ended]
    assert runs[0] == runs[2]
    assert runs[1] == runs[3]
    client = connect(Target.resolve("x", f"sqlite:///{tmp_path / 'fresh' / 'mlflow.db'}"))
    experiment = client.get_experiment_by_name("x")
    assert {run.info.run_id for run in client.search_runs([experiment.experiment_id])} == set(runs)


@pytest.mark.slow
def test_a_process_killed_while_it_makes_the_database_leaves_none(tmp_path):
    code = """
import sys
from within_wf.tracking.client import create_database
from within_wf.tracking.target import Target
create_database(Target.resolve("x", f"sqlite:///{sys.argv[1]}"))
"""
    database = tmp_path / "mlflow.db"
    process = start(code, database)
    draft = tmp_path / ".mlflow.db.draft"
    until = time.monotonic() + 60
    while not (draft.exists() and draft.stat().st_size > 50_000) and time.monotonic() < until:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert draft.exists()
    assert not database.exists()
    connect(Target.resolve("x", f"sqlite:///{database}")).search_experiments()
    assert not draft.exists()


def test_a_database_of_another_version_is_left_alone(target):
    with closing(sqlite3.connect(target.database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    before = target.database.read_bytes()
    with pytest.raises(TrackingError, match=r"out-of-date database schema.*mlflow db upgrade"):
        connect(target).search_experiments()
    assert target.database.read_bytes() == before
