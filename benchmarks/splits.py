"""How far sizes and shares of classes are from what was asked: splits and folds of small tables, over many seeds.

python benchmarks/splits.py

Every number is a matter of seeds alone: it is the same on any machine.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import polars as pl
from common.measure import write_down

from within_wf.config.validation_strategy import ValidationStrategyConfig
from within_wf.data.folds import iter_folds
from within_wf.data.splitter import DataSplitter
from within_wf.errors import DatasetError

SEEDS = 200
COLUMNS = {"group_column": "team", "time_column": "day", "id_column": "id"}
STRATEGIES = [("random", False), ("random", True), ("stratified", True), ("group", False), ("group", True)]
STRATEGIES += [("time", False), ("group_time", False)]
TYPES = ["kfold", "stratified_kfold", "group_kfold", "stratified_group_kfold"]


def table(rows: int) -> pl.DataFrame:
    """Rows of which a tenth is of the class b, in teams of ten or so, over sixty days."""
    draws = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "id": [f"ad-{row}" for row in range(rows)],
            "kind": draws.choice(["a", "b"], rows, p=[0.9, 0.1]),
            "team": [f"team-{team}" for team in draws.integers(0, max(10, rows // 10), rows)],
            "day": draws.integers(0, 60, rows),
        }
    )


def splits(rows: int) -> Iterator[str]:
    """A line of each strategy: how far the test is from 20 %."""
    data = table(rows)
    of_class = (data["kind"] == "b").to_numpy()
    for strategy, exact in STRATEGIES:
        sizes, classes = [], []
        for seed in range(SEEDS):
            split = DataSplitter(strategy, random_state=seed, stratify_column="kind", exact_sizes=exact, **COLUMNS)
            try:
                test = split.divide(data).sides == 2
            except DatasetError:
                continue
            sizes.append(abs(test.sum() - 0.2 * rows))
            classes.append(abs((of_class & test).sum() - 0.2 * of_class.sum()))
        cells = [f"{np.mean(sizes):.1f}", f"{np.quantile(sizes, 0.95):.1f}", f"{np.mean(classes):.1f}"]
        name = f"`{strategy}`{', exact sizes' if exact else ''}"
        yield f"| {name} | {rows:,} | {' | '.join(cells)} of {0.2 * of_class.sum():.1f} | {SEEDS - len(sizes)} of {SEEDS} |"


def folds(rows: int) -> Iterator[str]:
    """A line of each type: how far the worst of five folds is from a fifth."""
    data = table(rows)
    of_class = (data["kind"] == "b").to_numpy()
    for kind in TYPES:
        for exact in (False, True):
            sizes, classes = [], []
            for seed in range(SEEDS):
                config = ValidationStrategyConfig(type=kind, random_state=seed, exact_sizes=exact)
                try:
                    judged = [rows for _, rows in iter_folds(data, config, class_column="kind", **COLUMNS)]
                except DatasetError:
                    continue
                sizes.append(max(abs(fold.size - rows / 5) for fold in judged))
                classes.append(max(abs(of_class[fold].sum() - of_class.sum() / 5) for fold in judged))
            name = f"`{kind}`{', exact sizes' if exact else ''}"
            cells = f"{np.mean(sizes):.1f} | {np.mean(classes):.1f} of {of_class.sum() / 5:.1f}"
            yield f"| {name} | {rows:,} | {cells} | {SEEDS - len(sizes)} of {SEEDS} |"


def main() -> int:
    """Measure, print and write down."""
    lines = [
        "| strategy | rows | deviation of the test, mean | 95 of 100 below | of its rows of a class of a tenth | refused |"
    ]
    lines += ["|---|---:|---:|---:|---:|---:|", *(line for rows in (50, 200, 1000) for line in splits(rows)), ""]
    lines += ["| type, five folds | rows | deviation of the worst fold, mean | of its rows of that class | refused |"]
    lines += ["|---|---:|---:|---:|---:|", *(line for rows in (50, 200, 1000) for line in folds(rows))]
    write_down("splits", "How far splits are from what was asked", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
