"""One command makes both models, and a second one makes nothing."""

import json
import shutil

from tests.workflow.place import Place, jobs
from within_wf.steps.catalog import STEPS

MODELS = ("ad_score", "account_health")


def test_every_step_of_both_models_is_made_and_judged(undisturbed):
    steps = {name.partition("/")[0] for name in undisturbed.outputs()}
    assert steps == {step.name for step in STEPS} - {"read_source"}
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


def test_the_store_is_sound(copy):
    blobs = sum(path.is_file() for path in (copy.store / "cas").rglob("*"))
    assert f"{blobs:,} blobs" in copy.within_wf("store", "verify")


def test_lineage_leads_from_a_model_to_raw_digests(copy):
    text = copy.within_wf("lineage", "ad_score")
    assert "simulate_world" in text
    assert "train_ad_score" in text
