"""One look at a table for everything a contract cannot say; labels are corrected only where the evidence is strong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from within_wf.data.frames import as_frame
from within_wf.data.quality.checks import FEWEST
from within_wf.data.quality.contract import read_schema, schema_violations
from within_wf.data.quality.encoding import encode, numbers, numeric_columns
from within_wf.data.quality.leakage import leaking_features
from within_wf.data.quality.near_duplicates import row_clusters, text_clusters
from within_wf.data.quality.outliers import isolation_scores, robust_z
from within_wf.data.quality.wrong_labels import suspect_labels
from within_wf.data.schemas import Contract
from within_wf.errors import DatasetError, Problem

_TEXT_WORDS = 4
"""Words that a text column has in the mean at least; below, it is a category."""


@dataclass(frozen=True)
class _Labels:
    """What was found of the labels: what to list, and what may be corrected."""

    mislabels: list[dict[str, Any]]
    corrections: list[dict[str, Any]]


class EnhancedDataValidator:
    """Finds outliers, near-duplicates, leaks and wrong labels beside what breaks a schema.

    Args:
        schema_path: A JSON file (``required_columns``, ``column_types``, ``value_ranges``), the name of a contract, or one.
        confidence_threshold: A label is corrected where the suggested one is surer than this, in (0, 1].
        outlier_threshold: Robust standard deviations from which on a number is an outlier, above 0.
        label_column: The column of labels; a table without it is not asked for them.
        id_columns: Columns that name rows; they are no features.
        seed: Of the draws.

    Raises:
        DatasetError: A threshold is out of range; both are named.
        DatasetNotFoundError, ConfigError: As ``read_schema``.
    """

    def __init__(
        self,
        schema_path: str | Path | type[Contract],
        confidence_threshold: float = 0.95,
        outlier_threshold: float = 3.0,
        *,
        label_column: str = "label",
        id_columns: tuple[str, ...] = (),
        seed: int = 0,
    ) -> None:
        problems = []
        if not 0.0 < confidence_threshold <= 1.0:
            problems.append(Problem("confidence_threshold", repr(confidence_threshold), "above 0, at most 1"))
        if not 0.0 < outlier_threshold < float("inf"):
            problems.append(Problem("outlier_threshold", repr(outlier_threshold), "a number above 0"))
        if problems:
            raise DatasetError("quality cannot be judged so", problems)
        self.schema = read_schema(schema_path)
        self.confidence_threshold = confidence_threshold
        self.outlier_threshold = outlier_threshold
        self.label_column = label_column
        self.id_columns = id_columns
        self.seed = seed

    def validate_and_clean(self, data: Any) -> tuple[Any, dict[str, Any]]:
        """Look at a table.

        Args:
            data: A table of polars or pandas; it is not changed.

        Returns:
            The table with corrected labels, of the kind that was given, and the report: ``schema_violations``,
            ``detected_outliers``, ``potential_mislabels``, ``corrections_applied``, ``near_duplicates``, ``leakage_suspects``
            and ``not_judged``, what was not looked at and why. Rows count from 0 by position; all values are JSON's.

        Raises:
            DatasetError: ``data`` is no table.
        """
        table = as_frame(data, "data")
        labelled = self.label_column in table.columns
        features = table.drop(self.label_column) if labelled else table
        features = features.drop(name for name in self.id_columns if name in features.columns)
        isolated = self._isolated(features)
        report: dict[str, Any] = {
            "schema_violations": schema_violations(table, self.schema),
            "detected_outliers": self._outliers(features, isolated),
            "potential_mislabels": [],
            "corrections_applied": [],
            "near_duplicates": self._near_duplicates(features),
            "leakage_suspects": [],
            "not_judged": [],
        }
        if not labelled:
            return data, report
        labels = table[self.label_column]
        measured = ~np.isnan(numbers(labels)) if labels.dtype.is_float() else labels.is_not_null().to_numpy()
        known = np.flatnonzero(measured)
        try:
            found = self._labels(features[known.tolist()], labels.gather(known.tolist()), known, isolated)
            report["leakage_suspects"] = leaking_features(
                features[known.tolist()].with_columns(labels.gather(known.tolist())),
                self.label_column,
                is_class=not labels.dtype.is_float(),
                seed=self.seed,
            )
        except DatasetError as error:
            report["not_judged"].append({"column": self.label_column, "why": str(error)})
            return data, report
        report["potential_mislabels"] = found.mislabels
        report["corrections_applied"] = found.corrections
        return _corrected(data, self.label_column, found.corrections), report

    def _outliers(self, features: pl.DataFrame, isolated: set[int]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for name in numeric_columns(features):
            scores = robust_z(numbers(features[name]), self.outlier_threshold)
            rows = scores.outliers.tolist()
            if rows:
                values = [features[name][row] for row in rows]
                entry = {"column": name, "method": "robust_z", "threshold": self.outlier_threshold, "indices": rows}
                found.append({**entry, "values": values, "z_scores": scores.score[rows].tolist()})
        if isolated:
            whole: dict[str, Any] = {"column": None, "method": "isolation_forest", "threshold": self.outlier_threshold}
            found.append({**whole, "indices": sorted(isolated)})
        return found

    def _isolated(self, features: pl.DataFrame) -> set[int]:
        columns = numeric_columns(features)
        if features.height < FEWEST or len(columns) < 2:
            return set()
        return set(isolation_scores(encode(features, columns).matrix, self.outlier_threshold, seed=self.seed).outliers.tolist())

    def _near_duplicates(self, features: pl.DataFrame) -> list[dict[str, Any]]:
        texts = [name for name in features.columns if _is_prose(features[name])]
        plain = [
            name
            for name, dtype in features.schema.items()
            if name not in texts and not dtype.is_nested() and dtype != pl.Binary
        ]
        found: list[dict[str, Any]] = []
        for name in texts:
            found += [{"column": name, "rows": rows} for rows in text_clusters(features[name].to_list(), seed=self.seed)]
        if len(plain) > 1:
            found += [{"column": None, "rows": rows} for rows in row_clusters(features, plain + texts, seed=self.seed)]
        return found

    def _labels(self, features: pl.DataFrame, labels: pl.Series, rows: Any, isolated: set[int]) -> _Labels:
        if labels.len() < FEWEST:
            problem = Problem(f"column {self.label_column}", f"{labels.len():,} labels", f"at least {FEWEST}")
            raise DatasetError("wrong labels cannot be found", [problem])
        is_class = not labels.dtype.is_float()
        judged = suspect_labels(features, labels, is_class=is_class, seed=self.seed)
        mislabels, corrections = [], []
        for at in judged.ranked.tolist():
            row, confidence = int(rows[at]), float(judged.confidence[at])
            given, suggested = labels[at], judged.suggested[at]
            entry = {"index": row, "original_label": given, "suggested_label": suggested, "confidence": confidence}
            mislabels.append({**entry, "quality": float(judged.quality[at]), "is_anomaly": row in isolated})
            # Numbers are listed and never corrected: what a model expects is no measurement.
            if is_class and confidence > self.confidence_threshold and suggested != given:
                changed = {"original_value": given, "corrected_value": suggested, "confidence": confidence}
                corrections.append({"index": row, **changed})
        return _Labels(mislabels, corrections)


def _is_prose(column: pl.Series) -> bool:
    if column.dtype != pl.String or column.null_count() == len(column):
        return False
    spaces = column.str.count_matches(" ", literal=True).drop_nulls()
    return int(spaces.sum()) >= (_TEXT_WORDS - 1) * len(spaces)


def _corrected(data: Any, column: str, corrections: list[dict[str, Any]]) -> Any:
    if not corrections:
        return data
    rows = [each["index"] for each in corrections]
    values = [each["corrected_value"] for each in corrections]
    if isinstance(data, pl.LazyFrame):
        data = data.collect()
    if isinstance(data, pl.DataFrame):
        labels = data[column].to_list()
        for row, value in zip(rows, values, strict=True):
            labels[row] = value
        return data.with_columns(pl.Series(column, labels, dtype=data.schema[column]))
    changed = data.copy()
    changed.iloc[rows, changed.columns.get_loc(column)] = values
    return changed
