"""Ads: where they are shown, to whom, and the campaign they belong to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from within_wf.data.sample_world.accounts import Accounts
from within_wf.data.sample_world.market import (
    AGE_EFFECT,
    AGE_PLATFORM_EFFECT,
    AGE_SHARE,
    BUDGET_EFFECT,
    CALL_EFFECT,
    CALLS,
    GENDER_EFFECT,
    GENDER_SHARE,
    INDUSTRY_PLATFORM_EFFECT,
    PLATFORM_EFFECT,
    PLATFORM_SHARE,
    PLATFORM_SHARE_DRIFTED,
)
from within_wf.data.sample_world.plan import Floats, Ints, Plan, stream

ADS_IN_CAMPAIGN = 4
SMALLEST_SHARE, LARGEST_SHARE = 20, 100


@dataclass(frozen=True)
class Drift:
    """A period in which clicks cost more and ads move to another platform.

    Attributes:
        start: First day.
        end: Day after the last.
        cost_factor: What a click costs against other times.
    """

    start: int
    end: int
    cost_factor: float


@dataclass(frozen=True)
class Ads:
    """Settings of ads, one entry an ad; positions in the tuples of ``market``.

    Attributes:
        industry: The account's industry.
        campaign: Number of the campaign.
        platform: Where the ad is shown.
        age: Age band of the audience.
        gender: Gender of the audience.
        call: Call to action.
        share: Weight of the ad in its account's budget, a whole number.
    """

    industry: Ints
    campaign: Ints
    platform: Ints
    age: Ints
    gender: Ints
    call: Ints
    share: Ints


def make_drift(plan: Plan) -> Drift:
    """From 70 % to 85 % of the time."""
    return Drift(plan.days * 7 // 10, plan.days * 17 // 20, 1.15)


def make_ads(plan: Plan, accounts: Accounts, drift: Drift) -> Ads:
    """The settings of all ads."""
    ads = np.arange(plan.ads, dtype=np.int64)
    rank = ads - plan.first_ad[plan.account]
    campaigns = -(-np.diff(plan.first_ad) // ADS_IN_CAMPAIGN)
    u = stream(plan, "settings of an ad").uniform(ads, 4)
    drifted = (plan.start >= drift.start) & (plan.start < drift.end)
    shares = stream(plan, "share of the budget").integers(ads, LARGEST_SHARE - SMALLEST_SHARE + 1)[:, 0]
    return Ads(
        industry=accounts.industry[plan.account],
        campaign=(np.cumsum(campaigns) - campaigns)[plan.account] + rank // ADS_IN_CAMPAIGN,
        platform=np.where(drifted, _category(PLATFORM_SHARE_DRIFTED, u[:, 0]), _category(PLATFORM_SHARE, u[:, 0])),
        age=_category(AGE_SHARE, u[:, 1]),
        gender=_category(GENDER_SHARE, u[:, 2]),
        call=np.floor(u[:, 3] * len(CALLS)).astype(np.int64),
        share=SMALLEST_SHARE + shares,
    )


def table_points(ads: Ads) -> Floats:
    """Points of effectiveness that an ad's settings bring, shape [ads]."""
    middle, half = (LARGEST_SHARE + SMALLEST_SHARE) / 2, (LARGEST_SHARE - SMALLEST_SHARE) / 2
    points: Floats = (
        PLATFORM_EFFECT[ads.platform]
        + AGE_EFFECT[ads.age]
        + CALL_EFFECT[ads.call]
        + GENDER_EFFECT[ads.gender]
        + AGE_PLATFORM_EFFECT[ads.platform, ads.age]
        + INDUSTRY_PLATFORM_EFFECT[ads.industry, ads.platform]
        + BUDGET_EFFECT * (ads.share - middle) / half
    )
    return points


def _category(shares: Floats, uniform: Floats) -> Ints:
    return np.searchsorted(np.cumsum(shares)[:-1], uniform, side="right").astype(np.int64)
