"""What happens on each day: impressions, clicks, conversions and spend of ads, and their sums by account."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from within_wf.data.sample_world.accounts import Accounts
from within_wf.data.sample_world.ads import Ads
from within_wf.data.sample_world.draws import counts
from within_wf.data.sample_world.market import PLATFORM_CLICKS, PLATFORM_COST
from within_wf.data.sample_world.plan import DAY_SLOTS, Ints, Plan, day_of_ads, stream
from within_wf.data.sample_world.rates import Happenings, account_rates

MEASURES = ("impressions", "clicks", "conversions", "cents")


@dataclass(frozen=True)
class Delivery:
    """What ads did on their days, one entry a day of an ad; ``cents`` is the spend."""

    ad: Ints
    day: Ints
    impressions: Ints
    clicks: Ints
    conversions: Ints
    cents: Ints


def deliver(plan: Plan, accounts: Accounts, ads: Ads, happenings: Happenings, first: int, last: int) -> Delivery:
    """The days of the ads of accounts ``first`` up to ``last``; the same for any cut of the accounts."""
    own = np.arange(plan.first_ad[first], plan.first_ad[last], dtype=np.int64)
    position, day = day_of_ads(plan, own)
    ad = own[position]
    slot = (plan.account[ad] - first) * plan.days + day
    rates = account_rates(plan, accounts, happenings, first, last)
    share = ads.share[ad]
    live = np.zeros((last - first) * plan.days, np.int64)
    np.add.at(live, slot, share)
    ids = ad * DAY_SLOTS + day
    u = stream(plan, "days of ads").uniform(ids, 4)
    z = stream(plan, "charm of an ad").normal(own, 2)[position]
    impressions = counts(rates.volume.ravel()[slot] * share / live[slot], u[:, 0])
    chance = rates.click_rate.ravel()[slot] * PLATFORM_CLICKS[ads.platform[ad]] * np.exp(0.2 * z[:, 0])
    clicks = np.minimum(counts(impressions * np.minimum(chance, 0.5), u[:, 1]), impressions)
    chance = rates.conversion_rate.ravel()[slot] * np.exp(0.15 * z[:, 1])
    conversions = np.minimum(counts(clicks * np.minimum(chance, 0.9), u[:, 2]), clicks)
    cost = 100.0 * rates.click_cost.ravel()[slot] * PLATFORM_COST[ads.platform[ad]] * (0.95 + 0.1 * u[:, 3])
    return Delivery(ad, day, impressions, clicks, conversions, np.floor(clicks * cost + 0.5).astype(np.int64))


def account_sums(plan: Plan, delivery: Delivery, first: int, last: int) -> dict[str, Ints]:
    """Exact sums of an account's day, by measure; int64, shape [(last - first) * days]."""
    slot = (plan.account[delivery.ad] - first) * plan.days + delivery.day
    return {name: _sums(getattr(delivery, name), slot, (last - first) * plan.days) for name in MEASURES}


def ad_sums(plan: Plan, delivery: Delivery, first: int, last: int) -> dict[str, Ints]:
    """Exact sums of an ad's days, by measure; int64, one entry for each ad of accounts ``first`` up to ``last``."""
    begin, end = int(plan.first_ad[first]), int(plan.first_ad[last])
    return {name: _sums(getattr(delivery, name), delivery.ad - begin, end - begin) for name in MEASURES}


def _sums(values: Ints, index: Ints, groups: int) -> Ints:
    totals = np.zeros(groups, np.int64)
    np.add.at(totals, index, values)
    return totals
