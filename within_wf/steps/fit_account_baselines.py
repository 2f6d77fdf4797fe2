"""What an account health model is compared with."""

from __future__ import annotations

import polars as pl

from within_wf.models.account_baselines import DESCRIPTIONS, AccountWindows, fit_account_baselines
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_tensors, write_json, write_parquet


def run(context: StepContext) -> None:
    """Fit the baselines on the training windows and score all of them."""
    features = context.inputs["features"]
    index = pl.read_parquet(features / "index.parquet")
    tensors = read_tensors(features / "windows.safetensors")
    windows = AccountWindows(
        x=tensors["x"],
        features=tensors["features"],
        label=tensors["label"],
        series=index["series"].to_numpy().astype(str),
        train=(index["split"] == "train").to_numpy(),
    )
    predictions = fit_account_baselines(windows, seed=context.section("training.seed", int))
    keys = index.select("series", "time", "split")
    write_parquet(
        context.output / "predictions.parquet", keys.with_columns(**{k: pl.Series(v) for k, v in predictions.items()})
    )
    write_json(context.output / "baselines.json", DESCRIPTIONS)
