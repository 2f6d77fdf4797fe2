"""The augmentation of a table's rows in plain torch."""

from __future__ import annotations

import numpy as np
import torch

from within_wf.ops.features import FeatureAugmentation
from within_wf.ops.reference.draws import normal_of, words_of
from within_wf.runtime.streams import Stream


def augment_features(
    x: torch.Tensor,
    *,
    config: FeatureAugmentation,
    seed: int,
    epoch: int,
    sample_ids: torch.Tensor,
    std: torch.Tensor | None = None,
    fill: torch.Tensor | None = None,
    bank: torch.Tensor | None = None,
) -> torch.Tensor:
    """What :func:`within_wf.ops.augment_features` gives, up to rounding; arguments as there, the result in float64."""
    rows, columns = x.shape
    source = (x if bank is None else bank).double()
    scale = torch.ones(columns) if std is None else std
    filling = torch.zeros(columns) if fill is None else fill

    def words(purpose: str, count: int = columns) -> torch.Tensor:
        return words_of(sample_ids, Stream(seed, purpose).key, epoch, count)

    partner = _below(words("feature swap partner"), len(source))
    swapped = source.gather(0, partner) if rows and columns else x.double()
    out = torch.where(words("feature swap") < config.swap_prob * 2**32, swapped, x.double())
    partners, weights = draw_mixup(config, seed=seed, epoch=epoch, sample_ids=sample_ids, bank_rows=len(source))
    if rows and config.mixup_prob > 0:
        out = torch.where(weights[:, None] > 0, out + weights[:, None] * (source[partners] - out), out)
    if config.noise_std > 0:
        out = out + normal_of(words("feature noise")) * config.noise_std * scale.double()
    return torch.where(words("feature dropout") < config.dropout * 2**32, filling.double(), out)


def draw_mixup(
    config: FeatureAugmentation, *, seed: int, epoch: int, sample_ids: torch.Tensor, bank_rows: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """What :func:`within_wf.ops.draw_mixup` gives: Bailey's t variable of 2 alpha degrees of freedom, as a beta variable."""
    chance, partner, radius, angle = words_of(sample_ids, Stream(seed, "feature mixup").key, epoch, 4).T
    u, turn = (radius.double() + 0.5) / 2**32, (angle.double() + 0.5) / 2**32
    alpha = config.mixup_alpha
    t = torch.sqrt(2 * alpha * torch.expm1(-torch.log(u) / alpha)) * torch.cos(2 * torch.pi * turn)
    weight = 0.5 + 0.5 * torch.sign(t) / torch.sqrt(1 + 2 * alpha / t**2)
    is_on = chance < config.mixup_prob * 2**32
    return torch.where(is_on, _below(partner, bank_rows), 0), torch.where(is_on, weight, 0.0)


def _below(words: torch.Tensor, rows: int) -> torch.Tensor:
    wide = words.numpy().astype(np.uint64) * np.uint64(rows) >> np.uint64(32)
    return torch.from_numpy(wide.astype(np.int64))
