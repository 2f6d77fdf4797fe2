"""What an ad score model is compared with."""

from __future__ import annotations

import polars as pl

from within_wf.models.ad_baselines import Ads, fit_ad_baselines
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_tensors, write_json, write_parquet


def run(context: StepContext) -> None:
    """Fit the baselines on the training ads, choose their strength on the validation ads, score all of them."""
    features = context.inputs["features"]
    table = pl.read_parquet(features / "table.parquet")
    ads = Ads(
        texts=table["text"].fill_null("").to_list(),
        table=read_tensors(features / "features.safetensors")["x"],
        target=table["target"].to_numpy(),
        weight=table["weight"].to_numpy(),
        train=(table["split"] == "train").to_numpy(),
        validation=(table["split"] == "validation").to_numpy(),
    )
    baselines = fit_ad_baselines(ads, seed=context.section("training.seed", int))
    for name, baseline in baselines.items():
        context.say(f"{name}: {baseline.description}")
    predictions = [pl.Series(name, baseline.prediction) for name, baseline in baselines.items()]
    write_parquet(context.output / "predictions.parquet", table.select("id", "split").with_columns(predictions))
    write_json(context.output / "baselines.json", {name: baseline.description for name, baseline in baselines.items()})
