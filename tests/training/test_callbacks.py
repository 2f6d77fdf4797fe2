from __future__ import annotations

from within_wf.training.callbacks import Callback, CallbackList, EarlyStopping, ProgressLine
from within_wf.training.metrics import MetricTracker


def stops_at(losses: list[float], patience: int, min_delta: float = 0.0) -> int | None:
    stopping = EarlyStopping(patience, min_delta)
    for epoch, loss in enumerate(losses):
        stopping.on_epoch_end(epoch, {"validation_loss": loss})
        if stopping.should_stop:
            return epoch
    return None


def test_early_stopping_counts_epochs_without_gain() -> None:
    assert stops_at([3, 2, 2, 2, 1], patience=2) == 3
    assert stops_at([3, 2, 2, 1, 1], patience=2) is None
    assert stops_at([3, 2.9, 2.8, 2.7], patience=2, min_delta=0.5) == 2


def test_early_stopping_starts_anew_with_a_training() -> None:
    stopping = EarlyStopping(1)
    for loss in (1.0, 2.0):
        stopping.on_epoch_end(0, {"validation_loss": loss})
    assert CallbackList([Callback(), stopping]).should_stop_training
    stopping.on_train_begin(1)
    assert not stopping.should_stop


def test_a_line_an_epoch() -> None:
    said: list[str] = []
    line = ProgressLine(said.append, "head")
    line.on_train_begin(7)
    line.on_epoch_end(0, {"train_loss": 0.5, "validation_loss": 0.25})
    assert said == ["head: epoch 1 of at most 7, loss 0.5, on validation 0.25"]


def test_metrics_are_remembered() -> None:
    tracker = MetricTracker()
    assert tracker.current == {}
    tracker.update({"loss": 2.0, "extra": 1.0})
    tracker.update({"loss": 1.0})
    tracker.update({"loss": 1.0})
    assert tracker.current == {"loss": 1.0}
    assert tracker.history == {"loss": [2.0, 1.0, 1.0], "extra": [1.0]}
    assert tracker.best("loss") == 1
    assert tracker.epochs[0] == {"loss": 2.0, "extra": 1.0}
