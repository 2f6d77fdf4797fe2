"""The ads of a split as features, texts and targets."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from within_wf.config.dataset import AdTable
from within_wf.config.features import FeatureConfig
from within_wf.data.units import column_of
from within_wf.features.preprocessor import Preprocessor
from within_wf.features.target_encoding import Answers
from within_wf.features.texts import joined_text
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_json
from within_wf.store.pieces import pieces, sorted_pieces, write_pieces
from within_wf.store.tensor_writer import TensorWriter

SPLITS = ("train", "validation", "test")


def run(context: StepContext) -> None:
    """Fit the preprocessor on the training ads, transform all of them; of large sides only some rows are in memory."""
    roles = context.section("dataset.ads", AdTable)
    preprocessor = Preprocessor.of(roles, context.section("data.features", FeatureConfig))
    pictures = _pictures(context) if preprocessor.config.image_statistics else {}
    with TemporaryDirectory(dir=context.output) as folder:
        parts = _sorted_sides(context.inputs["split"], roles.id, Path(folder))
        answers = _answers(parts["train"], roles, preprocessor.config.seed) if preprocessor.encodes_targets else None
        learned = preprocessor.fit_transform_pieces(parts["train"], answers, pictures)
        names = preprocessor.feature_names
        with TensorWriter(context.output / "features.safetensors", {"x": (np.float32, (len(names),))}) as writer:
            others = (preprocessor.transform(piece, pictures) for name in SPLITS[1:] for piece in pieces(parts[name]))
            for features in chain(learned, others):
                writer.append("x", features)
        ads = (_table(piece, name, roles) for name, part in parts.items() for piece in pieces(part))
        rows = write_pieces(context.output / "table.parquet", ads)
    context.say(f"{rows:,} ads, {len(names)} features")
    write_json(context.output / "feature_names.json", names)
    preprocessor.save(context.output / "preprocessor")


def _sorted_sides(split: Path, by: str, folder: Path) -> dict[str, pl.LazyFrame]:
    """Each side in the order of its ids, as a file in a folder."""
    for name in SPLITS:
        file = f"{name}.parquet"
        write_pieces(folder / file, sorted_pieces(pl.scan_parquet(split / file), by))
    return {name: pl.scan_parquet(folder / f"{name}.parquet") for name in SPLITS}


def _answers(train: pl.LazyFrame, roles: AdTable, seed: int) -> Answers:
    """What target encodings learn from; rows of a group are in one fold."""
    target = column_of(train, roles.target).cast(pl.Float64).to_numpy()
    weight = column_of(train, roles.weight).cast(pl.Float64).to_numpy() if roles.weight else np.ones(target.size)
    named = [pl.col(name).cast(pl.String) for name in (roles.group, roles.id) if name is not None]
    units = train.select(pl.coalesce(named)).collect(engine="streaming").to_series()
    return Answers(target, weight, units, seed)


def _pictures(context: StepContext) -> dict[str, bytes]:
    creatives = pl.read_parquet(context.inputs["world"] / "creatives.parquet", columns=["creative_id", "png"])
    return dict(zip(creatives["creative_id"].to_list(), creatives["png"].to_list(), strict=True))


def _table(ads: pl.DataFrame, split: str, roles: AdTable) -> pl.DataFrame:
    slices = dict.fromkeys(name for name in (*roles.categorical, *roles.sensitive, roles.group) if name is not None)
    return ads.select(
        pl.col(roles.id).cast(pl.String).alias("id"),
        pl.lit(split).alias("split"),
        pl.col(roles.target).cast(pl.Float64).alias("target"),
        (pl.col(roles.weight).cast(pl.Float64) if roles.weight else pl.lit(1.0)).alias("weight"),
        joined_text(ads, roles.text).alias("text"),
        (pl.col(roles.image).cast(pl.String) if roles.image else pl.lit(None, pl.String)).alias("creative"),
        *(pl.col(name).cast(pl.String).alias(f"slice_{name}") for name in slices),
    )
