"""Who advertises: accounts with their habits, their troubles and their surprises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from within_wf.data.sample_world.draws import rounded
from within_wf.data.sample_world.market import CLICK_COST, CLICK_RATE, CONVERSION_RATE, INDUSTRIES
from within_wf.data.sample_world.plan import Floats, Ints, Plan, choose, stream

TROUBLES = ("decline", "collapse", "outage")
SURPRISES = ("traffic_spike", "click_flood", "dead_day")
BLOCK = 60
"""Days in which an account fails at most once."""
FAILING_SHARE = 0.34
"""Share of accounts that fail in a block."""


@dataclass(frozen=True)
class Accounts:
    """The habits of accounts, one entry an account.

    Attributes:
        industry: Position in INDUSTRIES, int64.
        volume: Impressions of a usual day.
        click_rate: Clicks per impression.
        conversion_rate: Conversions per click.
        click_cost: Currency units a click.
        trend: Change of the logarithm of volume over the world's length.
    """

    industry: Ints
    volume: Floats
    click_rate: Floats
    conversion_rate: Floats
    click_cost: Floats
    trend: Floats


@dataclass(frozen=True)
class Episodes:
    """Times of trouble, by account and start.

    Attributes:
        account: Who fails, int64, shape [n].
        kind: Position in TROUBLES, int64, shape [n].
        start: First day, int64, shape [n].
        length: Days, int64, shape [n].
        depth: How bad it becomes, in (0, 1), shape [n].
        label_start: First day that is labelled: people notice late.
        label_end: Day after the last that is labelled.
    """

    account: Ints
    kind: Ints
    start: Ints
    length: Ints
    depth: Floats
    label_start: Ints
    label_end: Ints

    def of(self, first: int, last: int) -> Episodes:
        """Those of accounts ``first`` up to ``last``."""
        begin, end = np.searchsorted(self.account, [first, last])
        return Episodes(*(getattr(self, name)[begin:end] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Anomalies:
    """Single strange days of accounts, by account and day; they are no trouble."""

    account: Ints
    day: Ints
    kind: Ints
    factor: Floats


@dataclass(frozen=True)
class Intervention:
    """A change of landing pages that lifts conversions of treated accounts from one day on."""

    accounts: Ints
    day: int
    lift: float


def make_accounts(plan: Plan) -> Accounts:
    """The habits of all accounts."""
    ids = np.arange(plan.accounts, dtype=np.int64)
    industry = (ids + stream(plan, "industry").integers(ids // len(INDUSTRIES), len(INDUSTRIES))[:, 0]) % len(INDUSTRIES)
    z = stream(plan, "habits of an account").normal(ids, 5)
    return Accounts(
        industry=industry,
        volume=rounded(7000.0 * np.exp(0.5 * z[:, 0]), 0),
        click_rate=CLICK_RATE[industry] * np.exp(0.2 * z[:, 1]),
        conversion_rate=CONVERSION_RATE[industry] * np.exp(0.2 * z[:, 2]),
        click_cost=CLICK_COST[industry] * np.exp(0.15 * z[:, 3]),
        trend=0.25 * z[:, 4],
    )


def make_episodes(plan: Plan) -> Episodes:
    """Times of trouble: in every block the same share of accounts, spread over the block and the kinds."""
    parts = []
    everyone = np.arange(plan.accounts, dtype=np.int64)
    for block in range(plan.days // BLOCK):
        draws = stream(plan, f"trouble in block {block}")
        chosen = choose(draws, everyone, max(2, int(FAILING_SHARE * plan.accounts + 0.5)))
        rank = np.arange(chosen.size, dtype=np.int64)
        u = stream(plan, f"shape of trouble in block {block}").uniform(chosen, 5)
        length = 14 + np.floor(u[:, 0] * 21).astype(np.int64)
        place = (rank + u[:, 1]) / chosen.size
        start = block * BLOCK + np.floor(place * (BLOCK - length)).astype(np.int64)
        late, after = np.floor(u[:, 2] * 4).astype(np.int64), np.floor(u[:, 3] * 3).astype(np.int64)
        end = np.minimum(start + length + after, plan.days)
        parts.append((chosen, (rank + block) % len(TROUBLES), start, length, 0.55 + 0.35 * u[:, 4], start + late, end))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.lexsort((columns[2], columns[0]))
    return Episodes(*(column[order] for column in columns))


def make_anomalies(plan: Plan, episodes: Episodes) -> Anomalies:
    """One strange day an account; where it would fall into a time of trouble there is none."""
    accounts = np.arange(plan.accounts, dtype=np.int64)
    u = stream(plan, "strange days").uniform(accounts, 3)
    day = np.floor(u[:, 0] * plan.days).astype(np.int64)
    calm = np.ones(plan.accounts, bool)
    owner = episodes.account
    calm[owner[(episodes.start <= day[owner]) & (day[owner] < episodes.label_end)]] = False
    kind = np.floor(u[:, 1] * len(SURPRISES)).astype(np.int64)
    size = np.where(kind == SURPRISES.index("dead_day"), 0.05 + 0.15 * u[:, 2], 2.5 + 3.0 * u[:, 2])
    return Anomalies(accounts[calm], day[calm], kind[calm], rounded(size, 3)[calm])


def make_intervention(plan: Plan, episodes: Episodes) -> Intervention:
    """A fifth of the accounts is treated from 60 % of the time on, accounts without trouble after that day first."""
    day = plan.days * 3 // 5
    lots = stream(plan, "treated accounts").words(np.arange(plan.accounts), 1)[:, 0]
    failing = np.zeros(plan.accounts, np.int64)
    failing[episodes.account[episodes.label_end > day]] = 1
    order = np.lexsort((lots, failing))
    return Intervention(np.sort(order[: max(1, plan.accounts // 5)]).astype(np.int64), day, 0.25)


def labels(plan: Plan, episodes: Episodes, first: int, last: int) -> npt.NDArray[np.int64]:
    """1 on days that people call unhealthy; int64, shape [last - first, days]."""
    unhealthy = np.zeros((last - first, plan.days), np.int64)
    some = episodes.of(first, last)
    for account, start, end in zip(some.account, some.label_start, some.label_end, strict=True):
        unhealthy[account - first, start:end] = 1
    return unhealthy
