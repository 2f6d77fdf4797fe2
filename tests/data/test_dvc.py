"""Pointers, caches and remotes of DVC, made by hand as its documentation describes them."""

import hashlib
import json
import os
import shutil

import polars as pl
import pytest

from within_wf.data.dvc.fetch import fetch
from within_wf.data.dvc.pointer import find_pointer
from within_wf.data.dvc.settings import find_project
from within_wf.data.versions.source import open_source
from within_wf.errors import DatasetError, DatasetNotFoundError

TABLE = b"ad,clicks\r\na1,1\r\na2,2\r\n"
MORE = b"ad,clicks\r\na3,3\r\n"


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def unix_md5(data):
    return md5(data.replace(b"\r\n", b"\n"))


def put(folder, digest, data):
    place = folder / digest[:2] / digest[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return place


class Repo:
    """A DVC project in a folder."""

    def __init__(self, root):
        self.root = root
        self.cache = root / ".dvc/cache"
        (root / ".dvc").mkdir()

    def config(self, text, name="config"):
        (self.root / ".dvc" / name).write_text(text)

    def point(self, path, digest, *more):
        lines = ["outs:", f"- md5: {digest}", f"  path: {path}", *(f"  {line}" for line in more)]
        pointer = self.root / f"{path}.dvc"
        pointer.write_text("\n".join(lines) + "\n")
        return pointer

    def listing(self, files, digest=md5):
        entries = [{"md5": digest(data), "relpath": name} for name, data in sorted(files.items())]
        return json.dumps(entries, sort_keys=True).encode()


@pytest.fixture
def repo(tmp_path):
    (tmp_path / "repo").mkdir()
    return Repo(tmp_path / "repo")


@pytest.fixture
def got(tmp_path):
    """The bytes that a pointer leads to."""

    def read(pointer, inside=""):
        return {name: path.read_bytes() for name, path in fetch(pointer, inside, tmp_path / "into").items()}

    return read


def test_a_file_of_dvc_3(repo, got):
    put(repo.cache / "files/md5", md5(TABLE), TABLE)
    pointer = repo.point("ads.csv", md5(TABLE), f"size: {len(TABLE)}", "hash: md5")
    assert got(pointer) == {"ads.csv": TABLE}


def test_a_file_of_older_dvc_is_hashed_without_carriage_returns(repo, got):
    put(repo.cache, unix_md5(TABLE), TABLE)
    assert got(repo.point("ads.csv", unix_md5(TABLE), f"size: {len(TABLE)}")) == {"ads.csv": TABLE}
    binary = b"PAR1\0\r\n" * 100
    put(repo.cache, md5(binary), binary)
    assert got(repo.point("b", md5(binary))) == {"b": binary}
    put(repo.cache, unix_md5(binary), binary)
    with pytest.raises(DatasetError, match=rf"found bytes with MD5 {md5(binary)}, expected MD5 {unix_md5(binary)}"):
        got(repo.point("b", unix_md5(binary)))
    put(repo.cache / "files/md5", unix_md5(TABLE), TABLE)
    with pytest.raises(DatasetError, match=rf"expected MD5 {unix_md5(TABLE)}"):
        got(repo.point("c", unix_md5(TABLE), "hash: md5"))


@pytest.mark.parametrize("legacy", [True, False])
def test_a_folder(repo, got, legacy):
    files, digest = {"b.csv": MORE, "a/a.csv": TABLE}, unix_md5 if legacy else md5
    home = repo.cache if legacy else repo.cache / "files/md5"
    for data in files.values():
        put(home, digest(data), data)
    text = repo.listing(files, digest)
    put(home, f"{md5(text)}.dir", text)
    pointer = repo.point("data", f"{md5(text)}.dir", "nfiles: 2", *(() if legacy else ("hash: md5",)))
    assert got(pointer) == {"data/a/a.csv": TABLE, "data/b.csv": MORE}
    assert got(pointer, "data/a") == {"data/a/a.csv": TABLE}
    assert got(*find_pointer(repo.root / "data/b.csv")) == {"data/b.csv": MORE}
    with pytest.raises(DatasetNotFoundError, match=r"data/c.csv: found no such file in data, expected one of a/a.csv, b.csv"):
        got(pointer, "data/c.csv")


@pytest.mark.parametrize(
    "text",
    [b"", b"{}", b"[]", b"[1]", b'[{"md5": "x", "relpath": "a"}]']
    + [json.dumps([{"md5": md5(b""), "relpath": path}]).encode() for path in ("../a", "/a", "", "a\\b", "a/../../b", 1)],
)
def test_a_listing_that_cannot_be_followed(repo, got, text):
    put(repo.cache / "files/md5", f"{md5(text)}.dir", text)
    with pytest.raises(DatasetError, match="the folder data cannot be followed"):
        got(repo.point("data", f"{md5(text)}.dir", "hash: md5"))


def test_a_damaged_cache_is_told_and_a_remote_helps(repo, got, tmp_path):
    pointer = repo.point("ads.csv", md5(TABLE), "hash: md5", f"size: {len(TABLE)}")
    blob = put(repo.cache / "files/md5", md5(TABLE), TABLE.replace(b"a1", b"a9"))
    with pytest.raises(DatasetError, match=rf"ads.csv, {blob}: found bytes with MD5 .*, expected 23 bytes with MD5 "):
        got(pointer)
    blob.write_bytes(TABLE[:-1])
    with pytest.raises(DatasetError, match="found 22 bytes, expected 23 bytes"):
        got(pointer)
    put(tmp_path / "remote/files/md5", md5(TABLE), TABLE)
    repo.config("[core]\n    remote = near\n['remote \"near\"']\n    url = ../../remote\n")
    assert got(pointer) == {"ads.csv": TABLE}
    put(tmp_path / "remote/files/md5", md5(TABLE), b"other bytes")
    assert got(pointer) == {"ads.csv": TABLE}, "what was fetched is kept"
    shutil.rmtree(tmp_path / "into")
    with pytest.raises(DatasetError, match=r"(?s)found 22 bytes.*remote: found 11 bytes"):
        got(pointer)
    assert [path for path in (tmp_path / "into").rglob("*") if path.is_file()] == []


def test_where_there_is_nothing(repo, got, tmp_path):
    pointer = repo.point("ads.csv", md5(TABLE), "hash: md5")
    with pytest.raises(DatasetNotFoundError, match="nothing in the cache, and no remote"):
        got(pointer)
    repo.config("[core]\nremote = far\n['remote \"near\"']\nurl = /nowhere\n")
    with pytest.raises(DatasetError, match="found 'far', expected one of the project's remotes: near"):
        got(pointer)
    repo.config("[core]\nremote = near\n", "config.local")
    with pytest.raises(DatasetError, match=rf"/nowhere: found no {md5(TABLE)[:2]}/.*dvc push"):
        got(pointer)
    repo.config("['remote \"near\"']\nurl = gopher://me:hunter2@hole/x\n", "config.local")
    repo.config("[core]\nremote = near\n")
    with pytest.raises(DatasetError, match="a remote that can be read") as told:
        got(pointer)
    assert "hunter2" not in str(told.value)


def test_an_output_names_its_remote_and_the_workspace_serves_what_is_not_cached(repo, got, tmp_path):
    put(tmp_path / "remote/files/md5", md5(MORE), MORE)
    repo.config(f'[\'remote "other"\']\nurl = "{tmp_path}/remote"\n')
    assert got(repo.point("more.csv", md5(MORE), "hash: md5", "remote: other")) == {"more.csv": MORE}
    (repo.root / "ads.csv").write_bytes(TABLE)
    put(repo.cache / "files/md5", md5(TABLE), b"never looked at")
    assert got(repo.point("ads.csv", md5(TABLE), "hash: md5", "cache: false")) == {"ads.csv": TABLE}


def test_a_cache_elsewhere_and_a_pointer_below(repo, got, tmp_path):
    repo.config("[cache]\n    dir = ../../shared\n    type = symlink\n")
    assert find_project(repo.root / "x").cache == tmp_path / "shared"
    put(tmp_path / "shared/files/md5", md5(TABLE), TABLE)
    (repo.root / "sub").mkdir()
    pointer = repo.point("sub/ads.csv", md5(TABLE), "hash: md5")
    pointer.write_text(pointer.read_text().replace("path: sub/", "path: ") + "wdir: .\nmeta: {a: 1}\n")
    assert got(pointer) == {"ads.csv": TABLE}
    repo.config(f"[cache]\ndir = '{tmp_path}/shared'\n")
    assert got(pointer) == {"ads.csv": TABLE}


def test_which_of_several_outputs(repo, got):
    for data in (TABLE, MORE):
        put(repo.cache / "files/md5", md5(data), data)
    pointer = repo.point("a.csv", md5(TABLE), "hash: md5")
    pointer.write_text(pointer.read_text() + f"- md5: {md5(MORE)}\n  path: b.csv\n  hash: md5\n")
    assert got(pointer, "b.csv") == {"b.csv": MORE}
    with pytest.raises(DatasetNotFoundError, match=r"found 2 outputs that fit, expected the path of one of a.csv, b.csv"):
        got(pointer)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a list of what is tracked"),
        ("outs: []", "expected a list of what is tracked"),
        ("outs: [1]", "expected a list of what is tracked"),
        ("outs: [", "is no pointer of DVC"),
        ("outs:\n- path: x\n  etag: 1", "x.dvc:2:3: found None, expected an MD5"),
        ("outs:\n- md5: 0123\n  path: x", "expected an MD5 of 32 hexadecimal digits"),
        (f"outs:\n- md5: {'a' * 32}", "found None, expected a path"),
        (f"outs:\n- md5: {'a' * 32}\n  path: x\n  hash: sha256", "x.dvc:4:3: found 'sha256', expected md5"),
        (f"outs:\n- md5: {'a' * 32}\n  path: x\n  size: -1", "expected a number of bytes"),
        (f"outs:\n- md5: {'a' * 32}\n  path: x\n  remote: [1]", "expected the name of a remote"),
        (f"wdir: 1\nouts:\n- md5: {'a' * 32}\n  path: x", "expected a folder"),
    ],
)
def test_what_is_no_pointer(repo, got, text, said):
    (repo.root / "x.dvc").write_text(text)
    with pytest.raises(DatasetError, match=said):
        got(repo.root / "x.dvc")


