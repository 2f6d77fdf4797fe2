"""A column of categories as the mean of the target among the rows of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.config.features import ColumnTreatment
from within_wf.data.units import units_of_values
from within_wf.features.categories import codes_of, names_with_indicator, texts_of, with_indicator
from within_wf.features.numeric import Floats, NumericColumn
from within_wf.ops.sums import column_sums, group_sums
from within_wf.runtime.streams import Stream, ids_of

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """What is known of training rows, to learn from.

    Attributes:
        target: float64, shape [n].
        weight: How much a row counts, float64, shape [n], at least 0.
        units: What is in one fold as a whole: the row's group, or its id; n of them.
        seed: Seed of the folds.
    """

    target: Floats
    weight: Floats
    units: pl.Series
    seed: int

    def folds(self, count: int) -> Ints:
        """The fold of each row, of the seed and its unit's name alone; int64, shape [n], in [0, count)."""
        units = units_of_values(self.units)
        draws = Stream(self.seed, "folds of target encodings").uniform(ids_of(units.names))[:, 0]
        return np.floor(draws * count).astype(np.int64)[units.of_row]


@dataclass(frozen=True)
class TargetColumn:
    """The smoothed mean of the target in each category; the mean of all for one that training rows do not have.

    With n rows of mean m in a category, and M the mean of all, it is (n m + s M) / (n + s); s is ``target_smoothing``, or by
    ``auto`` the variance of the target within the category over its variance in all rows (empirical Bayes: Micci-Barreca, "A
    preprocessing scheme for high-cardinality categorical attributes", SIGKDD Explorations 3, 2001). A missing category is one
    of its own. Rows that are learned from are encoded by the rows of other folds: no row's target is in its own feature.

    Attributes:
        categories: Those of training rows, by name.
        means: The encoding of each.
        prior: The mean of all.
        scale: How encodings become the feature.
    """

    categories: list[str]
    means: list[float]
    prior: float
    scale: NumericColumn

    @classmethod
    def fit(cls, column: pl.Series, answers: Answers, config: ColumnTreatment) -> tuple[TargetColumn, Floats]:
        """Learn from training rows.

        Args:
            column: Their categories.
            answers: What is known of them.
            config: Smoothing, folds and scaling.

        Returns:
            The column, and the feature of each training row, out of fold: shape [n, 1 or 2].
        """
        units = units_of_values(texts_of(column))
        folds = answers.folds(config.target_folds)
        # weights of mean 1: smoothing counts rows, whatever a weight is counted in
        total = float(column_sums(answers.weight[:, None])[0])
        weight = answers.weight * (len(column) / total) if total > 0 else np.ones(len(column))

        def encode(rows: npt.NDArray[np.bool_]) -> tuple[Floats, float]:
            of_rows = units.of_row[rows], answers.target[rows], weight[rows]
            return _encodings(*of_rows, len(units.names), config.target_smoothing)

        means, prior = encode(np.ones(len(column), np.bool_))
        encoded = np.empty(len(column))
        for fold in range(config.target_folds):
            inside = folds == fold
            if inside.any():
                # where no other fold has weight, what the whole says is all there is
                has_rest = float(weight[~inside].max(initial=0.0)) > 0
                others, _ = encode(~inside) if has_rest else (np.full(len(units.names), prior), prior)
                encoded[inside] = others[units.of_row[inside]]
        plain = config.model_copy(update={"logarithm": "never", "outliers": "none"})
        scale = NumericColumn.fit(encoded, plain)
        return cls(units.names.to_list(), means.tolist(), prior, scale), with_indicator(scale, encoded)

    def transform(self, column: pl.Series) -> Floats:
        """The feature of rows that were not learned from, shape [n, 1 or 2]."""
        codes = codes_of(column, dict(zip(self.categories, range(len(self.categories)), strict=True)), len(self.categories))
        return with_indicator(self.scale, np.array([*self.means, self.prior])[codes])

    def feature_names(self, name: str) -> list[str]:
        """``target by column``."""
        return names_with_indicator(self.scale, f"target by {name}")

    def to_json(self) -> dict[str, Any]:
        """What was learned; floats keep every bit."""
        return {**vars(self), "scale": self.scale.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> TargetColumn:
        """Read what :meth:`to_json` wrote."""
        return cls(value["categories"], value["means"], value["prior"], NumericColumn.from_json(value["scale"]))


def _encodings(codes: Ints, target: Floats, weight: Floats, groups: int, smoothing: float | str) -> tuple[Floats, float]:
    """The smoothed mean of each group, the overall mean where it has no weight; and the overall mean."""
    total, weighted = column_sums(np.stack([weight, weight * target], axis=1))
    prior = weighted / total
    counts, sums = group_sums(np.stack([weight, weight * (target - prior)], axis=1), codes, groups).T
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = sums / counts
        if smoothing == "auto":
            squares = group_sums(weight * (target - prior - deviation[codes]) ** 2, codes, groups)
            variance = column_sums((weight * (target - prior) ** 2)[:, None])[0] / total
            share = variance * counts / (variance * counts + squares / counts)
        else:
            share = counts / (counts + float(smoothing))
        encodings = np.where((counts > 0) & ~np.isnan(share), prior + share * deviation, prior)
    return encodings, float(prior)
