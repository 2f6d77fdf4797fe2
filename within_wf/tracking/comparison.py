"""Runs of several experiments side by side."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from within_wf.errors import Problem, TrackingError
from within_wf.tracking.client import connect, explained
from within_wf.tracking.target import Target

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

_ERRORS = re.compile(r"(^|[._ /])(loss|error|rmse|mse|mae|mape|brier|ece|seconds|time|latency)([._ /]|$)", re.IGNORECASE)


def compare_experiments(
    experiment_ids: Sequence[str],
    metrics: Sequence[str],
    params: Sequence[str] | None = None,
    *,
    minimize: Collection[str] | None = None,
    tracking_uri: str | None = None,
) -> dict[str, Any]:
    """Lay the runs of experiments side by side.

    Args:
        experiment_ids: Ids or names of experiments.
        metrics: What to compare.
        params: Parameters to show beside it.
        minimize: The metrics that are better when they are smaller; by default those whose name says that they are an error,
            a loss or a time (``test.rmse``, ``val_loss``).
        tracking_uri: Where they were recorded; by default where :class:`~within_wf.tracking.ExperimentTracker` records.

    Returns:
        ``comparison_table``: a polars table of one row a run with ``experiment_id``, ``run_id``, ``run_name``, ``status``,
        ``metric.<name>`` and ``param.<name>``, best run of the first metric first.
        ``statistics``: metric to ``mean``, ``std`` (of the sample; none for one run), ``min``, ``max``, ``runs`` and
        ``best_run_id``.

    Raises:
        TrackingError: An experiment or a metric is nowhere; all of them are named.
    """
    target = Target.resolve("", tracking_uri)
    client = connect(target)
    with explained(target):
        ids, problems = _resolve(client, experiment_ids)
        runs = list(_runs(client, ids)) if ids else []
    known = sorted({name for run in runs for name in run.data.metrics})
    if not problems:
        there = ", ".join(known) or "no run has any"
        problems = [Problem("metrics", repr(name), f"one of {there}") for name in metrics if name not in known]
    if problems:
        raise TrackingError(f"experiments at {target.shown} cannot be compared", problems)
    smaller = {name for name in metrics if (name in minimize if minimize is not None else _ERRORS.search(name))}
    table = pl.DataFrame([_row(run, metrics, params or ()) for run in runs], infer_schema_length=None)
    if metrics:
        table = table.sort(f"metric.{metrics[0]}", descending=metrics[0] not in smaller, nulls_last=True, maintain_order=True)
    return {"comparison_table": table, "statistics": {name: _statistics(table, name, name in smaller) for name in metrics}}


def _resolve(client: MlflowClient, names: Sequence[str]) -> tuple[list[str], list[Problem]]:
    there = {str(known.experiment_id): str(known.name) for known in client.search_experiments()}
    by_name = {name: key for key, name in there.items()}
    found = [name if name in there else by_name.get(name) for name in map(str, names)]
    expected = f"one of {', '.join(f'{key} ({name})' for key, name in sorted(there.items()))}"
    problems = [Problem("experiment_ids", repr(name), expected) for name, key in zip(names, found, strict=True) if key is None]
    return [key for key in dict.fromkeys(found) if key is not None], problems


def _runs(client: MlflowClient, ids: list[str]) -> Iterator[Run]:
    token = None
    while True:
        page = client.search_runs(ids, order_by=["attributes.start_time ASC"], page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _row(run: Run, metrics: Sequence[str], params: Sequence[str]) -> dict[str, Any]:
    return {
        "experiment_id": run.info.experiment_id,
        "run_id": run.info.run_id,
        "run_name": run.info.run_name,
        "status": run.info.status,
        **{f"metric.{name}": run.data.metrics.get(name) for name in metrics},
        **{f"param.{name}": run.data.params.get(name) for name in params},
    }


def _statistics(table: pl.DataFrame, metric: str, smaller: bool) -> dict[str, Any]:
    ranked = (
        table.select("run_id", value=f"metric.{metric}").drop_nulls().sort("value", descending=not smaller, maintain_order=True)
    )
    values = ranked["value"]
    return {
        "mean": values.mean(),
        "std": values.std(),
        "min": values.min(),
        "max": values.max(),
        "runs": len(values),
        "best_run_id": ranked["run_id"][0],
    }
