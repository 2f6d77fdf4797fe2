"""Raw files of a dataset that DVC tracks: found by their pointers, fetched from a cache or a remote, keyed by their bytes."""

import hashlib
import json
import shutil
import sys
from contextlib import suppress

import polars as pl
import pytest

from within_wf import cli
from within_wf.config import load_run
from within_wf.data.dvc.places import fetch_tracked, is_tracked
from within_wf.data.load import load_dataset
from within_wf.data.sources import fetch, find_files, is_remote, stamp
from within_wf.errors import DatasetError, DatasetNotFoundError
from within_wf.steps.fingerprint import Sources
from within_wf.steps.place import CODE
from within_wf.steps.plan import build_plan
from within_wf.steps.raw_files import RawFiles

ONE = b"ad_id,score\na1,1.5\na2,2.5\n"
TWO = b"ad_id,score\na3,3.5\n"


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


class Project:
    """A DVC project whose tracked files are not checked out."""

    def __init__(self, root):
        self.root = root
        self.home = root / ".dvc/cache/files/md5"
        (root / ".dvc").mkdir(parents=True)

    def put(self, data, suffix=""):
        place = self.home / md5(data)[:2] / f"{md5(data)[2:]}{suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
        return f"{md5(data)}{suffix}"

    def track(self, path, data):
        """Track a file, or a folder of files by their names; returns the pointer."""
        if isinstance(data, dict):
            listing = [{"md5": self.put(content), "relpath": name} for name, content in sorted(data.items())]
            digest = self.put(json.dumps(listing).encode(), ".dir")
        else:
            digest = self.put(data)
        pointer = self.root / f"{path}.dvc"
        pointer.parent.mkdir(parents=True, exist_ok=True)
        pointer.write_text(f"outs:\n- md5: {digest}\n  hash: md5\n  path: {pointer.stem}\n")
        return pointer

    def move_to_remote(self, url, **options):
        """Leave nothing in the cache; all of it is in the remote."""
        settings = "".join(f"    {name} = {value}\n" for name, value in options.items())
        (self.root / ".dvc/config").write_text(f"[core]\n    remote = far\n['remote \"far\"']\n    url = {url}\n{settings}")


@pytest.fixture
def project(tmp_path):
    made = Project(tmp_path / "repo")
    made.track("ads.csv", ONE)
    made.track("more.csv", TWO)
    made.track("days", {"country=DE/1.csv": ONE, "country=AT/1.csv": TWO, "_tmp/x": b"x", "notes.txt": b"n"})
    (made.root / "here.csv").write_bytes(TWO)
    return made


ASKED = [
    (["ads.csv"], ["ads.csv"]),
    (["ads.csv.dvc"], ["ads.csv"]),
    (["here.csv", "ads.csv"], ["here.csv", "ads.csv"]),
    (["*.csv"], ["ads.csv", "here.csv", "more.csv"]),
    (["*.csv.dvc"], ["ads.csv", "more.csv"]),
    (["days"], ["days/country=AT/1.csv", "days/country=DE/1.csv", "days/notes.txt"]),
    (["days.dvc"], ["days/country=AT/1.csv", "days/country=DE/1.csv", "days/notes.txt"]),
    (["days/country=AT"], ["days/country=AT/1.csv"]),
    (["days/notes.txt"], ["days/notes.txt"]),
    (["days/*.txt"], ["days/notes.txt"]),
    (["days/**/*.csv"], ["days/country=AT/1.csv", "days/country=DE/1.csv"]),
]


@pytest.mark.parametrize(("asked", "names"), ASKED)
def test_what_is_tracked_is_found_as_if_it_were_there(project, tmp_path, asked, names):
    found = find_files("d", str(project.root), asked, None)
    assert list(found) == names
    assert all(is_tracked(place) == (name != "here.csv") for name, place in found.items())
    texts = {
        "ads.csv": ONE,
        "more.csv": TWO,
        "days/country=DE/1.csv": ONE,
        "days/country=AT/1.csv": TWO,
        "days/notes.txt": b"n",
    }
    for name, place in found.items():
        if is_remote(place):
            here, digest = fetch(place, tmp_path / "kept")
            assert (here.read_bytes(), digest) == (texts[name], hashlib.sha256(texts[name]).hexdigest())
    assert not (tmp_path / "kept").exists(), "the cache is read where it is"


