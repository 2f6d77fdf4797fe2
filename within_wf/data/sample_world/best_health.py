"""The best score of account health that can be reached, found by an observer who knows how trouble is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from within_wf.data.sample_world.accounts import BLOCK, TROUBLES, Accounts, Episodes, labels
from within_wf.data.sample_world.draws import rounded
from within_wf.data.sample_world.plan import DAY_SLOTS, Floats, Ints, Plan, stream
from within_wf.data.sample_world.rates import NOISE_MEMORY, NOISE_STD, account_noise, severity, trouble_factors

OBSERVED_ACCOUNTS = 200
LENGTHS = (17, 24, 31)
DEPTHS = (0.63, 0.78)
TEST_SHARE = 0.2


@dataclass(frozen=True)
class _Guesses:
    """All times of trouble the observer thinks of in a block, for one kind and length.

    Attributes:
        effect: Logarithm of what trouble multiplies, by rate; shape [guesses, BLOCK].
        labelled: Chance that people call a day unhealthy, shape [guesses, BLOCK].
    """

    effect: dict[str, Floats]
    labelled: Floats


def best_health(plan: Plan, accounts: Accounts, episodes: Episodes) -> dict[str, object]:
    """ROC AUC of the chance that a day is labelled, given everything up to that day.

    The observer knows every account's habits, budgets and mix of ads, and sees the rates through counting noise alone
    (drawn anew). For all times of trouble there can be, on a grid of kinds, starts, lengths and depths, it compares the
    likelihood of what it saw with that of no trouble, by Kalman filters on the wandering of the rates. Late labels are
    what it cannot know. Models see less, so this is what they can come near and not pass, but for chance.
    """
    last = min(plan.accounts, OBSERVED_ACCOUNTS)
    truth = labels(plan, episodes, 0, last)
    chance = np.zeros((last, plan.days))
    for block in range(plan.days // BLOCK):
        chance[:, block * BLOCK : (block + 1) * BLOCK] = _watch(plan, accounts, episodes, block, last)
    test = int(plan.days * (1.0 - TEST_SHARE))
    return {
        "roc_auc": _auc(truth.ravel(), chance.ravel()),
        "roc_auc_last_fifth": _auc(truth[:, test:].ravel(), chance[:, test:].ravel()),
        "accounts": last,
    }


def _watch(plan: Plan, accounts: Accounts, episodes: Episodes, block: int, last: int) -> Floats:
    """Chance that each day of a block is labelled, shape [last, BLOCK]."""
    seen = _observations(plan, accounts, episodes, block, last)
    variances = _counting_variance(accounts, last)
    guesses = [_guess(kind, length) for kind in range(len(TROUBLES)) for length in LENGTHS]
    gains = {name: _filter(np.full(1, NOISE_STD[name]), variances[name]) for name in seen}
    surprise = {name: _innovations(seen[name][:, None, :], gains[name]) for name in seen}
    here = episodes.account[episodes.start // BLOCK == block]
    share = np.unique(here).size / plan.accounts
    labelled, anything = np.zeros((last, BLOCK)), np.full((last, BLOCK), 1.0 - share)
    for guess in guesses:
        evidence = np.zeros((last, guess.labelled.shape[0], BLOCK))
        for name, effect in guess.effect.items():
            expected = _innovations(np.broadcast_to(effect, (last, *effect.shape)), gains[name])
            evidence += np.cumsum((surprise[name] * expected - 0.5 * expected**2) / gains[name][1][:, None, :], axis=2)
        weight = np.exp(np.minimum(evidence, 500.0)) * (share / (len(guesses) * guess.labelled.shape[0]))
        anything += weight.sum(axis=1)
        labelled += (weight * guess.labelled).sum(axis=1)
    chance: Floats = labelled / anything
    return chance


def _observations(plan: Plan, accounts: Accounts, episodes: Episodes, block: int, last: int) -> dict[str, Floats]:
    """Logarithms of rates against a usual day, as they are counted in one block, by rate; shape [last, BLOCK]."""
    who, days = np.arange(last, dtype=np.int64), slice(block * BLOCK, (block + 1) * BLOCK)
    noise = account_noise(plan, who)
    ids = (who[:, None] * DAY_SLOTS + np.arange(plan.days)).ravel()
    z = stream(plan, "the observer's counts").normal(ids, len(NOISE_STD)).reshape(last, plan.days, len(NOISE_STD))
    variances = _counting_variance(accounts, last)
    seen = {n: (noise[n] + np.sqrt(variances[n])[:, None] * z[:, :, i])[:, days] for i, n in enumerate(NOISE_STD)}
    some = episodes.of(0, last)
    for row in np.flatnonzero(some.start // BLOCK == block):
        length, kind = int(some.length[row]), int(some.kind[row])
        start = int(some.start[row]) - block * BLOCK
        lost = some.depth[row] * severity(np.arange(length), length, kind)
        for name, factor in trouble_factors(kind, lost).items():
            seen[name][some.account[row], start : start + length] += np.log(factor)
    return seen


def _counting_variance(accounts: Accounts, last: int) -> dict[str, Floats]:
    """Variance of the logarithm of a day's count about its rate, by rate, shape [last]."""
    clicks = accounts.volume[:last] * accounts.click_rate[:last]
    conversions = clicks * accounts.conversion_rate[:last]
    return {
        "volume": 1.0 / accounts.volume[:last],
        "click_rate": 1.0 / clicks,
        "conversion_rate": 1.0 / conversions,
        "click_cost": np.full(last, 0.0004),
    }


