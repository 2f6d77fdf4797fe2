import json

import pytest

from within_wf.config.models import AdScoreConfig
from within_wf.steps import report_model
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_json

METRICS = {
    "task": "regression",
    "primary_metric": "rmse",
    "better": "lower",
    "rows": 50,
    "confidence": 0.95,
    "resamples": 100,
    "units": 50,
    "threshold": None,
    "verdict": "above",
    "test": {"rmse": 3.0, "r2": 0.8},
    "intervals": {"rmse": [2.5, 3.5], "r2": None},
    "baselines": {
        "mean": {
            "metrics": {"rmse": 9.0, "r2": 0.0},
            "intervals": {"rmse": [8.0, 10.0], "r2": [0.0, 0.0]},
            "difference": {"value": -6.0, "low": -7.0, "high": -5.0},
            "verdict": "above",
            "description": "the mean",
        }
    },
    "slices": {},
    "fairness": {},
}


@pytest.mark.parametrize("model", ["ad_score", "account_health"])
def test_writes_the_page_and_the_summary(tmp_path, model):
    side = "ads" if model == "ad_score" else "accounts"
    config = AdScoreConfig().model_dump(mode="json")
    write_json(tmp_path / "metrics.json", METRICS)
    outputs = [tmp_path / "one", tmp_path / "two"]
    for output in outputs:
        output.mkdir()
        report_model.run(
            StepContext(
                inputs={f"evaluate_{side}": tmp_path, "dataset": tmp_path, "split": tmp_path},
                output=output,
                config={
                    "dataset.name": "upworthy",
                    "dataset.description": "Headlines.",
                    "data.split": config["data"]["split"],
                    "model": config["model"],
                },
                model=model,
            )
        )
    summary = json.loads((outputs[0] / "summary.json").read_text())
    assert summary["score"] == 3.0
    assert summary["model"] == model
    assert summary["baselines"] == [{"name": "mean", "score": 9.0, "verdict": "above"}]
    page = (outputs[0] / "report.html").read_text()
    assert "upworthy" in page
    assert "data.split.strategy" in page
    for name in ("report.html", "summary.json"):
        assert (outputs[0] / name).read_bytes() == (outputs[1] / name).read_bytes()
