"""The random words and normal numbers that kernels of augmentation draw, by their definition."""

from __future__ import annotations

import numpy as np
import torch

from within_wf.runtime.streams import philox


def words_of(ids: torch.Tensor, key: tuple[int, int], epoch: int, count: int) -> torch.Tensor:
    """``count`` 32-bit words for each id: word i % 4 of the Philox block (id low, id high, i // 4, epoch).

    Args:
        ids: int64, shape [N].
        key: Two 32-bit words.
        epoch: In [0, 2**32).
        count: How many.

    Returns:
        int64 in [0, 2**32), shape [N, count].
    """
    wide = ids.cpu().numpy().view(np.uint64).reshape(-1, 1)
    blocks = -(-count // 4)
    shape = (len(wide), blocks)
    low, high = (wide & np.uint64(0xFFFFFFFF)).astype(np.uint32), (wide >> np.uint64(32)).astype(np.uint32)
    counters = (low, high, np.arange(blocks, dtype=np.uint32)[None], np.uint32(epoch).reshape(1, 1))
    drawn = philox(tuple(np.broadcast_to(part, shape) for part in counters), key)  # type: ignore[arg-type]
    stacked = np.stack(drawn, axis=-1).reshape(len(wide), 4 * blocks)[:, :count]
    return torch.from_numpy(stacked.astype(np.int64))


def normal_of(words: torch.Tensor) -> torch.Tensor:
    """A standard normal number of each word, by Box and Muller: 18 bits give the radius, 14 the angle; float64."""
    u = ((words >> 14).double() + 0.5) / 2**18
    signed = (words & 0x3FFF) - ((words & 0x2000) << 1)
    return torch.sqrt(-2 * torch.log(u)) * torch.sin((signed.double() + 0.5) / 2**13 * (torch.pi / 2))
