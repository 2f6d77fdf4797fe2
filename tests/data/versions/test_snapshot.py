"""Versions as a person takes, lists, exports and forgets them."""

import json
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from within_wf.data.versions.catalog import find_version, forget, list_versions, rows_of
from within_wf.data.versions.export import export
from within_wf.data.versions.provenance import provenance_path, read_provenance
from within_wf.data.versions.snapshot import snapshot
from within_wf.data.versions.source import Source, open_source
from within_wf.data.versions.version import read_version
from within_wf.errors import DatasetError, DatasetNotFoundError, DatasetValidationError, StoreError
from within_wf.store.disk import digest_file
from within_wf.store.gc import collect
from within_wf.store.local import Store
from within_wf.store.pins import pins
from within_wf.store.verify import verify

TABLE = pl.DataFrame({"k": [1, 2], "v": ["x", None]})


def flip(blob):
    """Change a byte of a blob and nothing else of it."""
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(data)


def test_a_version_says_what_it_is(take, store):
    first = take(TABLE, contract=None)
    version = take(TABLE.reverse(), message="turned", parents=["ads", "f" * 64], tags=["b", "a"], raw={"x.csv": "0" * 64})
    assert (version.rows, version.schema, version.tags) == (2, {"k": "whole", "v": "text"}, ("a", "b"))
    assert version.parents == ({"version": first.id}, {"raw": "0" * 64, "file": "x.csv"}, {"raw": "f" * 64})
    assert version.content != first.content
    assert version.rows_digest == first.rows_digest
    assert read_version(version.to_json(), "") == version
    assert rows_of(store, version).equals(TABLE.reverse())
    assert store.blob(version.content).is_file()
    assert version.statistics["k"]["mean"] == 1.5


def test_the_record_beside_it_is_no_part_of_it(take, store, tmp_path, monkeypatch):
    version = take(TABLE)
    assert read_provenance(store, version.id).keys() == {"who", "when", "at", "source"}
    monkeypatch.setenv("LOGNAME", "somebody else")
    other = Store.open(tmp_path / "other")
    assert snapshot(other, Source("ads", TABLE.lazy(), None, {}, "elsewhere"))[0] == version
    assert read_provenance(other, version.id)["who"] == "somebody else"
    provenance_path(store, version.id).chmod(0o644)
    provenance_path(store, version.id).write_text("{")
    assert read_provenance(store, version.id) == {}
    assert list_versions(store) == ([version], [])


def test_what_exists_already_stays_as_it_was(take, store):
    version = take(TABLE, message="first")
    before = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file() and "used" not in path.parts}
    again, is_new = snapshot(store, Source("ads", TABLE.lazy(), None, {"y": "1" * 64}, "again"), message="second", tags=["x"])
    assert (again, is_new) == (version, False)
    after = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file() and "used" not in path.parts}
    assert after == before


def test_name_contract_and_rows_make_another_version(take, store):
    ids = {take(TABLE).id, take(TABLE, name="b").id, take(TABLE, contract="ad_performance").id, take(TABLE.head(1)).id}
    assert len(ids) == 4
    assert len({version.content for version in list_versions(store)[0]}) == 2


def take_at_once(root, barrier, number):
    barrier.wait()
    table = pl.DataFrame({"k": list(range(30_000))})
    version, is_new = snapshot(Store.open(root), Source("ads", table.lazy(), None, {}, "x"), message=f"number {number}")
    return version, is_new


def test_two_snapshots_at_once_agree_on_one(tmp_path):
    barrier, root = threading.Barrier(2), tmp_path / "store"
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(partial(take_at_once, root, barrier), range(2))
    assert one[0] == two[0]
    assert {one[1], two[1]} == {True, False}
    assert verify(Store.open(root)).problems == ()


