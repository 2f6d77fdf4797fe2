"""What people find in results/, in runs whose artifacts are made by hand."""

import json
from pathlib import Path

import pytest

from tests.steps.judged_world import made_run
from within_wf.steps import results
from within_wf.steps.place import open_store
from within_wf.steps.refs import read_ref


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A plan whose steps are all made, and the store."""
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))
    return made_run(tmp_path / "run", monkeypatch), open_store()


def laid_out():
    return {str(path.relative_to("results/sample_world")): path for path in Path("results/sample_world").rglob("*")}


def test_every_file_of_every_step_has_a_name(made):
    plan, store = made
    results.rebuild(plan, store)
    found = laid_out()
    for node in plan.values():
        for path, sha256 in read_ref(Path(node.ref)).files.items():
            name = f"{node.model}/{node.step}/{path}" if node.model else f"{node.step}/{path}"
            assert found[name].read_bytes() == store.blob(sha256).read_bytes()
            assert found[name].is_symlink() == (not path.endswith(".html")), "a browser would show a page's source"
    assert found["ad_score/report.html"].read_bytes() == found["ad_score/report_model/report.html"].read_bytes()
    assert found["ad_score/metrics.json"].samefile(found["ad_score/evaluate_ad_score/metrics.json"])


def test_what_is_gone_from_the_plan_goes_from_the_results(made):
    plan, store = made
    results.rebuild(plan, store)
    less = {name: node for name, node in plan.items() if node.model != "account_health"}
    results.rebuild(less, store)
    assert {name.partition("/")[0] for name in laid_out()} == {"simulate_world", "ad_score", "artifacts.json"}
    assert set(json.loads(Path("results/sample_world/artifacts.json").read_text())["artifacts"]) == set(less)
    assert not list(Path("results").glob(".sample_world*"))


def test_a_run_that_was_asked_for_less_takes_nothing_away(made):
    plan, store = made
    results.rebuild(plan, store)
    before = {name: path.read_bytes() for name, path in laid_out().items() if path.is_file()}
    for step in ("report_model", "evaluate_ad_score", "train_ad_score"):
        Path(plan[f"{step}/sample_world.ad_score"].ref).unlink()
    results.rebuild(plan, store)
    assert {name: path.read_bytes() for name, path in laid_out().items() if path.is_file()} == before
