"""The rows of a model's table, divided into train, validation and test."""

from __future__ import annotations

import polars as pl

from within_wf.config.data import SplitConfig
from within_wf.config.dataset import AdTable, SeriesTable
from within_wf.data.division import Division
from within_wf.data.leakage import Crossing, crossings, said
from within_wf.data.sides import NONE, PARTS
from within_wf.data.splitter import DataSplitter
from within_wf.errors import DatasetError
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_json
from within_wf.store.pieces import write_pieces

FILES = dict(zip(PARTS, ("train", "validation", "test"), strict=True))


def run(context: StepContext) -> None:
    """Divide the clean rows, refuse what leaks against the strategy's promise, and say how the sizes came out."""
    config = context.section("data.split", SplitConfig)
    splitter, texts = _splitter(context, config)
    table = pl.scan_parquet(context.inputs["dataset"] / "table.parquet")
    division = splitter.divide(table)
    found = crossings(table, division.sides, text_columns=texts, **splitter.named_columns)
    broken = [crossing.problem for crossing in found if crossing.kind in splitter.promises]
    if broken:
        raise DatasetError(f"rows divided by {config.strategy} leak from one side to another", broken)
    shares = {FILES[part]: share for part, share in zip(PARTS, division.sizes.shares, strict=True)}
    sizes = {FILES[part]: rows for part, rows in division.rows.items()}
    _say(context, division, found)
    for side, name in (*enumerate(FILES.values()), *([(NONE, "excluded")] if config.embargo is not None else [])):
        write_pieces(context.output / f"{name}.parquet", division.pieces(table, side))
    write_json(context.output / "summary.json", {"strategy": config.strategy, "sizes": sizes, "requested": shares})
    write_json(context.output / "report.json", _report(splitter, division, found))


def _splitter(context: StepContext, config: SplitConfig) -> tuple[DataSplitter, list[str]]:
    """The splitter of the model's table, and its texts.

    The rows of a series share their windows, so a series or a moment stays whole.
    """
    texts: list[str] = []
    if context.model == "ad_score":
        ads = context.section("dataset.table", AdTable)
        columns = {"group_column": ads.group, "time_column": ads.time, "id_column": ads.id}
        texts = ads.text
    else:
        series = context.section("dataset.table", SeriesTable)
        columns = {"group_column": series.series, "time_column": series.time}
    splitter = DataSplitter(
        config.strategy,
        config.test_size,
        config.val_size,
        config.random_state,
        config.stratify_column,
        cluster_column=config.cluster_column,
        exact_sizes=config.exact_sizes,
        embargo=config.embargo,
        **columns,
    )
    return splitter, texts


def _say(context: StepContext, division: Division, found: list[Crossing]) -> None:
    rows, total, spreads = division.rows, int(division.sides.size), division.spreads
    for part, share in zip(PARTS, division.sizes.shares, strict=True):
        deviation = division.deviations[part]
        by_chance = f", where chance gives {spreads[part]:.1f} as a rule" if spreads else ""
        asked = f"{rows[part] / total:.1%} where {share:.1%} was asked"
        context.say(f"{FILES[part]}: {rows[part]:,} of {total:,} rows, {asked}: {deviation:+,.1f} rows{by_chance}")
    if excluded := total - sum(rows.values()):
        context.say(f"{excluded:,} rows are on no side: the embargo")
    for line in (*division.notes, *map(said, found)):
        context.say(line)


def _report(splitter: DataSplitter, division: Division, found: list[Crossing]) -> dict[str, object]:
    spreads = division.spreads
    return {
        "deviations": {FILES[part]: rows for part, rows in division.deviations.items()},
        "standard_deviations": {FILES[part]: rows for part, rows in spreads.items()} if spreads else None,
        "excluded": int(division.sides.size) - sum(division.rows.values()),
        "notes": list(division.notes),
        "promised": sorted(splitter.promises),
        "crossings": {
            crossing.kind: {"column": crossing.column, "values": crossing.values, "rows": crossing.rows} for crossing in found
        },
    }
