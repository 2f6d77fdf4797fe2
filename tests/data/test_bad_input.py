"""Each kind of bad input, from the files to the message in docs/bad-input.md, word for word."""

import gzip
import json
import re
from datetime import datetime
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from within_wf.config.dataset import AdTable, FileSource, SeriesTable
from within_wf.errors import DatasetError, DatasetNotFoundError, DatasetValidationError
from within_wf.steps import read_source, validate_data
from within_wf.steps.context import StepContext

DOCUMENT = Path(__file__).parents[2] / "docs/bad-input.md"
ADS = AdTable(target="score", categorical=["platform"])
HEADER = "ad_id,score,platform,impressions,clicks,spend,start_date,end_date"
ROWS = ["a1,1.5,web,100,5,2.5,2024-01-01,2024-01-31", "a2,2.5,app,200,7,3.5,2024-01-02,2024-01-30"]


def table(*rows, header=HEADER):
    return "\n".join([header, *rows, ""]).encode()


def parquet(frame, **options):
    file = BytesIO()
    frame.write_parquet(file, **options)
    return file.getvalue()


SOUND = table(*ROWS)
FRAME = pl.read_csv(SOUND, try_parse_dates=True)
HOURS = b"timestamp,value\n2011-07-01 00:00:01,0.1\n2011-07-01 01:00:01,0.2\n"
WINDOWS = {"x.csv": [["2011-07-01 00:00:01", "2011-07-01 01:00:01"]]}

