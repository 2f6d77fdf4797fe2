from __future__ import annotations

import pytest
import torch
from torch.optim import lr_scheduler

from within_wf.config.training import SchedulerConfig
from within_wf.training.schedules import Schedule

EPOCHS, HIGHEST = 12, 0.1


def torchs(make: object, losses: list[float] | None = None) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=HIGHEST)
    schedule = make(optimizer)  # type: ignore[operator]
    rates = []
    for epoch in range(EPOCHS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step(losses[epoch]) if losses else schedule.step()
    return rates


def mine(config: SchedulerConfig, losses: list[float] | None = None) -> list[float]:
    schedule = Schedule(config, HIGHEST, EPOCHS)
    rates = []
    for epoch in range(EPOCHS):
        rates.append(schedule.rate(epoch))
        schedule.observe(losses[epoch] if losses else 0.0)
    return rates


def test_constant() -> None:
    assert mine(SchedulerConfig(type="constant")) == [HIGHEST] * EPOCHS


def test_cosine_annealing_is_torchs() -> None:
    theirs = torchs(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=EPOCHS, eta_min=1e-3))
    assert mine(SchedulerConfig(type="cosine_annealing", eta_min=1e-3)) == pytest.approx(theirs)


@pytest.mark.parametrize("warmup", [0, 1, 4])
def test_linear_warmup_is_torchs_two_lines(warmup: int) -> None:
    def make(optimizer: torch.optim.Optimizer) -> lr_scheduler.LRScheduler:
        fall = lr_scheduler.LinearLR(optimizer, 1.0, 1e-3 / HIGHEST, EPOCHS - warmup)
        if warmup == 0:
            return fall
        rise = lr_scheduler.LinearLR(optimizer, 1 / (warmup + 1), 1.0, warmup)
        return lr_scheduler.SequentialLR(optimizer, [rise, fall], [warmup])

    config = SchedulerConfig(type="linear_warmup", warmup_epochs=warmup, eta_min=1e-3)
    assert mine(config) == pytest.approx(torchs(make))


@pytest.mark.parametrize("patience", [0, 1, 2])
def test_reduce_on_plateau_is_torchs(patience: int) -> None:
    losses = [5, 4, 4, 4, 3, 3, 3, 3, 3, 3, 3, 3.0]

    def make(optimizer: torch.optim.Optimizer) -> lr_scheduler.ReduceLROnPlateau:
        return lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=patience, threshold=0.0, min_lr=0.01, eps=0.0)

    config = SchedulerConfig(type="reduce_on_plateau", factor=0.5, patience=patience, eta_min=0.01)
    assert mine(config, losses) == pytest.approx(torchs(make, losses))