@pytest.mark.slow
def test_two_processes_at_once_agree_on_one(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    with spawn.Manager() as manager, ProcessPoolExecutor(2, mp_context=spawn) as pool:
        one, two = pool.map(partial(take_at_once, tmp_path / "store", manager.Barrier(2)), range(2))
    assert one[0] == two[0]
    assert {one[1], two[1]} == {True, False}
    assert verify(Store.open(tmp_path / "store")).problems == ()


def test_a_snapshot_that_was_killed_before_it_was_pinned_is_finished_by_the_next(take, store):
    version = take(TABLE)
    (store.root / "roots" / f"data-ads@{version.id[:16]}.json").unlink()
    assert list_versions(store) == ([], [])
    take(TABLE)
    assert list_versions(store) == ([version], [])


def test_versions_are_roots_until_they_are_forgotten(take, store):
    version, other = take(TABLE), take(TABLE.head(1))
    assert collect(store, older_than=0, grace=0).actions == {}
    assert list(pins(store)) == sorted(f"data-ads@{one.id[:16]}" for one in (version, other))
    assert forget(store, version.id[:8]) == version.short
    assert not provenance_path(store, version.id).exists()
    collect(store, older_than=0, grace=0)
    assert not store.blob(version.content).exists()
    assert store.blob(other.content).exists()
    assert list_versions(store) == ([other], [])
    assert verify(store).problems == ()
    with pytest.raises(StoreError, match=rf"found '{version.id[:8]}', expected one of {other.short}"):
        forget(store, version.id[:8])


def test_what_a_version_is_called(take, store):
    with pytest.raises(StoreError, match=r"expected a version, of which there is none yet.*data snapshot"):
        find_version(store, "ads")
    old, new = take(TABLE, tags=["gold"]), take(TABLE.head(1))
    provenance_path(store, old.id).unlink()
    for reference, version in (("ads", new), ("ads@gold", old), (old.id, old), (f"ads@{old.id[:5]}", old), (new.id[:4], new)):
        assert find_version(store, reference) == version
    for reference in ("ad", "ads@silver", "bds@gold", "bds", "ads@", f"b@{old.id[:5]}", old.id[:3], ""):
        with pytest.raises(StoreError, match="there is no such version"):
            find_version(store, reference)


def test_digits_that_fit_several_versions_are_told(take, store, monkeypatch):
    from within_wf.data.versions import catalog

    monkeypatch.setattr(catalog, "_LEAST", 0)
    take(TABLE)
    take(TABLE.head(1))
    with pytest.raises(StoreError, match=r"'', which 2 versions begin with, expected one of ads@.*, ads@"):
        find_version(store, "")


def test_a_damaged_blob_is_told_and_mended(take, store, tmp_path):
    version, sound = take(TABLE), take(TABLE.head(1))
    flip(store.blob(version.content))
    with pytest.raises(StoreError, match="other bytes of the same length"):
        rows_of(Store.open(store.root), version)
    with pytest.raises(StoreError, match="damaged"):
        export(Store.open(store.root), version, tmp_path / "x.parquet")
    assert not (tmp_path / "x.parquet").exists()
    report = verify(store, repair=True)
    assert any(str(store.blob(version.content)) in str(problem) for problem in report.problems)
    versions, problems = list_versions(store)
    assert versions == [sound]
    with pytest.raises(StoreError, match=rf"no such version(?s:.*)ads@{version.id[:12]}: found no version in the store.*again"):
        find_version(store, version.id)
    assert len(problems) == 1
    assert take(TABLE).content == version.content
    assert verify(store).problems == ()


def test_a_damaged_description_is_told(take, store):
    version = take(TABLE)
    about = store.blob(store.get(version.id).files["version.json"].sha256)
    flip(about)
    with pytest.raises(StoreError, match=r"a version is damaged|no such version"):
        find_version(store, "ads")
    assert "other bytes of the same length" in str(list_versions(store)[1][0])
    assert forget(store, version.id[:12]) == version.short
    assert pins(store) == {}


def test_a_version_that_is_gone_can_be_forgotten(take, store):
    version = take(TABLE)
    store.drop(version.id)
    with pytest.raises(StoreError, match="a version is gone"):
        rows_of(store, version)
    assert forget(store, version.id) == version.short


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', "x"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(StoreError, match="here: found no version this program knows, expected format 1"):
        read_version(text, "here")


def test_a_version_of_another_id_is_refused(take):
    version = take(TABLE)
    with pytest.raises(StoreError, match="no version this program knows"):
        read_version(version.to_json().replace(version.content, "0" * 64), "here")


def test_names_tags_and_parents_that_cannot_be_are_refused(take, ads, tmp_path):
    for tag in ("", "a b", "a@b"):
        with pytest.raises(DatasetError, match="a version cannot be tagged so"):
            take(TABLE, tags=[tag])
    with pytest.raises(StoreError, match="found 'nobody'"):
        take(TABLE, parents=["nobody"])
    ads.write_parquet(tmp_path / "a.parquet")
    with pytest.raises(DatasetError, match="a version cannot be called so"):
        open_source(str(tmp_path / "a.parquet"), tmp_path, name="a b")


def test_a_source_is_a_file_or_a_dataset(ads, tmp_path, monkeypatch):
    ads.write_csv(tmp_path / "my ads.2024.csv")
    source = open_source(str(tmp_path / "my ads.2024.csv"), tmp_path)
    assert (source.name, source.contract) == ("my_ads", "ad_performance")
    assert source.raw == {"my ads.2024.csv": digest_file(tmp_path / "my ads.2024.csv")}
    ads.drop("spend").write_csv(tmp_path / "b.csv")
    assert open_source(str(tmp_path / "b.csv"), tmp_path).contract is None
    with pytest.raises(DatasetError, match="column spend: found no such column"):
        open_source(str(tmp_path / "b.csv"), tmp_path, contract="ad_performance")
    with pytest.raises(DatasetValidationError, match="there is no such contract"):
        open_source(str(tmp_path / "b.csv"), tmp_path, contract="ad_perfomance")
    with pytest.raises(DatasetNotFoundError, match="there is no dataset 'nothing'"):
        open_source("nothing", tmp_path, configs=tmp_path)
    with pytest.raises(DatasetNotFoundError, match=r"nothing\.csv"):
        open_source(str(tmp_path / "nothing.csv"), tmp_path)


CONFIG = """
name: mine
source: {kind: files, reader: table, folder: %s, files: [a.csv]}
ads: {target: clicks, numeric: [spend], categorical: [platform]}
"""


def test_a_dataset_of_a_configuration(ads, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/mine.yaml").write_text(CONFIG % tmp_path)
    ads.write_csv(tmp_path / "a.csv")
    source = open_source("mine", tmp_path, configs=tmp_path)
    assert (source.name, source.contract, source.raw) == ("mine", "ad_performance", {"a.csv": digest_file(tmp_path / "a.csv")})
    assert open_source("mine", tmp_path, configs=tmp_path, contract="none").contract is None


def test_the_command_line(call, ads, tmp_path):
    assert "no store" in call("list")[1]
    ads.write_csv("ads.csv")
    code, text = call("snapshot", "ads.csv", "-m", "the first", "--tag", "raw")
    assert code == 0
    assert text.startswith("ads@")
    assert "  4 rows, 8 columns, content " in text
    ads.write_parquet("ads.parquet")
    code, text = call("snapshot", "ads.parquet")
    assert (code, text.splitlines()[1]) == (0, "This version exists already; nothing was changed.")
    assert call("snapshot", "ads.parquet", "--name", "other", "--parent", "ads@raw")[0] == 0
    code, text = call("list")
    lines = text.splitlines()
    assert [line.split("@")[0] for line in lines if "@" in line] == ["ads", "other"]
    assert "the first [raw]" in text
    said = json.loads(call("list", "ads", "--json")[1])
    assert len(said) == 1
    assert said[0]["statistics"]["clicks"]["max"] == 3
    assert said[0]["provenance"]["source"] == "ads.csv"
    assert list(said[0]["schema"]) == ads.columns
    code, text = call("forget", "other")
    assert (code, text[:13]) == (0, "forgot other@")
    assert call("forget", "other")[0] == 5
    assert "There is no version yet" in (call("forget", "ads"), call("list"))[1][1]


def test_a_csv_has_the_types_of_its_parent(call):
    pl.DataFrame({"k": ["1", "2"], "n": [1.0, 2.0]}).write_parquet("one.parquet")
    call("snapshot", "one.parquet", "--name", "x")
    Path("two.csv").write_text("k,n\n1,1\n2,2\n")
    call("snapshot", "two.csv", "--parent", "x", "--parent", "e" * 64)
    assert find_version(Store.open("store"), "two").schema == {"k": "text", "n": "number"}
    call("snapshot", "two.csv", "--name", "three")
    assert find_version(Store.open("store"), "three").schema == {"k": "whole", "n": "whole"}
    assert call("snapshot", "two.csv", "--parent", "nothing")[0] == 5


def test_a_list_names_what_is_damaged_after_what_is_not(call, ads):
    ads.write_csv("ads.csv")
    call("snapshot", "ads.csv")
    call("snapshot", "ads.csv", "--name", "other")
    store = Store.open(Path("store"))
    store.drop(find_version(store, "ads").id)
    code, text = call("list")
    assert code == 5
    assert "other@" in text
    assert "no version in the store" in text


def test_csv_comes_back_as_the_same_version(call, ads):
    ads.write_parquet("ads.parquet")
    call("snapshot", "ads.parquet")
    code, text = call("export", "ads", "out.csv")
    assert code == 0
    assert text.startswith("out.csv: 4 rows of ads@")
    lines = Path("out.csv").read_text().splitlines()
    assert lines[1].endswith(',"=HYPERLINK(""x"")"')
    assert lines[3].endswith(',"the ""best"""')
    assert lines[4].endswith(",")
    assert "exists already" in call("snapshot", "out.csv", "--name", "ads")[1]


def test_parquet_is_the_bytes_of_the_version(call, ads, tmp_path):
    ads.write_csv("ads.csv")
    call("snapshot", "ads.csv")
    assert call("export", "ads", "out.parquet")[0] == 0
    version = find_version(Store.open("store"), "ads")
    assert digest_file(Path("out.parquet")) == version.content
    assert os.access("out.parquet", os.W_OK)
    assert pl.read_parquet("out.parquet").equals(ads)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("out.xlsx", r"found the suffix '.xlsx', expected .parquet or .csv"),
        ("out", "found the suffix ''"),
        ("there.csv", "found a file, expected a free name. Say --force."),
        ("folder.csv", "found a folder, expected a free name."),
        ("missing/out.csv", "No such file or directory"),
    ],
)
def test_where_nothing_can_be_exported(take, store, tmp_path, path, said):
    version = take(TABLE)
    (tmp_path / "there.csv").write_text("mine")
    (tmp_path / "folder.csv").mkdir()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DatasetError, match=said):
        export(store, version, tmp_path / path)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "there.csv").read_text() == "mine"


def test_force_writes_over_a_file(take, store, tmp_path):
    (tmp_path / "there.csv").write_text("mine")
    export(store, take(TABLE), tmp_path / "there.csv", overwrite=True)
    assert (tmp_path / "there.csv").read_text() == '"k","v"\n1,"x"\n2,\n'


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "3"])
def test_a_version_knows_no_threads(tmp_path, threads):
    """Every byte that another process writes, with other threads, is the one that this process writes."""
    code = f"import sys; from {__name__.rpartition('.')[2]} import many; from within_wf.store.local import Store; "
    code += "print(many(Store.open(sys.argv[1])).to_json())"
    paths = [str(Path(__file__).parent), *sys.path]
    environment = {**os.environ, "POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads, "PYTHONPATH": ":".join(paths)}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "s")], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == many(Store.open(tmp_path / "t")).to_json() + "\n"


def many(store):
    numbers = [((i * 7919) % 10007) / 7 for i in range(60_000)]
    table = pl.DataFrame({"n": numbers, "t": [str(i % 9973) for i in range(60_000)]})
    return snapshot(store, Source("x", table.lazy(), None, {}, ""))[0]
