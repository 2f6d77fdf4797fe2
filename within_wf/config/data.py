"""How a table is validated, split, turned into features and augmented."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from within_wf.config.duration import nanoseconds
from within_wf.config.features import FeatureConfig, WindowConfig
from within_wf.config.quality import NearDuplicateConfig, OutlierConfig, QualityConfig, Severity
from within_wf.config.section import Section
from within_wf.config.synthetic import SyntheticAdsConfig, SyntheticWindowsConfig


def _gap(embargo: int | str) -> int | str:
    if isinstance(embargo, str):
        nanoseconds(embargo)
    elif embargo < 0:
        raise ValueError(f"{embargo} is no number of moments: 0 or more")
    return embargo


Embargo = Annotated[int | str, AfterValidator(_gap)]
"""How far apart sides are in time: a number of moments, or a length of time."""


RowRule = Literal[
    "missing",
    "not_finite",
    "too_large",
    "negative",
    "empty",
    "out_of_range",
    "clicks_exceed_impressions",
    "end_before_start",
    "duplicate",
    "gap",
    "overlap",
    "unknown_reference",
    "disagreement",
]
"""What a row of a model's table can break."""


class ValidationConfig(Section):
    """What happens to rows that break the contract."""

    on_violation: Literal["refuse", "quarantine"] = "refuse"
    """``refuse`` stops with every violation; ``quarantine`` moves the rows to a side table and goes on."""
    severity: dict[RowRule, Severity] = {}
    """What happens where one rule is broken, if not what ``on_violation`` says: ``duplicate: refuse``. ``warn`` keeps the rows,
    for rules without which a model can be made. Moments of series that are too far apart (``gap``) or too near (``overlap``)
    and what other tables say of a row (``unknown_reference``, ``disagreement``) are warned of unless it is said otherwise."""
    max_quarantined_share: float = Field(0.05, ge=0, le=1)
    """More than this share of rows in quarantine is refused, in [0, 1]."""

    @model_validator(mode="after")
    def _a_gap_is_no_row(self) -> ValidationConfig:
        if self.severity.get("gap") == "quarantine":
            raise ValueError("severity.gap is quarantine, but a gap is no row that could be set aside: refuse or warn")
        return self


class SplitConfig(Section):
    """How rows are divided into train, validation and test; docs/splits.md says what each strategy keeps."""

    strategy: Literal["random", "stratified", "group", "time", "group_time"] = "random"
    """The way rows are divided."""
    test_size: float = Field(0.2, gt=0, lt=1)
    """Share of all rows for the test."""
    val_size: float = Field(0.2, gt=0, lt=1)
    """Share of the remaining rows for validation."""
    random_state: int = Field(42, ge=0, lt=2**32)
    """Seed of the division."""
    stratify_column: str | None = None
    """The column whose classes keep their shares; for ``stratified``."""
    cluster_column: str | None = None
    """The column that names clusters of near-duplicates, each of which stays on one side; not for ``time``."""
    exact_sizes: bool = False
    """Keep the sizes to the row (to the group); new rows can then move others. For ``random``, ``stratified`` and ``group``."""
    embargo: Embargo | None = None
    """What lies between two sides and is on none: a number of moments, or a length of time as in ``12h`` or ``7d``. For
    ``time`` and ``group_time``."""

    @model_validator(mode="after")
    def _strategy_has_its_column(self) -> SplitConfig:
        if self.strategy == "stratified" and self.stratify_column is None:
            raise ValueError("strategy 'stratified' needs stratify_column")
        return self

    @model_validator(mode="after")
    def _options_fit_the_strategy(self) -> SplitConfig:
        if self.embargo not in (None, 0) and self.strategy not in ("time", "group_time"):
            raise ValueError(f"embargo is for strategy 'time' and 'group_time', not {self.strategy!r}")
        if self.cluster_column is not None and self.strategy == "time":
            raise ValueError("cluster_column is not for strategy 'time', which cuts between moments: take 'group_time'")
        if self.cluster_column is not None and self.strategy == "stratified" and self.exact_sizes:
            raise ValueError("exact_sizes with strategy 'stratified' deals rows one by one and cannot keep clusters whole")
        return self


class BackTranslationConfig(Section):
    """Who translates texts into another language and back: the folder of a Marian model, or ``apertium:`` and a direction."""

    there: str | None = Field(None, min_length=1)
    """Into the other language; for example ``apertium:eng-spa``."""
    back: str | None = Field(None, min_length=1)
    """From it; for example ``apertium:spa-eng``."""

    @model_validator(mode="after")
    def _both_ways_are_named(self) -> BackTranslationConfig:
        if (self.there is None) != (self.back is None):
            raise ValueError("back_translation needs both there and back")
        return self


