"""Which training rows get a varied copy, which are learned from, and what names a row that was drawn."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from within_wf.runtime.streams import Stream, ids_of


def chosen_copies(ids: npt.NDArray[np.int64], prob: float, copies: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """For each copy, the positions of the rows that get it; a row's chance depends on its id alone.

    Args:
        ids: What names each row, shape [n].
        prob: The chance of each copy, in [0, 1].
        copies: The most copies a row gets.
        seed: Seed of the draws.
    """
    return [
        np.flatnonzero(Stream(seed, "which rows are varied", copy).uniform(ids)[:, 0] < prob) for copy in range(1, copies + 1)
    ]


def drawn_rows(ids: npt.NDArray[np.int64], most: int, seed: int, purpose: str) -> npt.NDArray[np.int64]:
    """The positions of at most so many rows, in order: all of them, or as many as ``most``, drawn by their ids.

    Args:
        ids: What names each row, shape [n].
        most: How many are held in memory.
        seed: Seed of the draws.
        purpose: What they are drawn for, in words.
    """
    if ids.size <= most:
        return np.arange(ids.size)
    draws = Stream(seed, purpose).words(ids, 1)[:, 0]
    return np.sort(np.argsort(draws, kind="stable")[:most])


def synthetic_ids(count: int, of: str = "synthetic") -> npt.NDArray[np.int64]:
    """Ids for rows that have no name: those of ``synthetic 0``, ``synthetic 1``, …; int64, shape [count]."""
    return ids_of(f"{of} {number}" for number in range(count))
