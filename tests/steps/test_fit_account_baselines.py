import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from tests.steps.account_artifacts import write_account_features
from within_wf.steps import fit_account_baselines
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_json


@pytest.fixture
def context(tmp_path) -> StepContext:
    write_account_features(tmp_path / "features")
    (tmp_path / "output").mkdir()
    return StepContext({"features": tmp_path / "features"}, tmp_path / "output", {"training.seed": 1}, "account_health")


def test_scores_every_window(context):
    fit_account_baselines.run(context)
    index = pl.read_parquet(context.inputs["features"] / "index.parquet")
    predictions = pl.read_parquet(context.output / "predictions.parquet")
    assert predictions.select("series", "time", "split").equals(index.select("series", "time", "split"))
    assert sorted(read_json(context.output / "baselines.json")) == ["gradient_boosting", "robust_z"]
    test = (index["split"] == "test").to_numpy()
    for baseline in ("gradient_boosting", "robust_z"):
        assert roc_auc_score(index["label"].to_numpy()[test], predictions[baseline].to_numpy()[test]) > 0.6
