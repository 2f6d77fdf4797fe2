"""The sample world: an advertiser's business, a pure function of its size and seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from within_wf.data.sample_world import market
from within_wf.data.sample_world.accounts import (
    labels,
    make_accounts,
    make_anomalies,
    make_episodes,
    make_intervention,
)
from within_wf.data.sample_world.ads import make_ads, make_drift
from within_wf.data.sample_world.copywriting import brand, write_copy
from within_wf.data.sample_world.creatives import Brief, brand_colour, look, render
from within_wf.data.sample_world.delivery import deliver
from within_wf.data.sample_world.draws import rounded
from within_wf.data.sample_world.effectiveness import Annotations, make_effectiveness
from within_wf.data.sample_world.plan import Ints, Plan, make_plan, stream
from within_wf.data.sample_world.planted import make_planted
from within_wf.data.sample_world.rates import Happenings
from within_wf.data.sample_world.records import World, account_day_records, ad_records, day_records
from within_wf.data.sample_world.tables import TableWriter, names, pick
from within_wf.data.sample_world.truth import write_truth

CREATIVES_AT_ONCE = 500

Advance = Callable[[str, int, int], None]
"""Told what is being drawn, how much more of it is done, and how much there is."""


def simulate(rows: int, seed: int, output: Path, *, rows_at_once: int = 250_000, advance: Advance | None = None) -> None:
    """Draw a world and write its tables.

    Args:
        rows: Days of ads; accounts, ads and creatives follow from it.
        seed: Which world is drawn.
        output: An existing, empty directory.
        rows_at_once: About how many days of ads are held in memory; never changes a byte.
        advance: Called after each piece of work.
    """
    tell = advance or (lambda what, done, total: None)
    world, annotations = make_world(rows, seed)
    _write_accounts(world, output / "accounts.parquet")
    _write_benchmarks(output / "industry_benchmarks.parquet")
    _write_annotations(annotations, output / "annotations.parquet")
    _write_days(world, output, rows_at_once, tell)
    _write_creatives(world, output / "creatives.parquet", tell)
    write_truth(world, output / "truth")


def make_world(rows: int, seed: int) -> tuple[World, Annotations]:
    """Everything but the days and the creatives."""
    plan = make_plan(rows, seed)
    accounts = make_accounts(plan)
    episodes = make_episodes(plan)
    drift = make_drift(plan)
    happenings = Happenings(episodes, make_anomalies(plan, episodes), make_intervention(plan, episodes), drift)
    ads = make_ads(plan, accounts, drift)
    effectiveness, annotations = make_effectiveness(plan, ads)
    return World(plan, accounts, ads, happenings, effectiveness, make_planted(plan)), annotations


def _write_accounts(world: World, path: Path) -> None:
    plan, accounts = world.plan, world.accounts
    ids = np.arange(plan.accounts, dtype=np.int64)
    colours = brand_colour(plan, ids)
    budget = accounts.volume * accounts.click_rate * accounts.click_cost * 30.4
    with TableWriter(path) as writer:
        writer.write(
            {
                "account_id": names("account", ids),
                "industry": pick(market.INDUSTRIES, accounts.industry),
                "brand": pa.array([brand(plan, account) for account in ids.tolist()], pa.string()),
                "brand_colour": pa.array([f"#{r:02x}{g:02x}{b:02x}" for r, g, b in colours.tolist()], pa.string()),
                "monthly_budget": rounded(budget, -1),
            }
        )


def _write_benchmarks(path: Path) -> None:
    """Usual rates and costs by industry and platform, as a trade body would publish them."""
    industry, platform = (grid.ravel() for grid in np.indices((len(market.INDUSTRIES), len(market.PLATFORMS))))
    with TableWriter(path) as writer:
        writer.write(
            {
                "industry": pick(market.INDUSTRIES, industry),
                "platform": pick(market.PLATFORMS, platform),
                "click_through_rate": rounded(market.CLICK_RATE[industry] * market.PLATFORM_CLICKS[platform], 4),
                "conversion_rate": rounded(market.CONVERSION_RATE[industry], 4),
                "cost_per_click": rounded(market.CLICK_COST[industry] * market.PLATFORM_COST[platform], 2),
            }
        )


def _write_annotations(annotations: Annotations, path: Path) -> None:
    with TableWriter(path) as writer:
        writer.write(
            {
                "ad_id": names("ad", annotations.ad),
                "annotator_id": names("annotator", annotations.annotator),
                "score": annotations.score,
            }
        )


def _write_days(world: World, output: Path, rows_at_once: int, tell: Advance) -> None:
    plan = world.plan
    with (
        TableWriter(output / "days.parquet") as days,
        TableWriter(output / "ads.parquet") as ads,
        TableWriter(output / "account_days.parquet") as account_days,
    ):
        for first, last in _pieces(plan, rows_at_once):
            delivery = deliver(plan, world.accounts, world.ads, world.happenings, first, last)
            unhealthy = labels(plan, world.happenings.episodes, first, last)
            days.write_table(day_records(plan, delivery))
            ads.write_table(ad_records(world, delivery, first, last))
            account_days.write_table(account_day_records(world, delivery, unhealthy, first, last))
            tell("drawing days of ads", delivery.ad.size, plan.rows)


def _pieces(plan: Plan, rows_at_once: int) -> Iterator[tuple[int, int]]:
    """Runs of accounts that have about so many days of ads together."""
    ends = np.cumsum(plan.duration)[plan.first_ad[1:] - 1]
    first, done = 0, 0
    while first < plan.accounts:
        last = max(first + 1, int(np.searchsorted(ends, done + rows_at_once, side="right")))
        yield first, last
        first, done = last, int(ends[last - 1])


def _write_creatives(world: World, path: Path, tell: Advance) -> None:
    schema = pa.schema([("creative_id", pa.string()), ("png", pa.binary())])
    with TableWriter(path, CREATIVES_AT_ONCE, compress=False) as writer:
        for begin in range(0, world.plan.creatives, CREATIVES_AT_ONCE):
            ids = np.arange(begin, min(begin + CREATIVES_AT_ONCE, world.plan.creatives), dtype=np.int64)
            pictures = [render(brief) for brief in _briefs(world, ids)]
            writer.write_table(pa.table([names("creative", ids), pa.array(pictures, pa.binary())], schema=schema))
            tell("drawing creatives", ids.size, world.plan.creatives)


def _briefs(world: World, creatives: Ints) -> list[Brief]:
    """A creative is made for the first ad that shows it, the ad of the same number."""
    plan = world.plan
    copy = write_copy(plan, creatives, world.ads.industry[creatives])
    columns: tuple[list[Any], ...] = (
        look(plan, creatives).tolist(),
        stream(plan, "picture").integers(creatives, 2**20, 8).tolist(),
        brand_colour(plan, plan.account[creatives]).tolist(),
        copy.headline,
        [market.CALLS[call] for call in world.ads.call[creatives].tolist()],
    )
    return [
        Brief(tuple(qualities), tuple(chance), (colour[0], colour[1], colour[2]), headline, call)
        for qualities, chance, colour, headline, call in zip(*columns, strict=True)
    ]
