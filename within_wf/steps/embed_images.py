"""Creatives as vectors of a pretrained encoder."""

from __future__ import annotations

import polars as pl

from within_wf.models.image_encoder import load_image_encoder
from within_wf.steps.context import Progress, StepContext
from within_wf.store.canonical import write_json, write_tensors


def run(context: StepContext) -> None:
    """Embed every creative."""
    creatives = pl.read_parquet(context.inputs["world"] / "creatives.parquet", columns=["creative_id", "png"])
    creatives = creatives.sort("creative_id")
    encoder = load_image_encoder(
        context.section("model.visual_encoder.name", str),
        context.section("model.visual_encoder.image_size", int),
        context.arithmetic,
    )
    progress = Progress(context, "embedding creatives", creatives.height)
    vectors = encoder.embed(creatives["png"].to_list(), threads=context.threads, advance=progress.advance)
    write_tensors(context.output / "embeddings.safetensors", {"x": vectors})
    write_json(context.output / "creatives.json", creatives["creative_id"].to_list())
