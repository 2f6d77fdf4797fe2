"""The readers of published formats, on small files and on the real ones, against plain Python."""

import csv
import json
import os
from datetime import date, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import polars as pl
import pytest

from within_wf.config.dataset import DatasetConfig, FileSource
from within_wf.config.load import load_file
from within_wf.data.readers.ad_exchange import read_ad_exchange
from within_wf.data.readers.files import read_files
from within_wf.data.readers.upworthy import read_upworthy
from within_wf.data.validator import validate_table
from within_wf.errors import DatasetError

CONFIGS = Path(__file__).parents[2] / "configs/data"
DATA = os.environ.get("WITHIN_DATA")
real = pytest.mark.skipif(DATA is None, reason="WITHIN_DATA does not name the folder of the real files, see docs/datasets.md")

UPWORTHY = """clickability_test_id,headline,test_week,impressions,clicks,winner
t1,One,201446,200,3,True
t2,Other,201447,100,1,False
t1,Two,201446,0,0,False
"""
FACEBOOK = """Date,ad_id,xyz_campaign_id,age,gender,interest,Impressions,Clicks,Spent,Total_Conversion
31-08-2023,7,916,30-34,M,15,1000,3,1.25,2
01-08-2023,8,916,30-34,F,16,3000,1,0,0
30-08-2023,9,936,35-39,F,16,10,0,0,0
"""
HOURS = """timestamp,value
2011-07-01 00:00:01,0.1
2011-07-01 04:00:01,0.5
2011-07-01 01:00:01,0.2
2011-07-01 01:00:01,0.25
"""


def written(folder, **files):
    paths = {name.replace("__", "."): folder / name.replace("__", ".") for name in files}
    for path, text in zip(paths.values(), files.values(), strict=True):
        path.write_text(text)
    return paths


def real_files(name):
    config = load_file(CONFIGS / f"{name}.yaml", DatasetConfig)
    return config, {file: Path(DATA) / config.source.folder / file for file in config.source.files}


def test_upworthy(tmp_path):
    table = read_upworthy(written(tmp_path, packages__csv=UPWORTHY))
    assert table.rows() == [
        ("t1-1", "t1", "One", 201446, 200, 3, 1.5),
        ("t2-1", "t2", "Other", 201447, 100, 1, 1.0),
        ("t1-2", "t1", "Two", 201446, 0, 0, None),
    ]


def smoothed(clicks, impressions):
    """The score of each ad in exact arithmetic, rounded once."""
    rate = Fraction(sum(clicks), sum(impressions))
    return [float(100 * (c + 1) / (i + 1 / rate)) for c, i in zip(clicks, impressions, strict=True)]


def read_facebook_campaigns(files):
    config = load_file(CONFIGS / "facebook_campaigns.yaml", DatasetConfig)
    return read_files(config.source, files, config.ads)["ads"]


def test_facebook_campaigns(tmp_path):
    table = read_facebook_campaigns(written(tmp_path, ads__csv=FACEBOOK))
    columns = ["ad_id", "campaign_id", "age", "gender", "interest", "date", "impressions", "clicks", "spend", "conversions"]
    assert table.select(columns).row(0) == ("7", "916", "30-34", "M", "15", date(2023, 8, 31), 1000, 3, 1.25, 2)
    assert table["ctr_percent"].to_list() == pytest.approx(smoothed([3, 1, 0], [1000, 3000, 10]), rel=1e-15)


def test_without_a_click_there_is_no_rate(tmp_path):
    table = read_facebook_campaigns(written(tmp_path, ads__csv="\n".join(FACEBOOK.splitlines()[::3]) + "\n"))
    assert table["ctr_percent"].to_list() == [None]


