"""What ``within-wf store gc`` leaves alone, in runs whose artifacts are made by hand."""

import shutil
from pathlib import Path

import pytest

from tests.steps.judged_world import made_run
from within_wf.errors import StoreError
from within_wf.steps.kept import pin_model, remember_checkout, roots
from within_wf.steps.place import open_store
from within_wf.steps.plan import nodes_above
from within_wf.steps.refs import read_ref
from within_wf.steps.results import rebuild
from within_wf.store.gc import collect
from within_wf.store.pins import pins


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))
    return made_run(tmp_path / "one", monkeypatch)


def collect_all():
    store = open_store()
    return collect(store, roots(store), older_than=0, grace=0, spare=0)


def test_results_of_another_checkout_on_the_store_stay(plan, tmp_path, monkeypatch):
    (tmp_path / "two").mkdir()
    monkeypatch.chdir(tmp_path / "two")
    assert collect_all().actions == {}
    shutil.rmtree(tmp_path / "one")
    assert len(collect_all().actions) == len(plan)


def test_out_and_results_keep_each_for_themselves(plan):
    shutil.rmtree("results")
    assert collect_all().actions == {}
    rebuild(plan, open_store())
    shutil.rmtree("out")
    assert collect_all().actions == {}


def test_a_store_that_cannot_be_written_is_no_reason_to_fail(tmp_path, monkeypatch):
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))
    store = open_store()
    (store.root / "checkouts").write_text("in the way")
    remember_checkout(store)
    assert (store.root / "checkouts").read_text() == "in the way"


def test_a_pinned_model_stays_with_all_it_comes_from_and_no_more(plan):
    store = open_store()
    refs = {node.id: read_ref(Path(node.ref)) for node in plan.values()}
    assert pin_model(store, "ad_score") == "sample_world.ad_score"
    report = plan["report_model/sample_world.ad_score"]
    expected = {refs[node.id].action for node in nodes_above(plan, report)}
    assert set(pins(store)["sample_world.ad_score"]) == expected
    assert refs["train_ad_score/sample_world.ad_score"].action in expected
    for name in ("results", "out"):
        shutil.rmtree(name)
    assert set(collect_all().actions) == {ref.action for ref in refs.values()} - expected


def test_what_is_not_whole_cannot_be_pinned(plan):
    with pytest.raises(StoreError, match=r"no such model[\s\S]*'ad_scores', expected ad_score or account_health"):
        pin_model(open_store(), "ad_scores")
    Path(plan["report_model/sample_world.ad_score"].ref).unlink()
    with pytest.raises(StoreError, match=r"report_model/sample_world.ad_score: found nothing, expected a made artifact"):
        pin_model(open_store(), "ad_score")
    shutil.rmtree("out")
    with pytest.raises(StoreError, match="account_health was not made here yet"):
        pin_model(open_store(), "account_health")
