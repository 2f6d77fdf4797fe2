"""The quality checks of a model's table, as its configuration asks for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from within_wf.config.dataset import SeriesTable
from within_wf.config.quality import NearDuplicateConfig, OutlierConfig, OutlierMethod, QualityConfig, Severity
from within_wf.data.quality.encoding import encode, numbers
from within_wf.data.quality.leakage import leaking_features
from within_wf.data.quality.near_duplicates import row_clusters, text_clusters
from within_wf.data.quality.outliers import Scores, conditional_z, isolation_scores, robust_z, seasonal_z
from within_wf.data.quality.sample import Sample
from within_wf.data.quality.suspects import Finding, Suspect
from within_wf.data.quality.wrong_labels import suspect_labels
from within_wf.errors import DatasetError, DatasetValidationError

FEWEST = 20
"""Rows below which labels and leaks are not judged."""
_EXPECTED_TEXT = "texts that differ by more than a few words"


@dataclass(frozen=True)
class Quality:
    """What was found beyond the contract.

    Attributes:
        sample: What was looked at.
        findings: By check, in the order of the configuration.
        not_judged: What was not looked at though it was asked for, and why.
    """

    sample: Sample
    findings: list[Finding]
    not_judged: list[dict[str, str]] = field(default_factory=list)

    def refuse(self, name: str) -> None:
        """Stop where a finding is not to be passed over.

        Raises:
            DatasetValidationError: There is such a finding; all of them are named.
        """
        problems = [found.problem(name) for found in self.findings if found.severity == "refuse"]
        if problems:
            cure = "correct it, or let data.quality set rows aside or warn"
            raise DatasetValidationError(f"{name} is not as data.quality asks; {cure}", problems)

    def report(self) -> dict[str, Any]:
        """What the report says, as JSON values."""
        return {
            "rows": self.sample.total,
            "looked_at": self.sample.table.height,
            "findings": [found.entry() for found in self.findings],
            "not_judged": self.not_judged,
        }


def check_quality(sample: Sample, config: QualityConfig) -> Quality:
    """Look at a table for what its contract cannot say.

    Duplicates are looked for among all rows, everything else among those that keep the contract.

    Args:
        sample: The rows.
        config: Which checks, how strict, and what happens to what they find.
    """
    findings: list[Finding] = []
    skipped: list[dict[str, str]] = []
    if config.outliers.enabled:
        findings += _outliers(sample, config.outliers)
    if config.near_duplicates.enabled:
        findings += _near_duplicates(sample, config.near_duplicates)
    for check, is_asked in (("leakage", config.leakage.enabled), ("wrong_labels", config.wrong_labels.enabled)):
        why = _why_not(sample, check) if is_asked else None
        if why:
            skipped.append({"check": check, "why": why})
        elif is_asked:
            try:
                findings += (
                    _leaks(sample, config) if check == "leakage" else _wrong_labels(sample, config.wrong_labels.severity)
                )
            except DatasetError as error:
                skipped.append({"check": check, "why": "; ".join(map(str, error.problems)) or str(error)})
    return Quality(sample, findings, skipped)


def _why_not(sample: Sample, check: str) -> str | None:
    if int(sample.sound.sum()) < FEWEST:
        return f"fewer than {FEWEST} sound rows"
    if check == "wrong_labels" and not _plain(sample):
        return "no feature but texts"
    return None


def _plain(sample: Sample) -> list[str]:
    texts = () if isinstance(sample.roles, SeriesTable) else sample.roles.text
    return [name for name in sample.features if name not in texts]


def _prose(sample: Sample) -> list[str]:
    """Columns of text; a category that is read as text too is alike by its nature."""
    roles = sample.roles
    return [] if isinstance(roles, SeriesTable) else [name for name in roles.text if name not in roles.categorical]


def _outliers(sample: Sample, config: OutlierConfig) -> Iterator[Finding]:
    table, positions = sample.sound_rows()
    fix = "Correct the number where it is wrong; leave it where it is true."
    for method in dict.fromkeys(config.methods):
        for column, scores in _scored(table, sample, method, config.threshold) if table.height else ():
            values = [None] * table.height if column is None else table[column].to_list()
            suspects = [
                Suspect(
                    int(sample.rows[positions[at]]),
                    sample.ids[positions[at]],
                    _rounded(scores.score[at]),
                    "" if values[at] is None else f"{values[at]:g}",
                )
                for at in scores.outliers.tolist()
            ]
            if suspects:
                expected = f"within {config.threshold:g} robust standard deviations"
                yield Finding("outliers", column, method, config.severity, expected, fix, suspects)


def _scored(
    table: pl.DataFrame, sample: Sample, method: OutlierMethod, threshold: float
) -> Iterator[tuple[str | None, Scores]]:
    """The scores of each column, or of rows as a whole."""
    names = sample.measures
    if method == "robust_z":
        yield from ((name, robust_z(numbers(table[name]), threshold)) for name in names)
    elif method == "conditional" and len(names) > 1:
        columns = np.stack([numbers(table[name]) for name in names], axis=1)
        yield from ((name, conditional_z(columns, at, threshold)) for at, name in enumerate(names))
    elif method == "isolation_forest" and len(names) > 1 and table.height >= FEWEST:
        yield None, isolation_scores(encode(table, names).matrix, threshold, seed=sample.seed)
    elif method == "seasonal" and isinstance(sample.roles, SeriesTable):
        time = table[sample.roles.time]
        series = table[sample.roles.series].cast(pl.String).rank("dense").to_numpy()
        moments, places = time.to_physical().to_numpy(), _place_in_week(time)
        yield from ((name, seasonal_z(numbers(table[name]), series, places, moments, threshold)) for name in names)


def _place_in_week(time: pl.Series) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The day of the week, and the hour where moments have several; 0 for whole numbers, which know no week."""
    if not time.dtype.is_temporal():
        return np.zeros(time.len(), np.int64)
    place = time.dt.weekday().cast(pl.Int64)
    if isinstance(time.dtype, pl.Datetime) and time.dt.hour().n_unique() > 1:
        place = place * 24 + time.dt.hour().cast(pl.Int64)
    return place.to_numpy()


