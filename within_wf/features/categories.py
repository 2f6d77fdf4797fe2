"""Columns of categories as numbers: indicators, ranks, hashes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.config.features import ColumnTreatment
from within_wf.errors import DatasetError, Problem
from within_wf.features.numeric import Floats, NumericColumn
from within_wf.runtime.streams import ids_of

MISSING = "(missing)"
OTHER = "(other)"


class CategoryColumn(Protocol):
    """How a column of categories becomes features."""

    def transform(self, column: pl.Series) -> Floats:
        """The features of each row, shape [n, features]."""
        ...

    def feature_names(self, name: str) -> list[str]:
        """The name of each feature of the column ``name``."""
        ...

    def to_json(self) -> dict[str, Any]:
        """JSON values that the class's ``from_json`` reads."""
        ...


@dataclass(frozen=True)
class OneHotColumn:
    """An indicator a category.

    A missing category is a category of its own. A category that training rows do not have, or that is not among those with an
    indicator, is ``(other)`` where training rows had such a rest, and all zeros where they had none.

    Attributes:
        categories: Those with an indicator, by name; ``(other)`` at the end where there is a rest.
    """

    categories: list[str]

    @classmethod
    def fit(cls, column: pl.Series, config: ColumnTreatment) -> OneHotColumn:
        """Learn the most frequent categories with enough rows; of equally frequent ones those that come first by name."""
        counts = texts_of(column).value_counts().sort("count", column.name, descending=[True, False])
        frequent = counts.filter(pl.col("count") >= config.min_category_rows)[: config.max_categories]
        kept = sorted(frequent[column.name].to_list())
        return cls([*kept, OTHER] if counts.height > len(kept) else kept)

    def transform(self, column: pl.Series) -> Floats:
        """Noughts and ones, shape [n, categories]."""
        numbers = {name: number for number, name in enumerate(self.categories) if name != OTHER}
        rest = self.categories.index(OTHER) if OTHER in self.categories else -1
        codes = codes_of(column, numbers, rest)
        indicators: Floats = (codes[:, None] == np.arange(len(self.categories))).astype(np.float64)
        return indicators

    def feature_names(self, name: str) -> list[str]:
        """``column=category``."""
        return [f"{name}={category}" for category in self.categories]

    def to_json(self) -> dict[str, Any]:
        """The categories."""
        return {"categories": self.categories}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> OneHotColumn:
        """Read what :meth:`to_json` wrote."""
        return cls(list(value["categories"]))


@dataclass(frozen=True)
class OrdinalColumn:
    """The rank of a category: a number that is filled and scaled as others are; missing and unknown ones count as missing.

    Attributes:
        categories: From low to high.
        ranks: How ranks from 0 become the feature.
    """

    categories: list[str]
    ranks: NumericColumn

    @classmethod
    def fit(cls, column: pl.Series, config: ColumnTreatment) -> OrdinalColumn:
        """Learn from training rows: their categories by name, where ``config`` gives no order.

        Raises:
            DatasetError: None of their categories is in the order.
        """
        found = column.cast(pl.String).drop_nulls().unique().sort().to_list()
        if config.order and found and not set(found) & set(config.order):
            problem = Problem(f"column {column.name}", ", ".join(found[:5]), f"some of its order: {', '.join(config.order)}")
            raise DatasetError("no category is in the order that is given", [problem])
        categories = config.order or found
        plain = config.model_copy(update={"logarithm": "never", "outliers": "none"})
        return cls(categories, NumericColumn.fit(_ranks(column, categories), plain))

    def transform(self, column: pl.Series) -> Floats:
        """The feature, and where it is asked for an indicator of what is missing; shape [n, 1 or 2]."""
        return with_indicator(self.ranks, _ranks(column, self.categories))

    def feature_names(self, name: str) -> list[str]:
        """``column``, ``column is missing``."""
        return names_with_indicator(self.ranks, name)

    def to_json(self) -> dict[str, Any]:
        """The categories and how ranks are scaled."""
        return {"categories": self.categories, "ranks": self.ranks.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> OrdinalColumn:
        """Read what :meth:`to_json` wrote."""
        return cls(list(value["categories"]), NumericColumn.from_json(value["ranks"]))


@dataclass(frozen=True)
class HashedColumn:
    """Categories spread over a fixed number of features by a hash; nothing is learned, and none is unknown.

    A category is 1 or -1 in one of the features: by the sign, two that meet there cancel in expectation (Weinberger et al.,
    "Feature hashing for large scale multitask learning", ICML 2009). The hash is the first 8 bytes of the SHA-256 of the
    column's name, a nought and the category: its remainder names the feature, its top bit the sign.

    Attributes:
        name: The column's name.
        features: How many features.
    """

    name: str
    features: int

    def transform(self, column: pl.Series) -> Floats:
        """Noughts but for a one or minus one a row, shape [n, features]."""
        texts = texts_of(column)
        names = texts.unique().sort()
        hashes = ids_of(f"{self.name}\0{name}" for name in names).view(np.uint64)
        of_row = names.search_sorted(texts).to_numpy() if len(names) else np.empty(0, np.int64)
        result = np.zeros((len(column), self.features))
        sign = np.where(hashes >> np.uint64(63), -1.0, 1.0)
        place = (hashes % np.uint64(self.features)).astype(np.int64)
        result[np.arange(len(column)), place[of_row]] = sign[of_row]
        return result

    def feature_names(self, name: str) -> list[str]:
        """``column #number``."""
        return [f"{name} #{number}" for number in range(self.features)]

    def to_json(self) -> dict[str, Any]:
        """How many features."""
        return {"features": self.features}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> HashedColumn:
        """Read what :meth:`to_json` wrote, and the column's name."""
        return cls(value["name"], value["features"])


def texts_of(column: pl.Series) -> pl.Series:
    """Categories as text; ``(missing)`` where there is none."""
    return column.cast(pl.String).fill_null(MISSING)


def codes_of(column: pl.Series, numbers: dict[str, int], default: int) -> npt.NDArray[np.int64]:
    """The number of each row's category, int64, shape [n]; ``default`` for one without a number."""
    codes: npt.NDArray[np.int64] = texts_of(column).replace_strict(numbers, default=default, return_dtype=pl.Int64).to_numpy()
    return codes


def with_indicator(column: NumericColumn, values: Floats) -> Floats:
    """The feature of each value, beside it whether it is missing where the column says so; shape [n, 1 or 2]."""
    features = [column.transform(values)]
    if column.has_gaps:
        features.append(np.isnan(values).astype(np.float64))
    return np.stack(features, axis=1)


def names_with_indicator(column: NumericColumn, name: str) -> list[str]:
    """The names of what :func:`with_indicator` makes."""
    return [name, f"{name} is missing"] if column.has_gaps else [name]


def _ranks(column: pl.Series, categories: list[str]) -> Floats:
    numbers = dict(zip(categories, range(len(categories)), strict=True))
    ranks = column.cast(pl.String).replace_strict(numbers, default=None, return_dtype=pl.Float64)
    return ranks.to_numpy().astype(np.float64)
