"""Synthetic rows of rare classes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from within_wf.errors import DatasetError, Problem
from within_wf.runtime.streams import Stream

Floats = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


def oversample(
    x: npt.ArrayLike, y: npt.ArrayLike, ids: I64, *, balance: float = 1.0, neighbours: int = 5, seed: int = 42
) -> tuple[Floats, I64]:
    """Rows between rows of the same class, by SMOTE (Chawla et al., JAIR 16, 2002) as imbalanced-learn has it.

    Rows are taken in the order of their ids, and neighbours are found by a tree, so that neither the order of rows nor the
    processor changes what comes out. A class with no more rows than ``neighbours`` has as many neighbours as it has others.

    Args:
        x: Numbers, shape [n, d].
        y: The class of each row, integers, shape [n].
        ids: What names each row, shape [n].
        balance: Each class comes to this share of the largest one, in (0, 1]; one that has it gets no rows.
        neighbours: Nearest rows of its class towards which a new row lies.
        seed: Seed of the draws.

    Returns:
        The new rows alone, float64, shape [m, d], and their classes, int64, shape [m].

    Raises:
        DatasetError: A shape or a share does not fit, a number is not finite, or a class that needs rows has only one.
    """
    rows, classes = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.int64)
    wanted = _wanted(rows, classes, ids, balance, neighbours)
    if not wanted:
        return np.zeros((0, rows.shape[1])), np.zeros(0, dtype=np.int64)
    from imblearn.over_sampling import SMOTE
    from sklearn.neighbors import NearestNeighbors

    order = np.lexsort((*rows.T[::-1], classes, ids))
    made, labels = [], []
    for number, count in wanted.items():
        # A class at a time, so that what one gets does not depend on how many another needs.
        near = min(neighbours, int((classes == number).sum()) - 1)
        draws = int(Stream(seed, "rows of a rare class").integers(np.array([number]), 2**31)[0, 0])
        one = rows[order][classes[order] == number]
        rest = np.full((len(one) + count, rows.shape[1]), one[0])  # the larger class that SMOTE asks for
        search = NearestNeighbors(n_neighbors=near + 1, algorithm="kd_tree", n_jobs=1)
        smote = SMOTE(sampling_strategy={1: len(one) + count}, random_state=draws, k_neighbors=search)
        both = np.concatenate([one, rest])
        found, _ = smote.fit_resample(both, np.repeat([1, 0], [len(one), len(rest)]))
        made.append(found[len(both) :])
        labels.append(np.full(count, number, dtype=np.int64))
    return np.concatenate(made), np.concatenate(labels)


def _wanted(rows: Floats, classes: I64, ids: I64, balance: float, neighbours: int) -> dict[int, int]:
    """How many rows each class gets."""
    problems = []
    if rows.ndim != 2 or not rows.shape[0] == classes.size == len(ids) or classes.ndim != 1:
        found = f"shapes {list(rows.shape)}, {list(classes.shape)} and {len(ids)} ids"
        problems.append(Problem("x, y and ids", found, "[n, d], [n] and n"))
    elif not np.isfinite(rows).all():
        problems.append(Problem("x", "numbers that are not finite", "finite numbers", "Impute them first."))
    if not 0 < balance <= 1:
        problems.append(Problem("balance", str(balance), "a share, above 0 and at most 1"))
    if neighbours < 1:
        problems.append(Problem("neighbours", str(neighbours), "1 or more"))
    wanted: dict[int, int] = {}
    if not problems and classes.size:
        names, counts = np.unique(classes, return_counts=True)
        target = int(balance * counts.max())
        wanted = {int(name): target - int(count) for name, count in zip(names, counts, strict=True) if count < target}
        problems += [
            Problem(f"class {name}", "1 row", "two rows or more, to lie between", "Leave the class out, or lower balance.")
            for name, count in zip(names.tolist(), counts.tolist(), strict=True)
            if name in wanted and count < 2
        ]
    if problems:
        raise DatasetError("rows of rare classes cannot be made", problems)
    return wanted
