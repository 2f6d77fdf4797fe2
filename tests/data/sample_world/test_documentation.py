"""Every number of docs/sample-world.md stands in a sentence that is made here from a world."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from within_wf.config import load_file
from within_wf.config.dataset import DatasetConfig, SampleWorldSource
from within_wf.data.sample_world.accounts import BLOCK, SURPRISES, TROUBLES
from within_wf.data.sample_world.ads import Ads, table_points
from within_wf.data.sample_world.best_health import OBSERVED_ACCOUNTS
from within_wf.data.sample_world.copywriting import WORDING, wording
from within_wf.data.sample_world.creatives import LOOK, look
from within_wf.data.sample_world.effectiveness import annotator_count
from within_wf.data.sample_world.market import AGES, CALLS, GENDERS, INDUSTRIES, PLATFORMS
from within_wf.data.sample_world.plan import FIRST_DAY, MAX_CREATIVES, make_plan
from within_wf.data.sample_world.rates import account_noise, budget_steps, severity, trouble_factors
from within_wf.data.sample_world.records import World
from within_wf.data.sample_world.truth import write_truth
from within_wf.data.sample_world.world import make_world

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/sample-world.md").read_text()
SOURCE = load_file(ROOT / "configs/data/sample_world.yaml", DatasetConfig).source


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory, known: World) -> Path:
    """The truth of the world that the project's configuration draws."""
    assert isinstance(SOURCE, SampleWorldSource)
    assert (SOURCE.rows, SOURCE.seed) == (known.plan.rows, known.plan.seed)
    folder = tmp_path_factory.mktemp("documented") / "truth"
    write_truth(known, folder)
    return folder


@cache
def large_world() -> World:
    """A world with ads enough for rare things."""
    return make_world(2_000_000, 3)[0]


def near(measured: float, said: float, within: float) -> float:
    """What is said, where the world agrees with it."""
    assert measured == pytest.approx(said, abs=within)
    return said


def signed(points: float) -> str:
    return f"{points:+g}".replace("-", "−")


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %".replace(".0 ", " ")


def effects(points: np.ndarray, qualities: np.ndarray) -> list[float]:
    """What each quality brings, found by least squares; the fit is exact."""
    columns = np.column_stack([qualities, np.ones(len(points))])
    found, rest, *_ = np.linalg.lstsq(columns, points, rcond=None)
    assert rest[0] < 1e-15 * len(points)
    return [round(float(effect), 9) for effect in found[:-1]]


def sizes() -> list[str]:
    rows = []
    for count in (200, 2_000, 20_000, 100_000, 1_000_000):
        plan = make_plan(count, 42)
        row = (count, plan.accounts, plan.ads, plan.creatives, plan.days, annotator_count(plan))
        rows.append("| " + " | ".join(f"{size:,}" for size in row) + " |")
    huge = 2 * MAX_CREATIVES * 200 // 3
    assert make_plan(huge, 1).creatives == MAX_CREATIVES < make_plan(huge, 1).ads
    return [*rows, f"more than {MAX_CREATIVES:,} ads share creatives", f"starts on {FIRST_DAY}"]


def scores(known: World, world: Path) -> list[str]:
    plan, effectiveness = known.plan, known.effectiveness
    by_word = effects(effectiveness.text, wording(plan, np.arange(plan.ads)))
    by_look = effects(effectiveness.image, look(plan, plan.creative))
    taste = effectiveness.true - effectiveness.text - effectiveness.image - effectiveness.table
    large = large_world().effectiveness.true
    ads, people = pl.read_parquet(world / "ads.parquet"), pl.read_parquet(world / "annotations.parquet")
    counted = people.group_by("ad_id").len()["len"]
    assert people["score"].is_between(0, 100).all()
    assert (counted.min(), counted.max()) == (ads["annotators"].min(), ads["annotators"].max())
    return [
        *(f"| {name} | {signed(points)} |" for name, points in zip((*WORDING, *LOOK), by_word + by_look, strict=True)),
        f"is {near(taste.mean(), 50, 0.3):g} points",
        f"in {large.min():g} to {large.max():g}",
        f"taste that nothing explains, of {near(taste.std(), 3, 0.2):g} points",
        f"{counted.min()} to {counted.max()} people score each ad",
        "{:g} points of leniency and {:g} points of noise".format(*spread(known)),
    ]


def spread(known: World) -> tuple[float, float]:
    """Standard deviations of an annotator's leniency and of one judgement, from the judgements of fair ads."""
    _, annotations = make_world(known.plan.rows, known.plan.seed)
    fair = ~known.effectiveness.unfair[annotations.ad]
    error = (annotations.score - known.effectiveness.true[annotations.ad])[fair]
    inside = (annotations.score[fair] > 0) & (annotations.score[fair] < 100)
    error, who = error[inside], annotations.annotator[fair][inside]
    leniency = np.bincount(who, error) / np.bincount(who)
    return near(leniency.std(ddof=1), 3, 1.0), near((error - leniency[who]).std(), 7, 0.3)


