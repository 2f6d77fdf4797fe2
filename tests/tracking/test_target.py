import subprocess
import sys
from pathlib import Path

import pytest

from within_wf.errors import TrackingError
from within_wf.tracking.target import Target


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))


def test_the_default_is_a_database_beside_the_store(tmp_path):
    target = Target.resolve("x")
    assert target.database == tmp_path / "store-tracking" / "mlflow.db"
    assert target.uri == f"sqlite:///{target.database}"
    assert target.artifacts == tmp_path / "store-tracking" / "mlflow-artifacts"
    assert target.lock.parent == target.database.parent


def test_without_a_named_store_it_is_in_the_working_directory(monkeypatch, tmp_path):
    monkeypatch.delenv("WITHIN_STORE")
    monkeypatch.chdir(tmp_path)
    assert Target.resolve("x").database == tmp_path / ".within" / "store-tracking" / "mlflow.db"


def test_the_configuration_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:5000")
    assert Target.resolve("x").uri == "http://localhost:5000"
    assert Target.resolve("x", "https://other").uri == "https://other"


def test_a_relative_database_becomes_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    target = Target.resolve("x", "sqlite:///some/place.db?timeout=3")
    assert target.database == tmp_path / "some" / "place.db"
    assert target.uri == f"sqlite:///{tmp_path}/some/place.db"


def test_a_server_has_no_files_here(tmp_path):
    target = Target.resolve("x", "postgresql+psycopg2://me:secret@host/base")
    assert (target.database, target.artifacts) == (None, None)
    assert target.lock.parent == tmp_path / "store-tracking"


def test_no_password_is_shown():
    target = Target.resolve("x", "postgresql://me:hunter2@host/base?sslkey=hunter3")
    assert target.shown == "postgresql://***@host/base?sslkey=***"
    assert "hunter" not in repr(target)


def test_another_password_is_no_other_place_and_another_experiment_is():
    first = Target.resolve("x", "https://me:one@host/a?token=1")
    assert first.identity == Target.resolve("x", "https://you:two@host/a").identity
    assert (
        len({first.identity, Target.resolve("y", "https://host/a").identity, Target.resolve("x", "https://host/b").identity})
        == 3
    )


@pytest.mark.parametrize("uri", ["ftp://me:hunter2@host", "mlruns", "file:///tmp/x", "databricks", "://"])
def test_other_places_are_refused_with_a_cure_and_without_the_password(uri):
    with pytest.raises(TrackingError, match=r"tracking.uri: found .*begins with http, https, sqlite.*enabled=false") as caught:
        Target.resolve("x", uri)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("uri", ["sqlite:///", "sqlite://", "sqlite:///:memory:", "sqlite://host/x"])
def test_a_database_needs_a_file(uri):
    with pytest.raises(TrackingError, match="sqlite:/// and the path of a file"):
        Target.resolve("x", uri)


def test_the_message_names_the_variable_that_is_wrong(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "databricks")
    with pytest.raises(TrackingError, match="MLFLOW_TRACKING_URI: found databricks"):
        Target.resolve("x")


def test_nothing_of_mlflow_is_imported_to_decide_where():
    code = """
import sys
import within_wf.steps.tracking, within_wf.tracking.known, within_wf.tracking.target
print("mlflow" in sys.modules)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "False"
