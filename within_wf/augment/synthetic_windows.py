"""Synthetic windows of the rarer class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from within_wf.augment.copula import GaussianCopula
from within_wf.augment.oversampling import Smote
from within_wf.config.synthetic import SyntheticWindowsConfig
from within_wf.features.windows import WindowBuilder

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]


class WindowSynthesizer:
    """Draws windows from what windows of one class have in common.

    What is drawn are the moments of the channels and what a window says of the time before it and of the calendar. What is
    computed from the moments (each channel's distance from its median, the statistics) is computed again, so that a synthetic
    window contradicts itself nowhere: a least value is one of its moments.

    Args:
        builder: What made the windows.
        config: The method.
    """

    def __init__(self, builder: WindowBuilder, config: SyntheticWindowsConfig) -> None:
        self._builder = builder
        self._rows: Smote | GaussianCopula = Smote(config.neighbours) if config.method == "smote" else GaussianCopula()
        self._moments: tuple[int, int] = (0, 0)

    def fit(self, x: F32, features: F32) -> WindowSynthesizer:
        """Learn from windows of one class.

        Args:
            x: Shape [n, moments, 2 channels], as :class:`within_wf.features.windows.Windows` has it; n at least 2.
            features: Shape [n, f].

        Raises:
            DatasetError: There are fewer than two windows.
        """
        channels = x[..., : len(self._builder.roles.channels)]
        self._moments = (channels.shape[1], channels.shape[2])
        further = features[:, self._builder.statistics :]
        self._rows.fit(np.concatenate([channels.reshape(len(x), -1), further], axis=1))
        return self

    def sample(self, ids: I64, seed: int = 42) -> tuple[F32, F32]:
        """Draw windows; each depends on the seed and its id alone.

        Args:
            ids: What names each, shape [m].
            seed: Seed of the draws.

        Returns:
            x and features, as :meth:`fit` takes them.
        """
        rows = self._rows.sample(ids, seed)
        length, channels = self._moments
        moments = rows[:, : length * channels].reshape(len(rows), length, channels)
        return self._builder.complete(moments, [rows[:, length * channels :]])
