import json

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sk

from within_wf.errors import EvaluationError
from within_wf.steps import evaluate_ad_score
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_json

SPLITS = ["train"] * 20 + ["validation"] * 10 + ["test"] * 60


@pytest.fixture
def inputs(tmp_path):
    rng = np.random.default_rng(0)
    truth = rng.normal(50, 10, 90)
    ids = [f"ad_{i:03}" for i in range(90)]
    folders = {name: tmp_path / name for name in ("features", "model", "baselines")}
    for folder in folders.values():
        folder.mkdir()
    table = pl.DataFrame(
        {
            "id": ids,
            "split": SPLITS,
            "target": truth,
            "weight": np.where(np.arange(90) % 2 == 0, 1.0, 3.0),
            "slice_audience_gender": ["female", "male", None] * 30,
            "slice_campaign_id": [f"campaign_{i // 3}" for i in range(90)],
        }
    )
    table.write_parquet(folders["features"] / "table.parquet")
    predictions = pl.DataFrame({"id": ids, "split": SPLITS, "prediction": truth + rng.normal(0, 3, 90)})
    predictions.reverse().write_parquet(folders["model"] / "predictions.parquet")
    given = pl.DataFrame({"id": ids, "split": SPLITS, "mean": [50.0] * 90, "tfidf_ridge": truth + rng.normal(0, 6, 90)})
    given.write_parquet(folders["baselines"] / "predictions.parquet")
    write_json(folders["baselines"] / "baselines.json", {"mean": "the mean", "tfidf_ridge": "ridge"})
    return folders


def context(inputs, output, **ads):
    output.mkdir(exist_ok=True)
    config = {
        "dataset.ads": {"target": "effectiveness", "sensitive": ["audience_gender"], **ads},
        "evaluation": {"bootstrap": {"resamples": 100}},
    }
    return StepContext(inputs=inputs, output=output, config=config, model="ad_score")


def test_judges_the_test_rows_with_their_weights(inputs, tmp_path):
    evaluate_ad_score.run(context(inputs, tmp_path / "out"))
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    table = pl.read_parquet(inputs["features"] / "table.parquet").filter(pl.col("split") == "test")
    theirs = table.join(pl.read_parquet(inputs["model"] / "predictions.parquet"), on="id")
    want = sk.root_mean_squared_error(theirs["target"], theirs["prediction"], sample_weight=theirs["weight"])
    assert metrics["test"]["rmse"] == pytest.approx(want, rel=1e-12)
    assert metrics["rows"] == 60
    assert metrics["verdict"] == "above"
    assert metrics["baselines"]["mean"]["description"] == "the mean"
    assert set(metrics["slices"]) == {"audience_gender", "campaign_id"}
    assert set(metrics["slices"]["audience_gender"]) == {"female", "male", "(none)"}
    written = pl.read_parquet(tmp_path / "out" / "predictions.parquet")
    assert written.columns == ["id", "target", "prediction", "mean", "tfidf_ridge"]
    assert json.loads((tmp_path / "out" / "curves.json").read_text())["scatter"]


def test_rows_of_a_group_are_resampled_together(inputs, tmp_path):
    evaluate_ad_score.run(context(inputs, tmp_path / "out", group="campaign_id"))
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["units"] == 20
    assert set(metrics["slices"]) == {"audience_gender"}


def test_the_same_bytes_twice(inputs, tmp_path):
    for name in ("one", "two"):
        evaluate_ad_score.run(context(inputs, tmp_path / name))
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_without_baselines(inputs, tmp_path):
    del inputs["baselines"]
    evaluate_ad_score.run(context(inputs, tmp_path / "out"))
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert metrics["baselines"] == {}
    assert metrics["verdict"] == "level"


def test_a_row_without_a_prediction_is_named(inputs, tmp_path):
    path = inputs["model"] / "predictions.parquet"
    pl.read_parquet(path).filter(~pl.col("id").is_in(["ad_040", "ad_041"])).write_parquet(path)
    with pytest.raises(EvaluationError, match="test row ad_041: found no prediction") as raised:
        evaluate_ad_score.run(context(inputs, tmp_path / "out"))
    assert len(raised.value.problems) == 2
    assert list((tmp_path / "out").iterdir()) == []


def test_a_row_with_two_predictions_is_named(inputs, tmp_path):
    path = inputs["baselines"] / "predictions.parquet"
    table = pl.read_parquet(path)
    pl.concat([table, table.filter(pl.col("id") == "ad_050")]).write_parquet(path)
    with pytest.raises(EvaluationError, match="test row ad_050: found several"):
        evaluate_ad_score.run(context(inputs, tmp_path / "out"))


def test_a_missing_value_is_named_by_its_ad(inputs, tmp_path):
    path = inputs["model"] / "predictions.parquet"
    table = pl.read_parquet(path)
    table.with_columns(prediction=pl.when(pl.col("id") == "ad_060").then(float("nan")).otherwise("prediction")).write_parquet(
        path
    )
    with pytest.raises(EvaluationError, match=r"prediction of model, row 30 \(ad_060\): found nan"):
        evaluate_ad_score.run(context(inputs, tmp_path / "out"))
