"""How rows are divided, several times over, into those a model learns from and those it is judged on."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from within_wf.config.data import Embargo
from within_wf.config.section import Section


class ValidationStrategyConfig(Section):
    """The folds of a validation; docs/splits.md says what each type keeps."""

    type: Literal["kfold", "stratified_kfold", "group_kfold", "stratified_group_kfold", "time_series", "holdout"] = "kfold"
    """The way folds are made."""
    n_splits: int = Field(5, ge=2, le=1000)
    """Folds; ``holdout`` has one."""
    shuffle: bool = True
    """Draw each row's fold; without it, folds are blocks of neighbouring rows, so that the order of rows counts (groups: of
    their names). For the types named ``kfold``."""
    random_state: int = Field(42, ge=0, lt=2**32)
    """Seed of the draws."""
    repeats: int = Field(1, ge=1, le=1000)
    """How often all rows are divided anew, each time by other draws."""
    exact_sizes: bool = False
    """Make folds of one size and keep each class's share in them; new rows can then move others."""
    stratify_column: str | None = None
    """The column whose classes keep their shares, none for the target's; for the types named ``stratified``."""
    val_size: float = Field(0.2, gt=0, lt=1)
    """Share of the rows that are judged; for ``holdout``."""
    window: Literal["expanding", "sliding"] = "expanding"
    """Whether training reaches back to the first moment, or over as many moments each time; for ``time_series``."""
    window_moments: int | None = Field(None, ge=1)
    """Moments a sliding window trains on, at most; none for as many as come before the first fold's validation."""
    embargo: Embargo | None = None
    """What lies between training and validation and is in neither: a number of moments, or a length of time as in ``12h`` or
    ``7d``. For ``time_series``."""

    @model_validator(mode="after")
    def _options_fit_the_type(self) -> ValidationStrategyConfig:
        if self.embargo not in (None, 0) and self.type != "time_series":
            raise ValueError(f"embargo is for type 'time_series', not {self.type!r}")
        if self.window == "sliding" and self.type != "time_series":
            raise ValueError(f"window 'sliding' is for type 'time_series', not {self.type!r}")
        if self.window_moments is not None and self.window != "sliding":
            raise ValueError("window_moments is for window 'sliding'")
        if self.repeats > 1 and (self.type == "time_series" or not self.shuffle):
            raise ValueError("repeats need draws: there are none in type 'time_series' or without shuffle")
        return self


class KFoldEvaluationConfig(Section):
    """A validation by folds: ``configs/evaluation/<name>.yaml``."""

    validation_strategy: ValidationStrategyConfig = ValidationStrategyConfig()
