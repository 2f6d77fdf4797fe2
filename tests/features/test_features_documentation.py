"""docs/features.md names every choice, and its examples run."""

import re
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl
import pytest

from within_wf.config import AdScoreConfig, load_file
from within_wf.config.features import (
    Aggregate,
    AggregateConfig,
    CalendarPart,
    ColumnTreatment,
    HistoryConfig,
    ImageStatistic,
    PolynomialConfig,
    Rolling,
    TextStatistic,
)

PAGE = (Path(__file__).parents[2] / "docs/features.md").read_text()
TABLES = "\n".join(line for line in PAGE.splitlines() if line.startswith("|"))


def test_every_choice_and_key_has_its_place_in_a_table():
    for name, field in ColumnTreatment.model_fields.items():
        assert f"`{name}`" in PAGE, name
        if name != "target_smoothing":
            for choice in get_args(field.annotation):
                assert not isinstance(choice, str) or re.search(rf"^\| `{choice}` \| [`\w]", PAGE, re.MULTILINE), choice
    for names in (Aggregate, CalendarPart, ImageStatistic, Rolling, TextStatistic):
        assert all(f"`{name}`" in TABLES for name in get_args(names))
    for section in (AggregateConfig, HistoryConfig, PolynomialConfig):
        assert all(f"`{name}`" in TABLES for name in section.model_fields)


def test_the_first_line_of_a_table_is_the_default():
    for name, default in ColumnTreatment():
        if rows := re.findall(rf"^\| `{name}` \|.*\n\|[-|]+\n\| `(\w+)`", PAGE, re.MULTILINE):
            assert rows == [default]


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_the_configurations_on_the_page_are_taken(tmp_path, block):
    path = tmp_path / "mine.yaml"
    path.write_text(block)
    assert load_file(path, AdScoreConfig) != AdScoreConfig()


def test_the_code_on_the_page_runs():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    table = pl.DataFrame(
        {
            "spend": np.arange(30.0),
            "industry": ["a", "b", "c"] * 10,
            "campaign_id": ["x", "y"] * 15,
            "start_date": ["2024-05-31"] * 30,
        }
    )
    names = {"train": table[:20], "test": table[20:], "target": np.arange(20.0), "weight": np.ones(20)}
    exec(code, names)  # noqa: S102 - the page's own code
    assert names["learned"].shape == (20, 4)
    assert names["new"].shape == (10, 4)


def test_what_was_measured_is_what_the_benchmark_wrote():
    measured = [line for line in PAGE.partition("## Measured")[2].splitlines() if line.startswith("| `")]
    written = (Path(__file__).parents[2] / "benchmarks/results/feature_choices.md").read_text().splitlines()
    assert len(measured) == 11
    assert set(measured) <= set(written)