def settings() -> list[str]:
    """The points of all settings there can be: what one brings on average, and what two bring together besides."""
    values = {"platform": PLATFORMS, "age": AGES, "call": CALLS, "gender": GENDERS, "industry": INDUSTRIES, "share": (20, 100)}
    grid = np.indices([len(words) for words in values.values()]).reshape(len(values), -1)
    cells = dict(zip(values, grid, strict=True))
    cells["share"] = np.array(values["share"])[cells["share"]]
    points = table_points(Ads(**cells, campaign=np.zeros_like(grid[0]))).reshape([len(words) for words in values.values()])
    axes = list(values)

    def mean(*names: str) -> np.ndarray:
        others = tuple(axis for axis, name in enumerate(axes) if name not in names)
        return points.mean(axis=others, keepdims=True)

    def together(one: str, other: str) -> str:
        rest = mean(one, other) - mean(one) - mean(other) + mean()
        return f"{np.abs(rest).max():.1f}"

    span = {name: f"{round(float(np.ptp(mean(name))), 9):g}" for name in axes}
    assert span["industry"] == "0"
    return [
        f"platform ({span['platform']} points between the best and the worst)",
        f"age of the audience ({span['age']})",
        f"call to action ({span['call']})",
        f"gender of the audience ({span['gender']})",
        f"share of the account's budget ({span['share']})",
        f"platform and age together up to {together('platform', 'age')} points more or less",
        f"platform and industry up to {together('platform', 'industry')}",
    ]


def days(known: World, truth: Path) -> list[str]:
    plan = known.plan
    noise = account_noise(plan, np.arange(plan.accounts))
    wander = {name: round(float(values.std()), 2) for name, values in noise.items()}
    memory = np.mean([np.corrcoef(values[:, 1:].ravel(), values[:, :-1].ravel())[0, 1] for values in noise.values()])
    steps = np.diff(budget_steps(plan, np.arange(plan.accounts)), axis=1)
    often = plan.days / np.count_nonzero(steps, axis=1).mean()
    failing = pl.read_parquet(truth / "failing_accounts.parquet")
    length = (failing["end_date"] - failing["start_date"]).dt.total_days() + 1
    late = (failing["label_start"] - failing["start_date"]).dt.total_days()
    after = (failing["label_end"] - failing["end_date"]).dt.total_days()
    blocks = plan.days // BLOCK
    names = ("volume", "conversion_rate", "click_rate", "click_cost")
    strange = pl.read_parquet(truth / "anomalies.parquet")
    usual = strange.filter(pl.col("kind") != "dead_day")["factor"]
    dead = strange.filter(pl.col("kind") == "dead_day")["factor"]
    assert set(strange["kind"]) == set(SURPRISES)
    return [
        "logarithms wander by {}, {}, {} and {}".format(*(f"{wander[name]:g}" for name in names)),
        f"correlation of {memory:.1f} from one day to the next",
        f"by up to {near(np.abs(steps).max(), 0.3, 0.01):g} once in {near(often, 45, 4):g} days",
        f"In every {BLOCK} days {share(failing.height, blocks * plan.accounts)} of the accounts",
        f"for {length.min()} to {length.max()} days",
        f"{near(failing['depth'].min(), 0.55, 0.02):g} to {near(failing['depth'].max(), 0.9, 0.02):g}",
        f"up to {late.max()} days late",
        f"up to {after.max()} days after its end",
        *(trouble(kind) for kind in TROUBLES),
        f"{near(usual.min(), 2.5, 0.1):g} to {near(usual.max(), 5.5, 0.1):g} times",
        f"{near(dead.min(), 0.05, 0.01) * 100:g} to {near(dead.max(), 0.2, 0.01) * 100:g} %",
        f"{strange.height} of the {plan.accounts} accounts",
    ]


def trouble(kind: str) -> str:
    """A row of the table: what a depth of 1/2 does, and in which part of its time it is reached."""
    position = TROUBLES.index(kind)
    factors = {name: float(factor) for name, factor in trouble_factors(position, np.array(0.5)).items()}
    reached = next(age + 1 for age in range(100) if severity(np.array(age), 100, position) >= 1)
    when = "at once" if reached == 1 else f"in the first {reached} % of its time"
    words = {"click_rate": "clicks per impression", "conversion_rate": "conversions per click", "volume": "impressions"}
    words["click_cost"] = "cost per click"
    what = ", ".join(f"{words[name]} {signed(round(100 * (factor - 1)))} %" for name, factor in factors.items())
    return f"| {kind} | {what} | {when} |"


