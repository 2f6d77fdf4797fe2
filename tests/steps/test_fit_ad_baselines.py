import os
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from within_wf.steps import fit_ad_baselines
from within_wf.steps.context import StepContext
from within_wf.steps.environment import step_environment
from within_wf.store.canonical import read_json, write_parquet, write_tensors

NAMES = ["mean", "tfidf_ridge", "gradient_boosting"]


@pytest.fixture
def context(tmp_path) -> StepContext:
    """Ads whose score follows from a word and a number; some have no text."""
    random = np.random.default_rng(0)
    free, x = random.integers(0, 2, size=200), random.normal(size=(200, 3)).astype(np.float32)
    table = pl.DataFrame(
        {
            "id": [f"ad{number:03}" for number in range(200)],
            "split": ["train"] * 120 + ["validation"] * 40 + ["test"] * 40,
            "target": 3.0 * free + x[:, 0],
            "weight": random.gamma(2, 1, size=200),
            "text": [f"{'free' if of else 'new'} shoes" if i % 9 else "" for i, of in enumerate(free)],
        }
    )
    (tmp_path / "features").mkdir()
    (tmp_path / "output").mkdir()
    write_parquet(tmp_path / "features" / "table.parquet", table)
    write_tensors(tmp_path / "features" / "features.safetensors", {"x": x})
    return StepContext({"features": tmp_path / "features"}, tmp_path / "output", {"training.seed": 1}, "ad_score")


def test_scores_every_ad_and_says_how(context):
    fit_ad_baselines.run(context)
    table = pl.read_parquet(context.inputs["features"] / "table.parquet")
    predictions = pl.read_parquet(context.output / "predictions.parquet")
    assert predictions.select("id", "split").equals(table.select("id", "split"))
    assert predictions.columns == ["id", "split", *NAMES]
    assert set(predictions.select(NAMES).dtypes) == {pl.Float64}
    assert predictions.select(pl.all_horizontal(pl.col(NAMES).is_finite().all())).item()
    said = read_json(context.output / "baselines.json")
    assert sorted(said) == sorted(NAMES)
    assert "alpha" in said["tfidf_ridge"]
    assert "3 features" in said["gradient_boosting"]


def test_without_texts_and_features_the_mean_is_left(context):
    features = context.inputs["features"]
    table = pl.read_parquet(features / "table.parquet")
    write_parquet(features / "table.parquet", table.with_columns(text=pl.lit(None, pl.String)))
    write_tensors(features / "features.safetensors", {"x": np.zeros((200, 0), np.float32)})
    fit_ad_baselines.run(context)
    assert pl.read_parquet(context.output / "predictions.parquet").columns == ["id", "split", "mean"]
    assert list(read_json(context.output / "baselines.json")) == ["mean"]


def test_the_same_bytes_in_every_process(context, tmp_path):
    code = (
        "import sys; from pathlib import Path; from within_wf.steps import fit_ad_baselines; "
        "from within_wf.steps.context import StepContext; features, output = map(Path, sys.argv[1:]); "
        "fit_ad_baselines.run(StepContext({'features': features}, output, {'training.seed': 1}, 'ad_score'))"
    )
    outputs = [tmp_path / "first", tmp_path / "second"]
    for output in outputs:
        output.mkdir()
        paths = [str(context.inputs["features"]), str(output)]
        subprocess.run([sys.executable, "-c", code, *paths], env=step_environment(os.environ), check=True)
    for name in ("predictions.parquet", "baselines.json"):
        assert len({(output / name).read_bytes() for output in outputs}) == 1
