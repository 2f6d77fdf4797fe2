import hashlib
import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from within_wf.reports.page import render_page

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Notes what a page holds and refuses tags that do not close in order."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, *names):
        return [attrs for tag, attrs in self.tags if tag in names]


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    reader.page = page
    reader.words = " ".join(" ".join(reader.text).split())
    return reader


@pytest.fixture(scope="session")
def ads_page(ads):
    return read(render_page(ads))


@pytest.fixture(scope="session")
def accounts_page(accounts):
    return read(render_page(accounts))


@pytest.fixture(params=["ads_page", "accounts_page"])
def page(request):
    return request.getfixturevalue(request.param)


def test_asks_nothing_of_the_network_and_runs_nothing(page):
    assert page.page.startswith("<!doctype html>")
    assert not page.all("script", "iframe", "object", "embed", "base", "form")
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            assert attributes.get(name, "#").startswith(("#", "data:,"))
    outside = re.findall(r"https?://[^\s\"')]+|@import|url\((?!#)", page.page)
    assert set(outside) <= {"http://www.w3.org/2000/svg"}


def test_what_comes_from_data_is_escaped(ads_page):
    assert "alert(1)" in ads_page.words
    assert "<script" not in ads_page.page.lower()


def test_can_be_read_by_those_who_cannot_see_it(page):
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("table")) == len(page.all("caption")) > 0
    assert all(th.get("scope") in {"row", "col"} for th in page.all("th"))
    assert all(svg["role"] == "img" and len(svg["aria-label"]) > 10 for svg in page.all("svg"))
    assert all(region["aria-label"] for region in page.all("div") if region.get("role") == "region")
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in page.all("a")} <= set(ids)


def test_says_what_was_found(ads_page, ads):
    score = ads.metrics["test"]["rmse"]
    assert f"{score:.2f}" in ads_page.words
    assert "better than every baseline (mean and TF-IDF with ridge)" in ads_page.words
    assert "1,204 rows were read; 4 of them (0.3 %)" in ads_page.words
    assert "end before start" in ads_page.words
    assert "Between female and male" in ads_page.words or "Between male and female" in ads_page.words
    assert "the weights of epoch 8 were kept" in ads_page.words
    assert "model.head.hidden_layers" in ads_page.words
    assert "64, 32" in ads_page.words
    assert "dataset=sample_world" in ads_page.words
    assert len(ads_page.all("svg")) == 7


def test_says_it_plainly_when_a_baseline_is_better(accounts_page):
    assert "The model is worse than gradient boosting, by more than chance explains" in accounts_page.words
    assert len(accounts_page.all("svg")) == 5
    assert "rows were read" not in accounts_page.words


def test_a_bare_experiment_still_makes_a_page(ads):
    metrics = {**ads.metrics, "baselines": {}, "slices": {}, "fairness": {}, "verdict": "level"}
    bare = read(render_page(replace(ads, metrics=metrics, curves={}, validation={}, split={}, history={}, config={})))
    assert "There is no baseline to compare the model with" in bare.words


def test_a_baseline_that_cannot_be_compared_is_called_so(ads):
    mean = {**ads.metrics["baselines"]["mean"], "difference": {"value": None, "low": None, "high": None}}
    metrics = {**ads.metrics, "baselines": {**ads.metrics["baselines"], "mean": mean}}
    page = read(render_page(replace(ads, metrics=metrics)))
    assert "not comparable" in page.words
    assert "better than its baseline (TF-IDF with ridge)" in page.words


def test_undefined_scores_are_dashes(ads):
    test, bounds = ({**ads.metrics[key], "rmse": None} for key in ("test", "intervals"))
    undefined = read(render_page(replace(ads, metrics={**ads.metrics, "test": test, "intervals": bounds})))
    assert "–" in undefined.words


def test_a_template_of_ones_own(ads, tmp_path):
    own = tmp_path / "own.html"
    own.write_text("{{ experiment.dataset }} {{ experiment.description }} {{ score | number(1) }}")
    text = render_page(ads, own)
    assert text.startswith("sample_world &lt;script&gt;")


@pytest.mark.slow
def test_another_process_makes_the_same_bytes(ads, accounts, tmp_path):
    (tmp_path / "both.json").write_text(json.dumps([asdict(ads), asdict(accounts)]))
    code = (
        "import hashlib, json, sys; from within_wf.reports.page import render_page;"
        "from within_wf.reports.experiment import Experiment;"
        "both = [Experiment(**fields) for fields in json.load(open(sys.argv[1]))];"
        "[print(hashlib.sha256(render_page(e).encode()).hexdigest()) for e in reversed(both)]"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "both.json"], capture_output=True, text=True, check=True)
    here = [hashlib.sha256(render_page(e).encode()).hexdigest() for e in (accounts, ads)]
    assert done.stdout.split() == here


def test_findings_and_what_of_the_planted_was_found_are_shown(ads_page, accounts_page):
    assert "1,204 rows were looked at" in ads_page.words
    assert "Not judged: wrong labels, no feature but texts." in ads_page.words
    assert "outliers, robust z Correct it." in ads_page.words
    assert "1,003" in ads_page.words
    assert "duplicate Keep one. annotations: ad_id 7 warn" in ads_page.words
    assert "score 0.988 – warn" in ads_page.words
    assert "outliers 3 8 25.0 % 66.7 %" in ads_page.words
    assert "near duplicates 4 0 – 0.0 %" in ads_page.words
    assert "looked at" not in accounts_page.words