def _near_duplicates(sample: Sample, config: NearDuplicateConfig) -> Iterator[Finding]:
    keys = {sample.roles.id} if not isinstance(sample.roles, SeriesTable) else set()
    columns = [
        name for name, dtype in sample.table.schema.items() if name not in {*keys, sample.target} and not dtype.is_nested()
    ]
    columns = [name for name in columns if sample.table.schema[name] != pl.Binary]
    if len(columns) > 1:
        groups = row_clusters(sample.table, columns, config.row_threshold, seed=sample.seed)
        expected = f"rows with less than {config.row_threshold:.0%} of their cells in common"
        fix = "Keep one row of each group."
        suspects = _grouped(sample, groups)
        if suspects:
            yield Finding("near_duplicates", None, "minhash", config.severity, expected, fix, suspects)
    for name in _prose(sample) if config.texts else ():
        groups = text_clusters(sample.table[name].to_list(), config.text_threshold, seed=sample.seed)
        suspects = _grouped(sample, groups)
        if suspects:
            fix = "Keep them on one side of the split: data.split.cluster_column, or a group."
            severity: Severity = "refuse" if config.severity == "refuse" else "warn"
            yield Finding("near_duplicates", name, "minhash", severity, _EXPECTED_TEXT, fix, suspects)


def _grouped(sample: Sample, groups: list[list[int]]) -> list[Suspect]:
    """The rows of groups; of each the first sound one by its id is kept where rows are set aside."""
    suspects = []
    for group in groups:
        kept = min(group, key=lambda at: (not sample.sound[at], sample.ids[at], sample.rows[at]))
        others = sorted(sample.ids[at] for at in group)
        for at in group:
            like = next((other for other in others if other != sample.ids[at]), sample.ids[at])
            suspects.append(Suspect(int(sample.rows[at]), sample.ids[at], None, f"like {like}", at != kept))
    return suspects


def _leaks(sample: Sample, config: QualityConfig) -> Iterator[Finding]:
    table, _ = sample.sound_rows()
    leaks = leaking_features(
        table.select(*sample.features, sample.target),
        sample.target,
        is_class=sample.is_class,
        threshold=config.leakage.threshold,
        seed=sample.seed,
    )
    fix = "Leave the column out unless it is known before the target is."
    expected = f"a score below {config.leakage.threshold:g} by one feature"
    for leak in leaks:
        yield Finding(
            "leakage", leak["column"], "one feature", config.leakage.severity, expected, fix, score=round(leak["score"], 6)
        )


def _wrong_labels(sample: Sample, severity: Severity) -> Iterator[Finding]:
    table, positions = sample.sound_rows()
    labels = table[sample.target]
    judged = suspect_labels(table.select(_plain(sample)), labels, is_class=sample.is_class, seed=sample.seed)
    suspects = [
        Suspect(
            int(sample.rows[positions[at]]),
            sample.ids[positions[at]],
            _rounded(1.0 - judged.quality[at]),
            f"{labels[at]:g}, expected about {_expected(judged.suggested[at])}",
        )
        for at in np.flatnonzero(judged.suspected).tolist()
    ]
    if suspects:
        fix = "Look at the label again; nothing is corrected here."
        yield Finding(
            "wrong_labels", sample.target, judged.method, severity, "a label that the features explain", fix, suspects
        )


def _expected(suggested: object) -> str:
    return f"{suggested:.4g}" if isinstance(suggested, float) else str(suggested)


def _rounded(score: float) -> float:
    """What of a score is meant to be read."""
    return round(float(score), 6)
