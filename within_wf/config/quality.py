"""What a table is looked at for beyond its contract, and what happens to what is found."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from within_wf.config.section import Section

Severity = Literal["refuse", "quarantine", "warn"]
"""Stop; move the rows to a side table; say so and go on."""
OutlierMethod = Literal["conditional", "robust_z", "isolation_forest", "seasonal"]


class OutlierConfig(Section):
    """Numbers that are far from what the others say."""

    enabled: bool = True
    """Look for them."""
    severity: Severity = "warn"
    """``refuse`` stops, ``quarantine`` moves the rows to the side table, ``warn`` lists them."""
    methods: list[OutlierMethod] = ["conditional"]
    """``conditional``: a number that does not go with the others of its row. ``robust_z``: far from the median of its column.
    ``isolation_forest``: a row that is easily cut off. ``seasonal``: a moment of a series, far from its level and week."""
    threshold: float = Field(5.0, gt=0)
    """Robust standard deviations from which on a number is an outlier."""


class NearDuplicateConfig(Section):
    """Rows and texts that are the same but for little."""

    enabled: bool = True
    """Look for them."""
    severity: Severity = "warn"
    """``refuse`` stops, ``quarantine`` keeps one row of each group, ``warn`` lists them."""
    row_threshold: float = Field(0.9, gt=0, le=1)
    """The least share of cells, but for the id and the target, that two rows have in common."""
    texts: bool = True
    """Look at each column of text alone, too; what is alike in a text alone is listed and never set aside."""
    text_threshold: float = Field(0.8, gt=0, le=1)
    """The least share of runs of three words that two texts have in common."""


class LeakageConfig(Section):
    """Features that alone predict the target too well."""

    enabled: bool = True
    """Look for them."""
    severity: Literal["refuse", "warn"] = "warn"
    """``refuse`` stops, ``warn`` lists them."""
    threshold: float = Field(0.95, gt=0, le=1)
    """The score of a model of one feature, on rows it did not see, from which on the feature is suspected: R squared, or of
    classes the balanced accuracy from 0 for a guess to 1."""


class WrongLabelConfig(Section):
    """Labels that models which did not see them contradict."""

    enabled: bool = False
    """Look for them; takes minutes where rows are many."""
    severity: Severity = "warn"
    """``refuse`` stops, ``quarantine`` moves the rows to the side table, ``warn`` lists them."""


class QualityConfig(Section):
    """What a table is looked at for beyond its contract."""

    outliers: OutlierConfig = OutlierConfig()
    near_duplicates: NearDuplicateConfig = NearDuplicateConfig()
    leakage: LeakageConfig = LeakageConfig()
    wrong_labels: WrongLabelConfig = WrongLabelConfig()
    max_rows: int = Field(50_000, ge=100)
    """Rows that are looked at; of a larger table as many are drawn by their ids, of series whole ones."""
    seed: int = Field(42, ge=0, lt=2**32)
    """Seed of the draws."""
