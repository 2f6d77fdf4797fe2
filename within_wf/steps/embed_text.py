"""Texts of ads as vectors of a pretrained encoder."""

from __future__ import annotations

import polars as pl

from within_wf.models.text_encoder import load_text_encoder
from within_wf.steps.context import Progress, StepContext
from within_wf.store.canonical import write_tensors


def run(context: StepContext) -> None:
    """Embed the texts of the ads and of their varied copies."""
    original = _texts(context, "features", "table.parquet")
    augmented = _texts(context, "augmented", "augmented.parquet")
    texts = original + augmented
    encoder = load_text_encoder(context.section("model.text_encoder.name", str), context.arithmetic)
    progress = Progress(context, "embedding texts", len(set(texts)))
    vectors = encoder.embed(
        texts,
        context.section("model.text_encoder.max_length", int),
        threads=context.threads,
        advance=progress.advance,
    )
    write_tensors(
        context.output / "embeddings.safetensors",
        {"original": vectors[: len(original)], "augmented": vectors[len(original) :]},
    )


def _texts(context: StepContext, label: str, name: str) -> list[str]:
    if label not in context.inputs:
        return []
    return pl.read_parquet(context.inputs[label] / name, columns=["text"])["text"].fill_null("").to_list()
