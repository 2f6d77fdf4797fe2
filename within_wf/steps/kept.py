"""What the collector leaves alone: the results of every checkout on a store, and models that were pinned."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from within_wf.errors import Problem, StoreError
from within_wf.steps.history import find_made
from within_wf.steps.plan import nodes_above
from within_wf.steps.refs import read_ref
from within_wf.store.disk import write_once
from within_wf.store.local import Store
from within_wf.store.pins import pin

_NAMES = ("results", "out")
_STEPS = ("train", "evaluate", "report")


def remember_checkout(store: Store) -> None:
    """Note in the store that the current folder uses it; a store that cannot be written cannot be collected either."""
    folder = str(Path.cwd())
    path = store.root / "checkouts" / hashlib.sha256(folder.encode()).hexdigest()[:16]
    if not path.exists():
        with suppress(OSError):
            path.parent.mkdir(exist_ok=True)
            (store.root / "scratch").mkdir(exist_ok=True)
            write_once(path, folder.encode(), store.root / "scratch")


def roots(store: Store) -> list[Path]:
    """``results/`` and ``out/`` of every checkout on the store that is still there, the current folder's with them."""
    folders = {Path.cwd(), *(Path(path.read_text(encoding="utf-8")) for path in (store.root / "checkouts").glob("*"))}
    return [folder / name for folder in sorted(folders) for name in _NAMES if (folder / name).is_dir()]


def pin_model(store: Store, model: str, dataset: str | None = None, name: str | None = None) -> str:
    """Keep a model, its judgement and all it comes from, until it is unpinned.

    Args:
        store: The store.
        model: ``ad_score`` or ``account_health``.
        dataset: The dataset; the newest that was run by default.
        name: The pin's name; ``<dataset>.<model>`` by default.

    Returns:
        The pin's name.

    Raises:
        StoreError: The model was not made here, or the name cannot be one.
    """
    plan, trained = find_made(model, dataset)
    after = [node for node in plan.values() if node.name == trained.name and node.step.startswith(_STEPS)]
    nodes = {above.id: above for node in after for above in nodes_above(plan, node)}
    refs = {node_id: read_ref(Path(node.ref)) for node_id, node in nodes.items()}
    missing = [node_id for node_id, ref in refs.items() if ref is None]
    if missing:
        expected = "a made artifact"
        cure = f"Run `snakemake --profile local {model}` to its end."
        raise StoreError(f"{trained.name} cannot be pinned", [Problem(step, "nothing", expected, cure) for step in missing])
    name = trained.name if name is None else name
    pin(store, name, sorted({ref.action for ref in refs.values() if ref is not None}))
    return name
