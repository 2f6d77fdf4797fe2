"""Which training rows get a varied copy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from within_wf.runtime.streams import Stream


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
