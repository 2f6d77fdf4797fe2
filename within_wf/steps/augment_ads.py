"""Varied copies of training ads, and synthetic ones."""

from __future__ import annotations

import numpy as np
import polars as pl

from within_wf.augment.chosen import chosen_copies, drawn_rows, synthetic_ids
from within_wf.augment.features import FeatureAugmenter
from within_wf.augment.synthetic_ads import AdSynthesizer
from within_wf.augment.text import TextAugmenter
from within_wf.config.data import AdAugmentationConfig
from within_wf.config.dataset import AdTable
from within_wf.features.preprocessor import Preprocessor
from within_wf.runtime.streams import ids_of
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_tensors, write_parquet, write_tensors

LEARNED = 50_000
"""Training ads that synthetic ones are drawn from; of more, as many are drawn."""


def run(context: StepContext) -> None:
    """Vary the texts and numbers of the training ads that are drawn."""
    config = context.section("data.augmentation", AdAugmentationConfig)
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
    if config.synthetic.method is not None:
        _synthetic(context, config, ids)


def _synthetic(context: StepContext, config: AdAugmentationConfig, ids: np.ndarray) -> None:
    """Draw ads from the training ads, and make their features as those of new ones."""
    roles = context.section("dataset.ads", AdTable)
    preprocessor = Preprocessor.load(context.inputs["features"] / "preprocessor")
    synthesizer = AdSynthesizer(roles, preprocessor.config)
    train = pl.read_parquet(context.inputs["split"] / "train.parquet", columns=[roles.id, *synthesizer.columns]).sort(roles.id)
    synthesizer.fit(train[drawn_rows(ids, LEARNED, config.seed, "which ads synthetic ones are drawn from")])
    new = synthetic_ids(int(config.synthetic.share * train.height))
    drawn = synthesizer.sample(new, config.seed)
    tensors = {
        "x": preprocessor.transform(drawn),
        "target": drawn[roles.target].to_numpy(),
        "weight": drawn[roles.weight].to_numpy() if roles.weight else np.ones(new.size),
        "id": new,
    }
    context.say(f"{new.size:,} synthetic ads, drawn from {train.height:,} training ads")
    write_tensors(context.output / "synthetic.safetensors", tensors)


def _text_augmenter(context: StepContext, config: AdAugmentationConfig) -> TextAugmenter:
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
