"""Numbers of training rows, varied."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt
import torch

from within_wf.config.data import FeatureAugmentationConfig
from within_wf.errors import DatasetError, Problem
from within_wf.ops.features import FeatureAugmentation, augment_features
from within_wf.ops.sums import RunningSums

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]


class FeatureAugmenter:
    """Adds noise to numbers and drops some of them.

    Noise is Gaussian, in standard deviations that the feature has on the rows it was fitted on; a feature of noughts and
    ones gets none. A feature that is dropped takes its mean. A row's draws depend on the seed, its id and the copy alone.

    Args:
        config: How much.
        seed: Seed of the draws.
    """

    def __init__(self, config: FeatureAugmentationConfig | None = None, seed: int = 42) -> None:
        self.config = config or FeatureAugmentationConfig()
        self.seed = seed
        self._mean = np.zeros(0)
        self._std = np.zeros(0)

    def fit(self, x: F32) -> FeatureAugmenter:
        """Learn means and spreads; x of shape [n, …, features], moments of a window count as rows."""
        return self.fit_pieces(lambda: [x], x.shape[-1])

    def fit_pieces(self, x: Callable[[], Iterable[F32]], features: int) -> FeatureAugmenter:
        """Learn as :meth:`fit` does of rows that come in pieces, which are gone through twice."""
        sums, is_flag = RunningSums(), np.ones(features, np.bool_)
        for piece in x() if features else ():
            rows = piece.reshape(-1, features)
            is_flag &= ((rows == 0) | (rows == 1)).all(axis=0)
            sums.add(rows)
        if not sums.rows:
            self._mean, self._std = np.zeros(features), np.zeros(features)
            return self
        self._mean = sums.sums(features) / np.float64(sums.rows)
        squares = RunningSums()
        for piece in x():
            squares.add((piece.reshape(-1, features).astype(np.float64) - self._mean) ** 2)
        self._std = np.where(is_flag, 0.0, np.sqrt(squares.sums(features) / np.float64(squares.rows)))
        return self

    def augment(self, x: F32, ids: I64, copy: int = 1) -> F32:
        """Vary rows.

        Args:
            x: Rows or windows, shape [n, …, features].
            ids: What names each, shape [n].
            copy: Which copy of the row this is, from 1.

        Returns:
            float32, the shape of x.

        Raises:
            DatasetError: It was fitted on other features or on none, or ids are missing.
        """
        problems = []
        if x.shape[-1] != self._mean.size:
            problems.append(Problem("x", f"{x.shape[-1]} features", f"the {self._mean.size} it was fitted on"))
        if len(ids) != len(x):
            problems.append(Problem("ids", f"{len(ids)} ids", f"one a row, {len(x)}"))
        if problems:
            raise DatasetError("numbers cannot be varied so", problems)
        rows = np.ascontiguousarray(x, dtype=np.float32).reshape(len(x), int(np.prod(x.shape[1:])))
        moments = rows.shape[1] // self._mean.size if self._mean.size else 0
        varied = augment_features(
            torch.from_numpy(rows if rows.flags.writeable else rows.copy()),
            config=FeatureAugmentation(noise_std=self.config.noise_std, dropout=self.config.dropout),
            seed=self.seed,
            epoch=copy,
            sample_ids=torch.from_numpy(np.array(ids, dtype=np.int64)),
            std=torch.from_numpy(np.tile(self._std.astype(np.float32), moments)),
            fill=torch.from_numpy(np.tile(self._mean.astype(np.float32), moments)),
        )
        result: F32 = varied.numpy().reshape(x.shape)
        return result
