"""Tables of files in pieces, beside the same tables whole."""

import gzip
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from within_wf.config.dataset import AdTable, FileSource
from within_wf.config.quality import QualityConfig
from within_wf.data import broken_rows, computed, division, validated
from within_wf.data.layout import layout_of
from within_wf.data.quality.sample import draw_sample
from within_wf.data.readers import parquet_file
from within_wf.data.readers.files import read_files, write_files
from within_wf.data.splitter import DataSplitter
from within_wf.data.validator import check_rows, validate_table
from within_wf.errors import DatasetError
from within_wf.store.canonical import write_parquet
from within_wf.store.pieces import pieces, take

ROLES = AdTable(id="ad", target="rate", numeric=["spend"], categorical=["kind"], group="team", time="day")
SOURCE = {
    "columns": {"ad": "Ad ID", "spend": "Spent"},
    "computed": {"rate": "100 * smoothed_rate(hits, shown)", "dear": "spend / mean(spend)", "row": "row_number()"},
}


def raw(rows, seed=0):
    """Rows as a person brings them."""
    draws = np.random.default_rng(seed)
    shown = draws.integers(0, 900, rows)
    return pl.DataFrame(
        {
            "Ad ID": [f"ad {number}" for number in draws.permutation(rows)],
            "Spent": [None if number < 0.2 else round(number * 50, 2) for number in draws.random(rows)],
            "kind": draws.choice(["a", "b", "c"], rows),
            "team": [f"team {number}" for number in draws.integers(0, 40, rows)],
            "day": draws.integers(19_000, 19_050, rows).astype("datetime64[D]"),
            "shown": shown,
            "hits": draws.binomial(shown, 0.1),
        }
    )


def source(*files):
    return FileSource(kind="files", reader="table", folder="", files=list(files), **SOURCE)


@given(st.integers(1, 60), st.lists(st.integers(1, 60), min_size=1, max_size=3), st.integers(1, 25))
@settings(max_examples=20, deadline=None)
def test_files_are_written_as_they_are_read(tmp_path_factory, size, sizes, groups):
    folder = tmp_path_factory.mktemp("files")
    files = {f"{number}.parquet": folder / f"{number}.parquet" for number in range(len(sizes))}
    for number, (path, rows) in enumerate(zip(files.values(), sizes, strict=True)):
        raw(rows, number).write_parquet(path, row_group_size=groups)
    (folder / "out").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet_file, "BATCH_ROWS", size)
        patch.setattr(computed, "pieces", lambda table, rows: pieces(table, size))
        assert write_files(source(*files), files, folder / "out", ads=ROLES) == {"ads": sum(sizes)}
    write_parquet(folder / "whole.parquet", read_files(source(*files), files, ads=ROLES)["ads"])
    assert [path.name for path in (folder / "out").iterdir()] == ["ads.parquet"]
    assert (folder / "out/ads.parquet").read_bytes() == (folder / "whole.parquet").read_bytes()


def test_a_compressed_text_is_written_as_it_is_read(tmp_path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(raw(5000).write_csv().encode()))
    (tmp_path / "out").mkdir()
    write_files(source("x.csv.gz"), {"x.csv.gz": path}, tmp_path / "out", ads=ROLES)
    found = pl.read_parquet(tmp_path / "out/ads.parquet")
    assert found.equals(read_files(source("x.csv.gz"), {"x.csv.gz": path}, ads=ROLES)["ads"])
    assert found["ad"].to_list() == raw(5000)["Ad ID"].to_list()
    assert found["row"].to_list() == [str(row) for row in range(1, 5001)]


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (pl.col("day").cast(pl.String).replace("2022-01-10", "soon"), "column day"),
        (pl.lit("many").alias("hits"), "column hits"),
        ([], "found 8 values, expected 7 values"),
    ],
)
def test_a_failure_in_the_last_file_leaves_nothing(tmp_path, last, said):
    files = {f"{number}.csv": tmp_path / f"{number}.csv" for number in range(3)}
    for number, path in enumerate(files.values()):
        raw(400, number).with_columns(last if number == 2 else []).write_csv(path)
    (tmp_path / "out").mkdir()
    if said.startswith("found"):
        text = files["2.csv"].read_text().splitlines()
        files["2.csv"].write_text("\n".join([*text, text[1] + ",x"]) + "\n")
    with pytest.raises(DatasetError, match=said):
        write_files(source(*files), files, tmp_path / "out", ads=ROLES)
    assert list((tmp_path / "out").iterdir()) == []


