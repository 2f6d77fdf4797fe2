"""Dropout whose masks belong to samples, not to a place in a batch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from within_wf.runtime.streams import Stream


class KeyedDropout(nn.Module):
    """Dropout (Srivastava et al., JMLR 2014) with masks keyed by seed, layer, epoch and sample.

    A mask is the same whatever the batch, its order or the worker. Before each pass in training :func:`key_dropout` says
    which samples pass.

    Args:
        p: Chance that a number is set to 0, in [0, 1); in steps of 1 / 65536.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self._stream: Stream | None = None
        self._ids: npt.NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def key(self, stream: Stream, ids: npt.NDArray[np.int64]) -> None:
        """Draw the next masks from ``stream`` for the samples ``ids``, int64, shape [n]."""
        self._stream, self._ids = stream, ids

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Drop numbers of ``x``, shape [n, …], and scale the rest; in evaluation, nothing.

        Raises:
            RuntimeError: The samples of this pass were not named.
        """
        if not self.training or self.p == 0:
            return x
        if self._stream is None or len(self._ids) != len(x):
            raise RuntimeError(
                f"dropout is keyed for {len(self._ids)} samples and {len(x)} pass; "
                "call key_dropout(model, seed, epoch, ids) first"
            )
        width = x[0].numel()
        words = self._stream.words(self._ids, -(-width // 4))
        parts = [(words >> np.uint64(16 * part)).astype(np.uint16) for part in range(4)]
        draws = np.stack(parts, axis=-1).reshape(len(x), -1)[:, :width]
        keep = torch.from_numpy((draws >= round(self.p * 65536)).astype(np.float32)).reshape(x.shape)
        return x * (keep * (1 / (1 - self.p)))

    def extra_repr(self) -> str:
        """The chance, for printing."""
        return f"p={self.p}"


def key_dropout(model: nn.Module, seed: int, epoch: int, ids: npt.NDArray[np.int64]) -> None:
    """Name the samples of the next pass to every dropout layer of ``model``; a layer's name is part of its key."""
    for name, module in model.named_modules():
        if isinstance(module, KeyedDropout):
            module.key(Stream(seed, f"dropout.{name}", epoch), ids)
