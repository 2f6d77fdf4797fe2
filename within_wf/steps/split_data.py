"""The rows of a model's table, divided into train, validation and test."""

from __future__ import annotations

import polars as pl

from within_wf.config.data import SplitConfig
from within_wf.config.dataset import AdTable, SeriesTable
from within_wf.data.splitter import PARTS, DataSplitter
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_json, write_parquet

FILES = dict(zip(PARTS, ("train", "validation", "test"), strict=True))


def run(context: StepContext) -> None:
    """Divide the clean rows and say how the sizes came out."""
    config = context.section("data.split", SplitConfig)
    splitter = _splitter(context, config)
    table = pl.read_parquet(context.inputs["dataset"] / "table.parquet")
    parts = splitter.split(table)
    sizes = {FILES[part]: rows.height for part, rows in parts.items()}
    validation = (1 - config.test_size) * config.val_size
    shares = {"train": 1 - config.test_size - validation, "validation": validation, "test": config.test_size}
    for name, share in shares.items():
        context.say(
            f"{name}: {sizes[name]:,} of {table.height:,} rows, {sizes[name] / table.height:.1%} where {share:.1%} was asked"
        )
    for part, rows in parts.items():
        write_parquet(context.output / f"{FILES[part]}.parquet", rows)
    write_json(context.output / "summary.json", {"strategy": config.strategy, "sizes": sizes, "requested": shares})


def _splitter(context: StepContext, config: SplitConfig) -> DataSplitter:
    """The splitter of the model's table; the rows of a series share their windows, so a series or a moment stays whole."""
    if context.model == "ad_score":
        ads = context.section("dataset.table", AdTable)
        columns = {"group_column": ads.group, "time_column": ads.time, "id_column": ads.id}
    else:
        series = context.section("dataset.table", SeriesTable)
        columns = {"group_column": series.series, "time_column": series.time}
    return DataSplitter(
        config.strategy,
        config.test_size,
        config.val_size,
        config.random_state,
        config.stratify_column,
        exact_sizes=config.exact_sizes,
        **columns,
    )
