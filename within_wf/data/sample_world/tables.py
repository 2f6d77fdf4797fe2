"""The columns of the world's tables as Arrow arrays."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from within_wf.data.sample_world.plan import FIRST_DAY
from within_wf.store.table_writer import TableWriter as TableWriter


def names(kind: str, ids: npt.NDArray[np.int64]) -> pa.Array:
    """Ids as words: ``ad-00000012``; ids that repeat are spelt once."""
    width = {"account": 6, "campaign": 7, "ad": 8, "creative": 5, "annotator": 3}[kind]
    different, index = np.unique(ids, return_inverse=True)
    words = pa.array([f"{kind}-{i:0{width}d}" for i in different.tolist()], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), words).cast(pa.string())


def pick(words: tuple[str, ...], index: npt.NDArray[np.int64]) -> pa.Array:
    """Words by their position."""
    return pa.DictionaryArray.from_arrays(pa.array(index.astype(np.int32)), pa.array(words, pa.string())).cast(pa.string())


def dates(day: npt.NDArray[np.int64]) -> pa.Array:
    """Days of the world as dates."""
    return pa.array((FIRST_DAY + day).astype("datetime64[D]"), pa.date32())


def money(cents: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Cents as currency units."""
    return cents / 100.0
