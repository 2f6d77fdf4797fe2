"""The series of a split as windows, their statistics and labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from within_wf.config.dataset import SeriesTable
from within_wf.config.features import WindowConfig
from within_wf.errors import DatasetError, Problem
from within_wf.features.windows import EXCLUDED, SPLITS, WindowBuilder, with_rows
from within_wf.steps.context import Progress, StepContext
from within_wf.store.canonical import write_json, write_parquet
from within_wf.store.tensor_writer import TensorWriter


def run(context: StepContext) -> None:
    """Learn the channels' scales from training moments, cut all series into windows."""
    roles, config = context.section("dataset.series", SeriesTable), context.section("data.windows", WindowConfig)
    parts = _read(context.inputs["split"], roles)
    builder = WindowBuilder(roles, config).fit(parts[0])
    moments = with_rows(parts, roles)
    del parts
    names = builder.feature_names
    shapes = {
        "x": (np.float32, (config.length, 2 * len(roles.channels))),
        "features": (np.float32, (len(names),)),
        "label": (np.int64, ()),
    }
    progress = Progress(context, "series cut into windows", moments[roles.series].n_unique())
    ends = []
    with TensorWriter(context.output / "windows.safetensors", shapes) as writer:
        for windows in builder.build(moments):
            for name in shapes:
                writer.append(name, getattr(windows, name))
            ends.append(windows.rows)
            progress.advance()
    index = _index(moments[np.concatenate(ends)], roles)
    _check(index, config)
    write_parquet(context.output / "index.parquet", index)
    write_json(context.output / "feature_names.json", names)
    builder.save(context.output / "preprocessor")


def _read(folder: Path, roles: SeriesTable) -> list[pl.DataFrame]:
    """The sides of the split and what it excludes, texts as numbers in the order of the texts: a fourth of the memory."""
    files = [folder / f"{name}.parquet" for name in (*SPLITS, EXCLUDED)]
    sides = [pl.scan_parquet(file) for file in files if file.name != f"{EXCLUDED}.parquet" or file.exists()]
    texts = list(dict.fromkeys((roles.series, *roles.slices)))
    columns = list(dict.fromkeys((*texts, roles.time, roles.label, *roles.channels)))
    numbered = []
    for name in texts:
        values = pl.concat([side.select(pl.col(name).cast(pl.String)) for side in sides]).unique().collect(engine="streaming")
        numbered.append(pl.col(name).cast(pl.String).cast(pl.Enum(values[name].drop_nulls().sort())))
    return [side.select(columns).with_columns(numbered).collect() for side in sides]


def _index(ends: pl.DataFrame, roles: SeriesTable) -> pl.DataFrame:
    return ends.select(
        pl.col(roles.series).cast(pl.String).alias("series"),
        pl.col(roles.time).alias("time"),
        pl.col("split").cast(pl.String),
        pl.col(roles.label).cast(pl.Int64).alias("label"),
        *(pl.col(name).cast(pl.String).alias(f"slice_{name}") for name in roles.slices),
    )


def _check(index: pl.DataFrame, config: WindowConfig) -> None:
    empty = [name for name in SPLITS if not (index["split"] == name).any()]
    if empty:
        expected = f"windows of {config.length} moments"
        cure = "Shorten data.windows.length, or give the series more moments."
        raise DatasetError(
            "the series are too short", [Problem(f"the side {name}", "no window", expected, cure) for name in empty]
        )
