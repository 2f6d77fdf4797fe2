"""Varied copies of training windows."""

from __future__ import annotations

import numpy as np
import polars as pl

from within_wf.augment.chosen import chosen_copies
from within_wf.augment.features import FeatureAugmenter
from within_wf.config.data import AugmentationConfig
from within_wf.runtime.streams import ids_of
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_tensors, write_parquet, write_tensors


def run(context: StepContext) -> None:
    """Vary the numbers of the training windows that are drawn."""
    config = context.section("data.augmentation", AugmentationConfig)
    index = pl.read_parquet(context.inputs["features"] / "index.parquet").with_row_index("row")
    windows = read_tensors(context.inputs["features"] / "windows.safetensors")
    train = index.filter(split="train")
    rows = train["row"].to_numpy().astype(np.int64)
    names = train.select(pl.concat_str("series", pl.col("time").cast(pl.String), separator="\0"))
    ids = ids_of(names.to_series().to_list())
    augmenter = {name: FeatureAugmenter(config.features, config.seed).fit(windows[name][rows]) for name in ("x", "features")}
    copies = chosen_copies(ids, config.prob if config.feature_augmentation else 0.0, config.copies, config.seed)
    parts = [
        {name: augmenter[name].augment(windows[name][rows[some]], ids[some], copy) for name in augmenter}
        | {"label": windows["label"][rows[some]], "row": rows[some], "copy": np.full(some.size, copy)}
        for copy, some in enumerate(copies, 1)
    ]
    made = {name: np.concatenate([part[name] for part in parts]) for name in ("x", "features", "label", "row", "copy")}
    context.say(f"{made['row'].size:,} varied copies of {rows.size:,} training windows")
    write_tensors(context.output / "windows.safetensors", {name: made[name] for name in ("x", "features", "label")})
    write_parquet(context.output / "index.parquet", pl.DataFrame({"row": made["row"], "copy": made["copy"]}))
