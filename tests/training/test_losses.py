from __future__ import annotations

import numpy as np
import torch
from sklearn.metrics import log_loss, mean_squared_error

from within_wf.training.losses import LOSSES, weighted_mean

TARGET = torch.tensor([0.0, 1.0, 1.0, 0.0])
WEIGHT = torch.tensor([1.0, 2.0, 0.5, 3.0])


def test_squared_error_is_scikit_learns() -> None:
    prediction = torch.tensor([0.5, 2.0, -1.0, 0.25])
    for weight in (None, WEIGHT):
        mine = weighted_mean(LOSSES["mse"](prediction, TARGET), weight).item()
        assert np.isclose(mine, mean_squared_error(TARGET, prediction, sample_weight=weight))


def test_log_loss_is_scikit_learns() -> None:
    logit = torch.tensor([0.5, 2.0, -1.0, 0.25])
    mine = weighted_mean(LOSSES["bce"](logit, TARGET), WEIGHT).item()
    assert np.isclose(mine, log_loss(TARGET, torch.sigmoid(logit), sample_weight=WEIGHT))


def test_huber_is_half_the_square_and_then_a_line() -> None:
    assert LOSSES["huber"](torch.tensor([0.5, 3.0]), torch.zeros(2)).tolist() == [0.125, 2.5]


def test_weights_of_nought_give_nought() -> None:
    assert weighted_mean(torch.ones(4), torch.zeros(4)).item() == 0
    assert weighted_mean(torch.tensor([[1.0, 3.0], [5.0, 7.0]]), torch.tensor([1.0, 1.0])).item() == 4