def test_every_problem_of_a_pointer_is_told_at_once(repo, got):
    (repo.root / "x.dvc").write_text("outs:\n- md5: 1\n  path: x\n- size: a\n  path: y\n")
    with pytest.raises(DatasetError, match=r"(?s)outs|x.dvc:2:3.*x.dvc:4:3") as told:
        got(repo.root / "x.dvc")
    assert len(told.value.problems) == 3


def test_no_project_and_settings_that_cannot_be_read(repo, got, tmp_path):
    (tmp_path / "x.dvc").write_text(f"outs:\n- md5: {'a' * 32}\n  path: x")
    with pytest.raises(DatasetError, match=r"found no folder .dvc beside it or above"):
        got(tmp_path / "x.dvc")
    repo.config("nonsense\n")
    with pytest.raises(DatasetError, match="settings of DVC cannot be read"):
        got(repo.point("x", "a" * 32))


def test_a_path_that_is_there_needs_no_pointer(repo):
    assert find_pointer(repo.root / "x.csv") is None
    assert find_pointer(repo.root / "x.csv.dvc") is None
    pointer = repo.point("x.csv", "a" * 32)
    assert find_pointer(pointer) == (pointer, "")
    assert find_pointer(repo.root / "x.csv") == (pointer, "x.csv")
    (repo.root / "x.csv").write_text("a\n1\n")
    assert find_pointer(repo.root / "x.csv") is None


