"""What an ad says: five qualities of wording, and the headline and body that show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from within_wf.data.sample_world import phrases
from within_wf.data.sample_world.market import INDUSTRIES
from within_wf.data.sample_world.plan import Floats, Ints, Plan, stream

WORDING = ("offer", "benefit", "proof", "urgency", "jargon")
"""Qualities of wording; each is there or not, with equal chances."""
WORDING_EFFECT: Floats = np.array([9.0, 8.0, 7.0, 6.0, -7.0])
"""Points of effectiveness that a quality brings."""


@dataclass(frozen=True)
class Copy:
    """Texts of ads, one entry an ad."""

    headline: list[str]
    body: list[str]


def wording(plan: Plan, ads: Ints) -> npt.NDArray[np.int64]:
    """Which qualities of wording an ad has: 0 or 1, int64, shape [ads, 5]."""
    return stream(plan, "wording").integers(ads, 2, len(WORDING))


def brand(plan: Plan, account: int) -> str:
    """The name of an account's brand."""
    start, end = stream(plan, "brand").integers([account], 16, 2)[0]
    return phrases.BRAND_STARTS[start] + phrases.BRAND_ENDS[end]


def write_copy(plan: Plan, ads: Ints, industry: Ints) -> Copy:
    """The headline and body of each ad.

    Args:
        plan: The world.
        ads: Ids of ads, shape [n].
        industry: Position of each ad's industry, shape [n].
    """
    qualities = wording(plan, ads)
    chances = stream(plan, "sentences").integers(ads, 2**20, 16)
    brands = {account: brand(plan, account) for account in np.unique(plan.account[ads]).tolist()}
    headlines, bodies = [], []
    for row, account in enumerate(plan.account[ads].tolist()):
        headline, body = _compose(qualities[row].tolist(), chances[row].tolist(), INDUSTRIES[industry[row]], brands[account])
        headlines.append(headline)
        bodies.append(body)
    return Copy(headlines, bodies)


def _compose(qualities: list[int], chance: list[int], industry: str, brand_name: str) -> tuple[str, str]:
    offer, benefit, proof, urgency, jargon = qualities
    slots = {
        "brand": brand_name,
        "product": _one(phrases.PRODUCTS[industry], chance[0]),
        "pct": str(10 + 5 * (chance[1] % 15)),
        "n": str(2 + chance[2] % 11),
        "price": f"${5 * (2 + chance[3] % 38)}",
        "stars": f"4.{5 + chance[4] % 5}",
        "crowd": f"{1 + chance[5] % 98},{chance[6] % 1000:03d}",
    }
    banks = (
        phrases.JARGON if jargon else phrases.FRIENDLY,
        phrases.BENEFITS[industry] + phrases.SHARED_BENEFITS if benefit else phrases.NO_BENEFITS,
        phrases.PROOFS if proof else phrases.NO_PROOFS,
        phrases.URGENT if urgency else phrases.NOT_URGENT,
    )
    headline = _one(phrases.OFFER_HEADLINES if offer else phrases.PLAIN_HEADLINES, chance[7]).format(**slots)
    sentences = [_one(bank, chance[8 + i]).format(**slots) for i, bank in enumerate(banks)]
    turn = chance[12] % 4
    return headline[0].upper() + headline[1:], " ".join(sentences[turn:] + sentences[:turn])


def _one(bank: tuple[str, ...], chance: int) -> str:
    return bank[chance % len(bank)]