# What is wrong: the files, and the reader where it is not `table`.
CASES = {
    "missing file": {"ads.csv": None},
    "empty file": {"ads.csv": b""},
    "header alone": {"ads.csv": table()},
    "encoding that is not UTF-8": {"ads.csv": SOUND + "a3,1,Zürich,1,1,1,2024-01-01,2024-01-02\n".encode("latin-1")},
    "UTF-16": {"ads.csv": SOUND.decode().encode("utf-16")},
    "ragged rows": {"ads.csv": table(*ROWS, "a3,1.5,web,100", "a4,1,web,1,1,1,2024-01-01,2024-01-02,9")},
    "lines above the header": {"ads.csv": b"Report of ads\n2024-01-01 to 2024-01-31\n" + SOUND},
    "quote that is never closed": {"ads.csv": table('a1,1,web,1,1,1,2024-01-01,"2024-01-02', *ROWS)},
    "Parquet cut short": {"ads.csv": parquet(FRAME)[:-100]},
    "Parquet that is damaged": {"ads.csv": b"PAR1" + b"\xff" * 100 + parquet(FRAME)[104:]},
    "Excel workbook named .csv": {"ads.csv": b"PK\x03\x04" + b"\0" * 100},
    "image named .csv": {"ads.csv": b"\x89PNG\r\n\x1a\n" + b"\0" * 100},
    "web page named .csv": {"ads.csv": b"<!DOCTYPE html><html></html>"},
    "JSON named .csv": {"ads.csv": b'[{"ad_id": "a1"}]'},
    "pickle named .parquet": {"ads.parquet": b"\x80\x04\x95" + b"\0" * 100},
    "JSON lines that are none": {"ads.jsonl": b'{"ad_id": "a1", "score": 1, "platform": "web"}\n{"ad_id": "a2"\n[3]\n'},
    "JSON lines with lists": {"ads.jsonl": b'{"ad_id": "a1", "score": [1, 2], "platform": "web"}\n'},
    "gzip that is cut short": {"ads.csv.gz": gzip.compress(SOUND, mtime=0)[:-12]},
    "compressed Parquet": {"ads.parquet.gz": gzip.compress(parquet(FRAME), mtime=0)},
    "Arrow cut short": {"ads.arrow": b"ARROW1\0\0" + b"\0" * 40},
    "zero bytes": {"ads.csv": SOUND + b"\0\0\0\n"},
    "folder with a file's name": {"ads.csv": {}},
    "missing columns": {"ads.csv": table("a1,5,2024-01-01", header="Ad_ID,hits,day")},
    "column that one file has more": {"a.csv": SOUND, "b.csv": parquet(FRAME.drop("clicks"))},
    "column twice": {"ads.csv": table("a1,1,2,web", header="ad_id,score,score,platform")},
    "types of cells": {
        "ads.csv": table(
            "a1,good,web,100.5,5,2.5,2024-01-01,2024-01-31",
            'a2,"1,5",web,1e3,five,2.5,2024-01-01,soon',
            "a3,1.5,web,99999999999999999999,5,2.5,2024-02-30,2024-03-01",
        )
    },
    "decimal commas": {
        "ads.csv": table("a1;1,5;web;1.000;5;1.002,50;2024-01-01;2024-01-31", header=HEADER.replace(",", ";")),
    },
    "several units": {
        "ads.csv": table(
            "a1,12 %,web,100,5,$2.50,2024-01-01,2024-01-31",
            "a2,0.12,web,200,7,3.5 EUR,2024-01-02,2024-01-30",
        )
    },
    "types of columns": {"ads.parquet": parquet(FRAME.with_columns(score="platform", clicks=pl.lit(1.5), start_date=True))},
    "nested type": {"ads.parquet": parquet(FRAME.with_columns(score=pl.lit([1.5])))},
    "NaN and infinity": {
        "ads.csv": table("a1,NaN,web,100,5,2.5,2024-01-01,2024-01-31", "a2,1,web,1,1,-inf,2024-01-01,2024-01-31")
    },
    "NaN for a whole number": {"ads.csv": table("a1,1,web,NaN,5,2.5,2024-01-01,2024-01-31")},
    "missing values": {"ads.csv": table(",1,web,100,5,2.5,2024-01-01,2024-01-31", "a2,NA,web,,1,1,2024-01-01,2024-01-31")},
    "negative counts": {"ads.csv": table("a1,1,web,-100,-105,-2.5,2024-01-01,2024-01-31", ROWS[1])},
    "more clicks than impressions": {"ads.csv": table("a1,1,web,100,105,2.5,2024-01-01,2024-01-31", ROWS[1])},
    "end before start": {"ads.csv": table("a1,1,web,100,5,2.5,2024-01-31,2024-01-01", ROWS[1])},
    "id twice": {"ads.csv": table(*ROWS, ROWS[0])},
    "dates in three forms": {
        "ads.csv": table(*ROWS, "a3,1,web,1,1,1,03.01.2024,2024-01-31", "a4,1,web,1,1,1,01/25/2024,2024-01-31")
    },
    "dates that can be read two ways": {
        "ads.csv": table("a1,1,web,1,1,1,03/01/2024,2024-01-31", "a2,1,web,1,1,1,04/02/2024,2024-01-31")
    },
    "days in one file and times in another": {
        "a.parquet": parquet(FRAME),
        "b.parquet": parquet(FRAME.with_columns(pl.col("start_date").cast(pl.Datetime("us")))),
    },
    "several files, several problems": {
        "a.csv": None,
        "b.csv": table("a1,bad,web,100,5,2.5,2024-01-01,2024-01-31", "a2,1"),
        "c.csv": parquet(FRAME.drop("score")),
    },
    "label that is neither 0 nor 1": {"days.csv": b"account_id,date,spend,unhealthy\na,2024-01-01,1,2\na,2024-01-02,1,0\n"},
    "windows that are no JSON": {"x.csv": HOURS, "windows.json": b"{"},
    "windows that do not fit": {"x.csv": HOURS, "y.csv": HOURS, "windows.json": {"x.csv": [["2011-07-02", "2011-07-01"]]}},
    "windows that are missing": {"x.csv": HOURS},
    "times that are no hours": {"x.csv": HOURS + b"2011-07-01 01:30:01,0.3\n,0.4\n", "windows.json": WINDOWS},
    "times far apart": {"x.csv": HOURS + b"2021-07-01 01:00:01,0.3\n", "windows.json": WINDOWS},
    "dates for times": {"x.csv": b"timestamp,value\n7,0.1\n", "windows.json": WINDOWS},
    "other table that is missing": {"ads.csv": SOUND, "scores.csv": None},
    "other table without its columns": {"ads.csv": SOUND, "scores.csv": b"Ad_ID,points\na1,1\n"},
    "other table with other types": {"ads.csv": SOUND, "scores.csv": b"ad_id,score\na1,good\na2,2.5\n"},
    "ads that another table contradicts": {"ads.csv": SOUND, "scores.csv": b"ad_id,score\na1,1\na1,1.8\nb7,2\n"},
}
# What is said of each file that is a table of its own.
RELATED = {
    "scores.csv": {
        "files": ["scores.csv"],
        "references": {"ad_id": "ad_id"},
        "agrees": [{"ours": "score", "theirs": "mean(score)", "by": "ad_id", "within": 0.01}],
    }
}
ROW_RULES = {
    "NaN and infinity",
    "missing values",
    "negative counts",
    "more clicks than impressions",
    "end before start",
    "id twice",
    "label that is neither 0 nor 1",
    "ads that another table contradicts",
}
ABSENT = ("missing file", "other table that is missing")
KINDS = {**dict.fromkeys(ABSENT, DatasetNotFoundError), **dict.fromkeys(ROW_RULES, DatasetValidationError)}


