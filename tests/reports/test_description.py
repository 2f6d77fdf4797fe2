import json
import re

import polars as pl
import pytest
from typer.testing import CliRunner

from within_wf.commands import app
from within_wf.data.description import describe
from within_wf.data.versions.canonical import canonical
from within_wf.errors import DatasetError
from within_wf.reports.description import headline, render_description, write_description

TABLE = pl.DataFrame(
    {
        "<b>name</b>": ["<script>alert(1)</script>", "<script>alert(1)</script>", "x"],
        "spend": [1.5, 2000.0, None],
        "clicks": [-3, 5, 5],
        "day": ["2024-01-01", "2024-01-02", "2024-03-01"],
    }
).with_columns(pl.col("day").str.to_date())


def described():
    return describe("ads", canonical(TABLE, "ads"))


def test_what_comes_from_data_is_escaped():
    page = render_description(described())
    assert "<script" not in page
    assert "<b>name" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert len(set(re.findall(r'\bid="([^"]*)"', page))) == len(re.findall(r'\bid="([^"]*)"', page))


def test_the_page_shows_every_column_and_is_the_same_each_time():
    page = render_description(described())
    assert page == render_description(described())
    assert page.count("<svg") == 3
    for words in ("<td>number</td>", "33.3 %", "−3", "Most frequent", "2024-01-01"):
        assert words in page


def test_the_command_says_it_in_the_terminal_as_json_and_as_a_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    TABLE.write_parquet("ads.parquet")
    run = CliRunner().invoke
    text = run(app, ["data", "describe", "ads.parquet"]).output
    assert "ads: 3 rows, 4 columns" in text
    assert re.search(r"spend +number +33\.3 % +2 +1\.50 +1,001 +2,000", text)
    known = json.loads(run(app, ["data", "describe", "ads.parquet", "--json"]).output)
    assert [column["name"] for column in known["columns"]] == TABLE.columns
    assert run(app, ["data", "describe", "ads.parquet", "--html", "ads.html"]).output == "ads.html: 3 rows, 4 columns\n"
    assert "<svg" in (tmp_path / "ads.html").read_text()


def test_a_place_that_cannot_be_written_is_left_as_it_was(tmp_path):
    (tmp_path / "page").mkdir()
    with pytest.raises(DatasetError, match=r"the page was not written\n.*page: "):
        write_description(tmp_path / "page", described())
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


def test_repeated_rows_are_in_the_headline():
    twice = pl.concat([TABLE, TABLE])
    assert headline(describe("ads", canonical(twice, "ads"), "ad_performance")) == (
        "ads: 6 rows, 4 columns, contract ad_performance; 3 rows are repeated"
    )
