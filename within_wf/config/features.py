"""How the columns of an ad, and the moments of a series, become numbers."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from within_wf.config.section import Section

CalendarPart = Literal["hour", "weekday", "month", "day_of_year"]
"""What a time says of the day, the week and the year."""
Aggregate = Literal["mean", "sum", "min", "max", "count"]
"""What is said of a group's rows."""
Rolling = Literal["mean", "std", "min", "max"]
"""What is said of a series' moments."""
TextStatistic = Literal[
    "characters",
    "words",
    "word_length",
    "capitals",
    "punctuation",
    "digits",
    "emoji",
    "questions",
    "exclamations",
    "readability",
]
"""What is counted in a text."""
ImageStatistic = Literal["brightness", "contrast", "colourfulness", "edges", "aspect_ratio"]
"""What is measured of a picture."""


def _counted(moments: list[int]) -> list[int]:
    wrong = [number for number in moments if not 1 <= number <= 10_000]
    if wrong or len(set(moments)) < len(moments):
        raise ValueError(f"{moments} are no numbers of moments: each from 1 to 10,000, and once")
    return moments


MOST_PRODUCTS = 10_000
"""Features that products of columns may make."""


def crossing_name(columns: Sequence[str]) -> str:
    """What the column of a crossing is called: ``platform x industry``."""
    return " x ".join(columns)


def products_of(width: int, degree: int, *, interaction_only: bool) -> int:
    """How many products of 1 to ``degree`` of ``width`` columns there are."""
    return sum(comb(width if interaction_only else width + size - 1, size) for size in range(1, degree + 1))


Moments = Annotated[list[int], AfterValidator(_counted)]
"""Numbers of moments."""


