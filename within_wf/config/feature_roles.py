"""Whether the features that are asked for can be made of a table."""

from __future__ import annotations

from collections.abc import Iterator

from within_wf.config.dataset import AdTable
from within_wf.config.features import ColumnTreatment, FeatureConfig, crossing_name

NUMBERS_ALONE = ("logarithm", "outliers", "outlier_quantile", "outlier_z")
CATEGORIES_ALONE = (
    "encoding",
    "max_categories",
    "min_category_rows",
    "order",
    "hash_features",
    "target_smoothing",
    "target_folds",
)


def contradictions(features: FeatureConfig, ads: AdTable) -> list[str]:
    """What of the features does not go with the columns of the ads, each beginning with its key."""
    parts = (_of_columns, _of_products, _of_parts, _of_aggregates)
    return [problem for part in parts for problem in part(features, ads)]


def _of_columns(features: FeatureConfig, ads: AdTable) -> Iterator[str]:
    for name, treatment in features.columns.items():
        named = (*ads.numeric, *ads.categorical, *features.crossed)
        if name not in named:
            known = ", ".join(named) or "none"
            yield f"columns.{name} is neither in dataset.ads.numeric nor in categorical, nor a crossing; there are {known}"
            continue
        of_others = CATEGORIES_ALONE if name in ads.numeric else NUMBERS_ALONE
        kind = "numbers" if name in ads.numeric else "categories"
        for key in of_others:
            if getattr(treatment, key) != getattr(features, key):
                yield f"columns.{name}.{key} means nothing to a column of {kind}"


def _of_products(features: FeatureConfig, ads: AdTable) -> Iterator[str]:
    for number, columns in enumerate(features.crossings):
        if strange := [name for name in columns if name not in ads.categorical]:
            known = ", ".join(ads.categorical) or "nothing"
            yield f"crossings.{number} has {', '.join(strange)}, not in dataset.ads.categorical, which has {known}"
        if crossing_name(columns) in (*ads.numeric, *ads.categorical):
            yield f"crossings.{number} would be called {crossing_name(columns)}, as a column of the dataset is"
    if strange := [name for name in features.polynomial.columns if name not in ads.numeric]:
        known = ", ".join(ads.numeric) or "nothing"
        yield f"polynomial.columns has {', '.join(strange)}, not in dataset.ads.numeric, which has {known}"


def _of_parts(features: FeatureConfig, ads: AdTable) -> Iterator[str]:
    if features.calendar and ads.time is None:
        yield "calendar needs dataset.ads.time"
    if features.text_statistics and not ads.text:
        yield "text_statistics needs dataset.ads.text"
    if features.image_statistics and ads.image is None:
        yield "image_statistics needs dataset.ads.image"
    if features.order != ColumnTreatment().order:
        yield "order is for single columns: write it below columns"


def _of_aggregates(features: FeatureConfig, ads: AdTable) -> Iterator[str]:
    for number, part in enumerate(features.aggregates):
        where = f"aggregates.{number}"
        if part.rows == "earlier" and ads.time is None:
            yield f"{where}.rows is earlier, which needs dataset.ads.time"
        for role, column in (("target", ads.target), ("id", ads.id)):
            if column in (part.by, *part.columns):
                yield f"{where} reads {column}, the {role}: a feature knows nothing of it; encoding: target is out of fold"
    told = []
    for part in features.aggregates:
        when = (part.by, part.lag, part.days) if part.rows == "earlier" else (part.by,)
        told += [(*when, column, function) for column in part.columns for function in part.functions if function != "count"]
        told += [(*when, "count")] if "count" in part.functions else []
    if len(set(told)) < len(told):
        yield "aggregates say the same twice"
