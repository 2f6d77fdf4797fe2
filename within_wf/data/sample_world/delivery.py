"""What happens on each day: impressions, clicks, conversions and spend of ads, and their sums by account."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from within_wf.data.sample_world.accounts import (
    SURPRISES,
    TROUBLES,
    Accounts,
    Anomalies,
    Episodes,
    Intervention,
)
from within_wf.data.sample_world.ads import Ads, Drift
from within_wf.data.sample_world.draws import counts, smooth_noise, wave
from within_wf.data.sample_world.market import PLATFORM_CLICKS, PLATFORM_COST, SEASON, SEASON_START, WEEKEND
from within_wf.data.sample_world.plan import DAY_SLOTS, FIRST_DAY, Floats, Ints, Plan, day_of_ads, stream

MEASURES = ("impressions", "clicks", "conversions", "cents")


@dataclass(frozen=True)
class Happenings:
    """What can befall accounts."""

    episodes: Episodes
    anomalies: Anomalies
    intervention: Intervention
    drift: Drift


@dataclass(frozen=True)
class Rates:
    """The state of accounts, day by day; float64, shape [accounts, days]."""

    volume: Floats
    click_rate: Floats
    conversion_rate: Floats
    click_cost: Floats


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


def account_rates(plan: Plan, accounts: Accounts, happenings: Happenings, first: int, last: int) -> Rates:
    """Volume, rates and costs of accounts ``first`` up to ``last`` on every day."""
    who = np.arange(first, last, dtype=np.int64)
    day = np.arange(plan.days, dtype=np.int64)
    ids = (who[:, None] * DAY_SLOTS + day).ravel()
    z = stream(plan, "days of accounts").normal(ids, 4).reshape(last - first, plan.days, 4)
    industry = accounts.industry[who][:, None]
    weekend = _weekend(day)
    level = (
        accounts.trend[who][:, None] * (day / plan.days - 0.5)
        + WEEKEND[industry] * weekend
        + SEASON[industry] * wave(day / 365.25 + SEASON_START[industry])
        + smooth_noise(z[:, :, 0], 0.85, 0.16)
        + budget_steps(plan, who)
    )
    rates = Rates(
        volume=accounts.volume[who][:, None] * np.exp(level),
        click_rate=accounts.click_rate[who][:, None] * np.exp(smooth_noise(z[:, :, 1], 0.8, 0.10)),
        conversion_rate=accounts.conversion_rate[who][:, None] * np.exp(smooth_noise(z[:, :, 2], 0.8, 0.12)),
        click_cost=accounts.click_cost[who][:, None] * np.exp(smooth_noise(z[:, :, 3], 0.8, 0.08)),
    )
    rates.click_cost[:, happenings.drift.start : happenings.drift.end] *= happenings.drift.cost_factor
    treated = np.isin(who, happenings.intervention.accounts)
    rates.conversion_rate[treated, happenings.intervention.day :] *= 1.0 + happenings.intervention.lift
    _trouble(rates, happenings.episodes.of(first, last), first)
    _surprise(rates, happenings.anomalies, first, last)
    return rates


def budget_steps(plan: Plan, who: Ints) -> Floats:
    """Budgets that healthy accounts raise or lower from one day to the next; logarithm, shape [accounts, days].

    One step in 45 days, so that less volume alone is no sign of trouble.
    """
    steps = np.zeros((who.size, plan.days))
    for block in range(plan.days // 45 + 1):
        u = stream(plan, "budget steps").uniform(who * 8 + block, 2)
        day = block * 45 + np.floor(u[:, 0] * 45).astype(np.int64)
        size = 0.8 * (u[:, 1] - 0.5)
        steps += np.where(np.arange(plan.days) >= day[:, None], size[:, None], 0.0)
    return steps


def severity(age: Ints | Floats, length: int, kind: int) -> Floats:
    """How much of its depth trouble has reached after so many days, in [0, 1]; an outage comes at once."""
    ramp = {"decline": 0.7 * length, "collapse": 0.4 * length, "outage": 1.0}[TROUBLES[kind]]
    reached: Floats = np.minimum((np.asarray(age) + 1.0) / ramp, 1.0)
    return reached


def _weekend(day: Ints) -> Ints:
    """1 on Saturday and Sunday; the epoch of numpy's dates was a Thursday."""
    epoch = int(FIRST_DAY.astype(np.int64))
    return ((epoch + day + 3) % 7 >= 5).astype(np.int64)


def _trouble(rates: Rates, episodes: Episodes, first: int) -> None:
    for row in range(episodes.account.size):
        who, kind, length = episodes.account[row] - first, int(episodes.kind[row]), int(episodes.length[row])
        when = slice(episodes.start[row], episodes.start[row] + length)
        lost = episodes.depth[row] * severity(np.arange(length), length, kind)
        if TROUBLES[kind] == "decline":
            rates.click_rate[who, when] *= 1.0 - 0.8 * lost
            rates.conversion_rate[who, when] *= 1.0 - 0.6 * lost
        elif TROUBLES[kind] == "collapse":
            rates.volume[who, when] *= 1.0 - lost
            rates.click_cost[who, when] *= 1.0 + 0.5 * lost
        else:
            rates.conversion_rate[who, when] *= 1.0 - lost


def _surprise(rates: Rates, anomalies: Anomalies, first: int, last: int) -> None:
    here = (anomalies.account >= first) & (anomalies.account < last)
    for who, day, kind, factor in zip(
        anomalies.account[here] - first, anomalies.day[here], anomalies.kind[here], anomalies.factor[here], strict=True
    ):
        if SURPRISES[kind] == "click_flood":
            rates.click_rate[who, day] *= factor
        else:
            rates.volume[who, day] *= factor


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
