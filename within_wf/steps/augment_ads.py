"""Varied copies of training ads."""

from __future__ import annotations

import numpy as np
import polars as pl

from within_wf.augment.chosen import chosen_copies
from within_wf.augment.features import FeatureAugmenter
from within_wf.augment.text import TextAugmenter
from within_wf.config.data import AugmentationConfig
from within_wf.runtime.streams import ids_of
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_tensors, write_parquet, write_tensors


def run(context: StepContext) -> None:
    """Vary the texts and numbers of the training ads that are drawn."""
    config = context.section("data.augmentation", AugmentationConfig)
    table = pl.read_parquet(context.inputs["features"] / "table.parquet")
    x = read_tensors(context.inputs["features"] / "features.safetensors")["x"]
    is_train = (table["split"] == "train").to_numpy()
    train, numbers = table.filter(pl.Series(is_train)), x[is_train]
    names, ids = train["id"].to_numpy(), ids_of(train["id"].to_list())
    texts = _text_augmenter(context, config)
    features = FeatureAugmenter(config.features, config.seed).fit(numbers)
    is_on = config.text_augmentation or config.visual_augmentation or config.feature_augmentation
    tables, varied = [], []
    for copy, rows in enumerate(chosen_copies(ids, config.prob if is_on else 0.0, config.copies, config.seed), 1):
        before = train["text"].gather(rows).to_list()
        after = texts.vary(before, ids[rows], copy) if config.text_augmentation else before
        tables.append(pl.DataFrame({"id": names[rows], "copy": np.full(rows.size, copy), "text": after}, schema=_SCHEMA))
        varied.append(features.augment(numbers[rows], ids[rows], copy) if config.feature_augmentation else numbers[rows])
    made = pl.concat(tables)
    context.say(f"{made.height:,} varied copies of {train.height:,} training ads")
    write_parquet(context.output / "augmented.parquet", made)
    write_tensors(context.output / "features.safetensors", {"x": np.concatenate(varied)})


def _text_augmenter(context: StepContext, config: AugmentationConfig) -> TextAugmenter:
    translated: dict[str, str] = {}
    if "translations" in context.inputs:
        translated = dict(pl.read_parquet(context.inputs["translations"] / "translations.parquet").iter_rows())
    return TextAugmenter(
        config.text.methods,
        1.0,
        word_share=config.text.word_share,
        seed=config.seed,
        protected=config.text.protected,
        back_translation=lambda texts: [translated[text] for text in texts],
    )


_SCHEMA = {"id": pl.String, "copy": pl.Int64, "text": pl.String}
