"""Texts of training ads, translated there and back."""

from __future__ import annotations

import polars as pl

from within_wf.augment.back_translation import BackTranslator, load_translator
from within_wf.augment.chosen import chosen_copies
from within_wf.augment.text import TextAugmenter
from within_wf.config.data import BackTranslationConfig
from within_wf.config.dataset import AdTable
from within_wf.features.texts import joined_text
from within_wf.runtime.streams import ids_of
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_parquet


def run(context: StepContext) -> None:
    """Translate the texts of the varied copies for which that method is drawn."""
    names = context.section("data.augmentation.text.back_translation", BackTranslationConfig)
    protected = context.section("data.augmentation.text.protected", list)
    seed = context.section("data.augmentation.seed", int)
    roles = context.section("dataset.ads", AdTable)
    train = pl.read_parquet(context.inputs["split"] / "train.parquet")
    texts, ids = joined_text(train, roles.text).to_list(), ids_of(train[roles.id].cast(pl.String).to_list())
    there, back = (load_translator(name or "", context.arithmetic, context.threads) for name in (names.there, names.back))
    translator = BackTranslator(there, back, protected)
    augmenter = TextAugmenter(context.section("data.augmentation.text.methods", list), seed=seed, back_translation=translator)
    prob, copies = context.section("data.augmentation.prob", float), context.section("data.augmentation.copies", int)
    wanted: set[str] = set()
    for copy, rows in enumerate(chosen_copies(ids, prob, copies, seed), 1):
        wanted.update(augmenter.to_translate([texts[row] for row in rows], ids[rows], copy))
    context.say(f"translating {len(wanted):,} texts by {names.there} and {names.back}")
    table = pl.DataFrame({"text": sorted(wanted)}, schema={"text": pl.String})
    table = table.with_columns(pl.Series("translated", translator(table["text"].to_list()), pl.String))
    unchanged = table.filter(pl.col("text") == pl.col("translated")).height
    context.say(f"{unchanged:,} of them came back as they were, or without something that is protected, and stay so")
    write_parquet(context.output / "translations.parquet", table)