@pytest.mark.parametrize(("asked", "names"), ASKED)
def test_where_files_are_checked_out_they_are_read(project, asked, names):
    for name, data in (("ads.csv", b"edited"), ("more.csv", TWO)):
        (project.root / name).write_bytes(data)
    for name in ("country=DE/1.csv", "country=AT/1.csv", "_tmp/x", "notes.txt"):
        path = project.root / "days" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"edited")
    assert find_files("d", str(project.root), asked, None) == {name: str(project.root / name) for name in names}


def test_a_folder_that_is_tracked_itself(project):
    project.track("raw", {"ads.csv": ONE})
    assert list(find_files("d", "repo/raw", ["ads.csv"], project.root.parent)) == ["ads.csv"]
    assert list(find_files("d", "repo/raw", ["*.csv"], project.root.parent)) == ["ads.csv"]


def test_a_folder_with_pointers_in_it(project):
    project.track("sub/a.csv", ONE)
    project.track("sub/b.csv", TWO)
    (project.root / "sub/b.csv").write_bytes(TWO)
    found = find_files("d", str(project.root), ["sub"], None)
    assert {name: is_tracked(place) for name, place in found.items()} == {"sub/a.csv": True, "sub/b.csv": False}


def test_what_is_missing_of_a_folder_is_tracked_where_its_pointer_says_so(project):
    (project.root / "days/country=DE").mkdir(parents=True)
    (project.root / "days/country=DE/1.csv").write_bytes(ONE)
    (project.root / "days/mine.csv").write_bytes(TWO)
    found = find_files("d", str(project.root), ["days"], None)
    places = {"days/country=AT/1.csv": True, "days/country=DE/1.csv": False, "days/mine.csv": False, "days/notes.txt": True}
    assert {name: is_tracked(place) for name, place in found.items()} == places
    shutil.rmtree(project.root / ".dvc")
    assert list(find_files("d", str(project.root), ["days"], None)) == ["days/country=DE/1.csv", "days/mine.csv"]


def test_what_is_not_tracked_is_named_with_all_that_is_missing(project):
    with pytest.raises(DatasetNotFoundError) as error:
        find_files("d", str(project.root), ["none.csv", "days/none.csv", "none*", "none.csv.dvc"], None)
    assert [problem.where.removeprefix(f"{project.root}/") for problem in error.value.problems] == [
        "none.csv",
        "days/none.csv",
        "none*",
        "none.csv.dvc",
    ]
    assert "no such file in days" in str(error.value)


def test_names_that_a_url_would_take_apart(project, tmp_path):
    name = "100 % #1?/Zürich.csv"
    project.track(name.replace("?", ""), ONE)
    ((_, place),) = find_files("d", str(project.root), [name.replace("?", "")], None).items()
    assert fetch_tracked(place, tmp_path).read_bytes() == ONE


def test_bytes_are_read_once_as_long_as_the_pointer_is_the_same(project, tmp_path, capfd):
    memory = tmp_path / "memory/raw.json"
    (place,) = find_files("d", str(project.root), ["ads.csv"], None).values()
    before = stamp(place)
    digest = RawFiles(None, memory).digest(place)
    assert digest == hashlib.sha256(ONE).hexdigest()
    shutil.rmtree(project.home)
    capfd.readouterr()
    assert RawFiles(None, memory).digest(place) == digest
    assert capfd.readouterr().err == ""
    with pytest.raises(DatasetNotFoundError, match="nothing in the cache, and no remote"):
        RawFiles(None, memory).local(place, digest)
    project.track("ads.csv", TWO)
    assert stamp(place) != before
    assert RawFiles(None, memory).digest(place) == hashlib.sha256(TWO).hexdigest()
    with pytest.raises(DatasetError, match="a file changed while the workflow ran"):
        RawFiles(None, memory).local(place, digest)


