"""Recording to a real server on loopback."""

import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from within_wf.tracking import ExperimentTracker, compare_experiments
from within_wf.tracking.client import connect
from within_wf.tracking.record import log_record
from within_wf.tracking.target import Target

pytestmark = pytest.mark.slow


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def server(made, tmp_path_factory):
    """The address of a server with an empty database."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    (folder / "mlflow.db").write_bytes((made / "mlflow.db").read_bytes())
    command = [str(Path(sys.executable).parent / "mlflow"), "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "files"), "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        wait(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def wait(address, process, log):
    until = time.monotonic() + 90
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 - loopback
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.fixture
def target(server, tmp_path, monkeypatch):
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))
    return Target.resolve("within_wf", server)


def test_a_record_is_whole_and_single_on_a_server(target, record, tmp_path):
    run_id = log_record(target, record)
    assert log_record(target, record) == run_id
    client = connect(target)
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test.rmse"] == 1.5
    assert [point.step for point in client.get_metric_history(run_id, "training.train_loss")] == [1, 2]
    client.download_artifacts(run_id, "report.html", str(tmp_path))
    assert (tmp_path / "report.html").read_text() == "<p>A report."


def test_processes_that_record_the_same_at_once_make_one_run(target, tmp_path):
    code = """
import sys
from within_wf.tracking.record import RunRecord, log_record
from within_wf.tracking.target import Target
print(log_record(Target.resolve("together", sys.argv[1]), RunRecord("w.one", "a" * 64, {"a": 1}, {}, {"test": {"rmse": 1.0}})))
"""
    command = [sys.executable, "-c", code, target.uri]
    started = [subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({process.communicate(timeout=120)[0] for process in started}) == 1
    assert [process.returncode for process in started] == [0, 0, 0]
    assert compare_experiments(["together"], ["test.rmse"], tracking_uri=target.uri)["statistics"]["test.rmse"]["runs"] == 1


def test_a_tracker_on_a_server(target):
    tracker = ExperimentTracker("by hand", target.uri)
    with tracker.run("one") as run:
        tracker.log_metrics({"auc": 0.5})
        tracker.log_feature_importance([1.0], ["a"])
    assert {file.path for file in tracker.client.list_artifacts(run.info.run_id)} == {
        "feature_importance.json",
        "feature_importance.svg",
    }
