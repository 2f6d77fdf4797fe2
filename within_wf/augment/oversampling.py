"""Synthetic rows of rare classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from within_wf.augment.chosen import synthetic_ids
from within_wf.errors import DatasetError, Problem
from within_wf.runtime.streams import Stream

Floats = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


class Smote:
    """Rows between rows: SMOTE (Chawla et al., JAIR 16, 2002).

    A new row lies on the line from a row to one of its nearest, anywhere on it. Rows are taken in the order of their numbers
    and neighbours are found by a tree, so that neither the order of rows nor the processor changes what comes out; a new row
    depends on the seed and its id alone, so that they can be drawn piece by piece.

    Args:
        neighbours: Nearest rows towards which a new one can lie; of fewer rows all others.
    """

    def __init__(self, neighbours: int = 5) -> None:
        self.neighbours = neighbours
        self._rows: Floats = np.zeros((0, 0))
        self._nearest: I64 = np.zeros((0, 0), dtype=np.int64)

    def fit(self, x: npt.ArrayLike) -> Smote:
        """Learn from rows of one class.

        Args:
            x: Numbers, shape [n, d], n at least 2.

        Raises:
            DatasetError: The shape is another, a number is not finite, or there are to be no neighbours.
        """
        from sklearn.neighbors import NearestNeighbors

        rows = np.asarray(x, dtype=np.float64)
        problems = [] if self.neighbours >= 1 else [Problem("neighbours", str(self.neighbours), "1 or more")]
        if rows.ndim != 2 or len(rows) < 2 or not rows.shape[1]:
            problems.append(Problem("x", f"shape {list(rows.shape)}", "[rows, features], two rows or more, to lie between"))
        elif not np.isfinite(rows).all():
            problems.append(Problem("x", "numbers that are not finite", "finite numbers", "Impute them first."))
        if problems:
            raise DatasetError("rows of rare classes cannot be made", problems)
        self._rows = rows[np.lexsort(rows.T[::-1])]
        near = min(self.neighbours, len(rows) - 1)
        tree = NearestNeighbors(n_neighbors=near + 1, algorithm="kd_tree", n_jobs=1).fit(self._rows)
        self._nearest = tree.kneighbors(self._rows, return_distance=False)[:, 1:].astype(np.int64)
        return self

    def sample(self, ids: I64, seed: int = 42) -> Floats:
        """Draw rows.

        Args:
            ids: What names each, shape [m].
            seed: Seed of the draws.

        Returns:
            float64, shape [m, d].

        Raises:
            DatasetError: It was fitted on no rows.
        """
        if not len(self._rows):
            raise DatasetError("rows cannot be drawn", [Problem("SMOTE", "no rows", "rows it was fitted on")])
        start = Stream(seed, "the row a new one begins at").integers(ids, len(self._rows))[:, 0]
        towards = Stream(seed, "the neighbour a new row goes towards").integers(ids, self._nearest.shape[1])[:, 0]
        step = Stream(seed, "how far a new row goes").uniform(ids)
        one, other = self._rows[start], self._rows[self._nearest[start, towards]]
        made: Floats = one + step * (other - one)
        return made


def oversample(
    x: npt.ArrayLike, y: npt.ArrayLike, *, balance: float = 1.0, neighbours: int = 5, seed: int = 42
) -> tuple[Floats, I64]:
    """Rows of the classes that have few, by :class:`Smote`.

    What a class gets depends on its own rows alone, and the first of its new rows stay the same where it needs more.

    Args:
        x: Numbers, shape [n, d].
        y: The class of each row, integers, shape [n].
        balance: Each class comes to this share of the largest one, in (0, 1]; one that has it gets no rows.
        neighbours: Nearest rows of its class towards which a new row lies.
        seed: Seed of the draws.

    Returns:
        The new rows alone, float64, shape [m, d], and their classes, int64, shape [m].

    Raises:
        DatasetError: A shape or a share does not fit, a number is not finite, or a class that needs rows has only one.
    """
    rows, classes = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.int64)
    wanted = _wanted(rows, classes, balance, neighbours)
    if not wanted:
        return np.zeros((0, rows.shape[1])), np.zeros(0, dtype=np.int64)
    made = [
        Smote(neighbours).fit(rows[classes == number]).sample(synthetic_ids(count, f"class {number}"), seed)
        for number, count in wanted.items()
    ]
    labels = np.repeat(np.array(list(wanted), dtype=np.int64), list(wanted.values()))
    return np.concatenate(made), labels


def missing_rows(few: int, many: int, balance: float) -> int:
    """Rows that a class of ``few`` needs to come to the share ``balance`` of one of ``many``."""
    return max(0, int(balance * many) - few)


def _wanted(rows: Floats, classes: I64, balance: float, neighbours: int) -> dict[int, int]:
    """How many rows each class gets, of those that get any."""
    problems = []
    if rows.ndim != 2 or rows.shape[0] != classes.size or classes.ndim != 1:
        problems.append(Problem("x and y", f"shapes {list(rows.shape)} and {list(classes.shape)}", "[n, d] and [n]"))
    elif not np.isfinite(rows).all():
        problems.append(Problem("x", "numbers that are not finite", "finite numbers", "Impute them first."))
    if not 0 < balance <= 1:
        problems.append(Problem("balance", str(balance), "a share, above 0 and at most 1"))
    if neighbours < 1:
        problems.append(Problem("neighbours", str(neighbours), "1 or more"))
    wanted: dict[int, int] = {}
    if not problems and classes.size:
        names, counts = np.unique(classes, return_counts=True)
        lacking = {
            int(name): missing_rows(int(count), int(counts.max()), balance) for name, count in zip(names, counts, strict=True)
        }
        wanted = {name: count for name, count in lacking.items() if count}
        problems += [
            Problem(f"class {name}", "1 row", "two rows or more, to lie between", "Leave the class out, or lower balance.")
            for name, count in zip(names.tolist(), counts.tolist(), strict=True)
            if name in wanted and count < 2
        ]
    if problems:
        raise DatasetError("rows of rare classes cannot be made", problems)
    return wanted
