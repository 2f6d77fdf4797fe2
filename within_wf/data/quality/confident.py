"""Which labels are wrong, given probabilities that did not see them.

Confident learning (Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", JAIR 70,
2021) counts the confident joint: how many rows that are labelled i are confidently of class j. What it leaves to rules of
thumb, which rows these are, is here the posterior of the true class under the transition matrix that the joint implies:

1. The joint is scaled to the number of rows of each label; its off-diagonal sum is the number of wrong labels.
2. The matrix P(label | true class) is the joint's, each row's errors drawn to an even spread over the other labels, and its
   noise to the common one, by as much as the counts themselves say (Dirichlet- and beta-multinomial likelihood); without
   evidence for structure it is the symmetric matrix, under which the order is that of self-confidence.
3. Probabilities are divided by the mean self-confidence of their class, so that a class that is harder to tell is not
   suspected more often, and freed of the noise they were trained on by expectation-maximisation (Richardson, 1972).
4. Posterior of class k: its probability times P(label | k), normalised.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from within_wf.errors import DatasetError, Problem
from within_wf.ops.sums import column_sums, group_sums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_TINY = 1e-4
_EVIDENCE = 3.0
"""Natural logarithms by which structure must explain the joint better before it is believed."""
_ROUNDS = 30
_POWERS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)


@dataclass(frozen=True)
class LabelIssues:
    """What is known of each label.

    Attributes:
        quality: The posterior of the given class, float64, shape [n]; low where the label is likely wrong.
        suspected: The labels found wrong, as many as the confident joint counts at most, bool, shape [n].
        suggested: The likeliest of the other classes, int64, shape [n].
        confidence: Its posterior, of probabilities as sharp as the labels say they may be, float64, shape [n].
        belief: Probabilities of true classes without regard to the label, of the first round, float64, shape [n, K].
        confident_joint: Rows by given and by true class, scaled to the counts of labels, float64, shape [K, K].
        transition: P(label | true class), float64, shape [K, K], a row a true class.
        noise_rate: Estimated share of wrong labels.
    """

    quality: Floats
    suspected: Bools
    suggested: Ints
    confidence: Floats
    belief: Floats
    confident_joint: Floats
    transition: Floats
    noise_rate: float


def find_label_issues(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> LabelIssues:
    """Judge labels by probabilities of a model that was not trained on them.

    Args:
        labels: Positions of classes, integers in [0, K), shape [n].
        probabilities: Out-of-fold, shape [n, K].

    Raises:
        DatasetError: Shapes do not fit, a label has no column, or a probability is negative or not finite.
    """
    z, p = _checked(labels, probabilities)
    joint = confident_joint(z, p)
    transition = _transition(joint.T)
    levelled = _normalised(np.clip(p, _TINY, None) / _self_confidence(z, p))
    return _issues(z, [_deconvolved(levelled, transition)], levelled.argmax(axis=1) != z, joint, transition)


def confirm(labels: npt.ArrayLike, first: LabelIssues, probabilities: npt.ArrayLike) -> LabelIssues:
    """Judge labels once more, by a model that did not learn from those suspected.

    What it gives are probabilities of true classes: nothing has to be taken out of them. The posteriors of both rounds are
    averaged; the number of wrong labels stays that of the first, which saw all.

    Args:
        labels: As in the first round.
        first: What the first round found.
        probabilities: Out-of-fold, of models trained on labels that were not suspected, shape [n, K].

    Raises:
        DatasetError: As ``find_label_issues``.
    """
    z, p = _checked(labels, probabilities)
    again = _normalised(np.clip(p, _TINY, None))
    differs = (first.belief + again).argmax(axis=1) != z
    return _issues(z, [first.belief, again], differs, first.confident_joint, first.transition)


def _issues(z: Ints, beliefs: list[Floats], differs: Bools, joint: Floats, transition: Floats) -> LabelIssues:
    """What follows from beliefs about true classes, the last of which is the best."""
    rows = np.arange(z.size)
    wrong = float(joint.sum() - np.trace(joint))
    posterior = _posterior(beliefs[0], transition, z)
    for belief in beliefs[1:]:
        posterior = posterior + _posterior(belief, transition, z)
    quality = _normalised(posterior)[rows, z]
    ranked = np.argsort(np.where(differs, quality, quality + 2.0), kind="stable")
    suspected = np.zeros(z.size, bool)
    suspected[ranked[: round(wrong)]] = True
    others = _sharpened(beliefs[-1], transition, z)
    others[rows, z] = -1.0
    suggested = others.argmax(axis=1).astype(np.int64)
    return LabelIssues(
        quality=quality,
        suspected=suspected & differs,
        suggested=suggested,
        confidence=others[rows, suggested],
        belief=beliefs[0],
        confident_joint=joint,
        transition=transition,
        noise_rate=wrong / z.size,
    )


def _posterior(belief: Floats, transition: Floats, z: Ints) -> Floats:
    """The true class by what is believed of it and by the label."""
    return _normalised(belief * transition[:, z].T)


def _sharpened(belief: Floats, transition: Floats, z: Ints) -> Floats:
    """The posterior of a belief to the power that makes the labels likeliest: a mean of models is less sure than it may be."""
    logs = np.log(np.clip(belief, 1e-12, None))
    best, likeliest = belief, -np.inf
    for power in _POWERS:
        sharp = _normalised(np.exp(power * (logs - logs.max(axis=1, keepdims=True))))
        seen = _times(sharp, transition)[np.arange(z.size), z]
        likelihood = float(column_sums(np.log(seen)[:, None])[0])
        if likelihood > likeliest:
            best, likeliest = sharp, likelihood
    return _posterior(best, transition, z)


def confident_joint(labels: Ints, probabilities: Floats) -> Floats:
    """Rows by given (first axis) and true class, scaled to the counts of labels; one row a class is taken to be right.

    A row counts for the likeliest of the classes whose probability reaches the mean self-confidence of the class
    (Northcutt et al., equations 1 and 2).
    """
    classes = probabilities.shape[1]
    confident = probabilities >= _self_confidence(labels, probabilities) - 1e-12
    guess = np.where(confident, probabilities, -1.0).argmax(axis=1)
    counted = confident.any(axis=1)
    cells = labels[counted] * classes + guess[counted]
    joint = np.bincount(cells, minlength=classes * classes).reshape(classes, classes) + np.eye(classes)
    counts = np.bincount(labels, minlength=classes)
    scaled: Floats = joint / joint.sum(axis=1, keepdims=True) * counts[:, None]
    return scaled


def self_confidence(labels: Ints, probabilities: Floats) -> Floats:
    """The probability of the given class; float64, shape [n]."""
    given: Floats = probabilities[np.arange(labels.size), labels]
    return given


def normalised_margin(labels: Ints, probabilities: Floats) -> Floats:
    """The probability of the given class less the highest of the others, from [-1, 1] to [0, 1]; float64, shape [n]."""
    rows = np.arange(labels.size)
    others = probabilities.copy()
    others[rows, labels] = -np.inf
    margin: Floats = (probabilities[rows, labels] - others.max(axis=1) + 1.0) / 2.0
    return margin


def _checked(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> tuple[Ints, Floats]:
    z, p = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    problems = []
    if p.ndim != 2 or p.shape[1] < 2 or z.shape != p.shape[:1] or not z.size:
        expected = "shape [n, K] for n labels and K classes, n at least 1 and K at least 2"
        problems.append(Problem("probabilities", f"the shape {p.shape} for labels of shape {z.shape}", expected))
    elif z.dtype.kind not in "iu" or z.min() < 0 or z.max() >= p.shape[1]:
        problems.append(Problem("labels", f"{z.dtype}, {z.min()} to {z.max()}", f"whole numbers from 0 to {p.shape[1] - 1}"))
    if not np.isfinite(p).all() or (p < 0).any():
        problems.append(Problem("probabilities", "a negative number or one that is not finite", "numbers from 0 to 1"))
    if problems:
        raise DatasetError("labels cannot be judged by these probabilities", problems)
    return z.astype(np.int64), p


def _self_confidence(labels: Ints, probabilities: Floats) -> Floats:
    """The mean probability of each class over the rows that bear its label; out of reach for a class without rows."""
    classes = probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    sums = group_sums(self_confidence(labels, probabilities), labels, classes)
    return np.where(counts > 0, np.maximum(sums / np.maximum(counts, 1), _TINY), 2.0)


def _transition(counts: Floats) -> Floats:
    """P(label | true class) from counts by true class (rows) and label, drawn to symmetry where nothing speaks against it."""
    classes = len(counts)
    right = np.diag(counts)
    errors = counts - np.diag(right)
    wrong, total = errors.sum(axis=1), counts.sum(axis=1)
    common = wrong.sum() / total.sum()
    even = (1.0 - np.eye(classes)) / (classes - 1)
    spread = _strength(lambda m: _spread_likelihood(errors, wrong, m), -1) if classes > 2 and wrong.sum() else 1.0
    level = _strength(lambda c: _level_likelihood(wrong, total, common, c), 1) if wrong.sum() else 1.0
    noise = (wrong + level * common) / (total + level)
    transition = (errors + spread * even) / (wrong + spread)[:, None] * noise[:, None]
    np.fill_diagonal(transition, 1.0 - noise)
    clipped: Floats = np.clip(transition, 1e-6, None)
    return clipped


def _strength(likelihood: Callable[[float], float], lowest: int) -> float:
    """The prior weight of the highest likelihood; a boundless one unless another is better by the evidence asked for."""
    grid = [2.0**power for power in range(lowest, 20)]
    values = [likelihood(weight) for weight in grid]
    best = int(np.argmax(values))
    return grid[best] if values[best] - values[-1] > _EVIDENCE else 1e9


def _spread_likelihood(errors: Floats, wrong: Floats, weight: float) -> float:
    from scipy.special import gammaln

    share = weight / (len(errors) - 1)
    cells = errors[~np.eye(len(errors), dtype=bool)]
    of_rows = gammaln(weight) - gammaln(weight + wrong)
    return float(column_sums(of_rows[:, None])[0] + column_sums((gammaln(cells + share) - gammaln(share))[:, None])[0])


def _level_likelihood(wrong: Floats, total: Floats, common: float, weight: float) -> float:
    from scipy.special import gammaln

    a, b = weight * common, weight * (1.0 - common)
    if a <= 0 or b <= 0:
        return 0.0
    terms = (
        gammaln(weight) - gammaln(weight + total) + gammaln(a + wrong) - gammaln(a) + gammaln(b + total - wrong) - gammaln(b)
    )
    return float(column_sums(terms[:, None])[0])


def _deconvolved(p: Floats, transition: Floats) -> Floats:
    """Probabilities of true classes that give those of labels through the transition matrix."""
    q = p
    for _ in range(_ROUNDS):
        labels = np.clip(_times(q, transition), 1e-9, None)
        q = _normalised(q * _times(p / labels, transition.T))
    return q


def _times(rows: Floats, matrix: Floats) -> Floats:
    """A matrix product, its sums in the order of the columns."""
    total: Floats = rows[:, :1] * matrix[0]
    for column in range(1, rows.shape[1]):
        total += rows[:, column : column + 1] * matrix[column]
    return total


def _normalised(rows: Floats) -> Floats:
    """Rows that add up to 1, added in the order of the columns."""
    total = rows[:, 0].copy()
    for column in range(1, rows.shape[1]):
        total += rows[:, column]
    whole: Floats = rows / total[:, None]
    return whole
