"""Lineage as OpenLineage events, read back by the client's own classes."""

import json
import uuid
from pathlib import Path

import attr
import polars as pl
import pytest
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.serde import Serde

from tests.steps.judged_world import make, plan_world, write_plan
from within_wf.errors import StoreError
from within_wf.steps import openlineage
from within_wf.steps.openlineage import RUNS, export_openlineage
from within_wf.steps.place import open_store
from within_wf.steps.provenance import provenance_path
from within_wf.steps.refs import read_ref


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A plan from files to a model, all made; one artifact holds a table."""
    from tests.steps import judged_world

    def files(step, output):
        judged_world_files(step, output)
        if step == "read_source":
            pl.DataFrame({"ad_id": ["a"], "clicks": [1]}).write_parquet(output / "ads.parquet")

    judged_world_files = judged_world.write_files
    monkeypatch.setattr(judged_world, "write_files", files)
    monkeypatch.setenv("WITHIN_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    plan = plan_world("ad_score", files=True)
    store = open_store()
    make(plan, store)
    write_plan(plan, Path(".within/plans") / f"{'a' * 64}.json")
    return plan, store


def lines(path="events.jsonl"):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def read_event(value):
    """An event by the client's classes, which check ids, times and addresses."""
    facets = {"run": value["run"]["facets"], "job": value["job"]["facets"]}
    return RunEvent(
        eventTime=value["eventTime"],
        eventType=RunState(value["eventType"]),
        producer=value["producer"],
        run=Run(value["run"]["runId"], facets["run"]),
        job=Job(value["job"]["namespace"], value["job"]["name"], facets["job"]),
        inputs=[InputDataset(**one) for one in value["inputs"]],
        outputs=[OutputDataset(**one) for one in value["outputs"]],
    )


def test_one_event_a_step_and_each_reads_back(made):
    _, store = made
    assert export_openlineage(store, "ad_score", Path("events.jsonl")) == 3
    events = [read_event(value) for value in lines()]
    assert [event.job.name for event in events] == [
        "read_source/world",
        "validate_data/world.ad_score",
        "train_ad_score/world.ad_score",
    ]
    assert [json.loads(Serde.to_json(event)) for event in events] == lines()
    assert {event.eventType for event in events} == {RunState.COMPLETE}
    assert not any(name.startswith("_") for event in events for name in attr.asdict(event))


def test_what_a_step_reads_is_what_another_made(made):
    plan, store = made
    export_openlineage(store, "ad_score", Path("events.jsonl"))
    raw = {f"world/{file}": digest for node in plan.values() for file, digest in node.parts["raw"].items()}
    assert set(raw) == {"world/ads.csv", "world/accounts/accounts.csv"}
    made_by = {}
    for value in lines():
        for one in value["inputs"]:
            version = one["facets"]["version"]["datasetVersion"]
            if one["namespace"] == "file":
                assert raw[one["name"]] == version
            else:
                assert made_by[one["namespace"], one["name"]] == version
        (output,) = value["outputs"]
        made_by[output["namespace"], output["name"]] = output["facets"]["version"]["datasetVersion"]
    assert len(made_by) == 3
    assert [one["namespace"] for one in lines()[0]["inputs"]] == ["file"]


def test_facets(made):
    plan, store = made
    export_openlineage(store, "ad_score", Path("events.jsonl"))
    first = lines()[0]
    ref = read_ref(Path(plan["read_source/world"].ref))
    keys = first["run"]["facets"]["within_wf_keys"]
    assert (keys["actionKey"], keys["derivationKey"], keys["artifact"]) == (
        ref.action,
        plan["read_source/world"].key,
        ref.digest,
    )
    assert keys["_producer"] == openlineage.PRODUCER
    assert keys["_schemaURL"].endswith("RunFacet")
    assert first["job"]["facets"]["documentation"]["description"] == "The files of a dataset as its table."
    assert (
        json.loads(first["job"]["facets"]["within_wf_configuration"]["configuration"])
        == plan["read_source/world"].parts["config"]
    )
    (output,) = first["outputs"]
    (table,) = output["facets"]["schema"]["fields"]
    assert [(field["name"], field["type"], field["ordinal_position"]) for field in table["fields"]] == [
        ("ad_id", "large_string", 1),
        ("clicks", "int64", 2),
    ]
    assert table["name"] == "ads.parquet"
    assert output["facets"]["within_wf_files"]["files"] == dict(ref.files)
    assert "schema" not in lines()[1]["outputs"][0]["facets"]


def test_ids_are_the_same_each_time_and_times_are_those_of_the_provenance(made):
    plan, store = made
    export_openlineage(store, "ad_score", Path("events.jsonl"))
    before = lines()
    said = {"started_seconds": 1_700_000_000.5, "seconds": 2.25, "who": "me", "host": "here"}
    for node in plan.values():
        provenance_path(Path(node.ref)).write_text(json.dumps(said))
    export_openlineage(store, "ad_score", Path("events.jsonl"))
    for old, new, node in zip(before, lines(), plan.values(), strict=False):
        assert old["run"]["runId"] == new["run"]["runId"] == str(uuid.uuid5(RUNS, read_ref(Path(node.ref)).action))
        assert new["eventTime"] == "2023-11-14T22:13:22.750Z"
        assert new["run"]["facets"]["within_wf_provenance"]["who"] == "me"
        assert "within_wf_provenance" not in old["run"]["facets"]
    provenance_path(Path(plan["read_source/world"].ref)).write_text("{")
    export_openlineage(store, "ad_score", Path("again.jsonl"))
    assert lines("again.jsonl")[0]["eventTime"] == before[0]["eventTime"]


def test_what_cannot_be_exported(made, tmp_path):
    plan, store = made
    with pytest.raises(StoreError, match="there is no such model"):
        export_openlineage(store, "ads", Path("events.jsonl"))
    with pytest.raises(StoreError, match="account_health was not made here yet"):
        export_openlineage(store, "account_health", Path("events.jsonl"))
    Path("folder").mkdir()
    before = sorted(Path().iterdir())
    with pytest.raises(StoreError, match=r"no events were written\n  folder: found a folder"):
        export_openlineage(store, "ad_score", Path("folder"))
    assert sorted(Path().iterdir()) == before
    ref = read_ref(Path(plan["read_source/world"].ref))
    blob = store.blob(ref.files["ads.parquet"])
    blob.chmod(0o644)
    blob.write_bytes(b"x")
    with pytest.raises(StoreError, match=r"the lineage cannot be read(?s:.*)ads.parquet"):
        export_openlineage(store, "ad_score", Path("events.jsonl"))
    store.drop(ref.action)
    with pytest.raises(StoreError, match=r"the lineage has gaps\n  read_source/world: found no artifact"):
        export_openlineage(store, "ad_score", Path("events.jsonl"))
    assert not Path("events.jsonl").exists()
