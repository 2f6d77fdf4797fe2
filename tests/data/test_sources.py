"""Where raw files are found: folders, patterns, and URLs (S3 on a server of moto's)."""

import os

import polars as pl
import pytest

from within_wf.data.load import load_dataset
from within_wf.data.sources import fetch, find_files, is_remote, stamp
from within_wf.errors import DatasetError, DatasetNotFoundError
from within_wf.steps.raw_files import RawFiles

DAYS = ["days/country=DE/2.parquet", "days/country=AT/1.parquet", "days/_tmp/3.parquet"]
NAMES = ["b.csv", "a.csv", "_SUCCESS", ".hidden", *DAYS]


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        path = tmp_path / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "raw"


@pytest.fixture
def bucket(s3_server, monkeypatch, folder):
    """The files in a bucket."""
    import s3fs

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_server)
    files = s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
    name = f"bucket-{os.urandom(4).hex()}"
    files.mkdir(name)
    files.put(str(folder), f"{name}/raw", recursive=True)
    return f"s3://{name}/raw"


ASKED = [
    (["b.csv", "a.csv"], ["b.csv", "a.csv"]),
    (["*.csv"], ["a.csv", "b.csv"]),
    (["days"], ["days/country=AT/1.parquet", "days/country=DE/2.parquet"]),
    (["days/**/*.parquet"], ["days/country=AT/1.parquet", "days/country=DE/2.parquet"]),
    (["days/country=DE", "a.csv"], ["days/country=DE/2.parquet", "a.csv"]),
]


@pytest.mark.parametrize(("asked", "found"), ASKED)
def test_files_folders_and_patterns(folder, asked, found):
    assert find_files("d", str(folder), asked, None) == {name: str(folder / name) for name in found}
    assert list(find_files("d", "raw", asked, folder.parent)) == found


@pytest.mark.parametrize(("asked", "found"), ASKED)
def test_the_same_of_a_bucket(bucket, asked, found):
    assert find_files("d", bucket, asked, None) == {name: f"{bucket}/{name}" for name in found}


def test_what_is_not_there_is_named(folder):
    with pytest.raises(DatasetNotFoundError) as error:
        find_files("d", "raw", ["a.csv", "c.csv", "*.json", "days/_tmp"], folder.parent)
    assert [(problem.where[len(str(folder)) + 1 :], problem.expected) for problem in error.value.problems] == [
        ("c.csv", "a file of the dataset"),
        ("*.json", "a file that fits"),
        ("days/_tmp", "a file of the dataset"),
    ]
    with pytest.raises(DatasetNotFoundError, match="read from WITHIN_DATA, which is not set"):
        find_files("d", "raw", ["a.csv"], None)


def test_what_is_not_in_a_bucket(bucket):
    with pytest.raises(DatasetNotFoundError, match=r"raw/c\.csv: found no file"):
        find_files("d", bucket, ["c.csv"], None)


def test_a_url_that_cannot_be_asked(bucket, tmp_path):
    with pytest.raises(DatasetError, match=r"s3://\*\*\*@no-such-bucket/raw/a.csv cannot be read"):
        fetch("s3://me:secret@no-such-bucket/raw/a.csv", tmp_path)
    with pytest.raises(DatasetError, match="nosuch://x cannot be read"):
        find_files("d", "nosuch://x", ["a.csv"], None)


def test_digests_of_a_bucket_are_remembered(bucket, tmp_path, capfd, monkeypatch):
    url = f"{bucket}/a.csv"
    assert is_remote(url)
    raw = RawFiles(None, tmp_path / "memory/raw.json")
    digest = raw.digest(url)
    assert capfd.readouterr().err == f"fetching {url}\n"
    again = RawFiles(None, tmp_path / "memory/raw.json")
    assert again.digest(url) == digest
    here = again.local(url, digest)
    assert here.read_text() == "a.csv"
    assert capfd.readouterr().err == ""
    here.unlink()
    assert again.local(url, digest).read_text() == "a.csv"
    import s3fs

    before = stamp(url)
    s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True).pipe(url, b"other")
    assert stamp(url) != before
    assert again.digest(url) != digest
    here.unlink()
    with pytest.raises(DatasetError, match="a file changed while the workflow ran"):
        again.local(url, digest)


def test_a_dataset_in_a_bucket(bucket, tmp_path):
    import s3fs

    content = b"ad_id,score\na1,1.5\na2,2.5\n"
    s3fs.S3FileSystem(use_listings_cache=False, skip_instance_cache=True).pipe(f"{bucket}/ads.csv", content)
    (tmp_path / "configs/data").mkdir(parents=True)
    (tmp_path / "configs/data/mine.yaml").write_text(
        f"name: mine\nsource: {{kind: files, reader: table, folder: '{bucket}', files: [ads.csv]}}\nads: {{target: score}}\n"
    )
    table = load_dataset("mine", configs=tmp_path / "configs")
    assert table.equals(pl.DataFrame({"ad_id": ["a1", "a2"], "score": [1.5, 2.5]}))
