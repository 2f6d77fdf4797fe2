"""docs/splits.md says what there is, and what was measured."""

import re
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl

from within_wf.config import ValidationStrategyConfig
from within_wf.data.splitter import STRATEGIES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/splits.md").read_text()


def test_every_strategy_and_type_has_its_line():
    types = get_args(ValidationStrategyConfig.model_fields["type"].annotation)
    for name in (*STRATEGIES, *types):
        assert re.search(rf"^\| `{name}` \| \w+", PAGE, re.MULTILINE), name


def test_what_was_measured_is_what_the_benchmark_wrote():
    measured = [line for line in PAGE.partition("## Measured")[2].splitlines() if line.startswith("| `")]
    written = (ROOT / "benchmarks/results/splits.md").read_text().splitlines()
    assert len(measured) > 20
    assert set(measured) <= set(written)


def test_the_code_on_the_page_runs():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    table = pl.DataFrame({"ad_id": range(60), "campaign_id": [row % 12 for row in range(60)]})
    names = {"table": table, "judged": []}
    exec(code.replace("...  # numbers of rows, ascending", "judged.append(validation)"), names)  # noqa: S102 - the page's own code
    assert np.array_equal(np.sort(np.concatenate(names["judged"])), np.arange(60))
