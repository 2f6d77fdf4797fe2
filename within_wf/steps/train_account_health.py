"""Trains the Account Health Predictor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.config.models import AccountHealthModelConfig
from within_wf.config.training import TrainingConfig
from within_wf.features.windows import WindowBuilder
from within_wf.runtime.streams import ids_of
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_tensors, write_json, write_parquet
from within_wf.training.account_health import Windows, train_account_health
from within_wf.training.callbacks import ProgressLine


def run(context: StepContext) -> None:
    """Train on the training windows, their varied copies and synthetic ones, then score every window."""
    index = pl.read_parquet(context.inputs["features"] / "index.parquet")
    names = pl.concat_str("series", pl.col("time").cast(pl.String), separator="\0")
    ids = ids_of(index.select(names).to_series().to_list())
    windows = _windows(context.inputs["features"] / "windows.safetensors", ids)
    augmented = context.inputs["augmented"]
    copies = pl.read_parquet(augmented / "index.parquet")
    copy_ids = ids_of([f"{ids[row]}\0{copy}" for row, copy in copies.select("row", "copy").iter_rows()])
    synthetic = augmented / "synthetic.safetensors"
    model = train_account_health(
        _rows(windows, (index["split"] == "train").to_numpy()),
        _windows(augmented / "windows.safetensors", copy_ids),
        _rows(windows, (index["split"] == "validation").to_numpy()),
        context.section("model", AccountHealthModelConfig),
        context.section("training", TrainingConfig),
        context.section("data.batch_size", int),
        context.arithmetic,
        synthetic=_windows(synthetic) if synthetic.exists() else None,
        callbacks=(ProgressLine(context.say, "LSTM"),),
        say=context.say,
    )
    model.builder = WindowBuilder.load(context.inputs["features"] / "preprocessor")
    model.save(context.output / "model")
    write_json(context.output / "history.json", model.history)
    parts = {"prediction": model.predict(windows.x, windows.features), **model.predict_parts(windows.x, windows.features)}
    scores = [pl.Series(name, values) for name, values in parts.items()]
    write_parquet(context.output / "predictions.parquet", index.select("series", "time", "split").with_columns(scores))


def _windows(path: Path, ids: npt.NDArray[np.int64] | None = None) -> Windows:
    tensors = read_tensors(path)
    return Windows(tensors["x"], tensors["features"], tensors["label"], tensors["id"] if ids is None else ids)


def _rows(windows: Windows, rows: npt.NDArray[np.bool_]) -> Windows:
    return Windows(windows.x[rows], windows.features[rows], windows.label[rows], windows.ids[rows])