def context_of(files, folder):
    """The step that reads the model's own table of a dataset with these files."""
    folder.joinpath("raw").mkdir()
    for name, content in files.items():
        path = folder / "raw" / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif name.endswith(".json"):
            path.write_text(json.dumps(content))
        elif content == {}:
            path.mkdir()
    reader = "ad_exchange" if "x.csv" in files else "table"
    roles = SeriesTable(channels=["spend"]) if "days.csv" in files else ADS
    source = FileSource(kind="files", reader=reader, folder="raw", files=[name for name in files if name not in RELATED])
    sections = {
        "ads": None,
        "series": None,
        "linked": {},
        "series" if "days.csv" in files else "ads": roles.model_dump(mode="json"),
    }
    config = {"dataset.source": source.model_dump(mode="json"), **{f"dataset.{name}": part for name, part in sections.items()}}
    folder.joinpath("read").mkdir()
    return StepContext({}, folder / "read", config, sources={name: folder / "raw" / name for name in source.files})


def run(files, folder):
    """Read and validate."""
    context = context_of(files, folder)
    read_source.run(context)
    folder.joinpath("checked").mkdir()
    model, roles = ("account_health", "dataset.series") if "days.csv" in files else ("ad_score", "dataset.ads")
    related = {Path(name).stem: RELATED[name] for name in files if name in RELATED}
    severity = dict.fromkeys(("unknown_reference", "disagreement"), "refuse") if related else {}
    config = {
        "dataset.table": context.config[roles],
        "dataset.related": related,
        "data.validation": {"on_violation": "refuse", "severity": severity},
        "data.quality": {},
    }
    sources = {f"{Path(name).stem}/{name}": folder / "raw" / name for name in files if name in RELATED}
    validate_data.run(StepContext({"source": folder / "read"}, folder / "checked", config, model=model, sources=sources))


def documented():
    blocks = re.findall(r"^### (.*?)\n\n```text\n(.*?)\n```\n", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    return dict(blocks)


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_said_in_one_error(case, tmp_path):
    with pytest.raises(DatasetError) as error:
        run(CASES[case], tmp_path)
    assert re.sub(r"damaged content \(.*\)", "damaged content (…)", str(error.value)) == documented()[case]
    assert error.value.exit_code == 3
    assert type(error.value) is KINDS.get(case, DatasetError)
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name == "checked"]
    assert written == [], "nothing is half-written"
    if not isinstance(error.value, DatasetValidationError) and "scores.csv" not in CASES[case]:
        assert list((tmp_path / "read").iterdir()) == []


def test_the_document_tells_of_these_cases_and_no_others():
    assert list(documented()) == list(CASES)


def test_sound_input_is_read(tmp_path):
    run({"a.csv": SOUND, "b.parquet": parquet(FRAME.with_columns(pl.lit(["b1", "b2"]).explode().alias("ad_id")))}, tmp_path)
    read = pl.read_parquet(tmp_path / "checked/table.parquet")
    assert read["ad_id"].to_list() == ["a1", "a2", "b1", "b2"]
    assert read["start_date"].to_list() == [datetime(2024, 1, day).date() for day in (1, 2, 1, 2)]


def test_columns_without_a_meaning_are_left_out_and_named(tmp_path, capsys):
    read_source.run(context_of({"ads.csv": table("a1,1,web,1,2", header="ad_id,score,platform,memo,impresions")}, tmp_path))
    assert pl.read_parquet(tmp_path / "read/ads.parquet").columns == ["ad_id", "score", "platform"]
    assert "left out the columns impresions, memo, which the dataset gives no meaning" in capsys.readouterr().err
