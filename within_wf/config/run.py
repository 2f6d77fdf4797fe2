"""What one run of the workflow makes."""

from __future__ import annotations

from pydantic import Field, model_validator

from within_wf.config.dataset import DatasetConfig
from within_wf.config.feature_roles import contradictions
from within_wf.config.models import AccountHealthConfig, AdScoreConfig
from within_wf.config.reproducibility import ReproducibilityConfig
from within_wf.config.section import Section
from within_wf.config.synthetic_roles import without_views


class ModelsConfig(Section):
    """The models to make; one that is left out is not made."""

    ad_score: AdScoreConfig | None = None
    account_health: AccountHealthConfig | None = None


class TrackingConfig(Section):
    """Where experiments are recorded."""

    enabled: bool = True
    uri: str | None = None
    """An MLflow tracking URI (http, https, sqlite, postgresql, mysql, mssql); none for MLFLOW_TRACKING_URI and, where that is
    not set either, a sqlite file beside the store. Passwords belong in MLFLOW_TRACKING_URI, or in MLFLOW_TRACKING_USERNAME
    and MLFLOW_TRACKING_PASSWORD."""
    experiment: str = Field("within_wf", min_length=1)
    """The experiment's name."""
    tags: dict[str, str] = {}
    """Further tags of every run."""


class RunConfig(Section):
    """One run: a dataset, the models made from it, how they are computed, and where it is recorded."""

    dataset: DatasetConfig
    models: ModelsConfig
    reproducibility: ReproducibilityConfig = ReproducibilityConfig()
    tracking: TrackingConfig = TrackingConfig()

    @model_validator(mode="after")
    def _models_have_their_tables(self) -> RunConfig:
        if self.models.ad_score is None and self.models.account_health is None:
            raise ValueError("models is empty: name ad_score, account_health or both")
        if self.models.ad_score is not None and self.dataset.ads is None:
            raise ValueError("models.ad_score needs dataset.ads, which says what the columns of the table of ads mean")
        if self.models.account_health is not None and self.dataset.series is None:
            raise ValueError("models.account_health needs dataset.series, which says what the columns of the series mean")
        return self

    @model_validator(mode="after")
    def _splits_have_their_columns(self) -> RunConfig:
        for column in ("group", "time"):
            ads, model = self.dataset.ads, self.models.ad_score
            if ads is None or model is None or getattr(ads, column) is not None:
                continue
            strategy = model.data.split.strategy
            if column in strategy.split("_"):
                raise ValueError(f"models.ad_score.data.split.strategy is {strategy}, which needs dataset.ads.{column}")
        accounts = self.models.account_health
        if accounts is not None and accounts.data.split.strategy not in ("group", "time", "group_time"):
            raise ValueError(
                f"models.account_health.data.split.strategy is {accounts.data.split.strategy}, but neighbouring windows of a "
                "series share moments: time, group or group_time"
            )
        return self

    @model_validator(mode="after")
    def _features_have_their_columns(self) -> RunConfig:
        if self.models.ad_score is not None and self.dataset.ads is not None:
            problems = contradictions(self.models.ad_score.data.features, self.dataset.ads)
            if problems:
                raise ValueError("; ".join(f"models.ad_score.data.features.{problem}" for problem in problems))
        return self

    @model_validator(mode="after")
    def _synthetic_ads_have_what_is_read(self) -> RunConfig:
        if self.models.ad_score is not None and self.dataset.ads is not None:
            problems = without_views(self.models.ad_score, self.dataset.ads)
            if problems:
                raise ValueError("; ".join(f"models.ad_score.{problem}" for problem in problems))
        return self
