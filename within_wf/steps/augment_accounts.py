"""Varied copies of training windows, and synthetic ones of the rarer class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.augment.chosen import chosen_copies, drawn_rows, synthetic_ids
from within_wf.augment.features import FeatureAugmenter
from within_wf.augment.oversampling import missing_rows
from within_wf.augment.synthetic_windows import WindowSynthesizer
from within_wf.config.data import WindowAugmentationConfig
from within_wf.errors import DatasetError, Problem
from within_wf.features.windows import WindowBuilder
from within_wf.runtime.streams import ids_of
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_parquet
from within_wf.store.tensor_reader import TensorReader
from within_wf.store.tensor_writer import TensorWriter

VARIED = ("x", "features")
LEARNED = 50_000
"""Training windows whose spread sets the noise; of more, as many are drawn."""
RARE = 20_000
"""Training windows of the rarer class that synthetic ones are drawn from; of more, as many are drawn."""
BLOCK = 4096
"""Windows that are in memory at a time."""

I64 = npt.NDArray[np.int64]


def run(context: StepContext) -> None:
    """Vary the numbers of the training windows that are drawn."""
    config = context.section("data.augmentation", WindowAugmentationConfig)
    folder = context.inputs["features"]
    rows, ids = _training_windows(pl.read_parquet(folder / "index.parquet", columns=["series", "time", "split"]))
    copies = chosen_copies(ids, config.prob if config.feature_augmentation else 0.0, config.copies, config.seed)
    with TensorReader(folder / "windows.safetensors") as windows:
        learned = rows[drawn_rows(ids, LEARNED, config.seed, "which windows spreads are learned from")]
        augmenters = {name: FeatureAugmenter(config.features, config.seed).fit(windows.take(name, learned)) for name in VARIED}
        shapes = {name: (windows.dtype(name), windows.shape(name)[1:]) for name in (*VARIED, "label")}
        with TensorWriter(context.output / "windows.safetensors", shapes) as made:
            for copy, chosen in enumerate(copies, 1):
                for some in np.array_split(chosen, range(BLOCK, chosen.size, BLOCK)):
                    for name, augmenter in augmenters.items():
                        made.append(name, augmenter.augment(windows.take(name, rows[some]), ids[some], copy))
                    made.append("label", windows.take("label", rows[some]))
        if config.synthetic.method is not None:
            _synthetic(context, config, windows, rows, ids)
    index = [pl.DataFrame({"row": rows[some], "copy": np.full(some.size, copy)}) for copy, some in enumerate(copies, 1)]
    write_parquet(context.output / "index.parquet", pl.concat(index))
    context.say(f"{sum(some.size for some in copies):,} varied copies of {rows.size:,} training windows")


def _synthetic(context: StepContext, config: WindowAugmentationConfig, windows: TensorReader, rows: I64, ids: I64) -> None:
    """Draw windows of the rarer class from those it has."""
    labels = windows.take("label", rows)
    counts = np.bincount(labels, minlength=2)
    rarer = int(counts.argmin())
    few, many = int(counts.min()), int(counts.max())
    own = np.flatnonzero(labels == rarer)
    chosen = rows[own[drawn_rows(ids[own], RARE, config.seed, "which windows synthetic ones are drawn from")]]
    if few < 2:
        problem = Problem(f"the training windows of label {rarer}", f"{few}", "two or more, to draw others from")
        raise DatasetError("synthetic windows cannot be drawn", [problem])
    synthesizer = WindowSynthesizer(WindowBuilder.load(context.inputs["features"] / "preprocessor"), config.synthetic)
    synthesizer.fit(*(windows.take(name, chosen) for name in VARIED))
    new = synthetic_ids(missing_rows(few, many, config.synthetic.balance))
    kinds = {name: (windows.dtype(name), windows.shape(name)[1:]) for name in (*VARIED, "label")}
    with TensorWriter(context.output / "synthetic.safetensors", {**kinds, "id": (np.int64, ())}) as made:
        for some in np.split(new, range(BLOCK, new.size, BLOCK)):
            for name, values in zip(VARIED, synthesizer.sample(some, config.seed), strict=True):
                made.append(name, values)
            made.append("label", np.full(some.size, rarer))
            made.append("id", some)
    context.say(f"{new.size:,} synthetic windows of label {rarer} beside {few:,}; {many:,} have the other one")


def _training_windows(index: pl.DataFrame) -> tuple[I64, I64]:
    """The place of each training window in the table of all, and its id."""
    train = index.with_row_index("row").filter(split="train")
    names = train.select(pl.concat_str("series", pl.col("time").cast(pl.String), separator="\0")).to_series()
    return train["row"].to_numpy().astype(np.int64), ids_of(names)