def test_ad_exchange_makes_the_hours_even(tmp_path):
    windows = {"x_results.csv": [["2011-07-01 01:00:01.000000", "2011-07-01 02:30:00"]]}
    said = []
    table = read_ad_exchange(written(tmp_path, x_results__csv=HOURS, w__json=json.dumps(windows)), said.append)
    assert table.columns == ["series", "time", "value", "anomaly"]
    assert table["series"].unique().to_list() == ["x"]
    assert table["time"].to_list() == [datetime(2011, 7, 1, hour, 0, 1) for hour in range(5)]
    assert table["value"].to_list() == [0.1, 0.25, 0.25, 0.25, 0.5]
    assert table["anomaly"].to_list() == [0, 1, 1, 0, 0]
    assert said == ["2 of 5 hours were not measured and repeat the value before"]


@pytest.mark.parametrize("windows", ["[]", "7", '{"x.csv": 7}', '{"x.csv": [["a", "b"]]}', '{"x.csv": [[1, 2]]}', "[" * 10**5])
def test_windows_that_cannot_be_read(tmp_path, windows):
    with pytest.raises(DatasetError, match=r"w\.json"):
        read_ad_exchange(written(tmp_path, x__csv=HOURS, w__json=windows))


def test_windows_file_that_is_not_there(tmp_path):
    with pytest.raises(DatasetError, match=r"w\.json: found no file"):
        read_ad_exchange({**written(tmp_path, x__csv=HOURS), "w.json": tmp_path / "w.json"})


def test_windows_alone_are_no_series(tmp_path):
    with pytest.raises(DatasetError, match=r"found w\.json, expected CSV files and one JSON file of windows"):
        read_ad_exchange(written(tmp_path, w__json="{}"))


def test_a_table_has_one_meaning(tmp_path):
    source = FileSource(kind="files", reader="table", folder="", files=["x.csv"])
    with pytest.raises(DatasetError, match="found neither ads nor series, expected one of them"):
        read_files(source, written(tmp_path, x__csv=HOURS))


@real
def test_the_real_headline_tests():
    config, files = real_files("upworthy")
    table = read_files(config.source, files)["ads"]
    raw = pl.read_parquet(files["packages.parquet"])
    assert table.height == 15_917
    assert table["ad_id"].is_unique().all()
    assert table["headline"].to_list() == raw["headline"].to_list()
    want = [100 * clicks / shown for clicks, shown in zip(raw["clicks"].to_list(), raw["impressions"].to_list(), strict=True)]
    assert table["ctr_percent"].to_list() == want
    assert sound(table, config) == table.height


@real
def test_the_real_campaigns():
    config, files = real_files("facebook_campaigns")
    table = read_facebook_campaigns(files)
    with files["KAG_conversion_data.csv"].open(newline="") as file:
        raw = list(csv.DictReader(file))
    assert table["ad_id"].to_list() == [row["ad_id"] for row in raw]
    assert table["date"].to_list() == [datetime.strptime(row["Date"], "%d-%m-%Y").date() for row in raw]
    want = smoothed([int(row["Clicks"]) for row in raw], [int(row["Impressions"]) for row in raw])
    assert table["ctr_percent"].to_list() == pytest.approx(want, rel=1e-15)
    assert sound(table, config) == 1143


@real
def test_the_real_exchanges():
    config, files = real_files("ad_exchange")
    table = read_files(config.source, files)["series"]
    windows = json.loads(files["anomaly_windows.json"].read_text())
    for name in config.source.files[:4]:
        series = table.filter(pl.col("series") == name.removesuffix("_results.csv"))
        with files[name].open(newline="") as file:
            measured = {datetime.fromisoformat(row["timestamp"]): float(row["value"]) for row in csv.DictReader(file)}
        time, value, want = min(measured), None, []
        while time <= max(measured):
            value = measured.get(time, value)
            inside = any(datetime.fromisoformat(first) <= time <= datetime.fromisoformat(last) for first, last in windows[name])
            want.append((time, value, int(inside)))
            time += timedelta(hours=1)
        assert series.select("time", "value", "anomaly").rows() == want
    assert sound(table, config) == table.height


def sound(table, config):
    """How many rows keep their contract."""
    roles = config.ads or config.series
    return validate_table(table, roles, name="t", on_violation="quarantine", max_quarantined_share=1).clean.height
