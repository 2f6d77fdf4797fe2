"""Wrong labels of a table, of any type: from features and labels to what is suspected and suggested."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.data.quality.confident import LabelIssues, confirm, find_label_issues
from within_wf.data.quality.encoding import encode, numbers
from within_wf.data.quality.folds import fold_of, out_of_fold_probabilities
from within_wf.data.quality.learners import classifiers
from within_wf.data.quality.regression_labels import find_target_issues
from within_wf.errors import DatasetError, Problem

Floats = npt.NDArray[np.float64]

FOLDS = 5
FEWEST = 2
"""Labels of a class below which it is not judged: no fold could learn it."""


@dataclass(frozen=True)
class JudgedLabels:
    """Labels and what is known of them.

    Attributes:
        classes: The labels there are, in order.
        issues: By position in ``classes``.
    """

    classes: list[Any]
    issues: LabelIssues


def judge_labels(x: Floats, labels: list[Any], content: list[str], *, seed: int = 0, rounds: int = 2) -> JudgedLabels:
    """Find wrong labels.

    The first round learns from all rows of the other folds; the second leaves out those the first suspects.

    Args:
        x: Features without missing values, shape [n, d].
        labels: Text, whole numbers or truth values; none may be missing.
        content: What each row says without its label; rows of one content are held out together.
        seed: Of the draws.
        rounds: 1 or 2.

    Raises:
        DatasetError: There are fewer than two classes, or fewer than 2 rows of one.
    """
    classes, codes = coded(labels)
    counts = np.bincount(codes, minlength=len(classes))
    problems = [
        Problem(
            f"label {label!r}", f"{count:,} rows", f"at least {FEWEST}", "Leave the rows out, or join the class to another."
        )
        for label, count in zip(classes, counts.tolist(), strict=True)
        if count < FEWEST
    ]
    if len(classes) < 2:
        problems.append(Problem("labels", f"{len(classes)} classes", "at least two"))
    if problems:
        raise DatasetError("wrong labels cannot be found", problems)
    fold, order = fold_of(content, codes, FOLDS, seed)
    make = partial(classifiers, len(labels) // 2, seed)
    learn = partial(out_of_fold_probabilities, x, codes, len(classes), fold, order, make)
    issues = find_label_issues(codes, learn())
    if rounds > 1 and issues.suspected.any():
        issues = confirm(codes, issues, learn(~issues.suspected))
    return JudgedLabels(classes, issues)


@dataclass(frozen=True)
class SuspectedLabels:
    """What models that did not see them say of labels, one entry a label.

    Attributes:
        suspected: Whether it is suspected, bool, shape [n].
        quality: How well it is borne out, float64 in [0, 1], shape [n].
        confidence: How sure the suggestion is, float64 in [0, 1], shape [n].
        suggested: What would be expected: a class, or a number.
        ranked: The suspected ones, the likeliest to be wrong first, int64.
        method: How they were found.
    """

    suspected: npt.NDArray[np.bool_]
    quality: Floats
    confidence: Floats
    suggested: list[Any]
    ranked: npt.NDArray[np.int64]
    method: str


def suspect_labels(features: pl.DataFrame, labels: pl.Series, *, is_class: bool, seed: int = 0) -> SuspectedLabels:
    """Hold labels against what the features of other rows let expect.

    Args:
        features: What models may see, shape [n, columns].
        labels: Classes, or numbers; none may be missing.
        is_class: Which of the two.
        seed: Of the draws.

    Raises:
        DatasetError: Labels cannot be judged; what is wrong with them is named.
    """
    encoded = encode(features)
    if is_class:
        judged = judge_labels(encoded.matrix, labels.to_list(), encoded.content, seed=seed)
        of = judged.issues
        suggested = [judged.classes[int(at)] for at in of.suggested]
        return SuspectedLabels(
            of.suspected, of.quality, of.confidence, suggested, _ranked(of.suspected, of.quality), "confident learning"
        )
    found = find_target_issues(encoded.matrix, numbers(labels), encoded.content, seed=seed)
    ranked = _ranked(found.suspected, -found.score)
    predicted = found.predicted.tolist()
    return SuspectedLabels(found.suspected, found.quality, 1.0 - found.quality, predicted, ranked, "unseen prediction")


def _ranked(suspected: npt.NDArray[np.bool_], by: Floats) -> npt.NDArray[np.int64]:
    rows = np.flatnonzero(suspected)
    return rows[np.argsort(by[rows], kind="stable")].astype(np.int64)


def coded(labels: list[Any]) -> tuple[list[Any], npt.NDArray[np.int64]]:
    """The distinct labels in order, and each row's position among them."""
    classes = sorted(set(labels))
    positions = {label: position for position, label in enumerate(classes)}
    return classes, np.array([positions[label] for label in labels], dtype=np.int64)
