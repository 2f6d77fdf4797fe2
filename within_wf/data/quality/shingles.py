"""Sets of small pieces, and how much two of them share."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sets:
    """Sets of pieces, those of one set next to each other.

    Attributes:
        pieces: What the pieces are, sorted.
        members: Positions in ``pieces``, ascending within a set, int64, shape [m].
        starts: Where each set begins and the last ends, int64, shape [sets + 1].
    """

    pieces: list[str]
    members: Ints
    starts: Ints

    def matrix(self) -> Any:
        """A row a set, a column a piece, 1 where the set holds it; a scipy CSR array of int64."""
        from scipy.sparse import csr_array

        ones = np.ones(self.members.size, np.int64)
        return csr_array((ones, self.members, self.starts), shape=(self.starts.size - 1, len(self.pieces)))


def sets_of(rows: Iterable[Iterable[str]]) -> Sets:
    """Number the pieces of sets."""
    distinct = [sorted(set(row)) for row in rows]
    pieces = sorted({piece for row in distinct for piece in row})
    position = {piece: number for number, piece in enumerate(pieces)}
    members = np.array([position[piece] for row in distinct for piece in row], dtype=np.int64)
    return Sets(pieces, members, np.cumsum([0, *(len(row) for row in distinct)], dtype=np.int64))


def shingles(text: str, size: int, unit: Literal["words", "characters"]) -> list[str]:
    """The runs of ``size`` words or characters of a text, without regard to case, width and blanks.

    A text shorter than that is one run; one without letters has none.
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    parts: Sequence[str] = plain.split(" ") if unit == "words" else plain
    glue = " " if unit == "words" else ""
    if not plain:
        return []
    return [glue.join(parts[at : at + size]) for at in range(max(1, len(parts) - size + 1))]


def jaccard(matrix: Any, left: Ints, right: Ints, at_once: int = 100_000) -> Floats:
    """The share of pieces that two sets have in common, exact.

    Args:
        matrix: ``Sets.matrix``.
        left: One set of each pair, shape [p].
        right: The other, shape [p].
        at_once: Pairs that are compared together.

    Returns:
        float64, shape [p]; 0 for two empty sets.
    """
    sizes = np.asarray(matrix.sum(axis=1)).ravel()
    shared = np.zeros(left.size, np.int64)
    for begin in range(0, left.size, at_once):
        part = slice(begin, begin + at_once)
        shared[part] = np.asarray(matrix[left[part]].multiply(matrix[right[part]]).sum(axis=1)).ravel()
    return np.asarray(shared / np.maximum(sizes[left] + sizes[right] - shared, 1), dtype=np.float64)
