"""``within-wf`` as a person types it, in runs whose artifacts are made by hand."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.steps.judged_world import made_run
from tests.workflow.place import BIN, ROOT
from within_wf import cli
from within_wf.steps.place import open_store
from within_wf.steps.workflow import open_workflow


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A folder in which both models are made."""
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))
    return made_run(tmp_path / "run", monkeypatch)


@pytest.fixture
def call(monkeypatch, capsys):
    """Calls the command line: its exit code, and what it said."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["within-wf", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out + said.err

    return run


def test_help_names_every_command(call):
    code, text = call("--help")
    assert code == 0
    for command in ("step", "track", "summary", "why", "lineage", "store", "data", "config"):
        assert command in text


def test_summary_says_what_to_do_where_nothing_is_made(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call("summary") == (0, "Nothing is reported yet under results/. Run `snakemake --profile local train_all`.\n")


def test_lineage_goes_back_to_the_world_that_was_drawn(call, plan):
    code, text = call("lineage", "ad_score")
    assert code == 0
    assert text.splitlines()[0].startswith("train_ad_score/sample_world.ad_score  artifact ")
    assert "drawn: 100,000 rows, seed 42" in text
    assert call("lineage", "scores")[0] == 5


def test_lineage_as_events(call, plan):
    assert call("lineage", "ad_score", "--openlineage", "events.jsonl") == (0, "events.jsonl: 8 events\n")
    jobs = [json.loads(line)["job"]["name"] for line in Path("events.jsonl").read_text().splitlines()]
    assert jobs[0] == "simulate_world/sample_world"
    assert jobs[-1] == "train_ad_score/sample_world.ad_score"


def test_why_names_the_key_that_changed(call, plan):
    assert "the first key of this step here" in call("why", "split_data")[1]
    open_workflow({"set": ["ad_score.data.split.test_size=0.3", "tracking.enabled=false"]}, ROOT / "configs")
    code, text = call("why", "split_data", "--model", "ad_score")
    assert code == 0
    assert "configuration data.split.test_size: 0.2 -> 0.3" in text
    code, text = call("why", "split_dada")
    assert code == 5
    assert "'split_dada', expected one of simulate_world" in text


def test_verify_counts_and_says_what_is_damaged(call, plan):
    store = open_store()
    blobs = [path for path in (store.root / "cas").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in blobs)
    assert call("store", "verify") == (
        0,
        f"{len(plan)} actions and {len(blobs)} blobs ({size / 1e6:,.1f} MB) hashed; the store is sound.\n",
    )
    blobs[0].chmod(0o644)
    blobs[0].write_bytes(b"flipped")
    code, text = call("store", "verify")
    assert code == 5
    assert str(blobs[0]) in text
    assert "--repair" in text
    code, text = call("store", "verify", "--repair")
    assert code == 0
    assert "quarantine" in text
    assert "the store is sound" in call("store", "verify")[1]


def test_collecting_says_what_goes_and_what_stays(call, plan):
    code, text = call("store", "gc", "--older-than", "0", "--dry-run")
    assert code == 0
    assert "0 actions would be forgotten" in text
    assert f"{len(plan)} actions would be kept" in text
    action = json.loads(Path(plan["report_model/sample_world.ad_score"].ref).read_text())["action"]
    code, text = call("store", "gc", "--drop", action)
    assert code == 0
    assert "1 actions forgotten" in text
    assert "report_model: 1" in text
    assert call("store", "gc", "--drop", action)[0] == 5


def test_pins_come_and_go(call, plan):
    assert call("store", "pin", "ad_score", "--name", "champion") == (0, "pinned champion\n")
    code, text = call("store", "pins")
    assert code == 0
    assert text.startswith("champion  ")
    code, text = call("store", "unpin", "champoin")
    assert code == 5
    assert "found 'champoin', expected one of champion" in text
    assert call("store", "unpin", "champion") == (0, "unpinned champion\n")
    assert "expected no pin at all" in call("store", "unpin", "champion")[1]


def test_the_whole_configuration_is_shown_without_passwords(call, monkeypatch):
    monkeypatch.chdir(ROOT)
    uri = "tracking.uri=postgresql://me:hunter2@db/mlflow"
    code, text = call("config", "show", "upworthy", "--set", "ad_score.training.epochs=3", "--set", uri)
    assert code == 0
    assert json.loads(text)["models"]["ad_score"]["training"]["epochs"] == 3
    assert "hunter2" not in text
    assert call("config", "show", "upworthy", "--set", "ad_score.training.epoch=3")[0] == 2


def test_schemas_are_written_where_they_belong(call, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    for path in (tmp_path / "configs/schemas").iterdir():
        path.write_text("{}")
    assert call("config", "schemas")[0] == 0
    for path in (ROOT / "configs/schemas").iterdir():
        assert (tmp_path / "configs/schemas" / path.name).read_bytes() == path.read_bytes()


def test_the_installed_command_is_this_one():
    done = subprocess.run([str(BIN / "within-wf"), "step", "--help"], capture_output=True, text=True, check=True)
    assert "Make one artifact, or find it in the store." in done.stdout


@pytest.mark.parametrize(("option", "value"), [("--older-than", "nan"), ("--older-than", "-1"), ("--max-size", "inf")])
def test_limits_that_are_none_are_refused(call, plan, option, value):
    code, text = call("store", "gc", option, value)
    assert code == 5
    assert "expected a finite number from 0 up" in text


@pytest.mark.parametrize("command", ["verify", "gc", "pins"])
def test_what_only_looks_makes_no_store(call, tmp_path, monkeypatch, command):
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "mistyped"))
    monkeypatch.chdir(tmp_path)
    code, text = call("store", command)
    assert code == 5
    assert "no store" in text
    assert not (tmp_path / "mistyped").exists()


def test_a_damaged_plan_says_nothing_and_hinders_nothing(call, plan):
    (Path(".within/plans") / f"{'0' * 64}.json").write_text("{")
    assert call("lineage", "ad_score")[0] == 0


def test_a_dataset_that_was_not_reported_is_told(call, plan):
    summary = Path("results/sample_world/ad_score/summary.json")
    summary.unlink(missing_ok=True)
    summary.write_text("{}")
    code, text = call("summary", "--dataset", "sample_wrld")
    assert code == 5
    assert "'sample_wrld', expected one of sample_world" in text
