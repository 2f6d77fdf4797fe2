"""What an optimizer lowers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Prediction and target, both of shape [n, …], to the loss of each row, shape [n, …]."""


def squared_error(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The squared difference; shape as given."""
    return (prediction - target) ** 2


def huber(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Half the squared difference up to 1, from there on linear (Huber, 1964)."""
    return functional.huber_loss(prediction, target, reduction="none", delta=1.0)


def binary_cross_entropy(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The log loss of a logit against a target in [0, 1]."""
    return functional.binary_cross_entropy_with_logits(prediction, target, reduction="none")


LOSSES: dict[str, Loss] = {"mse": squared_error, "huber": huber, "bce": binary_cross_entropy}


def weighted_mean(losses: torch.Tensor, weight: torch.Tensor | None) -> torch.Tensor:
    """The mean over rows of the losses.

    Args:
        losses: Shape [n, …].
        weight: How much a row counts, shape [n]; none for one each.

    Returns:
        A scalar; 0 where all weights are 0.
    """
    if weight is None:
        return losses.mean()
    rows = losses.reshape(len(losses), -1).mean(dim=1)
    total = weight.sum()
    return (rows * weight).sum() / torch.where(total > 0, total, torch.ones_like(total))
