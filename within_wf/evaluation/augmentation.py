"""How far varied rows are from those they come from, and whether they still look and count as real ones.

Diversity is how far a varied row is from its original; fidelity is whether varied rows together are distributed as real
ones, and whether what they are labelled with still holds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from within_wf.errors import EvaluationError, Problem
from within_wf.ops.sums import column_means, column_sums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
OTHERS = "other real rows"
_COLUMNS = ("changed", "distance", "self-BLEU", "Fréchet", "label preserved", "label right")
_MAX_ITERATIONS = 1000


@dataclass(frozen=True)
class Quality:
    """What was measured of one method.

    Attributes:
        method: Its name.
        rows: Varied rows that were measured.
        changed: Share of them that differ from their original at all, in [0, 1].
        distance: Mean distance between a varied row's vector and its original's, 1 less the cosine, in [0, 2].
        self_bleu: Of the varied copies of a text and the text itself, in [0, 1]; low is diverse. Texts alone.
        frechet: Fréchet distance between the vectors of the varied rows and those of the originals; 0 is alike.
        preserved: Share of the varied rows that a classifier trained on clean rows sees in the class it sees the original in.
        accuracy: Share of the varied rows that it sees in the class of their label.
    """

    method: str
    rows: int
    changed: float | None = None
    distance: float | None = None
    self_bleu: float | None = None
    frechet: float | None = None
    preserved: float | None = None
    accuracy: float | None = None

    def to_json(self) -> dict[str, object]:
        """Its fields, six digits of each number."""
        return {key: float(f"{value:.6g}") if isinstance(value, float) else value for key, value in asdict(self).items()}


@dataclass(frozen=True)
class Comparison:
    """What was measured of the texts, the pictures or the numbers of a dataset.

    Attributes:
        kind: ``texts``, ``pictures`` or ``numbers``.
        accuracy: Share of the originals that the classifier sees in the class of their label.
        qualities: A method each; the first is what real rows that are no copies give.
    """

    kind: str
    accuracy: float
    qualities: tuple[Quality, ...]

    def to_json(self) -> dict[str, object]:
        """For a file."""
        methods = [quality.to_json() for quality in self.qualities]
        return {"kind": self.kind, "accuracy": float(f"{self.accuracy:.6g}"), "methods": methods}

    def lines(self) -> list[str]:
        """A table in Markdown."""
        lines = [f"Of {self.kind}; of the originals, {self.accuracy:.1%} are seen in the class of their label.", ""]
        lines += [f"| method | rows | {' | '.join(_COLUMNS)} |", "|---|" + "---:|" * (1 + len(_COLUMNS))]
        for found in self.qualities:
            shares = [_percent(found.changed), _number(found.distance), _number(found.self_bleu), _number(found.frechet)]
            cells = [f"{found.rows:,}", *shares, _percent(found.preserved), _percent(found.accuracy)]
            lines.append(f"| {found.method} | {' | '.join(cells)} |")
        return lines


def embedding_distance(originals: npt.ArrayLike, varied: npt.ArrayLike) -> float:
    """Mean of 1 less the cosine between each varied row's vector and its original's.

    Args:
        originals: Vectors, shape [n, d], none of nought.
        varied: Theirs, shape [n, d].

    Raises:
        EvaluationError: The shapes differ, there are no rows, or a vector is nought or not finite.
    """
    one, other = _vectors("originals", originals), _vectors("varied", varied)
    problems = []
    if one.shape != other.shape:
        problems.append(Problem("varied", f"shape {list(other.shape)}", f"that of the originals, {list(one.shape)}"))
    norms = [np.sqrt(column_sums((x * x).T)) for x in (one, other)]
    problems += [
        Problem(name, f"{int((norm == 0).sum())} vectors of nought", "vectors with a direction")
        for name, norm in zip(("originals", "varied"), norms, strict=True)
        if (norm == 0).any()
    ]
    if problems:
        raise EvaluationError("the distance of varied rows cannot be measured", problems)
    cosines = column_sums((one * other).T) / (norms[0] * norms[1])
    return float(column_means((1.0 - np.minimum(cosines, 1.0))[:, None])[0])


def frechet_distance(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """The squared Fréchet distance of the normal distributions that have the means and covariances of two samples.

    ``|m1 - m2|² + tr(S1 + S2 - 2 (S1 S2)^½)`` (Dowson and Landau, J. Multivariate Analysis 12, 1982), which Heusel et al.
    (NeurIPS 2017) take between vectors of an encoder. Covariances divide by n - 1. It grows as samples get smaller: compare
    samples of one size.

    Args:
        one: Vectors, shape [n, d], n at least 2.
        other: Vectors, shape [m, d], m at least 2.

    Raises:
        EvaluationError: A shape does not fit, or a number is not finite.
    """
    from scipy.linalg import eigh

    samples = [_vectors("one", one), _vectors("other", other)]
    problems = [
        Problem(name, f"{len(x)} rows", "two rows or more")
        for name, x in zip(("one", "other"), samples, strict=True)
        if len(x) < 2
    ]
    if samples[0].shape[1] != samples[1].shape[1]:
        problems.append(Problem("other", f"{samples[1].shape[1]} columns", f"as many as the one has, {samples[0].shape[1]}"))
    if problems:
        raise EvaluationError("the Fréchet distance cannot be measured", problems)
    means, covariances = [column_means(x) for x in samples], [_covariance(x) for x in samples]
    gap = float(column_sums(((means[0] - means[1]) ** 2)[:, None])[0])
    values, vectors = eigh(covariances[0])
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T
    middle = root @ covariances[1] @ root
    shared = np.sqrt(np.clip(eigh((middle + middle.T) / 2, eigvals_only=True), 0.0, None)).sum()
    return max(0.0, gap + float(np.trace(covariances[0]) + np.trace(covariances[1]) - 2.0 * shared))


class LabelJudge:
    """A classifier trained on clean rows: logistic regression of standardised vectors.

    Args:
        vectors: Clean rows, shape [n, d].
        target: What they are labelled with, shape [n]: classes, or numbers, which are cut into thirds.
        is_class: Whether the target is classes.

    Raises:
        EvaluationError: A shape does not fit, a number is not finite, or all rows are of one class.
    """

    def __init__(self, vectors: npt.ArrayLike, target: npt.ArrayLike, *, is_class: bool = False) -> None:
        from sklearn.linear_model import LogisticRegression

        x, labels = _vectors("vectors", vectors), np.asarray(target, dtype=np.float64)
        problems = []
        if labels.shape != (len(x),) or not np.isfinite(labels).all():
            problems.append(
                Problem("target", f"shape {list(labels.shape)}, or not finite", f"{len(x)} finite numbers, one a row")
            )
        self._cuts = np.zeros(0) if is_class or problems else np.quantile(labels, [1 / 3, 2 / 3])
        classes = self.classes_of(labels)
        if not problems and len(np.unique(classes)) < 2:
            problems.append(Problem("target", "one class", "two classes or more"))
        if problems:
            raise EvaluationError("no classifier can be trained", problems)
        self._mean, self._std = column_means(x), np.sqrt(np.diag(_covariance(x)))
        self._model = LogisticRegression(max_iter=_MAX_ITERATIONS, C=0.1).fit(self._standardised(x), classes)

    def classes_of(self, target: npt.ArrayLike) -> Floats:
        """The class of each label, shape [n]."""
        labels = np.asarray(target, dtype=np.float64)
        return np.searchsorted(self._cuts, labels, side="right").astype(np.float64) if self._cuts.size else labels

    def predict(self, vectors: npt.ArrayLike) -> Floats:
        """The class it sees each row in, shape [n]."""
        seen: Floats = self._model.predict(self._standardised(_vectors("vectors", vectors)))
        return seen

    def _standardised(self, x: Floats) -> Floats:
        return (x - self._mean) / np.where(self._std > 0, self._std, 1.0)


def measure(
    method: str,
    originals: npt.ArrayLike,
    varied: npt.ArrayLike,
    *,
    judge: LabelJudge | None = None,
    target: npt.ArrayLike | None = None,
    bleu: float | None = None,
) -> Quality:
    """Measure rows of which each has an original.

    Args:
        method: What varied them.
        originals: The vector of each varied row's original, shape [n, d].
        varied: The vectors, shape [n, d].
        judge: Trained on clean rows that are none of these.
        target: The labels, shape [n]; with ``judge``.
        bleu: What :func:`within_wf.evaluation.text_diversity.self_bleu` gave.
    """
    one, other = np.asarray(originals, dtype=np.float64), np.asarray(varied, dtype=np.float64)
    distance = embedding_distance(one, other)
    preserved = accuracy = None
    if judge is not None and target is not None:
        seen = judge.predict(other)
        preserved = float(np.mean(seen == judge.predict(one)))
        accuracy = float(np.mean(seen == judge.classes_of(target)))
    changed = float(np.mean((one != other).any(axis=1)))
    return Quality(method, len(other), changed, distance, bleu, frechet_distance(one, other), preserved, accuracy)


def _vectors(name: str, values: npt.ArrayLike) -> Floats:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 2 or not x.size or not np.isfinite(x).all():
        found = f"shape {list(x.shape)}" if x.ndim != 2 or not x.size else "numbers that are not finite"
        raise EvaluationError("varied rows cannot be measured", [Problem(name, found, "finite numbers, [rows, numbers]")])
    return x


def _covariance(x: Floats) -> Floats:
    """Of exact sums, divided by n - 1."""
    centred = x - column_means(x)
    width = x.shape[1]
    found = np.empty((width, width))
    for column in range(width):
        found[column, : column + 1] = column_sums(centred[:, : column + 1] * centred[:, column : column + 1]) / max(
            1, len(x) - 1
        )
        found[: column + 1, column] = found[column, : column + 1]
    return found


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
