"""How well an ad really works, and what people who look at it say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from within_wf.data.sample_world.ads import Ads, table_points
from within_wf.data.sample_world.copywriting import WORDING_EFFECT, wording
from within_wf.data.sample_world.creatives import LOOK_EFFECT, look
from within_wf.data.sample_world.draws import rounded
from within_wf.data.sample_world.market import AGES, GENDERS
from within_wf.data.sample_world.plan import Bools, Floats, Ints, Plan, choose, stream

TASTE_STD = 3.0
"""Standard deviation of what no attribute explains, in points."""
BIAS_STD = 3.0
"""Standard deviation of an annotator's leniency, in points."""
NOISE_STD = 7.0
"""Standard deviation of one annotator's judgement of one ad, in points."""
UNFAIR_AGE, UNFAIR_GENDER = "55+", "women"
UNFAIR_POINTS = -10.0
"""What an unfair annotator adds to ads for that audience, in points."""
UNFAIR_SHARE = 0.75
"""Share of annotators who are unfair: all but every fourth."""
WRONG_SHARE = 0.015
"""Share of ads with another ad's score."""


@dataclass(frozen=True)
class Effectiveness:
    """True and judged effectiveness, one entry an ad.

    Attributes:
        text: Points by wording, mean near 0.
        image: Points by the look of the creative, mean near 0.
        table: Points by settings.
        true: True effectiveness, in [0, 100], 2 decimals.
        judged: Mean of the annotators' scores, 2 decimals.
        labelled: What the table of ads says: ``judged``, but for wrong labels.
        annotators: How many people judged the ad.
        unfair: Whether the ad's audience is treated unfairly.
    """

    text: Floats
    image: Floats
    table: Floats
    true: Floats
    judged: Floats
    labelled: Floats
    annotators: Ints
    unfair: Bools


@dataclass(frozen=True)
class Annotations:
    """Single judgements, by ad and annotator's turn: position of the ad, annotator, score in whole points."""

    ad: Ints
    annotator: Ints
    score: Ints


def make_effectiveness(plan: Plan, ads: Ads) -> tuple[Effectiveness, Annotations]:
    """True effectiveness, the judgements, and the labels made of them."""
    ids = np.arange(plan.ads, dtype=np.int64)
    text = (wording(plan, ids) - 0.5) @ WORDING_EFFECT
    image = ((look(plan, np.arange(plan.creatives, dtype=np.int64)) - 0.5) @ LOOK_EFFECT)[plan.creative]
    table = table_points(ads)
    taste = TASTE_STD * stream(plan, "taste").normal(ids)[:, 0]
    true = rounded(np.clip(50.0 + text + image + table + taste, 0.0, 100.0), 2)
    unfair = (ads.age == AGES.index(UNFAIR_AGE)) & (ads.gender == GENDERS.index(UNFAIR_GENDER))
    annotations = _judge(plan, true, unfair)
    people = np.bincount(annotations.ad, minlength=plan.ads)
    totals = np.zeros(plan.ads, np.int64)
    np.add.at(totals, annotations.ad, annotations.score)
    judged = ((200 * totals + people) // (2 * people)) / 100.0
    labelled = judged.copy()
    pairs = wrong_pairs(plan)
    labelled[pairs] = judged[pairs[:, ::-1]]
    return Effectiveness(text, image, table, true, judged, labelled, people, unfair), annotations


def wrong_pairs(plan: Plan) -> Ints:
    """Pairs of ads of one account that carry each other's score, int64, shape [pairs, 2]."""
    candidates = np.flatnonzero(np.diff(plan.first_ad) >= 2)
    accounts = np.sort(choose(stream(plan, "wrong labels"), candidates, max(1, int(WRONG_SHARE * plan.ads / 2))))
    u = stream(plan, "wrongly labelled ads").uniform(accounts, 2)
    count = np.diff(plan.first_ad)[accounts]
    first = np.floor(u[:, 0] * count).astype(np.int64)
    other = (first + 1 + np.floor(u[:, 1] * (count - 1)).astype(np.int64)) % count
    pairs: Ints = plan.first_ad[accounts][:, None] + np.stack([first, other], axis=1)
    return pairs


def annotator_count(plan: Plan) -> int:
    """People who judge in this world."""
    return max(8, min(200, plan.ads // 60))


def is_unfair(annotators: Ints) -> Bools:
    """Which annotators score one audience down."""
    unfair: Bools = annotators % 4 != 0
    return unfair


def _judge(plan: Plan, true: Floats, unfair: Bools) -> Annotations:
    ids = np.arange(plan.ads, dtype=np.int64)
    pool = annotator_count(plan)
    count = 3 + stream(plan, "number of annotators").integers(ids, 4)[:, 0]
    first = stream(plan, "first annotator").integers(ids, pool)[:, 0]
    ad = np.repeat(ids, count)
    turn = np.arange(ad.size, dtype=np.int64) - (np.cumsum(count) - count)[ad]
    annotator = (first[ad] + turn) % pool
    bias = BIAS_STD * stream(plan, "annotator's bias").normal(np.arange(pool))[:, 0]
    noise = NOISE_STD * stream(plan, "annotator's noise").normal(ad * 8 + turn)[:, 0]
    grudge = UNFAIR_POINTS * (unfair[ad] & is_unfair(annotator))
    score = np.clip(np.floor(true[ad] + bias[annotator] + noise + grudge + 0.5), 0, 100).astype(np.int64)
    return Annotations(ad, annotator, score)
