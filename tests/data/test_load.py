"""A table by its file or its dataset's name."""

from pathlib import Path

import polars as pl
import pytest

from within_wf.data import load_dataset
from within_wf.errors import ConfigError, DatasetError, DatasetNotFoundError, DatasetValidationError

CONFIGS = Path(__file__).parents[2] / "configs"
ADS = """ad_id,platform,impressions,clicks,spend,start_date,end_date,memo
a,web,100,5,2.5,2024-01-01,2024-01-31,7
b,app,200,7,3.5,2024-01-02,2024-01-30,x
"""
DAYS = "account_id,date,impressions,clicks,spend\nk,2024-01-01,10,1,1\nk,2024-01-02,10,11,1\n"


@pytest.fixture
def ads(tmp_path):
    path = tmp_path / "ads.csv"
    path.write_text(ADS)
    return path


def test_csv_and_parquet_give_the_same(ads, tmp_path):
    table = load_dataset(str(ads))
    table.write_parquet(tmp_path / "named.csv")
    assert load_dataset(tmp_path / "named.csv", "ad_performance").equals(table)
    assert table["impressions"].to_list() == [100, 200]
    assert table["memo"].to_list() == ["7", "x"]


def test_rows_that_break_the_contract_are_refused_or_left_out(tmp_path):
    path = tmp_path / "days.csv"
    path.write_text(DAYS)
    with pytest.raises(DatasetValidationError, match=r"1 of 2 rows of days\.csv break the contract") as error:
        load_dataset(path)
    assert "column clicks, row 2 (k 2024-01-02)" in str(error.value)
    assert load_dataset(path, on_violation="quarantine").height == 1


def test_the_contract_must_be_clear(ads, tmp_path):
    both = tmp_path / "both.csv"
    both.write_text("ad_id,account_id,date\na,k,2024-01-01\n")
    with pytest.raises(DatasetError, match=r"both\.csv fits several contracts"):
        load_dataset(both)
    both.write_text("id\na\n")
    with pytest.raises(DatasetError, match=r"found id, expected ad_id of ad_performance; or account_id and date"):
        load_dataset(both)
    with pytest.raises(DatasetValidationError, match="found 'ads', expected one of account_health, ad_performance"):
        load_dataset(ads, "ads")


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(DatasetNotFoundError, match=r"gone\.csv: found no file"):
        load_dataset("gone.csv")
    with pytest.raises(DatasetNotFoundError, match="Did you mean upworthy"):
        load_dataset("upworthi", configs=CONFIGS)
    with pytest.raises(DatasetNotFoundError, match=r"packages\.parquet: found no file"):
        load_dataset("upworthy", configs=CONFIGS, data=tmp_path)


def test_the_folder_of_raw_files_must_be_said(monkeypatch):
    monkeypatch.delenv("WITHIN_DATA", raising=False)
    with pytest.raises(DatasetNotFoundError, match="WITHIN_DATA: found nothing, expected the folder that holds upworthy/"):
        load_dataset("upworthy", configs=CONFIGS)


def dataset(tmp_path, text, name="mine"):
    folder = tmp_path / "configs/data"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(f"name: {name}\n{text}")
    return {"configs": tmp_path / "configs", "data": tmp_path}


def test_a_dataset_by_its_name(ads, tmp_path):
    files = f"source: {{kind: files, reader: table, folder: {tmp_path}, files: [ads.csv]}}\n"
    table = load_dataset("mine", **dataset(tmp_path, files + "ads: {target: clicks, numeric: [spend]}\n"))
    assert table.columns[:3] == ["ad_id", "clicks", "spend"]
    with pytest.raises(DatasetError, match=r"mine\.yaml: found no series, expected series, for account_health"):
        load_dataset("mine", "account_health", **dataset(tmp_path, files + "ads: {target: clicks}\n"))
    with pytest.raises(ConfigError, match="files are one table: name ads or series"):
        load_dataset("mine", **dataset(tmp_path, files + "ads: {target: clicks}\nseries: {channels: [spend]}\n"))
    with pytest.raises(DatasetError, match="found no series, expected series, for any contract"):
        load_dataset("mine", **dataset(tmp_path, files))
    with pytest.raises(ConfigError, match="unknown key ad"):
        load_dataset("mine", **dataset(tmp_path, files + "ad: {}\n"))


def test_a_reader_that_reads_another_table(tmp_path):
    tmp_path.joinpath("p.csv").write_text("clickability_test_id,headline,test_week,impressions,clicks\nt,h,1,1,1\n")
    files = f"source: {{kind: files, reader: upworthy, folder: {tmp_path}, files: [p.csv]}}\n"
    with pytest.raises(DatasetError, match="found series, expected ads, which is what the reader upworthy reads"):
        load_dataset("mine", **dataset(tmp_path, files + "series: {channels: [x]}\n"))


def test_the_sample_world(tmp_path):
    world = dataset(tmp_path, "source: {kind: sample_world, rows: 2000, seed: 7}\nads: {target: effectiveness}\n")
    with pytest.raises(DatasetValidationError, match="break the contract"):
        load_dataset("mine", configs=world["configs"])
    table = load_dataset("mine", configs=world["configs"], on_violation="quarantine")
    assert table["impressions"].dtype == pl.Int64
    assert table["ad_id"].is_unique().all()


def test_another_word_for_what_to_do_with_broken_rows_is_refused(ads):
    with pytest.raises(DatasetError, match="on_violation: found 'drop', expected 'refuse' or 'quarantine'"):
        load_dataset(ads, on_violation="drop")


def test_benchmarks_and_annotations(tmp_path):
    rates = tmp_path / "rates.csv"
    rates.write_text("industry,platform,click_through_rate,conversion_rate,cost_per_click\na,x,0.1,0.2,1\na,y,1.5,0.2,1\n")
    with pytest.raises(DatasetValidationError, match=r"column click_through_rate, row 2 \(a y\)"):
        load_dataset(rates)
    judged = tmp_path / "judged.csv"
    judged.write_text("ad_id,annotator_id,score\na,p,50\na,q,60\n")
    assert load_dataset(judged)["score"].to_list() == [50.0, 60.0]
    ads = tmp_path / "ads.csv"
    ads.write_text(ADS.replace("memo", "industry"))
    assert load_dataset(ads).height == 2, "its industry and platform make it no benchmark"
    world = dataset(tmp_path, "source: {kind: sample_world, rows: 200, seed: 7}\nads: {target: effectiveness}\n")
    assert load_dataset("mine", "industry_benchmark", configs=world["configs"]).height == 32
    assert "annotator_id" in load_dataset("mine", "annotated_training_set", configs=world["configs"]).columns
    files = dataset(tmp_path, f"source: {{kind: files, reader: table, folder: {tmp_path}, files: [ads.csv]}}\n", "filed")
    with pytest.raises(DatasetError, match="found 'industry_benchmark', expected ad_performance or account_health"):
        load_dataset("filed", "industry_benchmark", **files)
