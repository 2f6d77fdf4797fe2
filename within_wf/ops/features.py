"""Rows of a table, varied: numbers swapped with those of other rows, rows mixed, noise added, numbers dropped.

A row's draws depend on the seed, the epoch and its id alone; not on the batch, the number of threads, the instruction set
or the device, which change no bit of the result either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from within_wf.errors import OperatorError, Problem
from within_wf.ops.augmentation import seed_problems
from within_wf.ops.library import load_core, register_fake
from within_wf.runtime.streams import Stream

load_core()

_OPS = torch.ops.within
_PURPOSES = ("feature noise", "feature dropout", "feature swap", "feature swap partner", "feature mixup")
"""In the order of Purpose in csrc/augment/features.h."""


@dataclass(frozen=True)
class FeatureAugmentation:
    """How rows are varied, in this order; noise and dropout are on.

    Attributes:
        swap_prob: Chance that a number takes the place of the same feature of another row, in [0, 1].
        mixup_prob: Chance that a row is mixed with another one, in [0, 1].
        mixup_alpha: The other row's weight is of Beta(alpha, alpha); above 0, at most 1e6.
        noise_std: Standard deviation of Gaussian noise, in standard deviations of the feature, at least 0.
        dropout: Chance that a number is replaced by its feature's fill, in [0, 1].

    Raises:
        OperatorError: A number is not one of these; all are named at once.
    """

    swap_prob: float = 0.0
    mixup_prob: float = 0.0
    mixup_alpha: float = 0.2
    noise_std: float = 0.05
    dropout: float = 0.05

    def __post_init__(self) -> None:
        limits = {"swap_prob": 1.0, "mixup_prob": 1.0, "mixup_alpha": 1e6, "noise_std": math.inf, "dropout": 1.0}
        problems = []
        for name, highest in limits.items():
            value = getattr(self, name)
            is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
            if not is_number or not 0 <= value <= highest or (name == "mixup_alpha" and value == 0):
                lowest = "a number above 0" if name == "mixup_alpha" else "a number, 0 or more"
                most = f", at most {highest:g}" if highest < math.inf else ""
                problems.append(Problem(name, repr(value), lowest + most))
        if problems:
            raise OperatorError("features cannot be augmented so", problems)


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
    """Vary rows: swap, mix, perturb, drop.

    Args:
        x: float32 or float64, shape [N, D]. A NaN stays one, unless it is swapped or dropped.
        config: What is done, and how much.
        seed: Any integer in [0, 2**64).
        epoch: Counts repetitions, in [0, 2**32): another one, other draws.
        sample_ids: What names each row, int64, shape [N].
        std: Standard deviation of each feature, in whose units noise is; shape [D], ones by default, 0 for no noise.
        fill: What a dropped number becomes; shape [D], zeros by default.
        bank: The rows that are swapped and mixed with, such as the training table; shape [M, D], M up to 2**32. ``x`` itself by
            default: then a row's partners, unlike its other draws, depend on its batch. A row may be its own partner.

    Returns:
        The dtype and shape of ``x``. Differentiable in ``x``; ``bank``, ``std`` and ``fill`` are constants to it.

    Raises:
        OperatorError: ``seed`` or ``epoch`` is out of range.
        ValueError: A dtype, shape or device is not one above, or there are no rows to swap or mix with.
    """
    keys = _keys(seed)
    source = x if bank is None else bank
    needs_bank = config.swap_prob > 0 or config.mixup_prob > 0
    partners = weights = None
    if config.mixup_prob > 0 and x.shape[0] > 0:
        partners, weights = _OPS.feature_mixup(sample_ids, keys, epoch, source.shape[0], config.mixup_prob, config.mixup_alpha)
    scale = None
    if config.noise_std > 0:
        scale = x.new_full((x.shape[-1],), config.noise_std) if std is None else std.detach() * config.noise_std
    if config.dropout > 0 and fill is None:
        fill = x.new_zeros((x.shape[-1],))
    result: torch.Tensor = _OPS.augment_features(
        x,
        source.detach() if needs_bank else None,
        scale,
        None if fill is None else fill.detach(),
        partners,
        weights,
        sample_ids,
        keys,
        epoch,
        config.dropout,
        config.swap_prob,
    )
    return result


def draw_mixup(
    config: FeatureAugmentation, *, seed: int, epoch: int, sample_ids: torch.Tensor, bank_rows: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """With which row :func:`augment_features` mixes each, and by how much: for labels, which are mixed alike.

    Args:
        config: As there.
        seed: As there.
        epoch: As there.
        sample_ids: As there.
        bank_rows: Rows of the bank, 1 to 2**32.

    Returns:
        Rows of the bank, int64 [N], and their weights, float64 [N], 0 where a row is not mixed:
        ``x + weight * (bank[row] - x)`` is the mixture.

    Raises:
        OperatorError: ``seed`` is out of range.
        ValueError: Another argument is not one of the above.
    """
    partners, weights = _OPS.feature_mixup(sample_ids, _keys(seed), epoch, bank_rows, config.mixup_prob, config.mixup_alpha)
    return partners, weights


def _keys(seed: int) -> torch.Tensor:
    if not isinstance(seed, int) or not 0 <= seed < 2**64:
        raise OperatorError("features cannot be augmented so", seed_problems(seed, 0))
    keys: torch.Tensor = _OPS.feature_keys(seed >> 32, seed & 0xFFFFFFFF)
    return keys


@torch.library.custom_op("within::feature_keys", mutates_args=())
def feature_keys(seed_high: int, seed_low: int) -> torch.Tensor:
    """The Philox keys of a seed, two words a purpose: int64, shape [5, 2], on the CPU.

    An operator, so that a graph takes a seed as it takes an epoch: as an argument.
    """
    seed = seed_high << 32 | seed_low
    return torch.tensor([Stream(seed, purpose).key for purpose in _PURPOSES], dtype=torch.int64)


# What follows tells torch of shapes and gradients.


@feature_keys.register_fake
def _like_keys(seed_high: int, seed_low: int) -> torch.Tensor:
    return torch.empty((len(_PURPOSES), 2), dtype=torch.int64)


@register_fake("within::augment_features")
def _like_x(x: torch.Tensor, *_: object) -> torch.Tensor:
    return x.new_empty(x.shape)


@register_fake("within::augment_features_backward")
def _like_gradient(gradient: torch.Tensor, *_: object) -> torch.Tensor:
    return gradient.new_empty(gradient.shape)


@register_fake("within::feature_mixup")
def _like_ids(sample_ids: torch.Tensor, *_: object) -> tuple[torch.Tensor, torch.Tensor]:
    return sample_ids.new_empty(sample_ids.shape), sample_ids.new_empty(sample_ids.shape, dtype=torch.float64)


def _keep_draws(ctx: Any, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
    weights, sample_ids, *ctx.settings = inputs[-6:]
    ctx.save_for_backward(weights, sample_ids)
    ctx.constants = len(inputs) - 1


def _backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
    """The gradient of either in its first argument: both are linear there, row by row and feature by feature."""
    return _OPS.augment_features_backward(gradient, *ctx.saved_tensors, *ctx.settings), *[None] * ctx.constants


for _name in ("augment_features", "augment_features_backward"):
    torch.library.register_autograd(f"within::{_name}", _backward, setup_context=_keep_draws)
