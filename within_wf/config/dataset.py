"""Where a dataset comes from, and what its columns mean."""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from within_wf.config.expressions import parse
from within_wf.config.related import RelatedTable
from within_wf.config.section import Section

_NAME = r"^[a-z][a-z0-9_]*$"
WORLD_TABLES = ("account_days", "accounts", "ads", "annotations", "creatives", "days", "industry_benchmarks")
"""The tables of the sample world."""


class SampleWorldSource(Section):
    """The built-in simulator of an advertiser's business."""

    kind: Literal["sample_world"]
    rows: int = Field(100_000, ge=200, le=50_000_000)
    """Days of ads to draw; accounts, ads and creatives follow from it."""
    seed: int = Field(42, ge=0, lt=2**63)
    """Which world is drawn."""


class FileSource(Section):
    """Files in a folder."""

    kind: Literal["files"]
    reader: Literal["table", "upworthy", "ad_exchange"]
    """How the files become a table; ``table`` takes CSV, JSON lines, Parquet or Arrow whose columns are named as below."""
    folder: str
    """The folder of the files, or a URL (``s3://bucket/ads``); a relative one is looked for where WITHIN_DATA points."""
    files: list[str] = Field(min_length=1)
    """Files, folders and patterns (``2024-*.csv.gz``), relative to ``folder``; a folder ``country=DE`` is a column. What DVC
    tracks is found by its pointer."""
    columns: dict[str, str] = {}
    """A column's name here to its name in the files, where they differ; for the reader ``table``."""
    decimal: Literal[".", ","] = "."
    """The decimal mark of numbers in text. The other mark, spaces or apostrophes may part thousands; a currency or ``%`` may
    stand beside a number (``12.5 %`` is 12.5)."""
    skip_lines: int = Field(0, ge=0, le=1000)
    """Lines of CSV above the header: titles, dates of a report."""
    day_first: bool | None = None
    """Whether ``03/04/2024`` is the third of April. Need not be said where a date of the column, as ``31/03/2024``, says it."""
    computed: dict[str, str] = {}
    """Columns made from others, for the reader ``table``: ``ctr: 100 * smoothed_rate(clicks, impressions)``."""

    @model_validator(mode="after")
    def _columns_are_for_tables(self) -> FileSource:
        own = ("columns", "computed", "decimal", "skip_lines", "day_first")
        mine = [name for name in own if getattr(self, name) != type(self).model_fields[name].default]
        if self.reader != "table" and mine:
            raise ValueError(f"{', '.join(mine)}: for the reader table alone; {self.reader} knows its files")
        both = sorted(self.columns.keys() & self.computed.keys())
        if both:
            raise ValueError(f"{', '.join(both)} is in columns and in computed: a column is read or computed")
        given = list(self.columns.values())
        twice = sorted({name for name in given if given.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)} has two names in columns: one is enough, computed can copy it")
        for text in self.computed.values():
            parse(text)
        return self


class AdTable(Section):
    """What the columns of a table of ads mean; one row is one ad."""

    id: str = "ad_id"
    """The column that names an ad."""
    target: str
    """The column to predict."""
    text: list[str] = []
    """Columns of prose, joined in this order."""
    image: str | None = None
    """The column that names a creative in ``creatives.parquet``."""
    numeric: list[str] = []
    """Columns of numbers."""
    categorical: list[str] = []
    """Columns of categories."""
    group: str | None = None
    """The column of what belongs together: on one side where the split's strategy is ``group``, and resampled as one."""
    time: str | None = None
    """The column that orders the rows."""
    weight: str | None = None
    """The column that says how much a row counts."""
    sensitive: list[str] = []
    """Columns that name groups of people; judged by slice."""

    @model_validator(mode="after")
    def _features_know_nothing_of_the_answer(self) -> AdTable:
        features = [*self.text, *self.numeric, *self.categorical]
        for role, column in (("target", self.target), ("id", self.id)):
            if column in features:
                raise ValueError(f"{role} is {column}, which is a feature too: leave it out of text, numeric and categorical")
        twice = sorted({name for part in (self.text, self.numeric, self.categorical) for name in part if part.count(name) > 1})
        twice += sorted(set(self.numeric) & set(self.categorical))
        if twice:
            raise ValueError(f"{', '.join(twice)} is named twice among the features: once is enough")
        return self


class SeriesTable(Section):
    """What the columns of a table of time series mean; one row is one moment of one series."""

    series: str = "account_id"
    """The column that names a series."""
    time: str = "date"
    """The column that orders a series; evenly spaced."""
    channels: list[str] = Field(min_length=1)
    """Columns of numbers, one value a moment."""
    label: str = "unhealthy"
    """The column to predict: 1 where the account is in trouble, 0 where it is not."""
    slices: list[str] = []
    """Columns to judge by."""


class DatasetConfig(Section):
    """A dataset: where it is and which tables it has."""

    name: str = Field(pattern=_NAME)
    """The dataset's name, as it stands in paths."""
    description: str = ""
    """One sentence for the report."""
    source: Annotated[SampleWorldSource | FileSource, Field(discriminator="kind")]
    """Where the rows come from."""
    ads: AdTable | None = None
    """The table of ads, for the ad score model."""
    series: SeriesTable | None = None
    """The table of series, for the account health model."""
    related: dict[str, RelatedTable] = {}
    """Other tables by their names, and what is true of them and the models' own together (docs/data-quality.md). What they are:
    ``files``, ``columns``, ``decimal``, ``skip_lines``, ``contract``, ``to``. What is true: ``references``, ``referenced_by``,
    ``agrees`` (``ours``, ``theirs``, ``by``, ``within``)."""

    @model_validator(mode="after")
    def _files_bring_what_they_can(self) -> DatasetConfig:
        if isinstance(self.source, FileSource):
            if self.ads is not None and self.series is not None:
                raise ValueError("files are one table: name ads or series, and make a dataset of its own for the other")
            if self.ads is not None and self.ads.image is not None:
                raise ValueError("ads.image: files bring no pictures; leave it out, and the model does without")
        return self

    @model_validator(mode="after")
    def _related_tables_are_there(self) -> DatasetConfig:
        wrong = []
        for name, table in self.related.items():
            if not re.fullmatch(_NAME, name):
                wrong.append(f"related.{name}: the name of a table has small letters, digits and _, a letter first")
            if table.to is not None and getattr(self, table.to) is None:
                wrong.append(f"related.{name}.to is {table.to}, which the dataset does not have")
            if isinstance(self.source, FileSource):
                wrong += [] if table.files else [f"related.{name} names no files"]
                continue
            if table.files or table.columns or table.decimal != "." or table.skip_lines:
                wrong.append(f"related.{name}: tables of the sample world are not read from files, so nothing is said of these")
            if name not in WORLD_TABLES:
                near = difflib.get_close_matches(name, WORLD_TABLES, 1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(WORLD_TABLES)}"
                wrong.append(f"related.{name} is no table of the sample world: {hint}")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self
