"""A table of ads as a matrix of numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.config.dataset import AdTable
from within_wf.config.features import AggregateConfig, FeatureConfig, crossing_name
from within_wf.data.units import column_of
from within_wf.errors import DatasetError, Problem
from within_wf.features.aggregates import GroupAggregates
from within_wf.features.calendar import calendar_features, calendar_names
from within_wf.features.categories import (
    CategoryColumn,
    HashedColumn,
    OneHotColumn,
    OrdinalColumn,
    names_with_indicator,
    with_indicator,
)
from within_wf.features.columns import check_columns
from within_wf.features.crossing import names_of_products, products, with_crossings
from within_wf.features.further import further_numbers, read_further
from within_wf.features.numeric import Floats, NumericColumn, numbers_of
from within_wf.features.target_encoding import Answers, TargetColumn
from within_wf.store.canonical import read_json, write_json, write_parquet
from within_wf.store.pieces import height_of, pieces

_FILE = "preprocessor.json"
_FIRST_KEYS = ("imputation", "scaling", "outlier_quantile", "max_categories")
_ENCODINGS: dict[str, Any] = {"one_hot": OneHotColumn, "ordinal": OrdinalColumn, "hashed": HashedColumn, "target": TargetColumn}


class Preprocessor:
    """Fills, clips and scales numbers, encodes and crosses categories, and adds what times, groups, texts and pictures say.

    Everything is learned from training rows, and a row's features depend on no other row of its table: they are the same
    whether it stands among others, in training, or alone, when a saved model scores it. Only target encodings of the rows they
    are learned from differ: those are out of fold, and :meth:`fit_transform` makes them.

    Args:
        numeric: Columns of numbers.
        categorical: Columns of categories.
        config: How they become features.
        time: The column of times, for the calendar and for earlier days.
        text: The columns of prose, for statistics of texts.
        image: The column that names pictures, for their statistics.
    """

    def __init__(
        self,
        numeric: Sequence[str],
        categorical: Sequence[str],
        config: FeatureConfig | None = None,
        *,
        time: str | None = None,
        text: Sequence[str] = (),
        image: str | None = None,
    ) -> None:
        self.numeric = tuple(numeric)
        self.categorical = tuple(categorical)
        self.config = config or FeatureConfig()
        self.time, self.text, self.image = time, tuple(text), image
        self._numbers: dict[str, NumericColumn] = {}
        self._categories: dict[str, CategoryColumn] = {}
        self._aggregates: list[GroupAggregates] = []
        self._further: dict[str, NumericColumn] = {}

    @classmethod
    def of(cls, roles: AdTable, config: FeatureConfig) -> Preprocessor:
        """For a table whose columns mean ``roles``."""
        return cls(roles.numeric, roles.categorical, config, time=roles.time, text=roles.text, image=roles.image)

    def fit(
        self,
        table: pl.DataFrame | pl.LazyFrame,
        answers: Answers | None = None,
        pictures: Mapping[str, bytes] | None = None,
    ) -> Preprocessor:
        """Learn from training rows.

        Args:
            table: The rows; those of a file are read column by column, and for texts and pictures in pieces.
            answers: What is known of them; for target encodings.
            pictures: Name to picture file; for statistics of pictures.

        Raises:
            DatasetError: A column or what an encoding needs is not there, or there are no rows.
        """
        self._learn(table, answers, pictures)
        return self

    def fit_transform(
        self,
        table: pl.DataFrame | pl.LazyFrame,
        answers: Answers | None = None,
        pictures: Mapping[str, bytes] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Learn from training rows as :meth:`fit` does; their own features, target encodings out of fold."""
        return np.concatenate(list(self.fit_transform_pieces(table, answers, pictures)))

    def fit_transform_pieces(
        self,
        table: pl.DataFrame | pl.LazyFrame,
        answers: Answers | None = None,
        pictures: Mapping[str, bytes] | None = None,
    ) -> Iterator[npt.NDArray[np.float32]]:
        """Learn from training rows; what :meth:`fit_transform` returns, some rows after the others."""
        out_of_fold = self._learn(table, answers, pictures)
        return self._feature_pieces(table.lazy(), pictures, out_of_fold)

    def transform(self, table: pl.DataFrame, pictures: Mapping[str, bytes] | None = None) -> npt.NDArray[np.float32]:
        """The features of some rows, float32, shape [rows, features].

        Args:
            table: Rows that were not learned from.
            pictures: Name to picture file; for statistics of pictures.

        Raises:
            DatasetError: A column is not there.
        """
        self._check(table)
        return self._features(table, pictures, {})

    @property
    def encodes_targets(self) -> bool:
        """Whether answers have to be given to learn from."""
        return any(self.config.of(name).encoding == "target" for name in (*self.categorical, *self.config.crossed))

    @property
    def feature_names(self) -> list[str]:
        """The name of each feature: ``column``, ``column is missing``, ``column=category`` and as docs/features.md says."""
        names = []
        for name, column in self._numbers.items():
            names += names_with_indicator(column, name)
        for name, category in self._categories.items():
            names += category.feature_names(name)
        names += calendar_names(self.time or "", self.config.calendar)
        for name, column in self._further.items():
            names += names_with_indicator(column, name)
        return names + names_of_products(self.config.polynomial)

    def save(self, folder: Path) -> None:
        """Write what was learned; the same bytes each time."""
        folder.mkdir(parents=True, exist_ok=True)
        content: dict[str, Any] = {
            "config": self.config.said(_FIRST_KEYS),
            "numeric": [{"name": name, **column.to_json()} for name, column in self._numbers.items()],
            "categorical": [{"name": name, **_kind(column), **column.to_json()} for name, column in self._categories.items()],
        }
        if self._further or self.config.calendar:
            content["roles"] = {"time": self.time, "text": list(self.text), "image": self.image}
            content["further"] = [{"name": name, **column.to_json()} for name, column in self._further.items()]
        write_json(folder / _FILE, content)
        for number, aggregates in enumerate(self._aggregates):
            write_parquet(folder / f"aggregates_{number}.parquet", aggregates.cells)

    @classmethod
    def load(cls, folder: Path) -> Preprocessor:
        """Read what :meth:`save` wrote.

        Raises:
            DatasetError: The folder holds no preprocessor.
        """
        try:
            content = read_json(folder / _FILE)
            config = FeatureConfig.model_validate_json(json.dumps(content["config"]))
            numbers = {entry.pop("name"): NumericColumn.from_json(entry) for entry in content["numeric"]}
            categories = {
                entry["name"]: _ENCODINGS[entry.get("encoding", "one_hot")].from_json(entry) for entry in content["categorical"]
            }
            plain = [name for name in categories if name not in config.crossed]
            made = cls(list(numbers), plain, config, **content.get("roles", {}))
            made._numbers, made._categories = numbers, categories
            made._further = {entry.pop("name"): NumericColumn.from_json(entry) for entry in content.get("further", ())}
            made._aggregates = [
                GroupAggregates(part, made._time_of(part), pl.read_parquet(folder / f"aggregates_{number}.parquet"))
                for number, part in enumerate(config.aggregates)
            ]
        except (OSError, ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
            problem = Problem(str(folder / _FILE), str(error), "what Preprocessor.save writes")
            raise DatasetError("a preprocessor cannot be read", [problem]) from error
        return made

    def _learn(
        self, table: pl.DataFrame | pl.LazyFrame, answers: Answers | None, pictures: Mapping[str, bytes] | None
    ) -> dict[str, Floats]:
        """Learn; the features of training rows by column where they are not those of :meth:`transform`."""
        self._check(table)
        table = table.lazy()
        if height_of(table) == 0:
            raise DatasetError("there is nothing to learn from", [Problem("the training rows", "none", "at least one")])
        of = self.config.of
        self._numbers = {name: NumericColumn.fit(numbers_of(column_of(table, name)), of(name)) for name in self.numeric}
        self._categories, out_of_fold = {}, {}
        for name in (*self.categorical, *self.config.crossed):
            treatment = of(name)
            if treatment.encoding == "target":
                column, out_of_fold[name] = TargetColumn.fit(self._categories_of(table, name), _given(answers, name), treatment)
                self._categories[name] = column
            elif treatment.encoding == "hashed":
                self._categories[name] = HashedColumn(name, treatment.hash_features)
            else:
                self._categories[name] = _ENCODINGS[treatment.encoding].fit(self._categories_of(table, name), treatment)
        self._aggregates = [self._aggregates_of(table, part) for part in self.config.aggregates]
        read = read_further(self.config, self.time, self.text, self.image)
        further = [self._further_numbers(piece, pictures) for piece in (pieces(table.select(read)) if read else ())]
        self._further = {
            name: NumericColumn.fit(np.concatenate([piece[name] for piece in further]), self.config)
            for name in (further[0] if further else ())
        }
        return out_of_fold

    def _categories_of(self, table: pl.LazyFrame, name: str) -> pl.Series:
        """A column of categories of the table, or one that is crossed of some."""
        crossings = [columns for columns in self.config.crossings if crossing_name(columns) == name]
        if not crossings:
            return column_of(table, name)
        return with_crossings(table.select(list(dict.fromkeys(crossings[0]))).collect(engine="streaming"), crossings)[name]

    def _aggregates_of(self, table: pl.LazyFrame, part: AggregateConfig) -> GroupAggregates:
        time = self._time_of(part)
        columns = list(dict.fromkeys((part.by, *part.columns, *([] if time is None else [time]))))
        return GroupAggregates.fit(table.select(columns).collect(engine="streaming"), part, time)

    def _feature_pieces(
        self, table: pl.LazyFrame, pictures: Mapping[str, bytes] | None, out_of_fold: Mapping[str, Floats]
    ) -> Iterator[npt.NDArray[np.float32]]:
        begin = 0
        for piece in pieces(table):
            end = begin + piece.height
            yield self._features(piece, pictures, {name: block[begin:end] for name, block in out_of_fold.items()})
            begin = end

    def _features(
        self, table: pl.DataFrame, pictures: Mapping[str, bytes] | None, out_of_fold: Mapping[str, Floats]
    ) -> npt.NDArray[np.float32]:
        numbers = {name: with_indicator(column, numbers_of(table[name])) for name, column in self._numbers.items()}
        blocks = list(numbers.values())
        table = with_crossings(table, self.config.crossings)
        for name, category in self._categories.items():
            blocks.append(out_of_fold[name] if name in out_of_fold else category.transform(table[name]))
        if self.time is not None and self.config.calendar:
            blocks.append(calendar_features(table[self.time], self.config.calendar))
        if self._further:
            further = self._further_numbers(table, pictures)
            blocks += [with_indicator(column, further[name]) for name, column in self._further.items()]
        if self.config.polynomial.columns:
            blocks.append(products(numbers, self.config.polynomial))
        if not blocks:
            return np.zeros((table.height, 0), np.float32)
        return np.concatenate([block.astype(np.float32) for block in blocks], axis=1)

    def _further_numbers(self, table: pl.DataFrame, pictures: Mapping[str, bytes] | None) -> dict[str, Floats]:
        """What groups, texts and pictures say, before it is scaled; by name."""
        return further_numbers(table, self.config, self._aggregates, self.text, self.image, pictures or {})

    def _time_of(self, part: AggregateConfig) -> str | None:
        return self.time if part.rows == "earlier" else None

    def _check(self, table: pl.DataFrame | pl.LazyFrame) -> None:
        """Refuse a table without the columns, or with something else in them."""
        if self.time is None and (self.config.calendar or any(part.rows == "earlier" for part in self.config.aggregates)):
            expected = "dataset.ads.time, for the calendar and aggregates of earlier rows"
            raise DatasetError("the rows have no time", [Problem("the column of times", "none", expected)])
        of_groups = [name for part in self.config.aggregates for name in part.columns]
        crossed = [name for columns in self.config.crossings for name in columns]
        calendar = [self.time] if self.time is not None and self.config.calendar else []
        further = read_further(self.config, self.time, self.text, self.image)
        check_columns(table, [*self.numeric, *self.categorical, *crossed, *calendar, *further], [*self.numeric, *of_groups])
        if strange := [name for name in self.config.polynomial.columns if name not in self.numeric]:
            known = ", ".join(self.numeric)
            problems = [Problem(f"column {name}", "no column of numbers", f"one of {known}") for name in strange]
            raise DatasetError("products of columns cannot be made", problems)


def _kind(column: CategoryColumn) -> dict[str, str]:
    """What says of a saved column how it is encoded; nothing for indicators, which came first."""
    kind = next(name for name, encoding in _ENCODINGS.items() if isinstance(column, encoding))
    return {} if kind == "one_hot" else {"encoding": kind}


def _given(answers: Answers | None, name: str) -> Answers:
    if answers is None:
        expected = "the target of each training row"
        raise DatasetError("a target encoding has nothing to learn from", [Problem(f"column {name}", "no target", expected)])
    return answers
