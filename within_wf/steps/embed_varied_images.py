"""Creatives of varied copies of training ads, themselves varied, as vectors of a pretrained encoder."""

from __future__ import annotations

import numpy as np
import polars as pl

from within_wf.augment.visual import VisualAugmenter
from within_wf.config.data import AdAugmentationConfig
from within_wf.models.image_encoder import WIDTH, load_image_encoder, read_picture
from within_wf.runtime.streams import ids_of
from within_wf.steps.context import Progress, StepContext
from within_wf.store.canonical import write_tensors

AT_ONCE = 64
"""Pictures that are in memory at a time."""


def run(context: StepContext) -> None:
    """Vary the creative of every varied copy that has one, and embed it; styles are those of the training ads' creatives."""
    config = context.section("data.augmentation", AdAugmentationConfig)
    creatives = pl.read_parquet(context.inputs["world"] / "creatives.parquet", columns=["creative_id", "png"])
    files = dict(creatives.iter_rows())
    table = pl.read_parquet(context.inputs["features"] / "table.parquet", columns=["id", "split", "creative"])
    copies = pl.read_parquet(context.inputs["augmented"] / "augmented.parquet", columns=["id", "copy"])
    copies = copies.join(table.select("id", "creative"), on="id", how="left", maintain_order="left").with_row_index("row")
    of_training = table.filter(split="train")["creative"].drop_nulls().unique().sort().to_list()
    augmenter = VisualAugmenter(config=config.visual, seed=config.seed)
    augmenter.fit(read_picture(files[name], f"creative {name}") for name in of_training if name in files)
    encoder = load_image_encoder(
        context.section("model.visual_encoder.name", str),
        context.section("model.visual_encoder.image_size", int),
        context.arithmetic,
    )
    vectors = np.full((copies.height, WIDTH), np.float32("nan"))
    shown = copies.filter(pl.col("creative").is_in(list(files)))
    progress = Progress(context, "embedding varied creatives", shown.height)
    for (copy,), rows in shown.group_by("copy", maintain_order=True):
        for some in rows.iter_slices(AT_ONCE):
            pictures = [read_picture(files[name], f"creative {name}") for name in some["creative"]]
            varied = augmenter.vary(pictures, ids_of(some["id"]), int(str(copy)))
            vectors[some["row"].to_numpy()] = encoder.embed(varied, threads=context.threads, advance=progress.advance)
    write_tensors(context.output / "embeddings.safetensors", {"x": vectors})
