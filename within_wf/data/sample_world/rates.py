"""The state of accounts from day to day: volume, rates and costs, in good times and bad."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from within_wf.data.sample_world.accounts import SURPRISES, TROUBLES, Accounts, Anomalies, Episodes, Intervention
from within_wf.data.sample_world.ads import Drift
from within_wf.data.sample_world.draws import smooth_noise, wave
from within_wf.data.sample_world.market import SEASON, SEASON_START, WEEKEND
from within_wf.data.sample_world.plan import DAY_SLOTS, FIRST_DAY, Floats, Ints, Plan, stream

NOISE_MEMORY = 0.8
"""Correlation of a rate's wandering on neighbouring days."""
NOISE_STD = {"volume": 0.12, "click_rate": 0.10, "conversion_rate": 0.12, "click_cost": 0.08}
"""Standard deviation of the logarithm of a rate."""


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


def account_rates(plan: Plan, accounts: Accounts, happenings: Happenings, first: int, last: int) -> Rates:
    """Volume, rates and costs of accounts ``first`` up to ``last`` on every day."""
    who = np.arange(first, last, dtype=np.int64)
    day = np.arange(plan.days, dtype=np.int64)
    noise = account_noise(plan, who)
    industry = accounts.industry[who][:, None]
    level = (
        accounts.trend[who][:, None] * (day / plan.days - 0.5)
        + WEEKEND[industry] * _weekend(day)
        + SEASON[industry] * wave(day / 365.25 + SEASON_START[industry])
        + noise["volume"]
        + budget_steps(plan, who)
    )
    rates = Rates(
        volume=accounts.volume[who][:, None] * np.exp(level),
        click_rate=accounts.click_rate[who][:, None] * np.exp(noise["click_rate"]),
        conversion_rate=accounts.conversion_rate[who][:, None] * np.exp(noise["conversion_rate"]),
        click_cost=accounts.click_cost[who][:, None] * np.exp(noise["click_cost"]),
    )
    rates.click_cost[:, happenings.drift.start : happenings.drift.end] *= happenings.drift.cost_factor
    treated = np.isin(who, happenings.intervention.accounts)
    rates.conversion_rate[treated, happenings.intervention.day :] *= 1.0 + happenings.intervention.lift
    _trouble(rates, happenings.episodes.of(first, last), first)
    _surprise(rates, happenings.anomalies, first, last)
    return rates


def account_noise(plan: Plan, who: Ints) -> dict[str, Floats]:
    """The logarithms of rates wander about; by name of the rate, shape [accounts, days]."""
    ids = (who[:, None] * DAY_SLOTS + np.arange(plan.days)).ravel()
    z = stream(plan, "days of accounts").normal(ids, len(NOISE_STD)).reshape(who.size, plan.days, len(NOISE_STD))
    return {name: smooth_noise(z[:, :, i], NOISE_MEMORY, std) for i, (name, std) in enumerate(NOISE_STD.items())}


def budget_steps(plan: Plan, who: Ints) -> Floats:
    """Budgets that healthy accounts raise or lower from one day to the next; logarithm, shape [accounts, days].

    One step in 45 days, so that less volume alone is no sign of trouble.
    """
    steps = np.zeros((who.size, plan.days))
    for block in range(plan.days // 45 + 1):
        u = stream(plan, "budget steps").uniform(who * 8 + block, 2)
        day = block * 45 + np.floor(u[:, 0] * 45).astype(np.int64)
        size = 0.6 * (u[:, 1] - 0.5)
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


def trouble_factors(kind: int, lost: Floats) -> dict[str, Floats]:
    """What trouble multiplies, by name of the rate.

    Args:
        kind: Position in TROUBLES.
        lost: Depth times severity, in [0, 1).
    """
    return {
        "decline": {"click_rate": 1.0 - 0.8 * lost, "conversion_rate": 1.0 - 0.6 * lost},
        "collapse": {"volume": 1.0 - lost, "click_cost": 1.0 + 0.5 * lost},
        "outage": {"conversion_rate": 1.0 - lost},
    }[TROUBLES[kind]]


def _trouble(rates: Rates, episodes: Episodes, first: int) -> None:
    for row in range(episodes.account.size):
        who, kind, length = episodes.account[row] - first, int(episodes.kind[row]), int(episodes.length[row])
        when = slice(episodes.start[row], episodes.start[row] + length)
        lost = episodes.depth[row] * severity(np.arange(length), length, kind)
        for name, factor in trouble_factors(kind, lost).items():
            getattr(rates, name)[who, when] *= factor


def _surprise(rates: Rates, anomalies: Anomalies, first: int, last: int) -> None:
    here = (anomalies.account >= first) & (anomalies.account < last)
    for who, day, kind, factor in zip(
        anomalies.account[here] - first, anomalies.day[here], anomalies.kind[here], anomalies.factor[here], strict=True
    ):
        if SURPRISES[kind] == "click_flood":
            rates.click_rate[who, day] *= factor
        else:
            rates.volume[who, day] *= factor
