"""Rows that no advertiser ever had: drawn from what training rows have in common."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from within_wf.config.section import Section


class SyntheticAdsConfig(Section):
    """Whole ads that are drawn from the training ads; for models whose only view is the table."""

    method: Literal["copula"] | None = None
    """``copula`` draws columns, weight and target together, by a Gaussian copula; none for no synthetic ads."""
    share: float = Field(0.3, gt=0, le=10)
    """Synthetic ads for each training ad."""


class SyntheticWindowsConfig(Section):
    """Windows of the rarer class that are drawn from its training windows."""

    method: Literal["smote", "copula"] | None = None
    """``smote`` draws between neighbouring windows, ``copula`` by a Gaussian copula over their moments; none for no synthetic
    windows."""
    balance: float = Field(0.5, gt=0, le=1)
    """The rarer class comes to this share of the other one."""
    neighbours: int = Field(5, ge=1)
    """Nearest windows of the class towards which a new one can lie; for ``smote``."""
