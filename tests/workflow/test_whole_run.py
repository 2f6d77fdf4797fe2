"""One command makes both models, and a second one makes nothing."""

import json
import shutil

import numpy as np
import polars as pl

from tests.workflow.place import Place, jobs
from within_wf.models import ModelFactory
from within_wf.steps.catalog import STEPS

MODELS = ("ad_score", "account_health")


def test_every_step_of_both_models_is_made_and_judged(undisturbed):
    steps = {name.partition("/")[0] for name in undisturbed.outputs()}
    assert steps == {step.name for step in STEPS} - {"read_source", "back_translate_ads", "embed_varied_images"}
    for model in MODELS:
        results = undisturbed.folder / "results/sample_world" / model
        metrics = json.loads((results / "metrics.json").read_text())
        assert metrics["baselines"]
        assert "<html" in (results / "report.html").read_text()[:200].lower()


def test_what_was_made_is_printed_at_the_end(undisturbed):
    text = (undisturbed.folder / "done.txt").read_text()
    for words in ("Ad score", "Account health", "TF-IDF with ridge", "robust z-score", "report.html"):
        assert words in text


def test_nothing_is_done_twice(copy):
    copy.run("train_all")  # the copy's database of runs is another: its markers are written
    before = {path: path.lstat().st_mtime_ns for path in copy.folder.glob("out/**/*")}
    text = copy.run("train_all")
    assert jobs(text) == 0
    assert "Nothing to be done" in text
    assert {path: path.lstat().st_mtime_ns for path in copy.folder.glob("out/**/*")} == before


def test_touched_and_copied_files_change_nothing(copy):
    for path in copy.folder.glob("out/**/*.ref.json"):
        path.touch()
    assert jobs(copy.run("train_all")) == 0


def test_results_are_laid_out_again_where_there_was_nothing_to_do(copy):
    wanted = sorted(path.relative_to(copy.folder) for path in (copy.folder / "results").rglob("*"))
    shutil.rmtree(copy.folder / "results")
    assert jobs(copy.run("train_all")) == 0
    assert sorted(path.relative_to(copy.folder) for path in (copy.folder / "results").rglob("*")) == wanted
    assert (copy.folder / "results/sample_world/ad_score/report.html").stat().st_size > 10_000


def test_a_second_clone_on_the_same_store_does_nothing(copy, tmp_path):
    other = Place(tmp_path / "clone", copy.store)
    assert jobs(other.run("train_all")) == 0
    assert other.outputs() == copy.outputs()
    assert other.computed() == set()


def test_a_saved_model_scores_raw_columns_as_the_run_did(undisturbed):
    results = undisturbed.folder / "results/sample_world"
    sides = [
        pl.read_parquet(results / "account_health/split_data" / f"{name}.parquet") for name in ("test", "train", "validation")
    ]
    days = pl.concat(sides).select("account_id", "date", "impressions", "clicks", "conversions", "spend")
    scored = ModelFactory.load_model(results / "account_health/model").score(days)
    judged = pl.read_parquet(results / "account_health/train_account_health/predictions.parquet")
    both = scored.join(judged, left_on=["account_id", "date"], right_on=["series", "time"])
    assert both.height == judged.height > 300
    np.testing.assert_allclose(both["probability"], both["prediction"], rtol=0, atol=1e-5)
    ads = pl.read_parquet(results / "ad_score/split_data/test.parquet").drop("effectiveness")
    creatives = dict(pl.read_parquet(results / "simulate_world/creatives.parquet").iter_rows())
    scores = ModelFactory.load_model(results / "ad_score/model").predict(ads, creatives)
    judged = pl.read_parquet(results / "ad_score/predictions.parquet")
    both = ads.select("ad_id", pl.Series("score", scores)).join(judged, left_on="ad_id", right_on="id")
    assert both.height == judged.height
    np.testing.assert_allclose(both["score"], both["prediction"], rtol=0, atol=1e-4)


def test_the_store_is_sound(copy):
    blobs = sum(path.is_file() for path in (copy.store / "cas").rglob("*"))
    assert f"{blobs:,} blobs" in copy.within_wf("store", "verify")


def test_lineage_leads_from_a_model_to_raw_digests(copy):
    text = copy.within_wf("lineage", "ad_score")
    assert "simulate_world" in text
    assert "train_ad_score" in text
