"""What choices of features give gradient boosting and ridge on real ads, beside the defaults, over random divisions.

WITHIN_DATA=/where/the/real/data/is python benchmarks/feature_choices.py

Differences are of the root of the mean squared error on 30 % of the groups (of the ads where there are no groups), paired by
division. The weight of an ad is 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl
from common.measure import write_down
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV

from within_wf.config import load_run
from within_wf.config.features import AggregateConfig, ColumnTreatment, FeatureConfig, TextStatistic
from within_wf.data import load_dataset
from within_wf.data.units import units_of_values
from within_wf.features import Answers, Preprocessor

DIVISIONS = 8
FACEBOOK = {
    "every category ordinal": FeatureConfig(encoding="ordinal"),
    "every category hashed": FeatureConfig(encoding="hashed"),
    "every category by the target": FeatureConfig(encoding="target"),
    "interest by the target": FeatureConfig(columns={"interest": ColumnTreatment(encoding="target")}),
    "spend and impressions by interest": FeatureConfig(
        aggregates=[AggregateConfig(by="interest", columns=["spend", "impressions"])]
    ),
    "age crossed with gender": FeatureConfig(crossings=[["age", "gender"]]),
    "campaign crossed with age and gender": FeatureConfig(crossings=[["campaign_id", "age", "gender"]]),
    "weekday and month": FeatureConfig(calendar=["weekday", "month"]),
}
UPWORTHY = {"every text statistic": FeatureConfig(text_statistics=[*get_args(TextStatistic)])}
CHOICES = {"facebook_campaigns": FACEBOOK, "upworthy": UPWORTHY}


def errors(x: np.ndarray, y: np.ndarray, new: np.ndarray, truth: np.ndarray) -> list[float]:
    """The error of gradient boosting, and of ridge."""
    if not x.shape[1]:
        x, new = np.zeros((len(x), 1)), np.zeros((len(new), 1))
    boosting = HistGradientBoostingRegressor(max_iter=100, learning_rate=0.05, early_stopping=False, random_state=0)
    models = (boosting, RidgeCV(np.logspace(-2, 4, 13)))
    return [float(np.sqrt(np.mean((model.fit(x, y).predict(new) - truth) ** 2))) for model in models]


def lines(dataset: str) -> Iterator[str]:
    """A line of each choice."""
    roles = load_run(Path(f"configs/experiment/{dataset}.yaml")).dataset.ads
    table = load_dataset(dataset, "ad_performance", on_violation="quarantine")
    units = units_of_values(table[roles.group or roles.id])
    found: dict[str, list[list[float]]] = {"defaults": []}
    for division in range(DIVISIONS):
        is_new = pl.Series(units.draws(division, "division")[units.of_row] < 0.3)
        train, new = table.filter(~is_new), table.filter(is_new)
        target, truth = (part[roles.target].cast(pl.Float64).to_numpy() for part in (train, new))
        answers = Answers(target, np.ones(train.height), train[roles.group or roles.id].cast(pl.String), 42)
        for name, config in {"defaults": FeatureConfig(), **CHOICES[dataset]}.items():
            made = Preprocessor.of(roles, config)
            x = made.fit_transform(train, answers)
            found.setdefault(name, []).append(errors(x, target, made.transform(new), truth))
    usual = np.array(found.pop("defaults"))
    yield f"| `{dataset}` | defaults | {usual[:, 0].mean():.4g} | {usual[:, 1].mean():.4g} |"
    for name, values in found.items():
        change = 100 * (np.array(values) / usual - 1)
        means, deviations = change.mean(axis=0), change.std(axis=0, ddof=1) / np.sqrt(DIVISIONS)
        cells = [f"{mean:+.1f} % ± {deviation:.1f}" for mean, deviation in zip(means, deviations, strict=True)]
        yield f"| `{dataset}` | {name} | {' | '.join(cells)} |"


def main() -> int:
    """Measure, print and write down."""
    head = ["| dataset | features of the table | gradient boosting | ridge |", "|---|---|---:|---:|"]
    write_down("feature_choices", "What choices of features give", [*head, *(line for name in CHOICES for line in lines(name))])
    return 0


if __name__ == "__main__":
    sys.exit(main())
