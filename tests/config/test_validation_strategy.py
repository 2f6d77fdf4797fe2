"""What a split and a validation by folds can be asked for, and what they cannot."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from within_wf.config import AdScoreConfig, KFoldEvaluationConfig, ValidationStrategyConfig, load_file
from within_wf.config.data import SplitConfig
from within_wf.config.duration import nanoseconds
from within_wf.errors import ConfigError

CONFIGS = Path(__file__).parents[2] / "configs"


def test_the_validation_of_the_project_loads():
    strategy = load_file(CONFIGS / "evaluation/kfold_evaluation.yaml", KFoldEvaluationConfig).validation_strategy
    assert (strategy.type, strategy.n_splits, strategy.random_state) == ("stratified_kfold", 5, 42)
    assert strategy.shuffle
    assert strategy.exact_sizes


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("45s", 45), ("90m", 5400), ("12h", 43_200), ("7d", 604_800), ("2w", 1_209_600)]
)
def test_lengths_of_time(text, seconds):
    assert nanoseconds(text) == seconds * 10**9


@pytest.mark.parametrize("text", ["", "d", "7", "7 d", "-7d", "1.5h", "7D", "7days", "٧d", "9999999999d"])
def test_what_is_no_length_of_time(text):
    with pytest.raises(ValueError, match="no length of time: a whole number of s, m, h, d or w"):
        nanoseconds(text)
    with pytest.raises(ValidationError, match="no length of time"):
        SplitConfig(strategy="time", embargo=text)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"embargo": 3}, "embargo is for strategy 'time' and 'group_time', not 'random'"),
        ({"embargo": "7d", "strategy": "group"}, "not 'group'"),
        ({"embargo": -1, "strategy": "time"}, "-1 is no number of moments: 0 or more"),
        ({"cluster_column": "c", "strategy": "time"}, "cluster_column is not for strategy 'time'"),
        (
            {"cluster_column": "c", "strategy": "stratified", "stratify_column": "k", "exact_sizes": True},
            "cannot keep clusters whole",
        ),
        ({"strategy": "stratified"}, "needs stratify_column"),
    ],
)
def test_splits_that_contradict_themselves(wrong, message):
    with pytest.raises(ValidationError, match=message):
        SplitConfig(**wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"embargo": 1}, "embargo is for type 'time_series', not 'kfold'"),
        ({"window": "sliding"}, "window 'sliding' is for type 'time_series', not 'kfold'"),
        ({"type": "time_series", "window_moments": 3}, "window_moments is for window 'sliding'"),
        ({"type": "time_series", "repeats": 2}, "repeats need draws"),
        ({"shuffle": False, "repeats": 2}, "repeats need draws"),
        ({"n_splits": 1}, "greater than or equal to 2"),
        ({"type": "leave_one_out"}, "type"),
    ],
)
def test_validations_that_contradict_themselves(wrong, message):
    with pytest.raises(ValidationError, match=message):
        ValidationStrategyConfig(**wrong)


def test_a_wrong_embargo_in_a_file_is_told_with_its_place(tmp_path):
    (tmp_path / "a.yaml").write_text("data:\n  split: {strategy: time, embargo: 7 days}\n")
    with pytest.raises(ConfigError, match=r"a\.yaml:2:.*data\.split\.embargo") as caught:
        load_file(tmp_path / "a.yaml", AdScoreConfig)
    assert len(caught.value.problems) == 1
