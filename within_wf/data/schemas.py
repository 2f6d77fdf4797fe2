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
Share = Annotated[float, Field(ge=0, le=1)]


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


@dataclass(frozen=True)
class Shares:
    """Parts of a whole.

    Attributes:
        column: The share of each row, in [0, 1].
        within: The columns that name the whole; the shares of its rows are 1 together.
    """

    column: str
    within: tuple[str, ...]


class Contract(BaseModel):
    """What the contracts have in common; columns they do not name are allowed."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, frozen=True)
    ordered: ClassVar[tuple[Ordered, ...]] = ()
    keys: ClassVar[tuple[str, ...]] = ()
    """The columns that name a row; no two rows share them."""
    optional_keys: ClassVar[tuple[str, ...]] = ()
    """Columns that belong to the keys where a table has them; they may be missing."""
    shares: ClassVar[tuple[Shares, ...]] = ()

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


class IndustryBenchmarkSchema(Contract):
    """What is usual in an industry on a platform, as a trade body publishes it."""

    ordered = (DATES,)
    keys = ("industry", "platform")
    optional_keys = ("month",)
    shares = (Shares("spend_share", ("industry",)),)

    industry: Identity
    platform: Identity
    click_through_rate: Share
    """Clicks per impression."""
    conversion_rate: Share
    """Conversions per click."""
    cost_per_click: Money
    month: Annotated[int, Field(ge=1, le=12)] | None = None
    """The month it holds for, where it follows the seasons."""
    spend_share: Share | None = None
    """Share of the industry's spend that the platform has."""
    advertisers: Count | None = None
    """How many it was measured on."""
    start_date: datetime | None = None
    end_date: datetime | None = None


class AnnotatedTrainingSetSchema(Contract):
    """One person's judgement of one ad."""

    keys = ("ad_id", "annotator_id")

    ad_id: Identity
    annotator_id: Identity
    score: Annotated[float, Field(ge=0, le=100)]
    """How effective the ad is, in points."""
    quality: Annotated[int, Field(ge=1, le=5)] | None = None
    """How well it is made, from 1 to 5."""
    explanation: str | None = None
    """Why, in the person's words."""
    annotated_at: datetime | None = None


CONTRACTS: dict[str, type[Contract]] = {
    "ad_performance": AdPerformanceSchema,
    "account_health": AccountHealthSchema,
    "industry_benchmark": IndustryBenchmarkSchema,
    "annotated_training_set": AnnotatedTrainingSetSchema,
}
