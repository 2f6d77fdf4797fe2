"""``within-wf why`` and ``within-wf lineage``: what made a key what it is, and what a model comes from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from within_wf.errors import Problem, StoreError
from within_wf.steps.catalog import STEPS
from within_wf.steps.plan import MODELS, Node, Plan
from within_wf.steps.refs import read_ref
from within_wf.steps.workflow import find_latest, latest_plans


def why(step: str, dataset: str | None = None, model: str | None = None) -> list[str]:
    """What differs between the newest key of a step and the one before it, in words.

    Args:
        step: The step's name.
        dataset: The dataset, where several were run.
        model: The model, where the step is made for each.

    Raises:
        StoreError: The step is unknown, or was never planned here.
    """
    known = [entry.name for entry in STEPS]
    if step not in known:
        raise StoreError("why asks for a step", [Problem("why", repr(step), f"one of {', '.join(known)}")])
    plans = latest_plans()
    nodes = find_latest(plans, step, dataset, model)
    if not nodes:
        raise StoreError(f"{step} was never planned here; run `snakemake --profile local train_all` first")
    lines = []
    for name in dict.fromkeys(node.name for node in nodes):
        own = [node for node in nodes if node.name == name]
        before = next((node for node in own if node.key != own[0].key), None)
        lines.append(f"{own[0].id}: key {own[0].key[:12]}")
        if before is None:
            lines.append("  the first key of this step here")
            continue
        lines.append(f"  the key before was {before.key[:12]}; since then:")
        lines.extend(f"  {line}" for line in differences(before, own[0], plans))
    return lines


def differences(before: Node, after: Node, plans: list[Plan]) -> Iterator[str]:
    """What differs between two keys of a step, in words."""
    for part, word in (("code", "code"), ("libraries", "library"), ("raw", "raw file")):
        yield from _changes(word, before.parts[part], after.parts[part])
    yield from _changes("pretrained weights", _flat(before.parts["weights"]), _flat(after.parts["weights"]))
    yield from _changes("configuration", _flat(before.parts["config"]), _flat(after.parts["config"]))
    if before.parts["core"] != after.parts["core"]:
        yield "the compiled core changed"
    keys = {node.id: node.key for plan in reversed(plans) for node in plan.values()}
    for label, upstream in after.inputs.items():
        if label not in before.inputs:
            yield f"it reads {upstream} now"
        elif before.key != after.key and _key_then(plans, before, upstream) not in (None, keys.get(upstream)):
            yield f"the step before, {upstream}, has another key: within-wf why {upstream.partition('/')[0]}"
    yield from (
        f"it does not read {upstream} any more" for label, upstream in before.inputs.items() if label not in after.inputs
    )


def lineage(model: str, dataset: str | None = None) -> list[str]:
    """Everything a model comes from, back to raw bytes.

    Args:
        model: ``ad_score`` or ``account_health``.
        dataset: The dataset; the newest that was run by default.

    Raises:
        StoreError: The model is unknown or was not made here.
    """
    plan, node = find_made(model, dataset)
    return list(_walk(plan, node, 0, set()))


def find_made(model: str, dataset: str | None = None) -> tuple[Plan, Node]:
    """The newest plan here in which a model is made, and the node that trains it.

    Args:
        model: ``ad_score`` or ``account_health``.
        dataset: The dataset; the newest that was run by default.

    Raises:
        StoreError: The model is unknown or was not made here.
    """
    if model not in MODELS:
        raise StoreError("there is no such model", [Problem("model", repr(model), " or ".join(MODELS))])
    for plan in latest_plans():
        for node in find_latest([plan], f"train_{model}", dataset, None):
            if Path(node.ref).exists():
                return plan, node
    raise StoreError(f"{model} was not made here yet; run `snakemake --profile local {model}` first")


def _walk(plan: Plan, node: Node, depth: int, seen: set[str]) -> Iterator[str]:
    ref = read_ref(Path(node.ref))
    indent = "  " * depth
    again = " (above)" if node.id in seen else ""
    yield f"{indent}{node.id}  artifact {ref.digest[:12] if ref else 'not made'}  key {node.key[:12]}{again}"
    if again:
        return
    seen.add(node.id)
    for file, digest in node.parts["raw"].items():
        yield f"{indent}  raw {file}  sha256 {digest}"
    if not node.inputs:
        source = node.parts["config"].get("dataset.source", {})
        if source.get("kind") == "sample_world":
            yield f"{indent}  drawn: {source['rows']:,} rows, seed {source['seed']}"
    for upstream in node.inputs.values():
        yield from _walk(plan, plan[upstream], depth + 1, seen)


def _key_then(plans: list[Plan], node: Node, upstream: str) -> str | None:
    """The key that ``upstream`` had in the plan of ``node``."""
    for plan in plans:
        if node.id in plan and plan[node.id].key == node.key:
            return plan[upstream].key if upstream in plan else None
    return None


def _changes(word: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    for name in sorted(before.keys() | after.keys()):
        if name not in before:
            yield f"{word} {name} is new: {_short(after[name])}"
        elif name not in after:
            yield f"{word} {name} is gone"
        elif before[name] != after[name]:
            yield f"{word} {name}: {_short(before[name])} -> {_short(after[name])}"


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {
            key: inner for name, part in value.items() for key, inner in _flat(part, f"{path}.{name}" if path else name).items()
        }
    return {path: value}


def _short(value: Any) -> str:
    text = str(value)
    return text[:12] if len(text) == 64 else text
