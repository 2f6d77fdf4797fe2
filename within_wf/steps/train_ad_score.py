"""Trains the Ad Score Predictor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from within_wf.config.dataset import AdTable
from within_wf.config.models import AdScoreModelConfig
from within_wf.config.training import TrainingConfig
from within_wf.features.preprocessor import Preprocessor
from within_wf.models.ad_score import AdScorePredictor, view_of_images, view_of_texts
from within_wf.models.image_encoder import load_image_encoder
from within_wf.models.text_encoder import load_text_encoder
from within_wf.models.views import View
from within_wf.runtime.streams import ids_of
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_json, read_tensors, write_json, write_parquet
from within_wf.training.ad_score import AdRows, train_ad_regressor
from within_wf.training.callbacks import ProgressLine


def run(context: StepContext) -> None:
    """Train on the training ads, their varied copies and synthetic ones, then score every ad."""
    config = context.section("model", AdScoreModelConfig)
    arithmetic = context.arithmetic
    features = context.inputs["features"]
    table = pl.read_parquet(features / "table.parquet")
    varied = pl.read_parquet(context.inputs["augmented"] / "augmented.parquet")
    original = dict(zip(table["id"].to_list(), range(table.height), strict=True))
    source = np.array([original[ad] for ad in varied["id"]], dtype=np.int64)
    views, varied_views = _views(context, config, table, varied, source)
    target, weight = table["target"].to_numpy(), table["weight"].to_numpy()
    ids, varied_ids = ids_of(table["id"]), ids_of(f"{ad}\0{copy}" for ad, copy in varied.select("id", "copy").iter_rows())
    rows = {name: np.flatnonzero((table["split"] == name).to_numpy()) for name in ("train", "validation")}
    parts = {
        name: AdRows({view: values[of] for view, values in views.items()}, target[of], weight[of], ids[of])
        for name, of in rows.items()
    }
    regressor, history = train_ad_regressor(
        parts["train"],
        _with_synthetic(AdRows(varied_views, target[source], weight[source], varied_ids), context.inputs["augmented"]),
        parts["validation"],
        config,
        context.section("training", TrainingConfig),
        context.section("data.batch_size", int),
        arithmetic,
        callbacks=(ProgressLine(context.say, "network"),),
        say=context.say,
    )
    model = AdScorePredictor(
        config,
        context.section("dataset.ads", AdTable),
        regressor,
        Preprocessor.load(features / "preprocessor") if "table" in views else None,
        load_text_encoder(config.text_encoder.name, arithmetic) if "text" in views else None,
        load_image_encoder(config.visual_encoder.name, config.visual_encoder.image_size, arithmetic)
        if "image" in views
        else None,
    )
    model.save(context.output / "model")
    write_json(context.output / "history.json", history)
    scores = {"prediction": regressor.predict(views), **regressor.predict_parts(views)}
    columns = [pl.Series(name, values) for name, values in scores.items()]
    write_parquet(context.output / "predictions.parquet", table.select("id", "split").with_columns(columns))


def _with_synthetic(varied: AdRows, augmented: Path) -> AdRows:
    """The varied copies and, where some were drawn, the synthetic ads; these have a table and nothing else."""
    path = augmented / "synthetic.safetensors"
    if not path.exists():
        return varied
    drawn = read_tensors(path)
    return AdRows(
        {"table": np.concatenate([varied.views["table"], drawn["x"]])},
        np.concatenate([varied.target, drawn["target"]]),
        np.concatenate([varied.weight, drawn["weight"]]),
        np.concatenate([varied.ids, drawn["id"]]),
    )


def _views(
    context: StepContext, config: AdScoreModelConfig, table: pl.DataFrame, varied: pl.DataFrame, source: np.ndarray
) -> tuple[dict[str, View], dict[str, View]]:
    """The views of the ads and of their varied copies."""
    views: dict[str, View] = {}
    copies: dict[str, View] = {}
    if "text" in context.inputs:
        vectors = read_tensors(context.inputs["text"] / "embeddings.safetensors")
        views["text"] = view_of_texts(table["text"].to_list(), vectors["original"])
        copies["text"] = view_of_texts(varied["text"].to_list(), vectors["augmented"])
    if "images" in context.inputs:
        images = context.inputs["images"]
        names = read_json(images / "creatives.json")
        vectors = read_tensors(images / "embeddings.safetensors")
        views["image"] = view_of_images(table["creative"].to_list(), names, vectors["x"])
        copies["image"] = views["image"][source]
    if "varied_images" in context.inputs:
        copies["image"] = read_tensors(context.inputs["varied_images"] / "embeddings.safetensors")["x"]
    numbers = read_tensors(context.inputs["features"] / "features.safetensors")["x"]
    if config.tabular_encoder.enabled and numbers.shape[1]:
        views["table"] = numbers
        copies["table"] = read_tensors(context.inputs["augmented"] / "features.safetensors")["x"]
    return views, copies
