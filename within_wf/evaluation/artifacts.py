"""From the files of features, model and baselines to the files of a judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.config.dataset import AdTable, SeriesTable
from within_wf.config.training import EvaluationConfig
from within_wf.errors import EvaluationError, Problem
from within_wf.evaluation.bootstrap import block_units, group_units
from within_wf.evaluation.curves import draw_curves
from within_wf.evaluation.judgement import Predictions, judge
from within_wf.evaluation.metrics import Task
from within_wf.store.canonical import read_json, write_json, write_parquet

MAX_SLICE_VALUES = 40
"""A column with more values than this is an identity, not a group to judge by, unless the configuration names it."""
_KEPT = ("weight", "split")


@dataclass(frozen=True)
class TestRows:
    """The test rows with all predictions.

    Attributes:
        table: The key columns, ``target``, ``weight``, ``prediction`` and one column a baseline.
        keys: The columns that name a row.
        baselines: The columns of baselines.
        descriptions: What each baseline is.
        units: What is resampled together, int64, shape [n].
        slices: Column to the value of each row.
        sensitive: The slices that name groups of people.
    """

    __test__ = False

    table: pl.DataFrame
    keys: tuple[str, ...]
    baselines: tuple[str, ...]
    descriptions: dict[str, str]
    units: npt.NDArray[np.int64] | None
    slices: dict[str, npt.NDArray[np.str_]]
    sensitive: frozenset[str]


def read_ads(features: Path, model: Path, baselines: Path | None, columns: AdTable, config: EvaluationConfig) -> TestRows:
    """The test ads.

    Args:
        features: The artifact of ``build_ad_features``.
        model: The artifact of ``train_ad_score``.
        baselines: The artifact of ``fit_ad_baselines``; none where there is none.
        columns: What the columns of the ads mean.
        config: Which slices to judge by.

    Raises:
        EvaluationError: A test row has no prediction, or more than one.
    """
    rows = pl.read_parquet(features / "table.parquet").filter(pl.col("split") == "test").sort("id")
    table, names, descriptions = _join(rows, ("id",), model, baselines)
    group = f"slice_{columns.group}"
    units = group_units(table[group].fill_null("").to_numpy()) if columns.group and group in table.columns else None
    slices = _slices(table, {*config.slices, *columns.sensitive}, columns.group)
    sensitive = frozenset(columns.sensitive) & frozenset(slices)
    return TestRows(table, ("id",), names, descriptions, units, slices, sensitive)


def read_accounts(
    features: Path, model: Path, baselines: Path | None, columns: SeriesTable, config: EvaluationConfig
) -> TestRows:
    """The test windows; neighbouring moments of a series are resampled together.

    Args:
        features: The artifact of ``build_account_features``.
        model: The artifact of ``train_account_health``.
        baselines: The artifact of ``fit_account_baselines``; none where there is none.
        columns: What the columns of the series mean.
        config: Which slices to judge by, and how many moments are resampled together.

    Raises:
        EvaluationError: A test window has no prediction, or more than one.
    """
    index = pl.read_parquet(features / "index.parquet").filter(pl.col("split") == "test").sort("series", "time")
    rows = index.with_columns(target=pl.col("label").cast(pl.Float64), weight=pl.lit(1.0))
    table, names, descriptions = _join(rows, ("series", "time"), model, baselines)
    units = block_units(table["series"].to_numpy(), config.bootstrap.block)
    slices = _slices(table, {*config.slices, *columns.slices}, None)
    return TestRows(table, ("series", "time"), names, descriptions, units, slices, frozenset())


def write_judgement(output: Path, task: Task, rows: TestRows, config: EvaluationConfig) -> None:
    """Write ``metrics.json``, ``curves.json`` and ``predictions.parquet``.

    Raises:
        EvaluationError: Naming every row that cannot be judged.
    """
    table = rows.table
    truth, prediction, weight = (table[name].to_numpy() for name in ("target", "prediction", "weight"))
    baselines = {name: table[name].to_numpy() for name in rows.baselines}
    ids = [" ".join(str(part) for part in row) for row in table.select(rows.keys).iter_rows()]
    predictions = Predictions(truth, prediction, baselines, weight, rows.units, rows.slices, rows.sensitive, ids)
    metrics = judge(task, predictions, config)
    for name, description in rows.descriptions.items():
        if name in metrics["baselines"]:
            metrics["baselines"][name]["description"] = description
    write_json(output / "metrics.json", metrics)
    write_json(output / "curves.json", draw_curves(task, truth, prediction, weight, baselines))
    write_parquet(output / "predictions.parquet", table.select(*rows.keys, "target", "prediction", *rows.baselines))


def _join(
    rows: pl.DataFrame, keys: tuple[str, ...], model: Path, baselines: Path | None
) -> tuple[pl.DataFrame, tuple[str, ...], dict[str, str]]:
    """The rows with the predictions of model and baselines beside them, in the order of the rows."""
    table = _add(rows, keys, "the model", pl.read_parquet(model / "predictions.parquet"), ["prediction"])
    if baselines is None:
        return table, (), {}
    theirs = pl.read_parquet(baselines / "predictions.parquet")
    names = tuple(sorted(set(theirs.columns) - {*keys, *_KEPT}))
    return _add(table, keys, "the baselines", theirs, names), names, dict(read_json(baselines / "baselines.json"))


def _add(rows: pl.DataFrame, keys: tuple[str, ...], whose: str, given: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    test = given.filter(pl.col("split") == "test") if "split" in given.columns else given
    wanted = test.select(*keys, *(pl.col(name).cast(pl.Float64) for name in names))
    problems = [
        *_named(wanted.filter(wanted.select(keys).is_duplicated()).select(keys).unique(), "several predictions"),
        *_named(rows.join(wanted, on=keys, how="anti").select(keys), "no prediction"),
    ]
    if problems:
        raise EvaluationError(f"the predictions of {whose} do not fit the test rows", problems)
    return rows.join(wanted, on=keys, how="left", maintain_order="left")


def _named(keys: pl.DataFrame, found: str) -> list[Problem]:
    rows = [" ".join(str(part) for part in row) for row in keys.sort(keys.columns).iter_rows()]
    return [Problem(f"test row {row}", found, "one prediction") for row in rows[:20]]


def _slices(table: pl.DataFrame, wanted: set[str], group: str | None) -> dict[str, npt.NDArray[np.str_]]:
    """The columns to judge by: those asked for, and others with few values."""
    slices: dict[str, Any] = {}
    for column in sorted(name for name in table.columns if name.startswith("slice_")):
        name = column.removeprefix("slice_")
        few = 2 <= table[column].n_unique() <= MAX_SLICE_VALUES and name != group
        if name in wanted or few:
            slices[name] = table[column].cast(pl.String).fill_null("(none)").to_numpy().astype(str)
    return slices
