import datetime as dt
import json

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sk

from within_wf.steps import evaluate_account_health
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_json


@pytest.fixture
def inputs(tmp_path):
    rng = np.random.default_rng(0)
    folders = {name: tmp_path / name for name in ("features", "model", "baselines")}
    for folder in folders.values():
        folder.mkdir()
    rows = [(f"account_{a}", dt.date(2025, 1, 1) + dt.timedelta(days=d)) for a in range(6) for d in range(30)]
    keys = pl.DataFrame(rows, schema=["series", "time"], orient="row").with_columns(
        split=pl.when(pl.col("time") < dt.date(2025, 1, 16)).then(pl.lit("train")).otherwise(pl.lit("test"))
    )
    label = rng.integers(0, 2, keys.height)
    index = keys.with_columns(label=pl.Series(label), slice_industry=pl.Series(["retail", "travel"] * (keys.height // 2)))
    index.write_parquet(folders["features"] / "index.parquet")
    sure = np.clip(0.5 + 0.5 * (label - 0.5) + rng.normal(0, 0.2, keys.height), 0, 1)
    keys.with_columns(prediction=pl.Series(sure)).write_parquet(folders["model"] / "predictions.parquet")
    keys.with_columns(robust_z=pl.Series(rng.random(keys.height))).write_parquet(folders["baselines"] / "predictions.parquet")
    write_json(folders["baselines"] / "baselines.json", {"robust_z": "z"})
    return folders


def test_judges_the_test_windows_in_blocks(inputs, tmp_path):
    output = tmp_path / "out"
    output.mkdir()
    config = {
        "dataset.series": {"channels": ["clicks"], "slices": ["industry"]},
        "evaluation": {"bootstrap": {"resamples": 100, "block": 7}},
    }
    evaluate_account_health.run(StepContext(inputs=inputs, output=output, config=config, model="account_health"))
    metrics = json.loads((output / "metrics.json").read_text())
    index = pl.read_parquet(inputs["features"] / "index.parquet").filter(pl.col("split") == "test")
    theirs = index.join(pl.read_parquet(inputs["model"] / "predictions.parquet"), on=["series", "time"])
    assert metrics["test"]["auc"] == pytest.approx(sk.roc_auc_score(theirs["label"], theirs["prediction"]), abs=1e-12)
    assert metrics["units"] == 6 * 3, "15 moments of each series are blocks of 7, 7 and 1"
    assert metrics["primary_metric"] == "auc"
    assert metrics["verdict"] == "above"
    assert set(metrics["slices"]["industry"]) == {"retail", "travel"}
    written = pl.read_parquet(output / "predictions.parquet")
    assert written.columns == ["series", "time", "target", "prediction", "robust_z"]
    assert set(json.loads((output / "curves.json").read_text())["roc"]) == {"model", "robust_z"}
