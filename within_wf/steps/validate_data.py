"""The rows of a model's table, held against their contract and looked at for what it cannot say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from within_wf.config.data import ValidationConfig
from within_wf.config.dataset import AdTable, SeriesTable
from within_wf.config.quality import QualityConfig
from within_wf.config.related import RelatedTable
from within_wf.data.quality.checks import Quality, check_quality
from within_wf.data.quality.sample import draw_sample
from within_wf.data.quality.suspects import rows_to_set_aside, suspects_table
from within_wf.data.readers.related import drawn_related, read_related
from within_wf.data.related import DISAGREEMENT, related_reports, related_rules
from within_wf.data.rules import Rule
from within_wf.data.sample_world.recall import planted_ids, recalled
from within_wf.data.validated import Validated
from within_wf.data.validator import refuse_many, validate_table
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_json, write_parquet
from within_wf.store.pieces import write_pieces


def run(context: StepContext) -> None:
    """Set rows aside that break the contract, or refuse the table; list what else looks wrong."""
    roles: AdTable | SeriesTable
    if context.model == "ad_score":
        roles, planted, source = context.section("dataset.table", AdTable), "ads", "ads"
    else:
        roles, planted, source = context.section("dataset.table", SeriesTable), "account_days", "series"
    world = context.inputs.get("world")
    name, folder = (planted, world) if world is not None else (source, context.inputs["source"])
    config = context.section("data.validation", ValidationConfig)
    table = pl.scan_parquet(folder / f"{name}.parquet")
    related = context.section("dataset.related", dict[str, RelatedTable])
    schema = table.collect_schema()
    others = _other_tables(context, related, schema)
    told = related_rules(related, others, name, schema)
    found = validate_table(
        table,
        roles,
        name=name,
        on_violation=config.on_violation,
        max_quarantined_share=config.max_quarantined_share,
        severity={str(rule): what for rule, what in config.severity.items()},
        more=told,
    )
    checks = context.section("data.quality", QualityConfig)
    quality = check_quality(draw_sample(table, found.kept, roles, checks), checks)
    tables = related_reports(related, others, name, table)
    del others
    quality.refuse(name)
    kept = found.set_aside(rows_to_set_aside(quality.findings))
    problems = [*found.problems(name), *(each.problem(name) for each in quality.findings if each.severity == "quarantine")]
    refuse_many(kept, name, config.max_quarantined_share, problems)
    _say(context, name, kept, quality, tables)
    write_pieces(context.output / "table.parquet", kept.clean_pieces())
    write_pieces(context.output / "quarantine.parquet", kept.quarantine_pieces())
    write_parquet(context.output / "suspects.parquet", suspects_table(quality.findings))
    report = {**kept.report(), "quality": quality.report()}
    if tables or world is not None:
        report["tables"] = tables
    if world is not None:
        report["planted"] = _recalled(world, planted, found, told, quality, checks)
    write_json(context.output / "report.json", report)


def _other_tables(context: StepContext, related: dict[str, RelatedTable], ours: pl.Schema) -> dict[str, pl.DataFrame]:
    """The tables that are held against the model's, by name."""
    if "world" in context.inputs:
        return drawn_related(related, context.inputs["world"], ours)
    files: dict[str, dict[str, Path]] = {name: {} for name in related}
    for file, path in context.sources.items():
        table, _, name = file.partition("/")
        files[table][name] = path
    return read_related(related, files, ours, context.say)


def _recalled(
    world: Path, table: str, found: Validated, told: list[Rule], quality: Quality, checks: QualityConfig
) -> list[dict[str, Any]]:
    """How much of what is planted was found."""
    sample = quality.sample
    keys = ["ad_id"] if table == "ads" else ["account_id", "date"]
    labels = [rule for rule in told if rule.name == DISAGREEMENT and rule.column == sample.target]
    by_label_alone = pl.col("rule").is_in([f"{rule.column}: {rule.name}" for rule in labels])
    aside = pl.concat(found.quarantine_pieces(keys)).filter(~by_label_alone)
    broken = aside.select(pl.concat_str(pl.col(keys).cast(pl.String), separator=" ").alias("id"))["id"]
    named: dict[str, set[str]] = {"violations": set(broken.drop_nulls().to_list())}
    sound = {name for name, is_sound in zip(sample.ids, sample.sound.tolist(), strict=True) if is_sound}
    looked_at = {"outliers": sound, "wrong_labels": sound, "near_duplicates": set(sample.ids)}
    asked = {"outliers": checks.outliers.enabled, "near_duplicates": checks.near_duplicates.enabled}
    asked["wrong_labels"] = checks.wrong_labels.enabled and table == "ads"
    for check in (check for check, is_asked in asked.items() if is_asked):
        of_rows = [each for each in quality.findings if each.check == check and (check != "near_duplicates" or not each.column)]
        named[check] = {suspect.id for each in of_rows for suspect in each.suspects}
    if labels:
        wrong = found.clean.filter(pl.any_horizontal(rule.broken for rule in labels))
        aside = found.quarantine.filter(by_label_alone)
        named["wrong_labels"] = named.get("wrong_labels", set()) | _ids(wrong, table) | _ids(aside, table)
        del looked_at["wrong_labels"]
    return recalled(planted_ids(world, table), named, looked_at)


def _ids(rows: pl.DataFrame, table: str) -> set[str]:
    keys = ["ad_id"] if table == "ads" else ["account_id", "date"]
    named = rows.select(pl.concat_str(pl.col(keys).cast(pl.String), separator=" ").alias("id"))["id"]
    return set(named.drop_nulls().to_list())


def _say(context: StepContext, name: str, kept: Validated, quality: Quality, tables: dict[str, Any]) -> None:
    broken = [f"{_said(each.rule)} {each.count:,}" for each in kept.violations if each.severity != "warn"]
    if broken:
        counts = ", ".join(broken)
        context.say(f"{name}: {kept.aside:,} rows set aside; what they break, one row perhaps several: {counts}")
    for warned in (each for each in kept.violations if each.severity == "warn"):
        context.say(f"{name}: {_said(warned.rule)}, expected {warned.rule.expected}: {warned.count:,} rows (warn)")
    for table, report in tables.items():
        for entry in report["violations"]:
            context.say(f"{table}: {entry['column']} {entry['rule'].replace('_', ' ')}: {entry['count']:,} rows (warn)")
    for each in quality.findings:
        of = f" in {each.column}" if each.column else ""
        count = f"{len(each.suspects):,} rows" if each.suspects else f"a score of {each.score}"
        context.say(f"{name}: {each.check.replace('_', ' ')}{of}: {count} ({each.severity})")
    for entry in quality.not_judged:
        context.say(f"{name}: {entry['check'].replace('_', ' ')} not judged: {entry['why']}")


def _said(rule: Rule) -> str:
    words = rule.name.replace("_", " ")
    return words if words.startswith(rule.column) else f"{rule.column} {words}"
