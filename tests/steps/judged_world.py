"""A plan of two judged models whose artifacts are committed, without anything computed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.workflow.place import ROOT
from within_wf.steps.place import open_store
from within_wf.steps.plan import Node, Plan, plan_to_json
from within_wf.steps.refs import write_ref
from within_wf.steps.results import rebuild
from within_wf.steps.workflow import open_workflow
from within_wf.store.canonical import write_json
from within_wf.store.local import Store

HISTORY = {"epochs": [{"epoch": 1, "train_loss": 0.5, "validation_loss": 0.25}], "best_epoch": 1, "stopped_early": False}
METRICS = {
    "task": "regression",
    "primary_metric": "rmse",
    "test": {"rmse": 1.5},
    "intervals": {},
    "baselines": {},
    "slices": {},
}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def plan_world(model: str, rate: float = 0.1, *, files: bool = False) -> Plan:
    """The steps that lead to the judgement and report of one model."""
    plan: Plan = {}

    def add(step: str, name: str, above: dict[str, str], config: dict[str, object], raw: dict[str, str]) -> str:
        parts = {"code": {}, "config": config, "libraries": {}, "core": "", "raw": raw}
        key = digest(json.dumps([step, name, parts, [plan[upstream].key for upstream in above.values()]]))
        node = Node(step, name, name.partition(".")[2] or None, key, parts, above, {})
        plan[node.id] = node
        return node.id

    name = f"world.{model}"
    if files:
        first = add("read_source", "world", {}, {"dataset.source": {"kind": "files"}}, {"ads.csv": digest("raw")})
    else:
        first = add("simulate_world", "world", {}, {"dataset.source": {"kind": "sample_world", "rows": 100, "seed": 7}}, {})
    others = {"accounts/accounts.csv": digest("accounts")} if files else {}
    rows = add("validate_data", name, {"world": first}, {"dataset.table": {"id": "ad_id"}}, others)
    trained = add(f"train_{model}", name, {"rows": rows}, {"training": {"rate": rate}}, {})
    judged = add(f"evaluate_{model}", name, {"rows": rows, "model": trained}, {"evaluation": {}}, {})
    add("report_model", name, {"evaluate": judged}, {"dataset.description": "x"}, {})
    return plan


def make(plan: Plan, store: Store, folder: Path = Path()) -> None:
    """Commit a small artifact for every node and write its ref."""
    for step in plan.values():
        action = digest(f"action {step.id} {step.key}")
        if store.get(action) is None:
            with store.scratch(action) as scratch:
                output = scratch / "output"
                output.mkdir()
                (output / "what.txt").write_text(step.id)
                write_files(step.step, output)
                store.commit(action, output, step.step)
        store.derive(step.key, action)
        manifest = store.get(action)
        assert manifest is not None
        write_ref(folder / step.ref, step, action, manifest)


def write_files(step: str, output: Path) -> None:
    if step.startswith("train_"):
        write_json(output / "history.json", HISTORY)
    elif step.startswith("evaluate_"):
        write_json(output / "metrics.json", METRICS)
    elif step == "report_model":
        (output / "report.html").write_text("<p>A report.")


def write_plan(plan: Plan, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(plan_to_json(plan))
    return path


def made_run(folder, monkeypatch):
    """A folder with a finished run of both models, made by hand and laid out; it becomes the current one."""
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    plan = open_workflow({"set": "tracking.enabled=false"}, ROOT / "configs").plan
    store = open_store()
    make(plan, store)
    rebuild(plan, store)
    return plan
