from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import nn

from within_wf.config.training import OptimizerConfig
from within_wf.errors import TrainingError
from within_wf.training.checkpoints import CheckpointManager
from within_wf.training.optimizer import AdamW


def files(directory: Path) -> list[int]:
    return sorted(int(path.stem.removeprefix("epoch_")) for path in directory.glob("epoch_*.safetensors"))


@pytest.mark.parametrize("keep", [1, 2])
def test_pruning_keeps_the_best_and_the_last_in_every_order(tmp_path: Path, keep: int) -> None:
    model = nn.Linear(1, 1)
    for number, losses in enumerate(itertools.permutations([1.0, 2.0, 3.0, 3.0])):
        directory = tmp_path / str(number)
        manager = CheckpointManager(directory, model, keep_best=keep)
        for epoch, loss in enumerate(losses):
            manager.save_checkpoint(epoch, {"validation_loss": loss})
            ranked = sorted(range(epoch + 1), key=lambda e: (losses[e], e))
            assert files(directory) == sorted({*ranked[:keep], epoch})
            assert manager.best_path == directory / f"epoch_{ranked[0]:04d}.safetensors"
            assert manager.last_path == directory / f"epoch_{epoch:04d}.safetensors"


def test_the_highest_can_be_best(tmp_path: Path) -> None:
    manager = CheckpointManager(tmp_path, nn.Linear(1, 1), metric_name="r2", mode="max")
    assert manager.best_path is None
    assert manager.last_path is None
    for epoch, r2 in enumerate([0.2, 0.9, 0.5]):
        manager.save_checkpoint(epoch, {"r2": r2})
    assert manager.best_path == tmp_path / "epoch_0001.safetensors"


def test_a_checkpoint_brings_model_and_optimizer_back(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    optimizer = AdamW(model.parameters(), OptimizerConfig())
    manager = CheckpointManager(tmp_path, model, optimizer)

    def step() -> None:
        optimizer.zero_grad()
        model(torch.ones(1, 2)).sum().backward()
        optimizer.step()

    step()
    path = manager.save_checkpoint(1, {"validation_loss": 1.0})
    step()
    after = model.weight.detach().clone()
    CheckpointManager(tmp_path, model, optimizer).load(path)
    assert not torch.equal(model.weight, after)
    step()
    assert torch.equal(model.weight, after)


def test_a_later_manager_takes_the_list_up(tmp_path: Path) -> None:
    CheckpointManager(tmp_path, nn.Linear(1, 1)).save_checkpoint(1, {"validation_loss": 1.0})
    manager = CheckpointManager(tmp_path, nn.Linear(1, 1))
    manager.save_checkpoint(2, {"validation_loss": 2.0})
    assert manager.best_path == tmp_path / "epoch_0001.safetensors"
    assert files(tmp_path) == [1, 2]


def test_what_it_refuses(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="at least 1 checkpoint"):
        CheckpointManager(tmp_path, nn.Linear(1, 1), keep_best=0)
    manager = CheckpointManager(tmp_path, nn.Linear(1, 1))
    with pytest.raises(TrainingError, match="no number for validation_loss"):
        manager.save_checkpoint(1, {"loss": 1.0})
    path = manager.save_checkpoint(1, {"validation_loss": 1.0})
    with pytest.raises(TrainingError, match=r"there is no checkpoint .*; there are epoch_0001\.safetensors"):
        manager.load(tmp_path / "epoch_0009.safetensors")
    with pytest.raises(TrainingError, match="another model: weight differ"):
        CheckpointManager(tmp_path / "other", nn.Linear(2, 1)).load(path)
