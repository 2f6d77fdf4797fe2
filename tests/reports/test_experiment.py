from pathlib import Path

import pytest

from within_wf.errors import DatasetNotFoundError, EvaluationError
from within_wf.reports import create_experiment_report
from within_wf.reports.experiment import read_experiment
from within_wf.store.canonical import write_json


@pytest.fixture
def folder(ads, tmp_path):
    home = tmp_path / "sample_world" / "ad_score"
    files = {
        "evaluate_ad_score/metrics.json": ads.metrics,
        "evaluate_ad_score/curves.json": ads.curves,
        "train_ad_score/history.json": ads.history,
        "validate_data/report.json": ads.validation,
        "split_data/summary.json": ads.split,
    }
    for name, value in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        write_json(home / name, value)
    return home


def test_writes_a_report_from_the_folders_of_the_steps(folder):
    path = create_experiment_report(folder)
    assert path == str(folder / "report.html")
    page = Path(path).read_text()
    assert "Ad score" in page
    assert "on sample world" in page
    assert "1,204 rows were read" in page


def test_takes_a_template(folder, tmp_path):
    (tmp_path / "mine.html").write_text("{{ verdict }}")
    assert Path(create_experiment_report(folder, tmp_path / "mine.html")).read_text() == "above"


def test_nothing_to_report_on_is_said(tmp_path):
    with pytest.raises(DatasetNotFoundError, match="Run its evaluation first"):
        create_experiment_report(tmp_path)
    with pytest.raises(DatasetNotFoundError, match="no such file"):
        create_experiment_report(tmp_path / "missing")


def test_broken_files_are_named(folder):
    metrics = folder / "evaluate_ad_score" / "metrics.json"
    metrics.write_text("{")
    with pytest.raises(EvaluationError, match=r"metrics.json: found text that is no JSON"):
        create_experiment_report(folder)
    metrics.write_text("[]")
    with pytest.raises(EvaluationError, match=r"metrics.json: found list"):
        create_experiment_report(folder)
    metrics.write_text('{"task": "regression"}')
    with pytest.raises(EvaluationError, match="found no 'verdict'") as raised:
        create_experiment_report(folder)
    assert len(raised.value.problems) == 9


def test_a_model_without_a_title_is_named_by_its_words(folder):
    experiment = read_experiment("d", "click_model", folder / "evaluate_ad_score")
    assert experiment.title == "Click model"
