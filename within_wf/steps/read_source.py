"""The files of a dataset as its table."""

from __future__ import annotations

from typing import Literal

from within_wf.config.dataset import AdTable, FileSource, SeriesTable
from within_wf.data.readers.files import write_files
from within_wf.steps.context import StepContext


def run(context: StepContext) -> None:
    """Read the files that the dataset names, of large ones only some rows at a time."""
    rows = write_files(
        context.section("dataset.source", FileSource),
        context.sources,
        context.output,
        ads=context.section("dataset.ads", AdTable | None),  # type: ignore[arg-type]
        series=context.section("dataset.series", SeriesTable | None),  # type: ignore[arg-type]
        linked=context.section("dataset.linked", dict[str, Literal["text", "number"]]),
        say=context.say,
    )
    for name, count in rows.items():
        context.say(f"{name}: {count:,} rows")
