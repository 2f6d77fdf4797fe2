"""What is set on the command line."""

from pathlib import Path

import pytest

from within_wf.config import load_run
from within_wf.config.overrides import split_overrides
from within_wf.errors import ConfigError

RUN = Path(__file__).parents[2] / "configs/experiment/sample_world.yaml"


def problems(*overrides):
    with pytest.raises(ConfigError) as error:
        load_run(RUN, overrides)
    return [str(problem) for problem in error.value.problems]


def test_a_path_is_of_the_run_of_a_model_or_of_every_model_that_has_it():
    run = load_run(
        RUN, ["dataset.source.rows=300", "ad_score.training.epochs=3", "training.seed=7", "tracking.tags.team=growth"]
    )
    assert run.dataset.source.rows == 300
    assert run.models.ad_score.training.epochs == 3
    assert run.models.account_health.training.epochs != 3
    assert run.models.ad_score.training.seed == run.models.account_health.training.seed == 7
    assert run.tracking.tags == {"team": "growth"}


def test_a_value_is_read_as_yaml_and_a_later_one_wins():
    run = load_run(
        RUN,
        ["model.head.hidden_layers=[16, 8]", "training.optimizer.learning_rate=1e-3", "training.epochs=2", "training.epochs=4"],
    )
    assert run.models.ad_score.model.head.hidden_layers == [16, 8]
    assert run.models.ad_score.training.optimizer.learning_rate == 1e-3
    assert run.models.ad_score.training.epochs == 4


def test_a_mapping_is_merged():
    run = load_run(RUN, ["ad_score.data.split={test_size: 0.4}"])
    assert run.models.ad_score.data.split.test_size == 0.4
    assert run.models.ad_score.data.split.val_size == 0.2


def test_a_model_can_be_left_out():
    assert load_run(RUN, ["models.account_health=null"]).models.account_health is None


def test_everything_wrong_is_named_together():
    found = problems("training.epocs=3", "epochs", "=3", "model.head.dropout=high", "training.epochs=[1")
    assert "set training.epocs=3: found unknown path training.epocs" in found[0]
    assert "Did you mean training.epochs?" in found[0]
    assert "no = in it" in found[1]
    assert "no path before =" in found[2]
    assert any("YAML 1.2" in line for line in found)
    assert any("model.head.dropout = 'high', expected a number" in line for line in found)


def test_credentials_are_not_repeated():
    (found,) = problems("tracking.urii=https://me:secret@host/x")
    assert "secret" not in found
    assert "***" in found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, []),
        ("", []),
        ("a.b=1", ["a.b=1"]),
        (["a=1", " b=2 "], ["a=1", "b=2"]),
        ({"a.b": "c=1"}, ["a.b=c=1"]),
    ],
)
def test_what_snakemake_hands_over_is_text_or_a_list(given, expected):
    assert split_overrides(given) == expected


def test_what_is_no_text_is_named():
    with pytest.raises(ConfigError, match=r"(?s)found 3.*found True"):
        split_overrides([3, "a=1", True])
