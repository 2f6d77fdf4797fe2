"""Varied copies of training windows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.augment.chosen import chosen_copies
from within_wf.augment.features import FeatureAugmenter
from within_wf.config.data import AugmentationConfig
from within_wf.runtime.streams import Stream, ids_of
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_parquet
from within_wf.store.tensor_reader import TensorReader
from within_wf.store.tensor_writer import TensorWriter

VARIED = ("x", "features")
LEARNED = 50_000
"""Training windows whose spread sets the noise; of more, as many are drawn."""
BLOCK = 4096
"""Windows that are in memory at a time."""

I64 = npt.NDArray[np.int64]


def run(context: StepContext) -> None:
    """Vary the numbers of the training windows that are drawn."""
    config = context.section("data.augmentation", AugmentationConfig)
    folder = context.inputs["features"]
    rows, ids = _training_windows(pl.read_parquet(folder / "index.parquet", columns=["series", "time", "split"]))
    copies = chosen_copies(ids, config.prob if config.feature_augmentation else 0.0, config.copies, config.seed)
    with TensorReader(folder / "windows.safetensors") as windows:
        learned = rows[_learned_from(ids, config.seed)]
        augmenters = {name: FeatureAugmenter(config.features, config.seed).fit(windows.take(name, learned)) for name in VARIED}
        shapes = {name: (windows.dtype(name), windows.shape(name)[1:]) for name in (*VARIED, "label")}
        with TensorWriter(context.output / "windows.safetensors", shapes) as made:
            for copy, chosen in enumerate(copies, 1):
                for some in np.array_split(chosen, range(BLOCK, chosen.size, BLOCK)):
                    for name, augmenter in augmenters.items():
                        made.append(name, augmenter.augment(windows.take(name, rows[some]), ids[some], copy))
                    made.append("label", windows.take("label", rows[some]))
    index = [pl.DataFrame({"row": rows[some], "copy": np.full(some.size, copy)}) for copy, some in enumerate(copies, 1)]
    write_parquet(context.output / "index.parquet", pl.concat(index))
    context.say(f"{sum(some.size for some in copies):,} varied copies of {rows.size:,} training windows")


def _training_windows(index: pl.DataFrame) -> tuple[I64, I64]:
    """The place of each training window in the table of all, and its id."""
    train = index.with_row_index("row").filter(split="train")
    names = train.select(pl.concat_str("series", pl.col("time").cast(pl.String), separator="\0")).to_series()
    return train["row"].to_numpy().astype(np.int64), ids_of(names)


def _learned_from(ids: I64, seed: int) -> I64:
    """The places of the windows whose spread is learned."""
    if ids.size <= LEARNED:
        return np.arange(ids.size)
    draws = Stream(seed, "which windows spreads are learned from").words(ids, 1)[:, 0]
    return np.sort(np.argsort(draws, kind="stable")[:LEARNED])
