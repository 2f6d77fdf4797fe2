"""Texts and rows that are the same but for little.

MinHash (Broder, "On the resemblance and containment of documents", 1997) draws a number for each piece of a set and keeps
the least; two sets agree in it with the chance of their Jaccard similarity. Bands of such numbers (Indyk and Motwani, STOC
1998) name candidates, each of which is then compared exactly: nothing is reported on a hash's word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.data.quality.encoding import numbers
from within_wf.data.quality.shingles import Sets, jaccard, sets_of, shingles
from within_wf.errors import DatasetError, Problem
from within_wf.runtime.streams import Stream, ids_of

Ints = npt.NDArray[np.int64]

HASHES = 128
_MISSED = 1e-3
"""The chance that a pair at the threshold is no candidate."""
_BUCKET = 200
"""Neighbours that a set is compared with in one bucket."""
_AT_ONCE = 4096


def text_clusters(
    texts: Sequence[str | None],
    threshold: float = 0.8,
    *,
    size: int = 3,
    unit: Literal["words", "characters"] = "words",
    seed: int = 0,
) -> list[list[int]]:
    """Groups of near-duplicate texts.

    Args:
        texts: Missing and empty ones are like no other.
        threshold: The least share of shingles that two texts of a group have in common, in (0, 1]; a group is held together
            by chains of such pairs.
        size: Words or characters of a shingle.
        unit: Which of both.
        seed: Of the hashes.

    Returns:
        The rows of each group of two and more, ascending.

    Raises:
        DatasetError: ``threshold`` or ``size`` is out of range.
    """
    if size < 1:
        raise DatasetError("near-duplicates cannot be found", [Problem("size", repr(size), "at least 1")])
    return _clusters(sets_of(shingles(text or "", size, unit) for text in texts), threshold, seed)


def row_clusters(
    table: pl.DataFrame, columns: Sequence[str], threshold: float = 0.9, *, digits: int = 3, seed: int = 0
) -> list[list[int]]:
    """Groups of near-duplicate rows.

    A row is the set of its cells. A number counts by two cells of grids that are half a step apart, so that two numbers that
    differ by less than half a step share at least one of them.

    Args:
        table: Any table.
        columns: Those that are compared; ids are not among them.
        threshold: The least share of cells that two rows of a group have in common, in (0, 1].
        digits: Significant digits of numbers: a step is the power of ten of the largest magnitude less so many.
        seed: Of the hashes.

    Returns:
        The rows of each group of two and more, ascending.

    Raises:
        DatasetError: ``threshold`` is out of range.
    """
    cells = [cell for name in sorted(columns) for cell in _cells(table[name], digits)]
    return _clusters(sets_of(row for row in zip(*cells, strict=True)) if cells else sets_of([]), threshold, seed)


def _cells(column: pl.Series, digits: int) -> list[list[str]]:
    name = column.name
    if not column.dtype.is_float():
        return [[f"{name}={value}" for value in column.cast(pl.String).to_list()]]
    values = numbers(column)
    magnitude = np.floor(np.log10(np.where(np.isfinite(values) & (values != 0), np.abs(values), 1.0)))
    step = np.power(10.0, magnitude - digits + 1)
    cells = []
    for grid, shift in enumerate((0.0, 0.5)):
        cell = np.floor(values / step + shift)
        cells.append([f"{name}{grid}={at:g}e{m:g}" for at, m in zip(cell.tolist(), magnitude.tolist(), strict=True)])
    return cells


def _clusters(sets: Sets, threshold: float, seed: int) -> list[list[int]]:
    if not 0.0 < threshold <= 1.0:
        raise DatasetError("near-duplicates cannot be found", [Problem("threshold", repr(threshold), "above 0, at most 1")])
    rows = sets.starts.size - 1
    sizes = np.diff(sets.starts)
    filled = np.flatnonzero(sizes)
    first: dict[bytes, int] = {}
    equal = np.arange(rows)
    for row in filled.tolist():
        key = sets.members[sets.starts[row] : sets.starts[row + 1]].tobytes()
        equal[row] = first.setdefault(key, row)
    different = np.array(sorted(first.values()), dtype=np.int64)
    parent = equal.copy()
    if different.size > 1 and threshold < 1.0:
        left, right = _candidates(_signatures(sets, different, seed), threshold)
        alike = jaccard(sets.matrix(), different[left], different[right]) >= threshold
        for a, b in zip(different[left[alike]].tolist(), different[right[alike]].tolist(), strict=True):
            _join(parent, a, b)
    groups: dict[int, list[int]] = {}
    for row in filled.tolist():
        groups.setdefault(_root(parent, row), []).append(row)
    return [members for members in groups.values() if len(members) > 1]


def _signatures(sets: Sets, rows: Ints, seed: int) -> npt.NDArray[np.uint64]:
    """The least of each of 128 hashes over the pieces of each set; Philox keyed by the seed, counted by the piece's SHA-256."""
    ids = ids_of(sets.pieces)
    stream = Stream(seed, "minhash")
    found = np.empty((rows.size, HASHES), np.uint64)
    for begin in range(0, rows.size, _AT_ONCE):
        part = rows[begin : begin + _AT_ONCE]
        runs = [sets.members[sets.starts[row] : sets.starts[row + 1]] for row in part.tolist()]
        members = np.concatenate(runs)
        used, at = np.unique(members, return_inverse=True)
        starts = np.cumsum([0, *(run.size for run in runs[:-1])])
        found[begin : begin + part.size] = np.minimum.reduceat(stream.words(ids[used], HASHES)[at], starts, axis=0)
    return found


def _candidates(signatures: npt.NDArray[np.uint64], threshold: float) -> tuple[Ints, Ints]:
    """Pairs that agree in a band."""
    width = _band(threshold)
    left, right = [], []
    for begin in range(0, HASHES - width + 1, width):
        band = np.ascontiguousarray(signatures[:, begin : begin + width])
        _, bucket = np.unique(band, axis=0, return_inverse=True)
        order = np.argsort(bucket.ravel(), kind="stable")
        sorted_buckets = bucket.ravel()[order]
        for apart in range(1, min(_BUCKET, order.size - 1) + 1):
            same = sorted_buckets[apart:] == sorted_buckets[:-apart]
            if not same.any():
                break
            left.append(order[:-apart][same])
            right.append(order[apart:][same])
    if not left:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    pairs = np.unique(np.stack([np.concatenate(left), np.concatenate(right)], axis=1), axis=0)
    return pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64)


def _band(threshold: float) -> int:
    """The widest band that misses a pair at the threshold no more often than it may."""
    fit = [width for width in (16, 8, 4, 2) if (1.0 - threshold**width) ** (HASHES // width) <= _MISSED]
    return fit[0] if fit else 1


def _root(parent: Ints, row: int) -> int:
    while parent[row] != row:
        parent[row] = parent[parent[row]]
        row = int(parent[row])
    return row


def _join(parent: Ints, a: int, b: int) -> None:
    """Two groups become one, named by its lowest row."""
    low, high = sorted((_root(parent, a), _root(parent, b)))
    parent[high] = low
