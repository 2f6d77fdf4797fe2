import hashlib
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tests.steps.account_artifacts import write_account_features
from within_wf.config.models import AccountHealthModelConfig, XGBoostConfig
from within_wf.config.training import TrainingConfig
from within_wf.models.account_health import AccountHealthPredictor
from within_wf.steps import train_account_health
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_json, read_tensors, write_parquet, write_tensors


@pytest.fixture
def context(tmp_path) -> StepContext:
    write_account_features(tmp_path / "features")
    tensors = read_tensors(tmp_path / "features" / "windows.safetensors")
    (tmp_path / "augmented").mkdir()
    write_tensors(tmp_path / "augmented" / "windows.safetensors", {name: value[:20] for name, value in tensors.items()})
    write_parquet(tmp_path / "augmented" / "index.parquet", pl.DataFrame({"row": np.arange(20), "copy": np.ones(20, np.int64)}))
    (tmp_path / "output").mkdir()
    config = {
        "model": AccountHealthModelConfig(xgboost=XGBoostConfig(n_estimators=10)).model_dump(mode="json"),
        "training": TrainingConfig(epochs=2, loss="bce").model_dump(mode="json"),
        "data.batch_size": 32,
        "reproducibility.arithmetic": "exact",
    }
    inputs = {label: tmp_path / label for label in ("features", "augmented")}
    return StepContext(inputs, tmp_path / "output", config, "account_health")


@pytest.mark.parametrize("arithmetic", ["exact", "native"])
def test_saves_the_model_its_history_and_its_predictions(context, arithmetic, capsys):
    context = replace(context, config={**context.config, "reproducibility.arithmetic": arithmetic})
    train_account_health.run(context)
    tensors = read_tensors(context.inputs["features"] / "windows.safetensors")
    index = pl.read_parquet(context.inputs["features"] / "index.parquet")
    predictions = pl.read_parquet(context.output / "predictions.parquet")
    assert predictions.select("series", "time", "split").equals(index.select("series", "time", "split"))
    model = AccountHealthPredictor.load(context.output / "model")
    assert model.lstm.arithmetic == arithmetic
    assert np.array_equal(model.predict(tensors["x"], tensors["features"]), predictions["prediction"].to_numpy())
    assert [epoch["epoch"] for epoch in read_json(context.output / "history.json")["epochs"]] == [1, 2]
    assert "LSTM: epoch 2 of at most 2" in capsys.readouterr().err


def test_the_same_bytes_again(context, tmp_path):
    (tmp_path / "again").mkdir()
    train_account_health.run(context)
    train_account_health.run(replace(context, output=tmp_path / "again"))
    digests = [
        {
            path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file()
        }
        for folder in (context.output, tmp_path / "again")
    ]
    assert len(digests[0]) == 8
    assert digests[0] == digests[1]
