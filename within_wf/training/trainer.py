"""The loop that finds weights.

A training is a function of the configuration and the rows: the order of an epoch's rows, the initial weights and the
dropout masks come from counter-based streams, and layers, losses and steps have one order of operations.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from within_wf.config.reproducibility import Arithmetic
from within_wf.config.training import TrainingConfig
from within_wf.errors import TrainingError
from within_wf.models.arithmetic import computing
from within_wf.models.dropout import key_dropout
from within_wf.models.init import draw_weights
from within_wf.models.networks import load_trainable, one_thread, predict, trainable
from within_wf.runtime.streams import Stream
from within_wf.training.callbacks import Callback, CallbackList, EarlyStopping
from within_wf.training.losses import LOSSES, Loss, weighted_mean
from within_wf.training.metrics import MetricTracker
from within_wf.training.optimizer import AdamW
from within_wf.training.samples import Samples
from within_wf.training.schedules import Schedule


@dataclass(frozen=True)
class TrainingResult:
    """What a training found.

    Attributes:
        epochs: One entry an epoch: epoch (from 1), train_loss, validation_loss, learning_rate.
        best_epoch: The epoch, from 1, with the lowest validation loss.
        stopped_early: Whether it ended before its last epoch.
        weights: The best epoch's trainable parameters by name, float32.
    """

    epochs: list[dict[str, float]]
    best_epoch: int
    stopped_early: bool
    weights: dict[str, npt.NDArray[np.float32]]

    def history(self) -> dict[str, object]:
        """What is written as ``history.json``."""
        return {"epochs": self.epochs, "best_epoch": self.best_epoch, "stopped_early": self.stopped_early}


class Trainer:
    """Finds the weights of a model by gradient descent.

    Args:
        model: Called with the inputs' names as keywords, returns one prediction a row in the target's shape (a logit where the
            loss is ``bce``). Its :class:`KeyedDropout` layers are keyed by the rows' ids.
        config: Seed, epochs, loss, optimizer, schedule, early stopping.
        batch_size: Rows of one optimizer step; the last batch of an epoch can be smaller.
        arithmetic: What predictions, losses and gradients are computed in; ``exact`` asks that the model, the loss and their
            gradients call functions that have an exact form. None for the model's own, or ``exact`` where it has none.
        loss: Another loss than the configuration names.
        callbacks: Who is told how it goes.
        draw: Draw the initial weights from the seed; otherwise training goes on from the model's own.
    """

    def __init__(
        self,
        model: nn.Module,
        config: TrainingConfig,
        batch_size: int,
        *,
        arithmetic: Arithmetic | None = None,
        loss: Loss | None = None,
        callbacks: Iterable[Callback] = (),
        draw: bool = True,
    ) -> None:
        self.model, self.config, self.batch_size = model, config, batch_size
        own: Arithmetic = getattr(model, "arithmetic", "exact")
        self.arithmetic: Arithmetic = arithmetic or own
        self.loss = loss or LOSSES[config.loss]
        stopping = EarlyStopping(config.early_stopping.patience, config.early_stopping.min_delta)
        self.callbacks = CallbackList([*callbacks, stopping])
        if draw:
            draw_weights(model, config.seed)
        self.optimizer = AdamW(model.parameters(), config.optimizer)

    def fit(self, train: Samples, validation: Samples) -> TrainingResult:
        """Train, and leave the best epoch's weights in the model, in evaluation mode.

        Args:
            train: Rows to learn from.
            validation: Rows that decide which epoch is best and when to stop.

        Returns:
            The history and the best weights.

        Raises:
            TrainingError: Rows are missing or not finite, or the loss stops being a finite number.
        """
        train.check("training")
        validation.check("validation")
        tracker = MetricTracker()
        schedule = Schedule(self.config.scheduler, self.config.optimizer.learning_rate, self.config.epochs)
        best: dict[str, npt.NDArray[np.float32]] = {}
        lowest = math.inf
        self.callbacks.on_train_begin(self.config.epochs)
        with one_thread():
            for epoch in range(self.config.epochs):
                self.callbacks.on_epoch_begin(epoch)
                self.optimizer.learning_rate = schedule.rate(epoch)
                train_loss = self._train_epoch(train, epoch)
                validation_loss = self._validate(validation, epoch)
                metrics = {
                    "train_loss": train_loss,
                    "validation_loss": validation_loss,
                    "learning_rate": self.optimizer.learning_rate,
                }
                schedule.observe(validation_loss)
                tracker.update({"epoch": epoch + 1, **metrics})
                if validation_loss < lowest:
                    lowest, best = validation_loss, trainable(self.model)
                self.callbacks.on_epoch_end(epoch, metrics)
                if self.callbacks.should_stop_training:
                    break
        self.callbacks.on_train_end()
        load_trainable(self.model, best)
        self.model.eval()
        epochs = tracker.epochs
        return TrainingResult(epochs, tracker.best("validation_loss") + 1, len(epochs) < self.config.epochs, best)

    def _train_epoch(self, samples: Samples, epoch: int) -> float:
        inputs, target, weight = samples.tensors()
        order = Stream(self.config.seed, "batch order", epoch).permutation(len(samples))
        batches = -(-len(samples) // self.batch_size)
        total = seen = 0.0
        self.model.train()
        for batch in range(batches):
            rows = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            index = torch.from_numpy(rows)
            key_dropout(self.model, self.config.seed, epoch, samples.ids[rows])
            self.optimizer.zero_grad()
            given = {name: value[index] for name, value in inputs.items()}
            part = None if weight is None else weight[index]
            with computing(self.arithmetic):
                loss = weighted_mean(self.loss(self.model(**given), target[index]), part)
                value = loss.item()
                if not math.isfinite(value):
                    raise TrainingError(
                        f"the training loss is {value} in epoch {epoch + 1}, batch {batch + 1} of {batches}; lower "
                        f"training.optimizer.learning_rate (now {self.config.optimizer.learning_rate:g}) or gradient_clip"
                    )
                loss.backward()  # type: ignore[no-untyped-call]
                mass = float(len(rows)) if part is None else part.sum().item()
            self.optimizer.clip()
            self.optimizer.step()
            total, seen = total + value * mass, seen + mass
            self.callbacks.on_batch_end(epoch, batch, batches)
        return total / seen

    def _validate(self, samples: Samples, epoch: int) -> float:
        _, target, weight = samples.tensors()
        with computing(self.arithmetic):
            prediction = torch.from_numpy(predict(self.model, samples.inputs))
            value = weighted_mean(self.loss(prediction, target), weight).item()
        if not math.isfinite(value):
            raise TrainingError(
                f"the validation loss is {value} after epoch {epoch + 1}; lower training.optimizer.learning_rate "
                f"(now {self.config.optimizer.learning_rate:g})"
            )
        return value
