"""The rows of a model's table, held against their contract and looked at for what it cannot say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from within_wf.config.data import ValidationConfig
from within_wf.config.dataset import AdTable, SeriesTable
from within_wf.config.quality import QualityConfig
from within_wf.data.cross_rows import reference_rule
from within_wf.data.layout import contract_layout
from within_wf.data.quality.checks import Quality, check_quality
from within_wf.data.quality.sample import draw_sample
from within_wf.data.quality.suspects import rows_to_set_aside, suspects_table
from within_wf.data.rules import Rule
from within_wf.data.sample_world.recall import planted_ids, recalled
from within_wf.data.schemas import CONTRACTS
from within_wf.data.validated import Validated
from within_wf.data.validator import check_rows, refuse_many, validate_table
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
    found = validate_table(
        table,
        roles,
        name=name,
        on_violation=config.on_violation,
        max_quarantined_share=config.max_quarantined_share,
        severity={str(rule): what for rule, what in config.severity.items()},
        more=_references(table, world),
    )
    checks = context.section("data.quality", QualityConfig)
    quality = check_quality(draw_sample(table, found.kept, roles, checks), checks)
    quality.refuse(name)
    kept = found.set_aside(rows_to_set_aside(quality.findings))
    problems = [*found.problems(name), *(each.problem(name) for each in quality.findings if each.severity == "quarantine")]
    refuse_many(kept, name, config.max_quarantined_share, problems)
    _say(context, name, kept, quality)
    write_pieces(context.output / "table.parquet", kept.clean_pieces())
    write_pieces(context.output / "quarantine.parquet", kept.quarantine_pieces())
    write_parquet(context.output / "suspects.parquet", suspects_table(quality.findings))
    report = {**kept.report(), "quality": quality.report()}
    if world is not None:
        report["tables"] = _other_tables(world) if planted == "ads" else {}
        report["planted"] = _recalled(world, planted, found, quality, checks)
    write_json(context.output / "report.json", report)


def _references(table: pl.LazyFrame, world: Path | None) -> list[Rule]:
    """What other tables of the dataset say of this one."""
    if world is None or "account_id" not in table.collect_schema():
        return []
    accounts = pl.read_parquet(world / "accounts.parquet", columns=["account_id"])["account_id"]
    return [reference_rule("account_id", accounts, "unknown_account", "accounts")]


def _other_tables(world: Path) -> dict[str, Any]:
    """What breaks the contracts of tables beside the models' own; nothing is made of them, so nothing is refused."""
    ads = pl.read_parquet(world / "ads.parquet", columns=["ad_id"])["ad_id"]
    reports = {}
    for name, contract, more in (
        ("industry_benchmarks", "industry_benchmark", []),
        ("annotations", "annotated_training_set", [reference_rule("ad_id", ads, "unknown_ad", "ads")]),
    ):
        found = check_rows(pl.scan_parquet(world / f"{name}.parquet"), contract_layout(CONTRACTS[contract]), name, more=more)
        reports[name] = found.report()
    return reports


def _recalled(world: Path, table: str, found: Validated, quality: Quality, checks: QualityConfig) -> list[dict[str, Any]]:
    """How much of what is planted was found."""
    sample = quality.sample
    keys = ["ad_id"] if table == "ads" else ["account_id", "date"]
    aside = pl.concat(found.quarantine_pieces(keys))
    broken = aside.select(pl.concat_str(pl.col(keys).cast(pl.String), separator=" ").alias("id"))["id"]
    named: dict[str, set[str]] = {"violations": set(broken.drop_nulls().to_list())}
    sound = {name for name, is_sound in zip(sample.ids, sample.sound.tolist(), strict=True) if is_sound}
    asked = {"outliers": checks.outliers.enabled, "near_duplicates": checks.near_duplicates.enabled}
    asked["wrong_labels"] = checks.wrong_labels.enabled and table == "ads"
    for check in (check for check, is_asked in asked.items() if is_asked):
        of_rows = [each for each in quality.findings if each.check == check and (check != "near_duplicates" or not each.column)]
        named[check] = {suspect.id for each in of_rows for suspect in each.suspects}
    looked_at = {"outliers": sound, "wrong_labels": sound, "near_duplicates": set(sample.ids)}
    return recalled(planted_ids(world, table), named, looked_at)


def _say(context: StepContext, name: str, kept: Validated, quality: Quality) -> None:
    if kept.violations:
        counts = ", ".join(f"{_said(each.rule)} {each.count:,}" for each in kept.violations)
        context.say(f"{name}: {kept.aside:,} rows set aside; what they break, one row perhaps several: {counts}")
    for each in quality.findings:
        of = f" in {each.column}" if each.column else ""
        count = f"{len(each.suspects):,} rows" if each.suspects else f"a score of {each.score}"
        context.say(f"{name}: {each.check.replace('_', ' ')}{of}: {count} ({each.severity})")
    for entry in quality.not_judged:
        context.say(f"{name}: {entry['check'].replace('_', ' ')} not judged: {entry['why']}")


def _said(rule: Rule) -> str:
    words = rule.name.replace("_", " ")
    return words if words.startswith(rule.column) else f"{rule.column} {words}"
