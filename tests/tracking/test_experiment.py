import re

import pytest
from ruamel.yaml import YAML

from within_wf.errors import ConfigError
from within_wf.tracking import experiment as module
from within_wf.tracking import setup_experiment


def config(target, tmp_path, **more):
    return {
        "model": {"name": "ad_score", "layers": (64, 32)},
        "output_dir": str(tmp_path / "runs"),
        "tracking": {"uri": target.uri},
        **more,
    }


def test_an_experiment_has_its_folders_configuration_and_tracker(target, tmp_path):
    given = config(target, tmp_path, experiment_id="first")
    made = setup_experiment(given)
    assert re.fullmatch(r"ad_score_\d{8}_\d{6}_first", made["name"])
    assert made["dir"] == tmp_path / "runs" / made["name"]
    assert made["config"] == given
    there = sorted(path.name for path in made["dir"].iterdir())
    assert there == ["artifacts", "checkpoints", "config.yaml", "logs", "metrics", "predictions"]
    read = YAML(typ="safe").load(made["dir"] / "config.yaml")
    assert read == {**given, "model": {"name": "ad_score", "layers": [64, 32]}}
    assert made["tracker"].target.experiment == "ad_score"


def test_two_that_begin_in_one_second_get_two_folders(target, tmp_path, monkeypatch):
    monkeypatch.setattr(module.time, "strftime", lambda _: "20260101_000000")
    names = [setup_experiment(config(target, tmp_path))["name"] for _ in range(3)]
    assert names == ["ad_score_20260101_000000", "ad_score_20260101_000000_2", "ad_score_20260101_000000_3"]


def test_the_tracker_takes_its_own_section(target, tmp_path):
    tracking = {"uri": target.uri, "experiment": "sweep", "tags": {"team": "ads"}}
    tracker = setup_experiment(config(target, tmp_path, tracking=tracking))["tracker"]
    assert (tracker.target.experiment, dict(tracker.target.tags)) == ("sweep", {"team": "ads"})


def test_no_password_is_written(target, tmp_path):
    made = setup_experiment(config(target, tmp_path, source={"uri": "s3://me:hunter2@bucket"}))
    assert "s3://***@bucket" in (made["dir"] / "config.yaml").read_text()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "model.name: found None"),
        ({"model": {"name": "../x"}}, "model.name: found '../x', expected a name without slashes"),
        ({"model": {"name": ".."}}, "model.name: found '..'"),
        ({"model": {"name": "x"}, "experiment_id": "a/b"}, "experiment_id: found '_a/b'"),
        ({"model": {"name": "x"}, "tracking": {"url": "y"}}, "tracking: found 'url', expected uri, experiment or tags"),
    ],
)
def test_what_cannot_be_set_up_is_refused(given, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        setup_experiment(given)


def test_the_folder_is_experiments_by_default(target, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = setup_experiment({"model": {"name": "x"}, "tracking": {"uri": target.uri}})
    assert made["dir"].resolve().parent == tmp_path / "experiments"
