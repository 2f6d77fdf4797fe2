"""Wrong labels of a table, of any type: from features and labels to what is suspected and suggested."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from within_wf.data.quality.confident import LabelIssues, confirm, find_label_issues
from within_wf.data.quality.folds import fold_of, out_of_fold_probabilities
from within_wf.data.quality.learners import classifiers
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


def coded(labels: list[Any]) -> tuple[list[Any], npt.NDArray[np.int64]]:
    """The distinct labels in order, and each row's position among them."""
    classes = sorted(set(labels))
    positions = {label: position for position, label in enumerate(classes)}
    return classes, np.array([positions[label] for label in labels], dtype=np.int64)
