"""What is guessed of tables that nobody has described, and what is written of it."""

import csv
import gzip
import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from within_wf.config.dataset import DatasetConfig
from within_wf.config.load import load_file, load_run
from within_wf.data.init.look import look_at
from within_wf.data.init.write import init, said
from within_wf.data.load import load_dataset
from within_wf.data.readers.csv_file import lines_to_skip
from within_wf.data.readers.files import read_files
from within_wf.data.readers.kinds import TextFormat
from within_wf.data.readers.open import open_raw
from within_wf.errors import ConfigError, DatasetError
from within_wf.store.disk import digest_file

DAYS = [date(2024, 1, 1) + timedelta(days=day) for day in range(30)]


def ads(path, rows=60, delimiter=";", **columns):
    names = {
        "Ad Ref": lambda row: f"A-{row}",
        "Headline": lambda row: f"Save {row} percent on shoes",
        "Network": lambda row: ["search", "video", "feed"][row % 3],
        "Campaign ID": lambda row: 900 + row % 7,
        "Amount spent (EUR)": lambda row: f"{row / 4:.2f}" if row % 5 else "",
        "Impr.": lambda row: 1000 + row,
        "Link clicks": lambda row: row,
        "Reporting starts": lambda row: DAYS[row % 30],
        "Age": lambda row: ["18-24", "25-34"][row % 2],
        "Notes": lambda row: "",
        "Currency": lambda row: "EUR",
    } | columns
    with path.open("w", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(names)
        writer.writerows([value(row) for value in names.values()] for row in range(rows))
    return str(path)


def series(path, **columns):
    rows = [
        {"shop": shop, "day": day.isoformat(), "visits": 100 + number, "sales": 1.5 * number, "region": shop[0]}
        | {name: value(number) for name, value in columns.items()}
        for shop in ("north 1", "south 1")
        for number, day in enumerate(DAYS)
    ]
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    return str(path)


def guessed(place, tmp_path, name=None):
    paths, guess = init(place, name, tmp_path / "configs")
    return load_file(paths[0], DatasetConfig), guess, paths


def test_ads(tmp_path):
    config, guess, paths = guessed(ads(tmp_path / "Spring ads.2024.csv"), tmp_path)
    assert config.name == "spring_ads"
    assert config.source.columns == {
        "impressions": "Impr.",
        "clicks": "Link clicks",
        "start_date": "Reporting starts",
        "campaign_id": "Campaign ID",
        "platform": "Network",
    }
    roles = config.ads
    assert (roles.id, roles.target, roles.text) == ("Ad Ref", "ctr_percent", ["Headline"])
    assert (roles.categorical, roles.numeric) == (["platform", "campaign_id", "Age"], [])
    assert (roles.group, roles.time, roles.sensitive) == ("campaign_id", "start_date", ["Age"])
    assert guess.left_out == {
        "Amount spent (EUR)": "known only when the ad has run: name it in numeric if you know it before",
        "Impr.": "known only when the ad has run: name it in numeric if you know it before",
        "Link clicks": "known only when the ad has run: name it in numeric if you know it before",
        "Reporting starts": "a moment, not a feature",
        "Notes": "it is empty",
        "Currency": "it is 'EUR' in every row",
    }
    text = paths[0].read_text()
    assert "#   Notes: it is empty\n" in text
    assert "  sensitive: [Age]  # groups of people, by which results are judged\n" in text
    assert said(paths, guess)[-1] == "then: snakemake --profile local train_all --config dataset=spring_ads"
    assert load_dataset("spring_ads", configs=tmp_path / "configs").height == 60


def test_a_score_of_its_own(tmp_path):
    config, guess, _ = guessed(ads(tmp_path / "x.csv", Quality=lambda row: row % 11 / 2), tmp_path)
    assert config.ads.target == "Quality"
    assert config.ads.numeric == ["Amount spent (EUR)", "impressions"]
    assert guess.doubts["target"] == "its name speaks for it; values from 0.0 to 5.0"


def test_series(tmp_path):
    config, guess, paths = guessed(series(tmp_path / "shops.jsonl.gz", incident=lambda number: number % 2), tmp_path)
    roles = config.series
    assert (roles.series, roles.time, roles.label) == ("shop", "day", "incident")
    assert (roles.channels, roles.slices) == (["visits", "sales"], ["region"])
    assert guess.left_out == {}
    assert "account_health: ../training/account_health_predictor.yaml" in paths[1].read_text()
    assert load_dataset("shops", configs=tmp_path / "configs").height == 60


def test_series_without_a_label_ask_for_it(tmp_path):
    _, guess, paths = guessed(series(tmp_path / "shops.jsonl.gz"), tmp_path)
    assert guess.roles["label"] == "?"
    assert said(paths, guess)[-1].startswith(f"name label in {paths[0]}, then run: snakemake")


def test_rows_without_a_name_are_numbered(tmp_path):
    config, _, _ = guessed(ads(tmp_path / "x.csv", **{"Ad Ref": lambda row: row // 2}), tmp_path)
    assert config.source.computed["ad_id"] == "row_number()"
    assert load_dataset("x", configs=tmp_path / "configs")["ad_id"].to_list()[:2] == ["1", "2"]


def test_nothing_to_predict(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("id,colour\n1,red\n2,red\n3,blue\n4,blue\n")
    _, guess, _ = guessed(str(path), tmp_path)
    assert guess.roles == {"id": "id", "target": "?", "categorical": ["colour"]}


def test_doubts_of_columns(tmp_path):
    more = {
        "When": lambda row: f"0{row % 9 + 1}/0{row % 3 + 1}/2024",
        "Size": lambda row: row if row % 10 else "big",
        "Clicks (all)": lambda row: row,
        "Clicks": lambda row: row,
    }
    _, guess, paths = guessed(ads(tmp_path / "x.csv", **more), tmp_path)
    assert guess.left_out["When"] == "dates that fit DD/MM/YYYY and MM/DD/YYYY: say which by source.day_first"
    assert guess.doubts["Size"] == "90% of its values are whole numbers, the others are not"
    assert guess.doubts["clicks"] == "Clicks and Link clicks could be it"
    assert "could be it" in paths[0].read_text()


@pytest.mark.parametrize("header", ["no\nyes: {", "a # b", "'", '"', "true", "1", "é ü", "[x]", "- y", "@z", "\u2028\x85w"])
def test_any_header_is_written_so_that_it_is_read_again(tmp_path, header):
    config, _, _ = guessed(ads(tmp_path / "x.csv", **{header: lambda row: ["a", "b"][row % 2]}), tmp_path)
    assert header in config.ads.categorical
    assert load_dataset("x", configs=tmp_path / "configs")[header].to_list()[:2] == ["a", "b"]


def test_the_written_run_is_a_run(tmp_path):
    (tmp_path / "configs").mkdir()
    for folder in ("training", "schemas", "evaluation"):
        source = Path(__file__).parents[3] / "configs" / folder
        if source.is_dir():
            (tmp_path / "configs" / folder).symlink_to(source)
    _, _, paths = guessed(ads(tmp_path / "x.csv"), tmp_path)
    assert load_run(paths[1], []).dataset.name == "x"


def test_nothing_is_written_over(tmp_path):
    place = ads(tmp_path / "x.csv")
    _, _, paths = guessed(place, tmp_path)
    before = [digest_file(path) for path in paths]
    with pytest.raises(ConfigError, match=r"x\.yaml: found a file, expected none\. Take another --name"):
        init(place, None, tmp_path / "configs")
    with pytest.raises(ConfigError, match="found 'No', expected small letters"):
        init(place, "No", tmp_path / "configs")
    assert [digest_file(path) for path in paths] == before


def test_a_file_that_cannot_be_read_writes_nothing(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1\n")
    with pytest.raises(DatasetError, match=r"x\.csv, row 1: found 1 value"):
        init(str(tmp_path / "x.csv"), None, tmp_path / "configs")
    with pytest.raises(DatasetError, match="found no file"):
        init(str(tmp_path / "y.csv"), None, tmp_path / "configs")
    assert not (tmp_path / "configs").exists()


def test_names_of_datasets(tmp_path):
    for file, name in (("2024-05 Ads (new).csv", "table_2024_05_ads_new"), ("ÄÖ.csv", "table"), ("days", "days")):
        assert guessed(ads(tmp_path / file), tmp_path)[0].name == name


def test_only_the_first_rows_are_looked_at(tmp_path, monkeypatch):
    from within_wf.data.init import look

    monkeypatch.setattr(look, "LOOKED_AT", 10)
    path = Path(ads(tmp_path / "x.csv"))
    looked = look_at({"a": path, "b": path})
    table, columns = looked.table, looked.columns
    assert table.height == 10
    assert {column.rows for column in columns} == {10}


EXPORT = """Campaign report
"January 1, 2024 - January 31, 2024"
Ad,Day,Network,Impr.,Cost,Conv. rate,Quality
"""


def test_an_export_of_an_ad_platform_is_understood(tmp_path):
    rows = [
        f'ad {row},"Jan {row % 28 + 1}, 2024",{"fg"[row % 2]},"{1000 + row:,}","${row:,}.50",{row / 10}%,{row % 7}'
        for row in range(60)
    ]
    path = tmp_path / "x.csv"
    path.write_text(EXPORT + "\n".join(rows))
    config, guess, _ = guessed(str(path), tmp_path)
    assert config.source.skip_lines == 2
    assert config.source.decimal == "."
    assert config.source.columns["spend"] == "Cost"
    assert config.source.columns["date"] == "Day"
    table = read_files(config.source, {"x.csv": path}, config.ads)["ads"]
    assert table["impressions"].to_list() == [1000 + row for row in range(60)]
    assert table["spend"].to_list() == [row + 0.5 for row in range(60)]
    assert table["date"][3] == date(2024, 1, 4)
    assert not guess.doubts.keys() & {"header", "decimal"}


def test_decimal_commas_are_found_and_said(tmp_path):
    path = tmp_path / "x.csv"
    lines = [f"a{row};{row},5;{row + 1}.000;{row % 5}" for row in range(40)]
    path.write_text("\n".join(["id;Kosten;Reichweite;score", *lines]))
    config, guess, _ = guessed(str(path), tmp_path)
    assert config.source.decimal == ","
    assert guess.doubts["decimal"] == "Kosten has decimal commas"
    table = read_files(config.source, {"x.csv": path}, config.ads)["ads"]
    assert table["Kosten"].to_list() == [row + 0.5 for row in range(40)]
    assert table["Reichweite"].to_list() == [1000.0 * (row + 1) for row in range(40)]


@pytest.mark.parametrize(
    ("cells", "doubt"),
    [
        ([("1.000", "2"), ("3.500", "4")], "a can be read both ways: '.' or ','"),
        ([("1,5", "2.5"), ("2,5", "3.5")], "b has decimal points, a has decimal commas: it can be one alone"),
    ],
)
def test_the_decimal_mark_can_be_doubtful(tmp_path, cells, doubt):
    path = tmp_path / "x.csv"
    path.write_text("id;a;b;score\n" + "".join(f"r{row};{a};{b};1\n" for row, (a, b) in enumerate(cells)))
    config, guess, _ = guessed(str(path), tmp_path)
    assert config.source.decimal == "."
    assert guess.doubts["decimal"] == doubt


def test_a_table_without_a_header_is_doubted(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("1,2024-01-01,a\n2,2024-01-02,b\n3,2024-01-03,c\n")
    _, guess, _ = guessed(str(path), tmp_path)
    assert guess.doubts["header"].startswith("the first line looks like a row ('1', '2024-01-01')")


def test_columns_that_cannot_be_used_are_named(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("".join(f'{{"id": "a{row}", "score": {row}, "ad": {{"x": 1}}, "tags": ["a"]}}\n' for row in range(20)))
    _, guess, paths = guessed(str(path), tmp_path)
    assert set(guess.left_out) == {"ad", "tags"}
    assert "#   ad: objects or lists, not numbers, text, dates or times" in paths[0].read_text()


def test_a_target_without_differences_is_doubted(tmp_path):
    _, guess, _ = guessed(ads(tmp_path / "x.csv", Quality=lambda _: 3), tmp_path)
    assert guess.doubts["target"] == "it is 3 in every row: there is nothing to learn"


@pytest.mark.parametrize("lines", ["Title\n", "Title\n\nfrom, to\n", "\n\n", ""])
def test_lines_above_a_header_are_counted(tmp_path, lines):
    path = tmp_path / "x.csv"
    path.write_text(lines + "id,a,b,c,score\n" + "1,2,3,4,5\n" * 5)
    expected = lines.count("\n") if lines.strip() else 0
    assert lines_to_skip(path, "x.csv") == expected
    assert open_raw(path, "x.csv", TextFormat(skip_lines=expected)).columns == ("id", "a", "b", "c", "score")
    if expected:
        with pytest.raises(DatasetError, match=f"set dataset.source.skip_lines to {expected}"):
            open_raw(path, "x.csv")


@pytest.mark.parametrize(
    ("name", "cell", "doubt"),
    [
        ("created_at", lambda row: 20240101 + row % 28, "dates as YYYYMMDD"),
        ("day", lambda row: 1711846800 + 3600 * row, "dates as seconds since 1970"),
        ("day", lambda row: 1000 * (1711846800 + 3600 * row), "dates as seconds since 1970"),
    ],
)
def test_dates_that_are_whole_numbers_are_no_features(tmp_path, name, cell, doubt):
    config, guess, _ = guessed(ads(tmp_path / "x.csv", **{name: cell}), tmp_path)
    assert name not in config.ads.numeric
    assert guess.left_out[name].startswith(doubt)
    _, guess, _ = guessed(ads(tmp_path / "y.csv", budget=cell), tmp_path)
    assert "budget" not in guess.left_out


@pytest.mark.parametrize("at", [0, 59])
def test_a_row_of_totals_is_doubted(tmp_path, at):
    path = ads(tmp_path / "x.csv", Notes=lambda row: "Total: Account" if row == at else f"note {row}")
    _, guess, _ = guessed(path, tmp_path)
    where = "first" if at == 0 else "last"
    assert guess.doubts["total"] == f"the {where} row looks like a total ('Total: Account'): leave it out of the file"


def test_the_column_of_that_very_name_is_taken_first(tmp_path):
    config, _, _ = guessed(ads(tmp_path / "x.csv", **{"Impr.": lambda row: 1, "Impressions": lambda row: 1000 + row}), tmp_path)
    assert config.source.columns["impressions"] == "Impressions"


def test_what_a_rate_is_made_of_is_no_feature_of_it(tmp_path):
    config, _, _ = guessed(ads(tmp_path / "x.csv", CTR=lambda row: row / 7), tmp_path)
    assert config.ads.target == "CTR"
    assert not {"impressions", "spend"} & set(config.ads.numeric)


@pytest.mark.parametrize("head", ["sep=;\nid;a;score\n", 'id;"a, b, c, d";score\n'])
def test_the_delimiter_is_that_of_the_rows(tmp_path, head):
    path = tmp_path / "x.csv"
    path.write_text(head + "".join(f"r{row};x y {row};{row}\n" for row in range(30)))
    config, _, _ = guessed(str(path), tmp_path)
    assert (config.ads.id, config.ads.target) == ("id", "score")
    table = read_files(config.source, {"x.csv": path}, config.ads)["ads"]
    assert table["score"].to_list() == list(range(30))
