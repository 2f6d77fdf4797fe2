"""Varied copies of training ads, and synthetic ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
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
from within_wf.store.canonical import write_tensors
from within_wf.store.pieces import take, write_pieces
from within_wf.store.tensor_reader import TensorReader
from within_wf.store.tensor_writer import TensorWriter

BLOCK = 50_000
"""Ads that are in memory at a time."""
LEARNED = 50_000
"""Training ads that synthetic ones are drawn from; of more, as many are drawn."""
_SCHEMA = {"id": pl.String, "copy": pl.Int64, "text": pl.String}

I64 = npt.NDArray[np.int64]


def run(context: StepContext) -> None:
    """Vary the texts and numbers of the training ads that are drawn."""
    config, roles = context.section("data.augmentation", AdAugmentationConfig), context.section("dataset.ads", AdTable)
    table = pl.scan_parquet(context.inputs["features"] / "table.parquet")
    rows, ids = _training_ads(table)
    texts = _text_augmenter(context, config)
    with TensorReader(context.inputs["features"] / "features.safetensors") as x:
        width = x.shape("x")[1]
        drawn = chosen_copies(ids, config.prob if _varies(config, roles, width) else 0.0, config.copies, config.seed)
        chosen = [(copy, some) for copy, places in enumerate(drawn, 1) for some in _blocks(places)]
        numbers = FeatureAugmenter(config.features, config.seed)
        if config.feature_augmentation:
            numbers.fit_pieces(lambda: (x.take("x", some) for some in _blocks(rows)), width)
        with TensorWriter(context.output / "features.safetensors", {"x": (np.float32, (width,))}) as made:
            for copy, some in chosen:
                before = x.take("x", rows[some])
                made.append("x", numbers.augment(before, ids[some], copy) if config.feature_augmentation else before)
    varied = (_varied(take(table.select("id", "text"), rows[some]), ids[some], copy, texts, config) for copy, some in chosen)
    count = write_pieces(context.output / "augmented.parquet", varied)
    context.say(f"{count:,} varied copies of {rows.size:,} training ads")
    if config.synthetic.method is not None:
        _synthetic(context, config, roles, ids)


def _varies(config: AdAugmentationConfig, roles: AdTable, features: int) -> bool:
    """Whether a copy would be another ad: what is varied has to be there."""
    texts, pictures = config.text_augmentation and roles.text, config.visual_augmentation and roles.image
    return bool(texts or pictures or (config.feature_augmentation and features))


def _training_ads(table: pl.LazyFrame) -> tuple[I64, I64]:
    """The place of each training ad in the table of all, and its id."""
    train = table.select("id", "split").with_row_index("row").filter(split="train").collect(engine="streaming")
    return train["row"].to_numpy().astype(np.int64), ids_of(train["id"])


def _blocks(places: I64) -> list[I64]:
    """Places, as many as are in memory at a time; at least one block, which may have none."""
    return np.array_split(places, range(BLOCK, places.size, BLOCK))


def _varied(ads: pl.DataFrame, ids: I64, copy: int, texts: TextAugmenter, config: AdAugmentationConfig) -> pl.DataFrame:
    before = ads["text"].to_list()
    after = texts.vary(before, ids, copy) if config.text_augmentation else before
    return pl.DataFrame({"id": ads["id"], "copy": np.full(ids.size, copy), "text": after}, schema=_SCHEMA)


def _synthetic(context: StepContext, config: AdAugmentationConfig, roles: AdTable, ids: np.ndarray) -> None:
    """Draw ads from the training ads, and make their features as those of new ones."""
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