def test_a_remote_is_asked_once(project, tmp_path):
    shutil.move(project.root / ".dvc/cache", tmp_path / "remote")
    project.move_to_remote(tmp_path / "remote")
    raw = RawFiles(None, tmp_path / "memory/raw.json")
    found = find_files("d", str(project.root), ["days", "ads.csv"], None, tmp_path / "memory/raw")
    digests = {name: raw.digest(place) for name, place in found.items()}
    shutil.rmtree(tmp_path / "remote")
    assert find_files("d", str(project.root), ["days", "ads.csv"], None, tmp_path / "memory/raw") == found
    again = RawFiles(None, tmp_path / "memory/raw.json")
    assert again.local(found["ads.csv"], digests["ads.csv"]).read_bytes() == ONE
    assert not list((tmp_path / "memory").rglob(".fetching-*"))
    with pytest.raises(DatasetError, match="days cannot be read as DVC tracks it"):
        find_files("d", str(project.root), ["days"], None)


def test_what_a_cache_damaged_is_not_taken(project, tmp_path):
    (project.home / md5(ONE)[:2] / md5(ONE)[2:]).write_bytes(TWO)
    (place,) = find_files("d", str(project.root), ["ads.csv"], None).values()
    with pytest.raises(DatasetError, match=rf"ads.csv, .*: found bytes with MD5 {md5(TWO)}, expected MD5 {md5(ONE)}"):
        fetch(place, tmp_path)


def test_an_s3_remote(project, tmp_path, s3_server, monkeypatch):
    import s3fs

    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    files = s3fs.S3FileSystem(endpoint_url=s3_server, key="AKIDEXAMPLE", secret="hunter22")
    bucket = f"bucket-{tmp_path.name.replace('_', '-')[:20]}-{md5(str(tmp_path).encode())[:8]}"
    files.mkdir(bucket)
    files.put(str(project.root / ".dvc/cache"), f"{bucket}/store", recursive=True)
    shutil.rmtree(project.root / ".dvc/cache")
    project.move_to_remote(
        f"s3://{bucket}/store", endpointurl=s3_server, access_key_id="AKIDEXAMPLE", secret_access_key="hunter22"
    )
    found = find_files("d", str(project.root), ["days/country=AT", "more.csv"], None)
    assert [fetch(place, tmp_path / "kept")[0].read_bytes() for place in found.values()] == [TWO, TWO]


CONFIG = "name: mine\nsource: {kind: files, reader: table, folder: '%s', files: [%s]}\nads: {target: score}\n"
EXPERIMENT = "dataset: ../data/mine.yaml\nmodels: {ad_score: {}}\n"


@pytest.fixture
def configs(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind in ("data", "experiment"):
        (tmp_path / "configs" / kind).mkdir(parents=True)
    (tmp_path / "configs/data/mine.yaml").write_text(CONFIG % (project.root, "ads.csv, more.csv"))
    (tmp_path / "configs/experiment/mine.yaml").write_text(EXPERIMENT)
    return tmp_path / "configs"


def test_a_dataset_that_is_tracked_is_loaded_and_described(configs, monkeypatch, capsys):
    table = load_dataset("mine")
    assert table.equals(pl.DataFrame({"ad_id": ["a1", "a2", "a3"], "score": [1.5, 2.5, 3.5]}))
    monkeypatch.setattr(sys, "argv", ["within-wf", "data", "describe", "mine", "--json"])
    with suppress(SystemExit):
        cli.main()
    assert json.loads(capsys.readouterr().out)["rows"] == 3


@pytest.mark.parametrize("name", ["judged.csv", "judged.csv.dvc"])
def test_a_file_that_is_tracked_is_loaded(project, name):
    project.track("judged.csv", b"ad_id,annotator_id,score\na,p,50\n")
    assert load_dataset(project.root / name)["score"].to_list() == [50.0]
    with pytest.raises(DatasetError, match=r"more\.csv, column annotator_id: found no such column"):
        load_dataset(project.root / "more.csv", "annotated_training_set")


def test_keys_know_tracked_files_by_their_bytes(project, configs, tmp_path):
    def digests():
        raw = RawFiles(None, tmp_path / "raw.json")
        return build_plan(load_run(configs / "experiment/mine.yaml"), Sources(CODE), raw, "core")["read_source/mine"]

    tracked = digests()
    assert tracked.parts["raw"] == {
        name: hashlib.sha256(data).hexdigest() for name, data in (("ads.csv", ONE), ("more.csv", TWO))
    }
    for name, data in (("ads.csv", ONE), ("more.csv", TWO)):
        (project.root / name).write_bytes(data)
    assert digests().key == tracked.key, "the same bytes, checked out"
    (project.root / "ads.csv").unlink()
    project.track("ads.csv", TWO)
    assert digests().key != tracked.key
