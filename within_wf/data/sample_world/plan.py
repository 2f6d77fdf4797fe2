"""How large a world of so many rows is, and which ad is shown when."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np
import numpy.typing as npt

from within_wf.runtime.streams import Stream

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FIRST_DAY = np.datetime64("2024-01-01", "D")
MAX_CREATIVES = 20_000
DAY_SLOTS = 512
"""Ids of days are ``unit * DAY_SLOTS + day``; no world is longer."""


@dataclass(frozen=True)
class Plan:
    """Who is in the world, and when each ad is shown.

    Attributes:
        rows: Days of ads in all.
        seed: Which world is drawn.
        days: Length of the world.
        first_ad: Ads of account ``a`` are ``first_ad[a]`` up to ``first_ad[a + 1]``; int64, shape [accounts + 1].
        account: The account of an ad, int64, shape [ads].
        start: First day of an ad, counted from the world's first, int64, shape [ads].
        duration: Days an ad is shown, int64, shape [ads]; they sum to ``rows``.
        creatives: Different creatives; ad ``i`` shows creative ``i % creatives``.
    """

    rows: int
    seed: int
    days: int
    first_ad: Ints
    account: Ints
    start: Ints
    duration: Ints
    creatives: int

    @property
    def accounts(self) -> int:
        """Number of accounts."""
        return self.first_ad.size - 1

    @property
    def ads(self) -> int:
        """Number of ads."""
        return self.account.size

    @property
    def creative(self) -> Ints:
        """The creative of each ad, int64, shape [ads]."""
        return np.arange(self.ads, dtype=np.int64) % self.creatives


def stream(plan: Plan, purpose: str) -> Stream:
    """The draws of this world for one purpose."""
    return Stream(plan.seed, f"sample world: {purpose}")


def make_plan(rows: int, seed: int) -> Plan:
    """Sizes and schedule of a world with exactly ``rows`` days of ads.

    A world has an account for 500 rows and an ad for 67; small worlds have more of both, so that they can still be
    divided into training, validation and test rows.
    """
    accounts = max(rows // 500, min(10, rows // 60))
    ads = max(rows * 3 // 200, min(4 * isqrt(rows), rows // 5))
    days = 60 if rows < 1_000 else 120 if rows < 20_000 else 180
    size = 2 + Stream(seed, "sample world: ads of an account").integers(np.arange(accounts), 5)[:, 0]
    first_ad = np.concatenate([[0], _shares(size, ads)]).astype(np.int64)
    account = np.repeat(np.arange(accounts, dtype=np.int64), np.diff(first_ad))
    weight = 60 + Stream(seed, "sample world: length of an ad").integers(np.arange(ads), 81)[:, 0]
    duration = np.diff(np.concatenate([[0], _shares(weight, rows)]))
    start = _starts(Stream(seed, "sample world: start of an ad"), first_ad, account, days - duration)
    return Plan(rows, seed, days, first_ad, account, start, duration, min(ads, MAX_CREATIVES))


def _shares(weight: Ints, total: int) -> Ints:
    """``total`` divided by weight into whole numbers: where each share ends."""
    ends: Ints = np.cumsum(weight)
    result: Ints = ends * total // ends[-1]
    return result


def _starts(draws: Stream, first_ad: Ints, account: Ints, latest: Ints) -> Ints:
    """Ads of an account follow one another: the first starts on the first day, the last ends on the last."""
    ads = np.arange(account.size, dtype=np.int64)
    rank = ads - first_ad[account]
    last = np.diff(first_ad)[account] - 1
    steps = np.maximum(last, 1)
    jitter = np.where((rank == 0) | (rank == last), 0.0, 0.6 * (draws.uniform(ads)[:, 0] - 0.5))
    starts = np.floor((rank + jitter) / steps * latest + 0.5).astype(np.int64)
    clipped: Ints = np.clip(starts, 0, latest)
    return clipped


def choose(draws: Stream, candidates: Ints, count: int) -> Ints:
    """``count`` different candidates by lot, in the order drawn."""
    order = np.argsort(draws.words(candidates, 1)[:, 0], kind="stable")
    chosen: Ints = candidates[order[:count]]
    return chosen


def day_of_ads(plan: Plan, ads: Ints) -> tuple[Ints, Ints]:
    """Every day of the given ads: position in ``ads`` and day, int64, shape [rows]; ads in order, days ascending."""
    duration = plan.duration[ads]
    position = np.repeat(np.arange(ads.size, dtype=np.int64), duration)
    ends = np.cumsum(duration)
    day = np.arange(position.size, dtype=np.int64) - (ends - duration)[position] + plan.start[ads][position]
    return position, day