def planted(known: World, truth: Path, world: Path) -> list[str]:
    plan = known.plan

    def height(name: str) -> int:
        return pl.read_parquet(truth / f"{name}.parquet").height

    def facts(name: str) -> Any:
        return json.loads((truth / f"{name}.json").read_text())

    broken = pl.read_parquet(truth / "violations.parquet")
    rules = broken.group_by("table").agg(pl.struct("column", "rule").n_unique().alias("rules"), pl.len())
    of = {row["table"]: row for row in rules.rows(named=True)}
    one_in = plan.accounts * plan.days / of["account_days"]["len"]
    factor = pl.read_parquet(truth / "outliers.parquet")["factor"].unique().item()
    drift, unfair, lift = facts("drift"), facts("unfair_group"), facts("intervention")
    unfair_share = near(len(unfair["annotators"]) / annotator_count(plan), 0.75, 0.04)
    small = pl.read_parquet(world / "ads.parquet")
    assert 0 < small["conversions"].null_count() < 0.05 * small.height
    return [
        f"{share(of['ads']['len'], plan.ads)} of the ads, by {of['ads']['rules']} rules",
        f"one in {near(one_in, 1000, 50):,g} of the days of accounts, by {of['account_days']['rules']} rules",
        f"{share(height('outliers'), plan.ads)} of the ads have a spend that is {factor:g} times too high",
        f"{share(height('wrong_labels'), plan.ads)} of the ads carry the score of another ad",
        f"{share(known.planted.unmeasured.size, plan.ads)} of the ads have no conversions",
        f"{drift['start_date']} to {drift['end_date']}",
        f"a click costs {100 * (drift['cost_per_click_factor'] - 1):.0f} % more",
        moved(),
        f"{unfair_share * 100:g} % of the annotators take {-unfair['points']:g} points",
        f"{unfair['audience_gender']} of {unfair['audience_age']}",
        f"{share(len(lift['accounts']), plan.accounts)} of the accounts",
        f"from {lift['start_date']} on {100 * lift['relative_lift']:g} % more",
    ]


def moved() -> str:
    """The share of the platform that ads move to, before and in the drift; in a world with enough ads."""
    large = large_world()
    drift, start, platform = large.happenings.drift, large.plan.start, large.ads.platform
    inside = (start >= drift.start) & (start < drift.end)
    to = PLATFORMS.index("short_video")
    before, during = (float((platform[rows] == to).mean()) for rows in (~inside, inside))
    return f"{near(during, 0.45, 0.02) * 100:g} % of the ads that start then, {near(before, 0.2, 0.01) * 100:g} % of the others"


def best(truth: Path) -> list[str]:
    found = json.loads((truth / "best_score.json").read_text())
    ads, health = found["ad_score"], found["account_health"]

    def row(what: str, scores: dict[str, float]) -> str:
        return f"| {what} | {scores['r2']:.3f} | {scores['pearson']:.3f} | {scores['rmse']:.2f} |"

    words = {"text": "text", "image": "picture", "table": "settings"}
    assert health["accounts"] <= OBSERVED_ACCOUNTS
    return [
        row("everything", ads),
        *(row(f"all but {word}", ads["without"][name]) for name, word in words.items()),
        *(row(f"{word} alone", ads["alone"][name]) for name, word in words.items()),
        f"the {ads['ads']:,} ads that keep the contract",
        f"first {OBSERVED_ACCOUNTS} accounts",
        f"{health['roc_auc']:.3f} over all days and {health['roc_auc_last_fifth']:.3f} over the last fifth",
    ]


@pytest.fixture(scope="module")
def claims(known: World, world: Path, truth: Path) -> list[str]:
    """What the page may say of numbers."""
    parts = [sizes(), scores(known, world), settings(), days(known, truth), planted(known, truth, world), best(truth)]
    return [claim for part in parts for claim in part]


def flat(text: str) -> str:
    return " ".join(text.split())


def test_the_page_says_what_is_measured(claims: Sequence[str]) -> None:
    assert [claim for claim in claims if flat(claim) not in flat(PAGE)] == []


def test_the_page_says_no_other_number(claims: Sequence[str]) -> None:
    rest = flat(PAGE)
    for claim in sorted(claims, key=len, reverse=True):
        rest = rest.replace(flat(claim), "")
    assert re.findall(r".{0,30}\d.{0,30}", rest) == []


def test_the_columns_of_the_tables(world: Path) -> None:
    said = dict(re.findall(r"^\| `([a-z_]+\.parquet)` \| [^|]+ \| (.*) \|$", PAGE, re.MULTILINE))
    files = {path.name: pl.read_parquet_schema(path).names() for path in world.glob("*.parquet")}
    assert {name: re.findall(r"`([a-z_]+)`", columns) for name, columns in said.items()} == files


def test_every_file_of_the_truth_is_there(truth: Path) -> None:
    said = set(re.findall(r"`truth/([a-z_.]+)`", PAGE))
    assert said == {path.name for path in truth.iterdir()}


def test_no_step_reads_the_truth() -> None:
    steps = (ROOT / "within_wf/steps").glob("*.py")
    assert [path.name for path in steps if '"truth' in path.read_text() or "truth/" in path.read_text()] == []
