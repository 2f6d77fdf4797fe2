"""How a model is trained and judged."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from within_wf.config.section import Section


class OptimizerConfig(Section):
    """The optimizer: AdamW (Loshchilov and Hutter, 2019)."""

    type: Literal["adamw"] = "adamw"
    learning_rate: float = Field(1e-3, gt=0)
    """The highest learning rate."""
    weight_decay: float = Field(1e-2, ge=0)
    """Decoupled weight decay."""
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    epsilon: float = Field(1e-8, gt=0)
    gradient_clip: float = Field(1.0, gt=0)
    """The largest norm of a step's gradient."""


class SchedulerConfig(Section):
    """How the learning rate moves over the epochs."""

    type: Literal["constant", "cosine_annealing", "linear_warmup", "reduce_on_plateau"] = "cosine_annealing"
    warmup_epochs: int = Field(1, ge=0)
    """Epochs of linear rise; for ``linear_warmup``."""
    eta_min: float = Field(1e-5, ge=0)
    """The lowest learning rate."""
    factor: float = Field(0.5, gt=0, lt=1)
    """What the rate is multiplied by; for ``reduce_on_plateau``."""
    patience: int = Field(2, ge=0)
    """Epochs without gain before that; for ``reduce_on_plateau``."""


class EarlyStoppingConfig(Section):
    """When training stops before its last epoch; the best epoch's weights are kept."""

    patience: int = Field(5, ge=1)
    """Epochs without gain."""
    min_delta: float = Field(0.0, ge=0)
    """The smallest fall of the validation loss that counts as gain."""


class TrainingConfig(Section):
    """How weights are found; a budget is a number of epochs, never a time."""

    seed: int = Field(42, ge=0, lt=2**32)
    """Seed of initial weights, batch order and dropout."""
    epochs: int = Field(30, ge=1)
    """The most epochs."""
    loss: Literal["mse", "huber", "bce"] = "mse"
    """What the optimizer lowers; ``bce`` for the account health model."""
    optimizer: OptimizerConfig = OptimizerConfig()
    scheduler: SchedulerConfig = SchedulerConfig()
    early_stopping: EarlyStoppingConfig = EarlyStoppingConfig()
    keep_best: int = Field(1, ge=1)
    """Best checkpoints that are kept while training."""


class BootstrapConfig(Section):
    """The interval of a metric, resampled."""

    resamples: int = Field(500, ge=50)
    confidence: float = Field(0.95, gt=0, lt=1)
    """Share of resamples inside the interval."""
    seed: int = Field(42, ge=0, lt=2**32)
    block: int = Field(1, ge=1)
    """Neighbouring rows that are drawn together; above 1 for series."""


class EvaluationConfig(Section):
    """How predictions on the test rows are judged."""

    metrics: list[str] = []
    """Metrics to report; empty for all of the task."""
    primary_metric: str | None = None
    """The metric that decides; none for the task's usual one."""
    threshold: float = Field(0.5, ge=0, le=1)
    """Scores from here on are positive; for binary tasks."""
    bootstrap: BootstrapConfig = BootstrapConfig()
    slices: list[str] = []
    """Columns to judge by, besides the sensitive ones."""
