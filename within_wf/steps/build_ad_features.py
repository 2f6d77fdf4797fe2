"""The ads of a split as features, texts and targets."""

from __future__ import annotations

import numpy as np
import polars as pl

from within_wf.config.dataset import AdTable
from within_wf.config.features import FeatureConfig
from within_wf.features.preprocessor import Preprocessor
from within_wf.features.target_encoding import Answers
from within_wf.features.texts import joined_text
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_json, write_parquet, write_tensors

SPLITS = ("train", "validation", "test")


def run(context: StepContext) -> None:
    """Fit the preprocessor on the training ads, transform all of them."""
    roles = context.section("dataset.ads", AdTable)
    parts = {name: pl.read_parquet(context.inputs["split"] / f"{name}.parquet").sort(roles.id) for name in SPLITS}
    preprocessor = Preprocessor.of(roles, context.section("data.features", FeatureConfig))
    ads = pl.concat([part.with_columns(split=pl.lit(name)) for name, part in parts.items()])
    pictures = _pictures(context) if preprocessor.config.image_statistics else {}
    learned = preprocessor.fit_transform(parts["train"], _answers(parts["train"], roles, preprocessor.config.seed), pictures)
    features = np.concatenate([learned, preprocessor.transform(ads[parts["train"].height :], pictures)])
    context.say(f"{ads.height:,} ads, {features.shape[1]} features")
    write_parquet(context.output / "table.parquet", _table(ads, roles))
    write_tensors(context.output / "features.safetensors", {"x": features})
    write_json(context.output / "feature_names.json", preprocessor.feature_names)
    preprocessor.save(context.output / "preprocessor")


def _answers(train: pl.DataFrame, roles: AdTable, seed: int) -> Answers:
    """What target encodings learn from; rows of a group are in one fold."""
    weight = train[roles.weight].cast(pl.Float64).to_numpy() if roles.weight else np.ones(train.height)
    named = [pl.col(name).cast(pl.String) for name in (roles.group, roles.id) if name is not None]
    units = train.select(pl.coalesce(named)).to_series()
    return Answers(train[roles.target].cast(pl.Float64).to_numpy(), weight, units, seed)


def _pictures(context: StepContext) -> dict[str, bytes]:
    creatives = pl.read_parquet(context.inputs["world"] / "creatives.parquet", columns=["creative_id", "png"])
    return dict(zip(creatives["creative_id"].to_list(), creatives["png"].to_list(), strict=True))


def _table(ads: pl.DataFrame, roles: AdTable) -> pl.DataFrame:
    slices = dict.fromkeys(name for name in (*roles.categorical, *roles.sensitive, roles.group) if name is not None)
    return ads.select(
        pl.col(roles.id).cast(pl.String).alias("id"),
        "split",
        pl.col(roles.target).cast(pl.Float64).alias("target"),
        (pl.col(roles.weight).cast(pl.Float64) if roles.weight else pl.lit(1.0)).alias("weight"),
        joined_text(ads, roles.text).alias("text"),
        (pl.col(roles.image).cast(pl.String) if roles.image else pl.lit(None, pl.String)).alias("creative"),
        *(pl.col(name).cast(pl.String).alias(f"slice_{name}") for name in slices),
    )
