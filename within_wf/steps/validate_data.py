"""The rows of a model's table, held against their contract."""

from __future__ import annotations

import polars as pl

from within_wf.config.data import ValidationConfig
from within_wf.config.dataset import AdTable, SeriesTable
from within_wf.data.rules import Rule
from within_wf.data.validator import validate_table
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_json, write_parquet


def run(context: StepContext) -> None:
    """Set rows aside that break the contract, or refuse the table."""
    roles: AdTable | SeriesTable
    if context.model == "ad_score":
        roles, world, source = context.section("dataset.table", AdTable), "ads", "ads"
    else:
        roles, world, source = context.section("dataset.table", SeriesTable), "account_days", "series"
    name, folder = (world, context.inputs["world"]) if "world" in context.inputs else (source, context.inputs["source"])
    config = context.section("data.validation", ValidationConfig)
    found = validate_table(
        pl.read_parquet(folder / f"{name}.parquet"),
        roles,
        name=name,
        on_violation=config.on_violation,
        max_quarantined_share=config.max_quarantined_share,
    )
    if found.violations:
        counts = ", ".join(f"{_said(each.rule)} {each.count:,}" for each in found.violations)
        context.say(f"{name}: {found.quarantine.height:,} rows set aside; what they break, one row perhaps several: {counts}")
    write_parquet(context.output / "table.parquet", found.clean)
    write_parquet(context.output / "quarantine.parquet", found.quarantine)
    write_json(context.output / "report.json", found.report())


def _said(rule: Rule) -> str:
    words = rule.name.replace("_", " ")
    return words if words.startswith(rule.column) else f"{rule.column} {words}"
