from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from within_wf.config.training import OptimizerConfig
from within_wf.errors import TrainingError
from within_wf.training.optimizer import AdamW


def layers() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 2))


@pytest.mark.parametrize("clip", [1e9, 0.05])
@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_it_is_torchs_adamw(clip: float, decay: float) -> None:
    mine, theirs = layers(), layers()
    config = OptimizerConfig(learning_rate=0.01, weight_decay=decay, beta1=0.8, beta2=0.95, gradient_clip=clip)
    optimizer = AdamW(mine.parameters(), config)
    reference = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=decay, betas=(0.8, 0.95))
    x = torch.randn(16, 5)
    for step in range(20):
        for model, opt in ((mine, optimizer), (theirs, reference)):
            opt.zero_grad()
            (model(x * (step + 1)) ** 2).mean().backward()
        norm = optimizer.clip()
        assert norm == pytest.approx(float(nn.utils.clip_grad_norm_(theirs.parameters(), clip)), rel=1e-4)
        optimizer.step()
        reference.step()
    for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), atol=1e-6)


def test_frozen_parameters_stay() -> None:
    model = layers()
    model[0].weight.requires_grad_(False)
    before = model[0].weight.clone()
    optimizer = AdamW(model.parameters(), OptimizerConfig())
    model(torch.ones(1, 5)).sum().backward()
    optimizer.step()
    assert torch.equal(model[0].weight, before)
    assert not torch.equal(model[2].weight, layers()[2].weight)


def test_a_restored_optimizer_goes_on_with_the_same_bits() -> None:
    def steps(optimizer: AdamW, model: nn.Module, count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            (model(torch.ones(3, 5)) ** 2).mean().backward()
            optimizer.step()

    whole, first = layers(), layers()
    steps(AdamW(whole.parameters(), OptimizerConfig()), whole, 5)
    optimizer = AdamW(first.parameters(), OptimizerConfig())
    steps(optimizer, first, 2)
    second = layers()
    second.load_state_dict(first.state_dict())
    resumed = AdamW(second.parameters(), OptimizerConfig())
    resumed.restore(optimizer.state())
    steps(resumed, second, 3)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), second.parameters(), strict=True))


def test_what_it_refuses() -> None:
    with pytest.raises(TrainingError, match="no parameter to optimise"):
        AdamW([], OptimizerConfig())
    with pytest.raises(TrainingError, match="float32 parameters on the CPU"):
        AdamW(layers().double().parameters(), OptimizerConfig())
    optimizer = AdamW(layers().parameters(), OptimizerConfig())
    other = AdamW(nn.Linear(2, 1).parameters(), OptimizerConfig())
    other.step()
    with pytest.raises(TrainingError, match="state is for 3 parameters, the model has 58"):
        optimizer.restore(other.state())
