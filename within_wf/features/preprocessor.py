"""A table of ads as a matrix of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.config.data import FeatureConfig
from within_wf.errors import DatasetError, Problem
from within_wf.features.numeric import Floats, NumericColumn
from within_wf.store.canonical import read_json, write_json

MISSING = "(missing)"
OTHER = "(other)"
_FILE = "preprocessor.json"


class Preprocessor:
    """Fills, clips and scales numbers; turns categories into indicators.

    A category that training rows do not have, or that is not among their most frequent, is ``(other)`` where training rows
    had such a rest, and all zeros where they had none. A missing category is a category of its own.

    Args:
        numeric: Columns of numbers.
        categorical: Columns of categories.
        config: How they become features.
    """

    def __init__(self, numeric: Sequence[str], categorical: Sequence[str], config: FeatureConfig | None = None) -> None:
        self.numeric = tuple(numeric)
        self.categorical = tuple(categorical)
        self.config = config or FeatureConfig()
        self._numbers: dict[str, NumericColumn] = {}
        self._categories: dict[str, list[str]] = {}

    def fit(self, table: pl.DataFrame) -> Preprocessor:
        """Learn from training rows.

        Raises:
            DatasetError: A column is not there, or there are no rows.
        """
        self._check(table)
        if table.height == 0:
            raise DatasetError("there is nothing to learn from", [Problem("the training rows", "none", "at least one")])
        self._numbers = {name: NumericColumn.fit(_numbers(table[name]), self.config) for name in self.numeric}
        self._categories = {name: self._frequent(table[name]) for name in self.categorical}
        return self

    def transform(self, table: pl.DataFrame) -> npt.NDArray[np.float32]:
        """The features of some rows, float32, shape [rows, features].

        Raises:
            DatasetError: A column is not there.
        """
        self._check(table)
        columns: list[Floats] = []
        for name, column in self._numbers.items():
            values = _numbers(table[name])
            columns.append(column.transform(values))
            if column.has_gaps:
                columns.append(np.isnan(values).astype(np.float64))
        for name, known in self._categories.items():
            codes = self._codes(table[name], known)
            columns += [(codes == number).astype(np.float64) for number in range(len(known))]
        if not columns:
            return np.zeros((table.height, 0), np.float32)
        return np.stack(columns, axis=1).astype(np.float32)

    @property
    def feature_names(self) -> list[str]:
        """The name of each feature: ``column``, ``column is missing`` or ``column=category``."""
        names = []
        for name, column in self._numbers.items():
            names += [name, f"{name} is missing"] if column.has_gaps else [name]
        for name, known in self._categories.items():
            names += [f"{name}={category}" for category in known]
        return names

    def save(self, folder: Path) -> None:
        """Write what was learned; the same bytes each time."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "config": self.config.model_dump(),
            "numeric": [{"name": name, **column.to_json()} for name, column in self._numbers.items()],
            "categorical": [{"name": name, "categories": known} for name, known in self._categories.items()],
        }
        write_json(folder / _FILE, content)

    @classmethod
    def load(cls, folder: Path) -> Preprocessor:
        """Read what :meth:`save` wrote.

        Raises:
            DatasetError: The folder holds no preprocessor.
        """
        try:
            content = read_json(folder / _FILE)
            numbers = {entry.pop("name"): NumericColumn.from_json(entry) for entry in content["numeric"]}
            categories = {entry["name"]: list(entry["categories"]) for entry in content["categorical"]}
            config = FeatureConfig(**content["config"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            problem = Problem(str(folder / _FILE), str(error), "what Preprocessor.save writes")
            raise DatasetError("a preprocessor cannot be read", [problem]) from error
        made = cls(list(numbers), list(categories), config)
        made._numbers, made._categories = numbers, categories
        return made

    def _check(self, table: pl.DataFrame) -> None:
        missing = [name for name in (*self.numeric, *self.categorical) if name not in table.columns]
        if missing:
            expected = f"one of {', '.join(table.columns)}"
            problems = [Problem(f"column {name}", "no such column", expected) for name in missing]
            raise DatasetError("the rows lack columns", problems)

    def _frequent(self, column: pl.Series) -> list[str]:
        """The categories that get an indicator, by name; ``(other)`` at the end where there is a rest."""
        counts = _categories(column).value_counts().sort("count", column.name, descending=[True, False])
        names: list[str] = counts[column.name].to_list()
        kept = sorted(names[: self.config.max_categories])
        return [*kept, OTHER] if len(names) > len(kept) else kept

    def _codes(self, column: pl.Series, known: list[str]) -> npt.NDArray[np.int64]:
        numbers = {name: number for number, name in enumerate(known) if name != OTHER}
        rest = known.index(OTHER) if OTHER in known else -1
        codes = _categories(column).replace_strict(numbers, default=rest, return_dtype=pl.Int64)
        return codes.to_numpy()


def _numbers(column: pl.Series) -> Floats:
    values = column.cast(pl.Float64).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _categories(column: pl.Series) -> pl.Series:
    return column.cast(pl.String).fill_null(MISSING)
