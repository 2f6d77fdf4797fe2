"""The step divides rows, says how they came out, and refuses what leaks against the strategy's promise."""

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from within_wf.errors import DatasetError
from within_wf.steps import split_data
from within_wf.steps.context import StepContext

ADS = {"id": "ad", "target": "score", "text": ["headline"], "group": "campaign", "time": "day"}


def ads(rows=400, seed=0):
    draws = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "ad": [f"ad-{row}" for row in range(rows)],
            "score": draws.normal(0, 1, rows),
            "headline": [f"Headline {number}" for number in draws.choice(["one", "two", "three"], rows)],
            "campaign": [f"c-{number}" for number in draws.integers(0, 40, rows)],
            "day": [date(2024, 1, 1) + timedelta(days=int(day)) for day in draws.integers(0, 100, rows)],
        }
    )


def divide(tmp_path, table, split, **roles):
    source, output = tmp_path / "dataset", tmp_path / "out"
    source.mkdir(exist_ok=True)
    output.mkdir()
    table.write_parquet(source / "table.parquet")
    config = {"dataset.table": {**ADS, **roles}, "data.split": split}
    split_data.run(StepContext(inputs={"dataset": source}, output=output, config=config, model="ad_score"))
    return output


def report_of(output):
    return json.loads((output / "report.json").read_text())


def test_sizes_deviations_and_what_crosses_are_said(tmp_path, capsys):
    output = divide(tmp_path, ads(), {"strategy": "random"})
    parts = {name: pl.read_parquet(output / f"{name}.parquet") for name in ("train", "validation", "test")}
    summary, report = json.loads((output / "summary.json").read_text()), report_of(output)
    assert summary["sizes"] == {name: part.height for name, part in parts.items()}
    assert report["deviations"]["test"] == pytest.approx(parts["test"].height - 80)
    assert report["standard_deviations"]["test"] == pytest.approx(8.0)
    assert report["promised"] == ["id"]
    assert report["excluded"] == 0
    known = set(parts["train"]["campaign"])
    held = pl.concat([parts["validation"], parts["test"]])
    assert report["crossings"]["group"]["rows"] >= held["campaign"].is_in(known).sum()
    assert report["crossings"]["text"] == {"column": "headline", "values": 3, "rows": held.height}
    assert set(report["crossings"]) == {"group", "text", "time"}
    lines = capsys.readouterr().err.splitlines()
    assert f"test: {parts['test'].height:,} of 400 rows" in lines[2]
    assert "where chance gives 8.0 as a rule" in lines[2]
    assert f"{held.height:,} rows share a text with an earlier side (headline)" in lines
    assert not (output / "excluded.parquet").exists()


def test_rows_in_an_embargo_are_listed(tmp_path, capsys):
    output = divide(tmp_path, ads(), {"strategy": "time", "embargo": "5d"})
    excluded = pl.read_parquet(output / "excluded.parquet")
    sides = [pl.read_parquet(output / f"{name}.parquet") for name in ("train", "validation", "test")]
    assert excluded.height == report_of(output)["excluded"] > 0
    assert pl.concat([*sides, excluded]).sort("ad").equals(ads().sort("ad"))
    assert report_of(output)["promised"] == ["id", "time"]
    assert report_of(output)["standard_deviations"] is None
    assert f"{excluded.height:,} rows are on no side: the embargo" in capsys.readouterr().err


def test_groups_in_the_order_of_time(tmp_path):
    table = ads().with_columns(campaign="c-" + (pl.col("day").dt.ordinal_day() // 4).cast(pl.String))
    report = report_of(divide(tmp_path, table, {"strategy": "group_time", "embargo": 0}))
    assert report["promised"] == ["group", "id", "time"]
    assert set(report["crossings"]) == {"text"}


def test_a_series_stays_whole_with_its_clusters(tmp_path):
    table = pl.DataFrame({"account_id": np.repeat(np.arange(60), 5).astype(str), "date": [date(2024, 1, 1)] * 300})
    table = table.with_columns(cluster=pl.col("account_id").cast(pl.Int64) // 2)
    source, output = tmp_path / "dataset", tmp_path / "out"
    source.mkdir()
    output.mkdir()
    table.write_parquet(source / "table.parquet")
    split = {"strategy": "group", "cluster_column": "cluster"}
    config = {"dataset.table": {"channels": ["clicks"]}, "data.split": split}
    split_data.run(StepContext(inputs={"dataset": source}, output=output, config=config, model="account_health"))
    clusters = [set(pl.read_parquet(output / f"{name}.parquet")["cluster"]) for name in ("train", "validation", "test")]
    assert sum(map(len, clusters)) == 30
    assert report_of(output)["promised"] == ["cluster", "group", "id"]


def test_what_leaks_against_the_promise_is_refused_before_anything_is_written(tmp_path):
    days = pl.int_range(pl.len()).cast(pl.Int32).cast(pl.Date)
    twice = ads().with_columns(day=days, ad=pl.col("ad").replace("ad-399", "ad-0"))
    with pytest.raises(DatasetError, match=r"(?s)divided by time leak.*column ad: found 1 on more than one side, 1 rows"):
        divide(tmp_path, twice, {"strategy": "time"})
    assert list((tmp_path / "out").iterdir()) == []