class TextAugmentationConfig(Section):
    """How texts of training rows are varied."""

    methods: list[Literal["synonym_replacement", "random_insertion", "random_deletion", "word_swap", "back_translation"]] = (
        Field(["synonym_replacement", "random_insertion", "random_deletion", "word_swap"], min_length=1)
    )
    """One is drawn for each text that is varied."""
    word_share: float = Field(0.15, gt=0, le=1)
    """Share of a text's words a method touches, at least one."""
    protected: list[str] = []
    """Names that are never touched, in any case of letters: brands, products. Numbers, prices, links, hashtags, mentions and
    placeholders never are."""
    back_translation: BackTranslationConfig = BackTranslationConfig()
    """Who translates; for the method ``back_translation``."""

    @model_validator(mode="after")
    def _names_are_names(self) -> TextAugmentationConfig:
        if any(not name.strip() for name in self.protected):
            raise ValueError("protected holds an empty name")
        return self

    @model_validator(mode="after")
    def _somebody_translates(self) -> TextAugmentationConfig:
        if "back_translation" in self.methods and self.back_translation.there is None:
            raise ValueError("the method 'back_translation' needs a translator: back_translation, with there and back")
        return self


class VisualAugmentationConfig(Section):
    """How creatives of training rows are varied; each is by all of the methods."""

    methods: list[Literal["color_adjustment", "crop_resize", "noise_addition", "style_transfer"]] = Field(
        ["color_adjustment", "crop_resize", "noise_addition", "style_transfer"], min_length=1
    )
    """What is done to a creative that is varied."""
    color: float = Field(0.2, ge=0, le=1)
    """How far factors of brightness, contrast and saturation are from 1 at most; hue turns by at most a quarter of it."""
    least_crop: float = Field(0.6, gt=0, le=1)
    """Least share of a creative's area that is kept."""
    noise_std: float = Field(0.05, ge=0, le=1)
    """Highest standard deviation of Gaussian noise; 1 is the range from black to white."""
    style_weight: float = Field(0.5, ge=0, le=1)
    """How far channel statistics move to another creative's at most."""


class FeatureAugmentationConfig(Section):
    """How numbers of training rows are varied."""

    noise_std: float = Field(0.05, ge=0)
    """Standard deviation of Gaussian noise, in standard deviations of the feature."""
    dropout: float = Field(0.05, ge=0, lt=1)
    """Chance that a feature is set to its training mean."""


class AugmentationConfig(Section):
    """Which training rows are varied, and how."""

    text_augmentation: bool = False
    """Vary the texts."""
    visual_augmentation: bool = False
    """Vary the creatives; for ads that have some."""
    feature_augmentation: bool = False
    """Vary the numbers."""
    prob: float = Field(0.3, ge=0, le=1)
    """Chance that a training row gets a varied copy, for each of ``copies``."""
    copies: int = Field(1, ge=1, le=20)
    """Varied copies a row can get."""
    text: TextAugmentationConfig = TextAugmentationConfig()
    """How texts are varied."""
    visual: VisualAugmentationConfig = VisualAugmentationConfig()
    """How creatives are varied."""
    features: FeatureAugmentationConfig = FeatureAugmentationConfig()
    """How numbers are varied."""
    seed: int = Field(42, ge=0, lt=2**32)
    """Seed of the draws."""


class AdAugmentationConfig(AugmentationConfig):
    """Which training ads are varied, and how; which are drawn besides."""

    synthetic: SyntheticAdsConfig = SyntheticAdsConfig()
    """Ads that are drawn, not varied."""


class WindowAugmentationConfig(AugmentationConfig):
    """Which training windows are varied, and how; which are drawn besides."""

    feature_augmentation: bool = True
    """Vary the numbers: the LSTM is the better for it."""
    synthetic: SyntheticWindowsConfig = SyntheticWindowsConfig()
    """Windows that are drawn, not varied."""


class AdDataConfig(Section):
    """The way from ads to training rows."""

    validation: ValidationConfig = ValidationConfig()
    quality: QualityConfig = QualityConfig()
    split: SplitConfig = SplitConfig()
    features: FeatureConfig = FeatureConfig()
    augmentation: AdAugmentationConfig = AdAugmentationConfig()
    batch_size: int = Field(64, ge=1)
    """Training rows in one optimizer step."""

    @model_validator(mode="after")
    def _ads_have_no_seasons(self) -> AdDataConfig:
        if "seasonal" in self.quality.outliers.methods:
            raise ValueError("quality.outliers.methods has seasonal, which is for series: ads are no moments of one")
        return self


class AccountDataConfig(Section):
    """The way from account histories to training windows."""

    validation: ValidationConfig = ValidationConfig()
    quality: QualityConfig = QualityConfig(
        outliers=OutlierConfig(methods=["seasonal"], threshold=7.0), near_duplicates=NearDuplicateConfig(enabled=False)
    )
    split: SplitConfig = SplitConfig(strategy="time")
    windows: WindowConfig = WindowConfig()
    augmentation: WindowAugmentationConfig = WindowAugmentationConfig()
    batch_size: int = Field(64, ge=1)
    """Training windows in one optimizer step."""
