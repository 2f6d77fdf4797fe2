from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from within_wf.config.training import EarlyStoppingConfig, OptimizerConfig, SchedulerConfig, TrainingConfig
from within_wf.errors import TrainingError
from within_wf.models.dropout import KeyedDropout
from within_wf.models.networks import one_thread, predict
from within_wf.training.callbacks import Callback
from within_wf.training.samples import Samples
from within_wf.training.trainer import Trainer


class Small(nn.Module):
    def __init__(self, p: float = 0.0) -> None:
        super().__init__()
        self.hidden = nn.Linear(3, 8)
        self.dropout = KeyedDropout(p)
        self.out = nn.Linear(8, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.dropout(torch.relu(self.hidden(x)))).squeeze(1)


def samples(n: int = 96, seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3)).astype(np.float32)
    y = (x[:, 0] - 2 * x[:, 1] * x[:, 2]).astype(np.float32)
    return Samples({"x": x}, y, np.arange(n, dtype=np.int64))


def config(**changes: object) -> TrainingConfig:
    settings = {"epochs": 12, "optimizer": OptimizerConfig(learning_rate=0.02), **changes}
    return TrainingConfig.model_validate(settings)


def test_the_same_training_twice_gives_the_same_bits_and_learns() -> None:
    results = []
    for threads in (1, 2):
        torch.manual_seed(threads)
        torch.set_num_threads(threads)
        model = Small(0.2)
        results.append(Trainer(model, config(), 16).fit(samples(), samples(40, 1)))
    torch.set_num_threads(1)
    first, second = results
    assert first.epochs == second.epochs
    assert all(first.weights[name].tobytes() == second.weights[name].tobytes() for name in first.weights)
    assert first.epochs[-1]["train_loss"] < 0.6 * first.epochs[0]["train_loss"]


def test_without_dropout_a_training_is_torchs_own() -> None:
    train, validation = samples(), samples(40, 1)
    settings = config(scheduler=SchedulerConfig(type="constant"), epochs=3, early_stopping=EarlyStoppingConfig(patience=9))
    model = Small()
    trainer = Trainer(model, settings, 96)
    other = Small()
    other.load_state_dict({name: value.clone() for name, value in model.state_dict().items()})
    result = trainer.fit(train, validation)
    optimizer = torch.optim.AdamW(other.parameters(), lr=0.02, weight_decay=0.01)
    inputs, target, _ = train.tensors()
    for _ in range(3):
        optimizer.zero_grad()
        loss = ((other(**inputs) - target) ** 2).mean()
        loss.backward()
        nn.utils.clip_grad_norm_(other.parameters(), 1.0)
        optimizer.step()
    assert result.best_epoch == 3
    for (_, mine), (_, theirs) in zip(model.named_parameters(), other.named_parameters(), strict=True):
        np.testing.assert_allclose(mine.detach().numpy(), theirs.detach().numpy(), atol=1e-6)


def test_the_best_epochs_weights_are_left_in_the_model() -> None:
    model = Small()
    validation = samples(40, 1)
    result = Trainer(model, config(optimizer=OptimizerConfig(learning_rate=0.3)), 16).fit(samples(), validation)
    losses = [epoch["validation_loss"] for epoch in result.epochs]
    assert result.best_epoch == int(np.argmin(losses)) + 1
    again = ((predict(model, validation.inputs) - validation.target) ** 2).mean()
    assert again == pytest.approx(min(losses), rel=1e-6)
    assert set(result.history()) == {"epochs", "best_epoch", "stopped_early"}


def test_it_stops_early_and_says_so() -> None:
    settings = config(
        optimizer=OptimizerConfig(learning_rate=1e-12), early_stopping=EarlyStoppingConfig(patience=2, min_delta=1.0)
    )
    result = Trainer(Small(), settings, 16).fit(samples(), samples(40, 1))
    assert result.stopped_early
    assert len(result.epochs) == 3


def test_a_row_of_weight_nought_teaches_nothing() -> None:
    train, validation = samples(), samples(40, 1)
    weight = (np.arange(96) % 2).astype(np.float32)
    target = np.where(weight > 0, train.target, 1e6).astype(np.float32)
    results = [
        Trainer(Small(), config(epochs=2), 96).fit(Samples(train.inputs, y, train.ids, weight), validation)
        for y in (train.target, target)
    ]
    assert results[0].epochs == results[1].epochs


def test_callbacks_hear_everything_in_order() -> None:
    heard: list[str] = []

    class Ear(Callback):
        def on_train_begin(self, epochs: int) -> None:
            heard.append(f"train {epochs}")

        def on_epoch_begin(self, epoch: int) -> None:
            heard.append(f"epoch {epoch}")

        def on_batch_end(self, epoch: int, batch: int, batches: int) -> None:
            heard.append(f"batch {batch} of {batches}")

        def on_epoch_end(self, epoch: int, metrics: object) -> None:
            self.should_stop = True

        def on_train_end(self) -> None:
            heard.append("end")

    Trainer(Small(), config(), 50, callbacks=[Ear()]).fit(samples(), samples(40, 1))
    assert heard == ["train 12", "epoch 0", "batch 0 of 2", "batch 1 of 2", "end"]


def test_a_loss_that_is_not_finite_is_refused() -> None:
    def bad(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return prediction * float("nan")

    with pytest.raises(TrainingError, match=r"training loss is nan in epoch 1, batch 1 of 6; lower training\.optimizer"):
        Trainer(Small(), config(), 16, loss=bad).fit(samples(), samples(40, 1))

    def bad_later(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return prediction * (1.0 if len(prediction) == 16 else float("inf"))

    with pytest.raises(TrainingError, match=r"validation loss is .* after epoch 1"):
        Trainer(Small(), config(), 16, loss=bad_later).fit(samples(), samples(40, 1))


def test_every_fault_of_the_rows_is_named() -> None:
    good = samples()
    x = good.inputs["x"].copy()
    x[5, 1] = np.nan
    bad = Samples({"x": x}, good.target, good.ids[:-1], np.zeros(96, dtype=np.float32))
    with pytest.raises(TrainingError) as caught:
        Trainer(Small(), config(), 16).fit(bad, good)
    wheres = [problem.where for problem in caught.value.problems]
    assert wheres == ["training, x, row 5", "training, ids", "training, weight"]
    empty = Samples({"x": x[:0]}, good.target[:0], good.ids[:0])
    with pytest.raises(TrainingError, match="the validation rows cannot be learned from"):
        Trainer(Small(), config(), 16).fit(good, empty)


def test_one_thread_puts_torch_back() -> None:
    torch.set_num_threads(2)
    with one_thread():
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == 2
    assert not torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