def _guess(kind: int, length: int) -> _Guesses:
    starts = np.arange(BLOCK - length + 1)
    age = (np.arange(BLOCK) - starts[:, None]).astype(np.float64)
    late = np.clip((age + 1.0) / 4.0, 0.0, 1.0)
    over = np.clip((length + 2.0 - age) / 3.0, 0.0, 1.0)
    active = (age >= 0) & (age < length)
    effects: dict[str, list[Floats]] = {}
    for depth in DEPTHS:
        lost = np.where(active, depth * severity(age, length, kind), 0.0)
        for name, factor in trouble_factors(kind, lost).items():
            effects.setdefault(name, []).append(np.log(factor))
    return _Guesses({name: np.concatenate(rows) for name, rows in effects.items()}, np.tile(late * over, (len(DEPTHS), 1)))


def _filter(std: Floats, noise: Floats) -> tuple[Floats, Floats]:
    """Gains and innovation variances of a Kalman filter on an autoregression seen through noise, shape [last, BLOCK]."""
    gains, spreads = np.empty((noise.size, BLOCK)), np.empty((noise.size, BLOCK))
    variance = np.broadcast_to(std * std, noise.shape).copy()
    fresh = std * std * (1.0 - NOISE_MEMORY**2)
    for day in range(BLOCK):
        spreads[:, day] = variance + noise
        gains[:, day] = variance / spreads[:, day]
        variance = NOISE_MEMORY**2 * variance * (1.0 - gains[:, day]) + fresh
    return gains, spreads


def _innovations(series: Floats, filtered: tuple[Floats, Floats]) -> Floats:
    """What a day adds to what the days before let expect; shape [last, n, BLOCK]."""
    gains, _ = filtered
    result = np.empty(series.shape)
    mean = np.zeros(series.shape[:2])
    for day in range(BLOCK):
        result[:, :, day] = series[:, :, day] - mean
        mean = NOISE_MEMORY * (mean + gains[:, None, day] * result[:, :, day])
    return result


def _auc(truth: Ints, chance: Floats) -> float | None:
    """Share of pairs of an unhealthy and a healthy day that are in the right order; ties count half."""
    positives = int(truth.sum())
    negatives = truth.size - positives
    if not positives or not negatives:
        return None
    _, index, count = np.unique(rounded(chance, 9), return_inverse=True, return_counts=True)
    twice_rank = 2 * np.cumsum(count) - count + 1
    total = int(twice_rank[index][truth == 1].sum())
    return round((total - positives * (positives + 1)) / (2 * positives * negatives), 3)