def test_a_source_that_is_tracked(repo, tmp_path):
    files = {"one.csv": TABLE, "two.csv": MORE}
    for data in files.values():
        put(repo.cache / "files/md5", md5(data), data)
    text = repo.listing(files)
    put(repo.cache / "files/md5", f"{md5(text)}.dir", text)
    pointer = repo.point("ads", f"{md5(text)}.dir", "hash: md5")
    source = open_source(str(pointer), tmp_path)
    assert source.table.collect().to_dict(as_series=False) == {"ad": ["a1", "a2", "a3"], "clicks": [1, 2, 3]}
    assert (source.name, source.contract) == ("ads", None)
    assert source.raw == {f"ads/{name}": hashlib.sha256(data).hexdigest() for name, data in files.items()}
    source = open_source(str(repo.root / "ads/two.csv"), tmp_path)
    assert (source.name, source.table.collect().height) == ("two", 1)


def test_an_s3_remote(repo, got, s3_server, monkeypatch):
    import s3fs

    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    bucket = f"bucket-{os.urandom(4).hex()}"
    files = s3fs.S3FileSystem(endpoint_url=s3_server, key="AKIDEXAMPLE", secret="hunter22")
    files.mkdir(bucket)
    table = pl.DataFrame({"ad": ["a1"], "clicks": [1]}).write_csv().encode()
    for place, digest in (("store/files/md5", md5(table)), ("store", md5(MORE))):
        files.pipe_file(f"{bucket}/{place}/{digest[:2]}/{digest[2:]}", table if digest == md5(table) else MORE)
    repo.config(f"[core]\n    remote = far\n['remote \"far\"']\n    url = s3://{bucket}/store\n    endpointurl = {s3_server}\n")
    secrets = "    access_key_id = AKIDEXAMPLE\n    secret_access_key = hunter22\n    region = us-east-1\n"
    repo.config(f"['remote \"far\"']\n{secrets}", "config.local")
    assert got(repo.point("ads.csv", md5(table), "hash: md5", f"size: {len(table)}")) == {"ads.csv": table}
    assert got(repo.point("more.csv", md5(MORE))) == {"more.csv": MORE}
    with pytest.raises(DatasetError, match=rf"s3://{bucket}/store: found no aa/"):
        got(repo.point("none.csv", "a" * 32))
