"""Random numbers that depend on what they are for, never on when or where they are drawn.

Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011) turns a key and a
counter into four 32-bit words. The key is made of the seed and the purpose, the counter of the epoch, the sample's id and
the number of the draw; so a sample's draws are the same in any batch, worker or order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

U32 = npt.NDArray[np.uint32]
_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (np.uint32(0x9E3779B9), np.uint32(0xBB67AE85))
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)
_AT_ONCE = 1 << 17
"""Ids that are drawn for at once: the words on the way take much more memory than the draws."""


def philox(counter: tuple[U32, U32, U32, U32], key: tuple[int, int]) -> tuple[U32, U32, U32, U32]:
    """Philox 4x32-10.

    Args:
        counter: Four uint32 arrays of one shape.
        key: Two 32-bit integers.

    Returns:
        Four uint32 arrays of that shape.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = np.uint32(key[0]), np.uint32(key[1])
    with np.errstate(over="ignore"):
        for _ in range(10):
            product0 = _MULTIPLIERS[0] * c0.astype(np.uint64)
            product1 = _MULTIPLIERS[1] * c2.astype(np.uint64)
            c0, c1, c2, c3 = (
                (product1 >> _SHIFT).astype(np.uint32) ^ c1 ^ k0,
                (product1 & _LOW).astype(np.uint32),
                (product0 >> _SHIFT).astype(np.uint32) ^ c3 ^ k1,
                (product0 & _LOW).astype(np.uint32),
            )
            k0, k1 = k0 + _WEYL[0], k1 + _WEYL[1]
    return c0, c1, c2, c3


class Stream:
    """The draws for one purpose in one epoch.

    Args:
        seed: Any integer in [0, 2**64).
        purpose: What the draws are for, in words: two purposes never share a draw.
        epoch: Counts repetitions, in [0, 2**32).

    Attributes:
        key: The two 32-bit words of the Philox key: a kernel that goes on with a stream starts from them.
    """

    def __init__(self, seed: int, purpose: str, epoch: int = 0) -> None:
        digest = hashlib.sha256(f"{seed}\0{purpose}".encode()).digest()
        self.key = (int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little"))
        self._epoch = np.uint32(epoch)

    def words(self, ids: npt.ArrayLike, count: int) -> npt.NDArray[np.uint64]:
        """``count`` random 64-bit words for each id.

        Args:
            ids: Integers, shape [n]; negative ones wrap.
            count: Draws an id, at least 1.

        Returns:
            uint64, shape [n, count].
        """
        wide = np.asarray(ids).astype(np.int64).view(np.uint64).reshape(-1, 1)
        drawn = np.empty((wide.shape[0], count), np.uint64)
        for begin in range(0, wide.shape[0], _AT_ONCE):
            drawn[begin : begin + _AT_ONCE] = self._words(wide[begin : begin + _AT_ONCE], count)
        return drawn

    def _words(self, wide: npt.NDArray[np.uint64], count: int) -> npt.NDArray[np.uint64]:
        blocks = (count + 1) // 2
        shape = (wide.shape[0], blocks)
        low = np.broadcast_to((wide & _LOW).astype(np.uint32), shape)
        high = np.broadcast_to((wide >> _SHIFT).astype(np.uint32), shape)
        block = np.broadcast_to(np.arange(blocks, dtype=np.uint32), shape)
        epoch = np.broadcast_to(self._epoch, shape)
        a, b, c, d = (word.astype(np.uint64) for word in philox((low, high, block, epoch), self.key))
        pairs = np.stack([a | (b << _SHIFT), c | (d << _SHIFT)], axis=-1)
        return pairs.reshape(shape[0], 2 * blocks)[:, :count]

    def uniform(self, ids: npt.ArrayLike, count: int = 1) -> npt.NDArray[np.float64]:
        """Uniform draws in (0, 1): 53 random bits and a half; float64, shape [n, count]."""
        return ((self.words(ids, count) >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53

    def normal(self, ids: npt.ArrayLike, count: int = 1) -> npt.NDArray[np.float64]:
        """Standard normal draws by the inverse of the distribution function; float64, shape [n, count]."""
        from scipy.special import ndtri

        draws: npt.NDArray[np.float64] = ndtri(self.uniform(ids, count))
        return draws

    def integers(self, ids: npt.ArrayLike, high: int, count: int = 1) -> npt.NDArray[np.int64]:
        """Integers in [0, high), by multiplication of 32 random bits (bias below high / 2**32); int64, shape [n, count]."""
        return ((self.words(ids, count) >> _SHIFT) * np.uint64(high) >> _SHIFT).astype(np.int64)

    def permutation(self, n: int) -> npt.NDArray[np.int64]:
        """An order of 0 … n - 1; int64, shape [n]."""
        return np.argsort(self.words(np.arange(n), 1)[:, 0], kind="stable").astype(np.int64)


def ids_of(names: Iterable[str]) -> npt.NDArray[np.int64]:
    """An id for each name: the first 8 bytes of its SHA-256, little endian; int64, shape [n]."""
    digests = bytearray()
    for name in names:
        digests += hashlib.sha256(name.encode()).digest()[:8]
    return np.frombuffer(digests, dtype="<i8").astype(np.int64)
