"""Sizes and schedules of worlds."""

from __future__ import annotations

import numpy as np
import pytest

from within_wf.data.sample_world.market import AGE_SHARE, GENDER_SHARE, INDUSTRY_PLATFORM_EFFECT, PLATFORM_SHARE
from within_wf.data.sample_world.plan import MAX_CREATIVES, make_plan
from within_wf.data.sample_world.world import World


@pytest.mark.parametrize("rows", [200, 201, 777, 2000, 12_345, 100_000, 2_000_000])
def test_plans_have_exactly_their_rows(rows: int) -> None:
    plan = make_plan(rows, 3)
    assert plan.duration.sum() == rows
    assert plan.duration.min() >= 1
    assert plan.start.min() >= 0
    assert (plan.start + plan.duration).max() <= plan.days
    assert np.diff(plan.first_ad).min() >= 1
    assert plan.first_ad[-1] == plan.ads
    assert plan.creatives == min(plan.ads, MAX_CREATIVES)
    assert plan.creative.max() == plan.creatives - 1


def test_default_world_has_its_usual_size() -> None:
    plan = make_plan(100_000, 42)
    assert (plan.accounts, plan.ads, plan.creatives, plan.days) == (200, 1500, 1500, 180)


def test_settings_have_their_shares(known: World) -> None:
    ads, plan = known.ads, known.plan
    early = plan.start < known.happenings.drift.start
    assert np.allclose(np.bincount(ads.platform[early]) / early.sum(), PLATFORM_SHARE, atol=0.04)
    assert np.allclose(np.bincount(ads.age) / plan.ads, AGE_SHARE, atol=0.04)
    assert np.allclose(np.bincount(ads.gender) / plan.ads, GENDER_SHARE, atol=0.04)
    assert np.bincount(ads.industry).min() > 0.08 * plan.ads
    assert (np.diff(ads.campaign) >= 0).all()
    assert np.bincount(ads.campaign).max() == 4
    assert (plan.account[np.unique(ads.campaign, return_index=True)[1]] >= 0).all()


def test_no_industry_is_better_than_another() -> None:
    assert INDUSTRY_PLATFORM_EFFECT.sum(axis=1).tolist() == [0.0] * 8
