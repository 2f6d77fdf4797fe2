"""A database that MLflow made once, copied for every test."""

import shutil
from pathlib import Path

import pytest

from within_wf.tracking.client import create_database
from within_wf.tracking.record import DatasetVersion, RunRecord
from within_wf.tracking.target import Target

HISTORY = {
    "epochs": [
        {"epoch": 1, "train_loss": 0.5, "validation_loss": 0.4, "learning_rate": 0.1},
        {"epoch": 2, "train_loss": 0.3, "validation_loss": None, "learning_rate": 0.1},
    ],
    "best_epoch": 1,
    "stopped_early": False,
}
METRICS = {
    "task": "regression",
    "primary_metric": "rmse",
    "test": {"rmse": 1.5, "r2": None},
    "intervals": {"rmse": [1.25, 1.75]},
    "baselines": {"mean": {"metrics": {"rmse": 2.0}, "difference": {"value": -0.5, "low": -0.75, "high": -0.25}}},
    "slices": {"industry": {"food": {"rows": 3, "rmse": 1.0}}},
}


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder of an empty database."""
    folder = tmp_path_factory.mktemp("made")
    create_database(Target.resolve("x", f"sqlite:///{folder / 'mlflow.db'}"))
    return folder


@pytest.fixture
def target(made, tmp_path):
    """An embedded database of one's own."""
    shutil.copyfile(made / "mlflow.db", tmp_path / "mlflow.db")
    return Target.resolve("within_wf", f"sqlite:///{tmp_path / 'mlflow.db'}", {"team": "ads"})


@pytest.fixture
def record(tmp_path):
    """What is recorded of one model."""
    report = tmp_path / "page.html"
    report.write_text("<p>A report.")
    return RunRecord(
        name="sample_world.ad_score",
        action="a" * 64,
        params={
            "model": {"head": {"dropout": 0.1, "layers": [64, 32]}},
            "training": {"seed": 7, "name": "first", "stop": None},
        },
        history=HISTORY,
        metrics=METRICS,
        tags={"within_wf.raw.ads (1).csv": "b" * 64},
        datasets=(DatasetVersion("sample_world", "c" * 64, "drawn"),),
        files={"report.html": Path(report), "more/report.html": Path(report)},
        started=1000.0,
        ended=1060.5,
    )
