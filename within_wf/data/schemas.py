"""What is true of a row: the contracts of the tables, as pydantic models.

A model is the contract; :mod:`within_wf.data.rules` turns it into checks of whole columns that say the same.

A missing value is null. NaN is not a missing value: nothing that was measured is NaN, so it breaks the contract, as infinity
does. Ids are text, whatever they look like; counts are whole numbers; money is in currency units.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

Identity = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]
Money = Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class Ordered:
    """Two fields of which one may not exceed the other.

    Attributes:
        low: The field that is at most ``high``.
        high: The other.
        rule: What a row breaks where it is not so.
        column: The field that is reported.
    """

    low: str
    high: str
    rule: str
    column: str


CLICKS = Ordered("clicks", "impressions", "clicks_exceed_impressions", "clicks")
DATES = Ordered("start_date", "end_date", "end_before_start", "end_date")


class Contract(BaseModel):
    """What the contracts have in common; columns they do not name are allowed."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, frozen=True)
    ordered: ClassVar[tuple[Ordered, ...]] = ()
    keys: ClassVar[tuple[str, ...]] = ()
    """The columns that name a row; no two rows share them."""

    @model_validator(mode="after")
    def _in_order(self) -> Contract:
        for pair in self.ordered:
            low, high = getattr(self, pair.low), getattr(self, pair.high)
            if low is not None and high is not None and low > high:
                raise ValueError(f"{pair.rule}: {pair.low} is {low}, {pair.high} is {high}")
        return self


class AdPerformanceSchema(Contract):
    """One ad and how it did."""

    ordered = (CLICKS, DATES)
    keys = ("ad_id",)

    ad_id: Identity
    platform: str
    impressions: Count
    clicks: Count
    conversions: Count | None = None
    """Missing where conversions were not measured."""
    spend: Money
    start_date: datetime
    end_date: datetime
    account_id: str | None = None
    campaign_id: str | None = None
    industry: str | None = None
    headline: str | None = None
    body: str | None = None
    call_to_action: str | None = None
    audience_age: str | None = None
    audience_gender: str | None = None
    creative_id: str | None = None
    effectiveness: Annotated[float, Field(ge=0, le=100)] | None = None
    """Mean of the scores people gave it, in points."""
    annotators: Count | None = None


class AccountHealthSchema(Contract):
    """One account on one day."""

    ordered = (CLICKS,)
    keys = ("account_id", "date")

    account_id: Identity
    date: datetime
    impressions: Count
    clicks: Count
    conversions: Count | None = None
    spend: Money
    unhealthy: Annotated[int, Field(ge=0, le=1)] | None = None
    """1 where the account is in trouble."""
    industry: str | None = None


CONTRACTS: dict[str, type[Contract]] = {"ad_performance": AdPerformanceSchema, "account_health": AccountHealthSchema}
