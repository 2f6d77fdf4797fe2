"""Costs on ad exchanges with labelled anomalies, of the Numenta Anomaly Benchmark, as a table of series.

Lavin, Ahmad, Evaluating Real-Time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark, ICMLA 2015.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from within_wf.data.findings import Findings
from within_wf.data.layout import Kind
from within_wf.data.readers.raw import readable
from within_wf.data.readers.table import read_table, refuse
from within_wf.errors import DatasetError, DatasetNotFoundError, Problem

COLUMNS: dict[str, Kind] = {"timestamp": "moment", "value": "number"}
_HOUR = 3_600_000_000
_HOURLY = "times as YYYY-MM-DD hh:mm:ss, whole hours apart"
_SPARSEST = 20
Windows = list[tuple[datetime, datetime]]
_PAIRS = "a list of pairs of times, each as YYYY-MM-DD hh:mm:ss, the earlier first"


def read_ad_exchange(files: Mapping[str, Path], say: Callable[[str], object] | None = None) -> pl.DataFrame:
    """Read one series a CSV file, and the windows of anomalies of all of them from the one JSON file.

    The series are made even: one value an hour from the first to the last. An hour that was not measured repeats the value
    of the last one that was, so that nothing is known before its time; of two values for one hour the later row stands.

    Args:
        files: What messages call a file, to its path; a name that ends in ``.json`` is the windows'.
        say: Takes a line that says how many hours were filled in.

    Returns:
        series (the file's name without ``_results`` and suffix), time (Datetime in microseconds), value, anomaly (Int64: 1
        within a window, its ends included, else 0); by series in the files' order, then by time.

    Raises:
        DatasetError: The files cannot be read as such; everything wrong is named.
    """
    tables = {name: path for name, path in files.items() if not name.endswith(".json")}
    others = {name: path for name, path in files.items() if name not in tables}
    if len(others) != 1 or not tables:
        problem = Problem("dataset.source.files", ", ".join(files) or "none", "CSV files and one JSON file of windows")
        raise DatasetError("the files are not those of ad exchanges", [problem])
    ((name, path),) = others.items()
    windows: dict[str, Windows] = {}
    frames, errors = [], {}
    try:
        windows = _read_windows(name, path, list(tables))
    except DatasetError as error:
        errors[name] = error
    for name, path in tables.items():
        try:
            measured = read_table({name: path}, COLUMNS, fixed=True)
            with readable(name):
                frames.append(_even(name, measured, windows.get(Path(name).name, [])))
        except DatasetError as error:
            errors[name] = error
    refuse(files, errors)
    series = pl.concat(frames)
    if say is not None:
        say(f"{series['repeated'].sum():,} of {series.height:,} hours were not measured and repeat the value before")
    return series.drop("repeated")


def _even(name: str, measured: pl.DataFrame, windows: Windows) -> pl.DataFrame:
    """One series, hour by hour."""
    _check_hours(name, measured["timestamp"])
    values = measured.with_columns(pl.col("timestamp").cast(pl.Datetime("us"))).unique("timestamp", keep="last")
    hours = values.select(pl.datetime_range(pl.col("timestamp").min(), pl.col("timestamp").max(), "1h"))
    even = hours.join(values, on="timestamp", how="left", maintain_order="left")
    within = pl.any_horizontal(pl.lit(value=False), *(pl.col("timestamp").is_between(*window) for window in windows))
    return even.select(
        pl.lit(Path(name).stem.removesuffix("_results")).alias("series"),
        pl.col("timestamp").alias("time"),
        pl.col("value").forward_fill(),
        within.cast(pl.Int64).alias("anomaly"),
        pl.col("value").is_null().alias("repeated"),
    )


def _check_hours(name: str, times: pl.Series) -> None:
    """Refuse times that are missing, not whole hours apart or too far apart: no even series is made from them."""
    findings = Findings(name)
    if isinstance(times.dtype, pl.Datetime | pl.Date):
        passed = times.cast(pl.Datetime("us")).to_physical()
        passed = passed - passed.min()
        apart = (passed % _HOUR != 0).fill_null(value=True).arg_true().to_list()
        findings.add_cells("timestamp", _HOURLY, (row + 1 for row in apart), (times[row] for row in apart))
        last: Any = passed.max() or 0
        hours = last // _HOUR + 1
        if hours > _SPARSEST * times.len():
            found = f"{times.len():,} of {hours:,} hours"
            findings.add(Problem(f"{name}, column timestamp", found, f"one in {_SPARSEST} at least"))
    else:
        findings.add(Problem(f"{name}, column timestamp", f"the type {times.dtype}", _HOURLY))
    if findings.problems():
        raise DatasetError(f"{name} cannot be read", findings.problems())


def _read_windows(name: str, path: Path, tables: list[str]) -> dict[str, Windows]:
    """The windows of each file of ``tables``, by its name."""
    if not path.is_file():
        raise DatasetNotFoundError(f"{name} is not there", [Problem(name, "no file", "a file of the dataset")])
    try:
        given: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(f"{name} cannot be read", [Problem(name, f"no JSON ({error})", "JSON")]) from error
    if not isinstance(given, dict):
        raise DatasetError(f"{name} cannot be read", [Problem(name, type(given).__name__, "an object: file to windows")])
    windows: dict[str, Windows] = {}
    problems = []
    for table in (Path(table).name for table in tables):
        read = [_window(pair) for pair in given[table]] if isinstance(given.get(table), list) else [None]
        windows[table] = [window for window in read if window is not None]
        if None in read:
            problems.append(Problem(f"{name}, key {table}", _said(given.get(table)), _PAIRS))
    if problems:
        raise DatasetError(f"{name} cannot be read", problems)
    return windows


def _window(pair: object) -> tuple[datetime, datetime] | None:
    try:
        first, last = (datetime.fromisoformat(moment) for moment in pair)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return None
    return (first, last) if first.tzinfo is None and last.tzinfo is None and first <= last else None


def _said(value: object) -> str:
    text = "nothing" if value is None else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