class ColumnTreatment(Section):
    """How one column becomes numbers; docs/features.md says what each choice does."""

    imputation: Literal["median", "mean", "constant"] = "median"
    """What fills a missing number; an indicator column says where."""
    fill_value: float = 0.0
    """What fills it where ``imputation`` is ``constant``; as the column has it, before its logarithm."""
    missing_indicator: Literal["where_missing", "always", "never"] = "where_missing"
    """Which columns of numbers get an indicator: those with gaps in training rows, all or none."""
    logarithm: Literal["auto", "always", "never"] = "auto"
    """Whether log(1 + x) is taken; ``auto`` takes it of numbers that are never negative and span more than a factor of ten."""
    outliers: Literal["quantile", "robust_z", "none"] = "quantile"
    """What numbers are clipped to: quantiles, or so many robust deviations from the median."""
    outlier_quantile: float = Field(0.001, ge=0, lt=0.5)
    """Numbers are clipped to this quantile and its mirror; 0 clips to what training rows span."""
    outlier_z: float = Field(6.0, gt=0)
    """Numbers are clipped to so many times 1.4826 median absolute deviations from the median."""
    scaling: Literal["standard", "robust", "min_max", "none"] = "standard"
    """How numbers are scaled, and ordinals and target encodings too."""
    encoding: Literal["one_hot", "ordinal", "hashed", "target"] = "one_hot"
    """What a column of categories becomes."""
    max_categories: int = Field(50, ge=2)
    """The most frequent categories of a column that get an indicator each; the rest share one."""
    min_category_rows: int = Field(1, ge=1)
    """Training rows a category needs for an indicator of its own."""
    order: list[str] = []
    """The categories from low to high, for ``ordinal``; empty for the order of their texts."""
    hash_features: int = Field(16, ge=1, le=4096)
    """Features that ``hashed`` spreads categories over."""
    target_smoothing: Annotated[float, Field(ge=0)] | Literal["auto"] = "auto"
    """Rows of the whole's mean that are added to each category, for ``target``; ``auto`` weighs by the variances."""
    target_folds: int = Field(5, ge=2, le=100)
    """Folds of training rows, each encoded by the others, for ``target``."""

    @field_validator("order")
    @classmethod
    def _order_names_once(cls, order: list[str]) -> list[str]:
        if twice := sorted({name for name in order if order.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} is in order twice: once is enough")
        return order


class AggregateConfig(Section):
    """What is said of the training rows of an ad's account, campaign or other group."""

    by: str
    """The column that names the group."""
    columns: list[str] = []
    """Columns of numbers that are summed up; ``count`` needs none."""
    functions: list[Aggregate] = Field(["mean", "count"], min_length=1)
    """What is said of each; ``count`` is of rows."""
    rows: Literal["all", "earlier"] = "all"
    """Every training row of the group, or those of earlier days than the ad's."""
    lag: int = Field(1, ge=1)
    """Days that ``earlier`` rows lie back at least; 1 counts the day before."""
    days: int | None = Field(None, ge=1)
    """Days that count, the latest first; none for all of them."""

    @model_validator(mode="after")
    def _parts_fit(self) -> AggregateConfig:
        if self.days is not None and self.rows == "all":
            raise ValueError("days is for rows: earlier")
        if not self.columns and set(self.functions) != {"count"}:
            raise ValueError("columns is empty: name columns of numbers, or count alone in functions")
        named: dict[str, list[str]] = {"columns": list(self.columns), "functions": list(self.functions)}
        for name, values in named.items():
            if len(set(values)) < len(values):
                raise ValueError(f"{name} names {', '.join(sorted({v for v in values if values.count(v) > 1}))} twice")
        return self


class PolynomialConfig(Section):
    """Products of columns of numbers, as these are once they are filled, clipped and scaled."""

    columns: list[str] = []
    """Columns of ``dataset.ads.numeric`` that are multiplied with each other; empty for no products."""
    degree: int = Field(2, ge=2, le=4)
    """Factors of a product at most."""
    interactions_only: bool = True
    """Leave out products that hold a column twice: squares and cubes."""

    @model_validator(mode="after")
    def _products_can_be_made(self) -> PolynomialConfig:
        if twice := sorted({name for name in self.columns if self.columns.count(name) > 1}):
            raise ValueError(f"columns names {', '.join(twice)} twice")
        if len(self.columns) == 1 and self.interactions_only:
            raise ValueError(
                "columns is one column, which has no other to be multiplied with; interactions_only: false squares it"
            )
        count = products_of(len(self.columns), self.degree, interaction_only=self.interactions_only)
        if count > MOST_PRODUCTS:
            raise ValueError(
                f"degree {self.degree} of {len(self.columns)} columns makes {count:,} products: at most {MOST_PRODUCTS:,}"
            )
        return self


class FeatureConfig(ColumnTreatment):
    """How the columns of an ad become numbers; fitted on the training rows alone."""

    columns: dict[str, ColumnTreatment] = {}
    """Columns that are treated otherwise, to the keys above in which they differ."""
    crossings: list[list[str]] = []
    """Columns of categories that are crossed: ``[platform, industry]`` makes the column ``platform x industry``, a category for
    each combination, which is treated as other categories are."""
    polynomial: PolynomialConfig = PolynomialConfig()
    """Products of columns of numbers."""
    calendar: list[CalendarPart] = []
    """What the ad's time says, each as sine and cosine; needs ``dataset.ads.time``."""
    aggregates: list[AggregateConfig] = []
    """What is said of the ad's account or campaign: ``by``, ``columns``, ``functions``, ``rows``, ``lag``, ``days``."""
    text_statistics: list[TextStatistic] = []
    """What is counted in the ad's text."""
    image_statistics: list[ImageStatistic] = []
    """What is measured of the ad's picture."""
    seed: int = Field(42, ge=0, lt=2**32)
    """Seed of the folds of target encodings."""

    @field_validator("columns")
    @classmethod
    def _columns_stand_on_the_rest(
        cls, columns: dict[str, ColumnTreatment], info: ValidationInfo
    ) -> dict[str, ColumnTreatment]:
        shared = {key: info.data[key] for key in ColumnTreatment.model_fields if key in info.data}
        own = {name: {key: getattr(column, key) for key in column.model_fields_set} for name, column in columns.items()}
        return {name: ColumnTreatment(**{**shared, **keys}) for name, keys in own.items()}

    @field_validator("crossings")
    @classmethod
    def _crossings_are_of_several(cls, crossings: list[list[str]]) -> list[list[str]]:
        for columns in crossings:
            if len(columns) < 2 or len(set(columns)) < len(columns):
                raise ValueError(f"{columns} is no crossing: two different columns or more")
        if len({frozenset(columns) for columns in crossings}) < len(crossings):
            raise ValueError("two crossings are of the same columns: once is enough")
        return crossings

    @property
    def crossed(self) -> list[str]:
        """The names of the columns that crossings make."""
        return [crossing_name(columns) for columns in self.crossings]

    def of(self, column: str) -> ColumnTreatment:
        """How a column is treated."""
        return self.columns.get(column, self)


class HistoryConfig(Section):
    """What a series says of its past at the last moment of a window, besides the window's statistics."""

    lags: Moments = []
    """Moments back whose values are features."""
    rolling: Moments = []
    """Moments that are summed up, each a set of features; longer ones than a window reach further back."""
    expanding: bool = False
    """Whether all moments since the series began are summed up too."""
    functions: list[Rolling] = Field(["mean", "std"], min_length=1)
    """What is said of ``rolling`` and ``expanding`` moments."""
    include_now: bool = True
    """Whether the last moment itself is among them; otherwise they end with the one before."""

    @property
    def is_on(self) -> bool:
        """Whether it makes any feature."""
        return bool(self.lags or self.rolling or self.expanding)


class WindowConfig(Section):
    """How a series becomes windows; a window is labelled by its last moment."""

    length: int = Field(28, ge=4, le=10_000)
    """Moments in a window."""
    train_stride: int = Field(2, ge=1)
    """Moments between two training windows of one series; validation and test use every moment."""
    history: HistoryConfig = HistoryConfig()
    """Further features of the channels' past."""
    calendar: list[CalendarPart] = []
    """What the last moment's time says, each as sine and cosine."""