def with_mistakes(rows):
    draws = np.random.default_rng(rows)
    table = raw(rows).rename({"Ad ID": "ad", "Spent": "spend"}).with_columns(rate=pl.Series(draws.normal(size=rows)))
    wrong = {name: pl.Series(draws.random(rows) < 0.1) for name in ("ad", "rate", "spend", "team", "day", "kind")}
    return table.with_columns(
        ad=pl.when(wrong["ad"]).then(pl.lit("ad 0")).when(wrong["kind"]).then(pl.lit("")).otherwise("ad"),
        rate=pl.when(wrong["rate"]).then(float("nan")).otherwise("rate"),
        spend=pl.when(wrong["spend"]).then(-1.0).otherwise("spend"),
        team=pl.when(~wrong["team"]).then("team"),
        day=pl.when(~wrong["day"]).then("day"),
    )


@given(st.integers(1, 80), st.integers(1, 30), st.integers(1, 30), st.data())
@settings(max_examples=25, deadline=None)
def test_a_file_is_divided_as_its_table_is(tmp_path_factory, rows, size, groups, data):
    path, table = tmp_path_factory.mktemp("rows") / "x.parquet", with_mistakes(rows)
    table.write_parquet(path, row_group_size=groups)
    reasons = dict.fromkeys(data.draw(st.sets(st.integers(0, rows - 1), max_size=9)), "spend: outliers")
    whole = check_rows(table, layout_of(ROLES), "ads").set_aside(reasons)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validated, "pieces", partial(pieces, rows=size))
        patch.setattr(broken_rows, "take", partial(take, piece=size))
        found = check_rows(pl.scan_parquet(path), layout_of(ROLES), "ads").set_aside(reasons)
        clean, aside = found.clean, found.quarantine
    assert found.report() == whole.report()
    assert clean.equals(whole.clean)
    assert aside.equals(whole.quarantine)
    # the reference: what the contract and the roles say, row by row
    kept, ids = [], set()
    for number, row in enumerate(table.iter_rows(named=True)):
        broken = row["ad"] == "" or row["ad"] in ids or not np.isfinite(row["rate"]) or None in (row["team"], row["day"])
        broken = broken or row["spend"] is None or row["spend"] < 0
        ids.add(row["ad"])
        kept.append(not broken and number not in reasons)
    assert found.kept.to_list() == kept
    assert clean.equals(table.filter(pl.Series(kept)))
    assert aside.drop("rule").equals(table.filter(~pl.Series(kept)))


def test_the_rows_looked_at_are_the_same(tmp_path):
    table = with_mistakes(500)
    table.write_parquet(tmp_path / "x.parquet", row_group_size=70)
    kept = validate_table(table, ROLES, name="t", on_violation="quarantine", max_quarantined_share=1.0).kept
    config = QualityConfig(max_rows=120)
    whole, found = (draw_sample(each, kept, ROLES, config) for each in (table, pl.scan_parquet(tmp_path / "x.parquet")))
    assert found.table.height == 120
    assert found.table.equals(whole.table)
    assert (found.rows == whole.rows).all()
    assert found.table.equals(table[found.rows])


@pytest.mark.parametrize("strategy", ["random", "group", "time", "group_time"])
@pytest.mark.parametrize("size", [1, 13, 100_000])
def test_a_file_is_split_as_its_table_is(tmp_path, monkeypatch, strategy, size):
    table = raw(300)
    table.write_parquet(tmp_path / "x.parquet", row_group_size=40)
    splitter = DataSplitter(strategy, group_column="team", time_column="day", id_column="Ad ID")
    sides = splitter.sides(table)
    monkeypatch.setattr(division, "pieces", partial(pieces, rows=size))
    file = pl.scan_parquet(tmp_path / "x.parquet")
    divided = splitter.divide(file)
    assert (divided.sides == sides).all()
    for side in range(3):
        assert pl.concat(divided.pieces(file, side)).equals(table.filter(pl.Series(sides == side)))
