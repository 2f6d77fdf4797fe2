"""The files of a dataset as its table."""

from __future__ import annotations

from typing import Literal

from within_wf.config.dataset import AdTable, FileSource, SeriesTable
from within_wf.data.readers.files import read_files
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_parquet


def run(context: StepContext) -> None:
    """Read the files that the dataset names."""
    tables = read_files(
        context.section("dataset.source", FileSource),
        context.sources,
        ads=context.section("dataset.ads", AdTable | None),  # type: ignore[arg-type]
        series=context.section("dataset.series", SeriesTable | None),  # type: ignore[arg-type]
        linked=context.section("dataset.linked", dict[str, Literal["text", "number"]]),
        say=context.say,
    )
    for name, table in tables.items():
        context.say(f"{name}: {table.height:,} rows")
        write_parquet(context.output / f"{name}.parquet", table)
