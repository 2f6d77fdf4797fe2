"""Faults of the records: rows that break the contract, and numbers that are off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from within_wf.data.sample_world.effectiveness import wrong_pairs
from within_wf.data.sample_world.plan import Ints, Plan, choose, stream

AD_FAULTS = (
    ("clicks", "clicks_exceed_impressions"),
    ("end_date", "end_before_start"),
    ("impressions", "negative"),
    ("platform", "missing"),
    ("ad_id", "duplicate"),
    ("spend", "negative"),
    ("impressions", "missing"),
    ("effectiveness", "out_of_range"),
)
"""Column and rule of the faults that ads can have."""
DAY_FAULTS = (
    ("clicks", "clicks_exceed_impressions"),
    ("spend", "negative"),
    ("clicks", "missing"),
    ("account_id", "duplicate"),
)
"""Column and rule of the faults that days of accounts can have."""
AD_FAULT_SHARE = 0.015
OUTLIER_SHARE = 0.005
OUTLIER_FACTOR = 100
"""An outlier's spend is in cents where it should be in currency units."""
UNMEASURED_SHARE = 0.02
"""Share of ads without conversion tracking; their conversions are missing, which the contract allows."""


@dataclass(frozen=True)
class Planted:
    """Which records are spoilt; no ad carries two faults.

    Attributes:
        faulty_ads: Ads that break the contract, ascending.
        ad_faults: Position in AD_FAULTS of each.
        faulty_days: Days of accounts that do, as ``account * days + day``, ascending.
        day_faults: Position in DAY_FAULTS of each.
        outliers: Ads with an outlying spend, ascending.
        unmeasured: Ads whose conversions were not measured, ascending.
    """

    faulty_ads: Ints
    ad_faults: Ints
    faulty_days: Ints
    day_faults: Ints
    outliers: Ints
    unmeasured: Ints


def make_planted(plan: Plan) -> Planted:
    """Choose what is spoilt; wrongly labelled ads are left alone otherwise."""
    sound = np.setdiff1d(np.arange(plan.ads, dtype=np.int64), wrong_pairs(plan).ravel())
    faults, outliers = int(AD_FAULT_SHARE * plan.ads) or 1, int(OUTLIER_SHARE * plan.ads) or 1
    unmeasured = int(UNMEASURED_SHARE * plan.ads) or 1
    chosen = choose(stream(plan, "spoilt ads"), sound, faults + outliers + unmeasured)
    ads = chosen[:faults]
    order = np.argsort(ads)
    days = _faulty_days(plan)
    return Planted(
        faulty_ads=ads[order],
        ad_faults=order % len(AD_FAULTS),
        faulty_days=days,
        day_faults=np.arange(days.size, dtype=np.int64) % len(DAY_FAULTS),
        outliers=np.sort(chosen[faults : faults + outliers]),
        unmeasured=np.sort(chosen[faults + outliers :]),
    )


def _faulty_days(plan: Plan) -> Ints:
    """One day in a thousand, at most one an account."""
    everyone = np.arange(plan.accounts, dtype=np.int64)
    accounts = np.sort(choose(stream(plan, "accounts with spoilt days"), everyone, max(3, plan.accounts * plan.days // 1000)))
    return accounts * plan.days + stream(plan, "spoilt days").integers(accounts, plan.days)[:, 0]
