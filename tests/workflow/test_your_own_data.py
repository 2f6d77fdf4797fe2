"""docs/your-own-data.md, replayed on two tables that the project has never seen: by its commands and edits of YAML alone."""

import csv
import gzip
import json
import re
import shutil
from datetime import date, timedelta

import numpy as np
import pytest

from tests.workflow.place import ROOT, Place
from within_wf.config.expressions import FUNCTIONS

PAGE = (ROOT / "docs/your-own-data.md").read_text()
FEW = ("ad_score.training.epochs=4", "account_health.training.epochs=2", "evaluation.bootstrap.resamples=50")
HEADLINES = [
    "Save {} percent on running shoes",
    "New season jackets for the whole family",
    "Why {} runners changed their shoes",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A checkout whose configurations may be written."""
    folder = tmp_path_factory.mktemp("own")
    code = folder / "code"
    for name in ("within_wf", "rules", "configs", "local", "csrc"):
        shutil.copytree(ROOT / name, code / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "setup.py", "pyproject.toml"):
        shutil.copy(ROOT / name, code)
    return Place(code, folder / "store", code=code)


def write_ads(path, rows=400):
    draw = np.random.default_rng(7)
    with path.open("w", newline="") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(["Ad Ref", "Headline", "Network", "Country", "Daily budget (EUR)", "Launched", "Age band", "Opens"])
        for row in range(rows):
            kind, network = int(draw.integers(3)), ["feed", "search", "video"][draw.integers(3)]
            opens = 30 + 20 * kind + 10 * (network == "feed") + draw.integers(8)
            headline = HEADLINES[kind].format(int(draw.integers(10, 60)))
            budget = f"{draw.integers(20, 90) / 4:.2f}" if row % 6 else ""
            day, age = date(2024, 3, 1) + timedelta(days=row // 4), ["18-24", "25-34", "35-44"][draw.integers(3)]
            out.writerow([f"S-{1000 + row}", headline, network, ["AT", "DE"][draw.integers(2)], budget, day, age, opens])


def write_shops(path, shops=6, days=160):
    draw = np.random.default_rng(8)
    lines = []
    for shop in range(shops):
        closed = np.zeros(days, int)
        for start in draw.integers(10, days - 12, 6):
            closed[start : start + 6] = 1
        for day in range(days):
            visits = draw.normal(400, 20) * (0.5 if closed[day] else 1.0)
            row = {"shop": f"{['north', 'south'][shop % 2]} {shop}", "day": str(date(2024, 1, 1) + timedelta(days=day))}
            lines.append(row | {"visits": int(visits), "sales": round(visits * 2.5, 2), "closed_till": int(closed[day])})
    path.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))


def section(title):
    return re.search(rf"^## {title}\n(.*?)(?=^## )", PAGE, re.M | re.S)[1]


def blocks(title, language=""):
    return re.findall(rf"^```{language}\n(.*?)^```", section(title), re.M | re.S)


def edit(place, text):
    """Put the lines of a block in the place of those with the same keys; a key that is not there is added to the section."""
    where, lines = text.split("\n", 1)
    file, name = re.fullmatch(r"# (\S+), section (\w+)", where).groups()
    path = place.code / file
    before = path.read_text()
    for line in lines.splitlines():
        key = line.split(":")[0]
        before, count = re.subn(rf"^{key}:.*$", lambda _, new=line: new, before, flags=re.M)
        if not count:
            before = before.replace(f"\n{name}:\n", f"\n{name}:\n{line}\n")
        assert line in before
    path.write_text(before)


def replay(place, title, model):
    """Every command of a section, in order; gives what each printed."""
    few = [f"set={each}" for each in FEW if each.startswith((model, "evaluation"))]
    said = {}
    for language, text in re.findall(r"^```(yaml)?\n(.*?)^```", section(title), re.M | re.S):
        if language == "yaml":
            edit(place, text)
        elif text.startswith("within-wf "):
            said[text] = place.within_wf(*text.split()[1:])
        elif text.startswith("snakemake "):
            dataset = re.search(r"dataset=\w+", text)[0]
            assert text == f"snakemake --profile local train_all --config {dataset}\n"
            said[text] = place.run("train_all", dataset, *few, small=False)
    return said


@pytest.mark.slow
def test_ads(place):
    write_ads(place.folder / "spring.csv")
    header = blocks("Ads")[0].splitlines()[0]
    assert (place.folder / "spring.csv").read_text().splitlines()[0] == header
    said = replay(place, "Ads", "ad_score")
    assert said["within-wf data init spring.csv\n"] == blocks("Ads")[2]
    metrics = json.loads((place.folder / "results/spring/ad_score/metrics.json").read_text())
    assert metrics["verdict"] == "above"


@pytest.mark.slow
def test_series(place):
    write_shops(place.folder / "shops.jsonl.gz")
    replay(place, "Days of shops", "account_health")
    metrics = json.loads((place.folder / "results/shops/account_health/metrics.json").read_text())
    assert metrics["test"]["auc"] > 0.9


def test_every_function_is_on_the_page():
    table = PAGE[PAGE.index("## Expressions") :]
    for name, function in FUNCTIONS.items():
        assert f"| `{name}({', '.join('xyz'[: len(function.takes)])})` | {function.says} |" in table
