"""The tables that an advertiser exports, with their faults."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from within_wf.data.sample_world.accounts import Accounts
from within_wf.data.sample_world.ads import Ads
from within_wf.data.sample_world.copywriting import write_copy
from within_wf.data.sample_world.delivery import Delivery, account_sums, ad_sums
from within_wf.data.sample_world.effectiveness import Effectiveness
from within_wf.data.sample_world.market import AGES, CALLS, GENDERS, INDUSTRIES, PLATFORMS
from within_wf.data.sample_world.plan import Bools, Floats, Ints, Plan
from within_wf.data.sample_world.planted import AD_FAULTS, DAY_FAULTS, OUTLIER_FACTOR, Planted
from within_wf.data.sample_world.rates import Happenings
from within_wf.data.sample_world.tables import dates, money, names, pick


@dataclass(frozen=True)
class World:
    """Everything that is known of a world before its days are drawn."""

    plan: Plan
    accounts: Accounts
    ads: Ads
    happenings: Happenings
    effectiveness: Effectiveness
    planted: Planted


def day_records(plan: Plan, delivery: Delivery) -> pa.Table:
    """One row for each day of an ad."""
    return pa.table(
        {
            "ad_id": names("ad", delivery.ad),
            "account_id": names("account", plan.account[delivery.ad]),
            "date": dates(delivery.day),
            "impressions": delivery.impressions,
            "clicks": delivery.clicks,
            "conversions": delivery.conversions,
            "spend": money(delivery.cents),
        }
    )


def ad_records(world: World, delivery: Delivery, first: int, last: int) -> pa.Table:
    """One row for each ad of accounts ``first`` up to ``last``; a duplicate follows its original."""
    plan, ads, planted = world.plan, world.ads, world.planted
    own = np.arange(plan.first_ad[first], plan.first_ad[last], dtype=np.int64)
    faults = _Faults(own, planted.faulty_ads, planted.ad_faults, AD_FAULTS)
    sums = ad_sums(plan, delivery, first, last)
    copy = write_copy(plan, own, ads.industry[own])
    start, end = plan.start[own], plan.start[own] + plan.duration[own] - 1
    backwards = faults.where("end_date", "end_before_start")
    score = world.effectiveness.labelled[own]
    measures, spend = _spoil(sums, faults)
    table = pa.table(
        {
            "ad_id": names("ad", own),
            "account_id": names("account", plan.account[own]),
            "campaign_id": names("campaign", ads.campaign[own]),
            "industry": pick(INDUSTRIES, ads.industry[own]),
            "platform": _hide(pick(PLATFORMS, ads.platform[own]), faults.where("platform", "missing")),
            "headline": copy.headline,
            "body": copy.body,
            "call_to_action": pick(CALLS, ads.call[own]),
            "audience_age": pick(AGES, ads.age[own]),
            "audience_gender": pick(GENDERS, ads.gender[own]),
            "start_date": dates(start),
            "end_date": dates(np.where(backwards, start - 3, end)),
            "impressions": pa.array(measures["impressions"], mask=faults.where("impressions", "missing")),
            "clicks": measures["clicks"],
            "conversions": pa.array(measures["conversions"], mask=np.isin(own, planted.unmeasured)),
            "spend": np.where(np.isin(own, planted.outliers), spend * OUTLIER_FACTOR, spend),
            "creative_id": names("creative", plan.creative[own]),
            "effectiveness": np.where(faults.where("effectiveness", "out_of_range"), score + 100.0, score),
            "annotators": world.effectiveness.annotators[own],
        }
    )
    return table.take(faults.rows("ad_id"))


def account_day_records(world: World, delivery: Delivery, unhealthy: Ints, first: int, last: int) -> pa.Table:
    """One row for each day of accounts ``first`` up to ``last``; a duplicate follows its original."""
    plan, planted = world.plan, world.planted
    slot = np.arange(first * plan.days, last * plan.days, dtype=np.int64)
    account = slot // plan.days
    faults = _Faults(slot, planted.faulty_days, planted.day_faults, DAY_FAULTS)
    measures, spend = _spoil(account_sums(plan, delivery, first, last), faults)
    table = pa.table(
        {
            "account_id": names("account", account),
            "industry": pick(INDUSTRIES, world.accounts.industry[account]),
            "date": dates(slot % plan.days),
            "impressions": measures["impressions"],
            "clicks": pa.array(measures["clicks"], mask=faults.where("clicks", "missing")),
            "conversions": measures["conversions"],
            "spend": spend,
            "unhealthy": unhealthy.ravel(),
        }
    )
    return table.take(faults.rows("account_id"))


class _Faults:
    """The faults of a run of rows."""

    def __init__(self, rows: Ints, spoilt: Ints, fault: Ints, kinds: tuple[tuple[str, str], ...]) -> None:
        begin, end = np.searchsorted(spoilt, [rows[0], rows[-1] + 1])
        self._kind = np.full(rows.size, -1, np.int64)
        self._kind[spoilt[begin:end] - rows[0]] = fault[begin:end]
        self._kinds = kinds

    def where(self, column: str, rule: str) -> Bools:
        """Rows whose column breaks the rule."""
        if (column, rule) not in self._kinds:
            return np.zeros(self._kind.size, bool)
        marked: Bools = self._kind == self._kinds.index((column, rule))
        return marked

    def rows(self, key: str) -> Ints:
        """Positions of the rows as they are written: duplicates twice."""
        return np.repeat(np.arange(self._kind.size, dtype=np.int64), 1 + self.where(key, "duplicate"))


def _spoil(sums: dict[str, Ints], faults: _Faults) -> tuple[dict[str, Ints], Floats]:
    """Measures and spend with the faults of numbers."""
    measures = dict(sums)
    too_many = faults.where("clicks", "clicks_exceed_impressions")
    measures["clicks"] = np.where(too_many, sums["impressions"] + 1 + sums["clicks"], sums["clicks"])
    measures["impressions"] = np.where(faults.where("impressions", "negative"), -1 - sums["impressions"], sums["impressions"])
    spend = money(np.where(faults.where("spend", "negative"), -1 - sums["cents"], sums["cents"]))
    return measures, spend


def _hide(words: pa.Array, hidden: Bools) -> pa.Array:
    return pa.compute.if_else(pa.array(hidden), pa.scalar(None, pa.string()), words)
