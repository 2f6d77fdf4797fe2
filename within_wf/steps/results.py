"""``results/``: what a run made, by names made of words; links to the blobs of the store."""

from __future__ import annotations

import fcntl
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from within_wf.errors import Problem, StoreError
from within_wf.steps.kept import remember_checkout
from within_wf.steps.place import open_store
from within_wf.steps.plan import Node, Plan
from within_wf.steps.refs import Ref, read_ref
from within_wf.steps.tracking import refresh
from within_wf.steps.workflow import Workflow
from within_wf.store.canonical import to_json
from within_wf.store.local import Store

RESULTS = Path("results")
WIDTH = 120
"""Columns of the summary where it is not printed to a terminal."""
SHORTCUTS = {
    "report_model": ("report.html", "summary.json"),
    "evaluate_ad_score": ("metrics.json", "predictions.parquet"),
    "evaluate_account_health": ("metrics.json", "predictions.parquet"),
    "train_ad_score": ("model",),
    "train_account_health": ("model",),
}
"""What people look for first, laid out beside the steps' folders."""


def finish(run: Workflow) -> None:
    """Rebuild the results of a run and print what it made."""
    rebuild(run.plan, open_store())
    if any(RESULTS.glob(f"{run.dataset}/*/summary.json")):
        print_summary(run.dataset)
    else:
        print(f"What was made so far: {RESULTS / run.dataset}")  # noqa: T201


def show_finished(run: Workflow) -> None:
    """Where every step is made already, do at once what follows a run: there will be nothing to do."""
    if not is_main_process():
        return
    refresh(run.tracking)
    if is_dry_run():
        waiting = [node.id for node in run.plan.values() if not Path(node.ref).exists()]
        print(f"Not made yet: {', '.join(waiting) or 'nothing'}", file=sys.stderr)  # noqa: T201
    elif run.finished():
        rebuild(run.plan, open_store())
        print(f"Everything is made: {RESULTS / run.dataset}", file=sys.stderr)  # noqa: T201


def is_main_process() -> bool:
    """Whether this is what the person started, and not one of its jobs."""
    return "--mode" not in sys.argv and not any(argument.startswith("--target-jobs") for argument in sys.argv)


def is_dry_run() -> bool:
    """Whether the person only asks what would be done."""
    return any(word in sys.argv for word in ("-n", "--dry-run", "--dryrun"))


def rebuild(plan: Plan, store: Store) -> None:
    """Lay out the results of every node that is made; all at once, and only where something differs."""
    remember_checkout(store)
    made = [(node, ref) for node in plan.values() if (ref := read_ref(Path(node.ref))) is not None]
    if not made:
        return
    dataset = made[0][0].name.partition(".")[0]
    target = RESULTS / dataset
    made = [*made, *_left(plan, {node.id for node, _ in made}, target, store)]
    content = {node.id: {"digest": ref.digest, "action": ref.action} for node, ref in made}
    index = to_json({"artifacts": content, "store": str(store.root)})
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (target / "artifacts.json").is_file() and (target / "artifacts.json").read_text(encoding="utf-8") == index:
            return
        draft, old = RESULTS / f".{dataset}.new", RESULTS / f".{dataset}.old"
        for left in (draft, old):
            shutil.rmtree(left, ignore_errors=True)
        draft.mkdir()
        for node, ref in made:
            _lay_out(store, draft, node, ref)
        (draft / "artifacts.json").write_text(index, encoding="utf-8")
        if target.exists():
            target.rename(old)
        draft.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def _left(plan: Plan, made: set[str], target: Path, store: Store) -> Iterator[tuple[Node, Ref]]:
    """What the run before laid out and this one, which was asked for less, has not made: its report and model are not lost.

    ``artifacts.json`` says of each what it is.
    """
    try:
        before = json.loads((target / "artifacts.json").read_bytes())["artifacts"]
    except (OSError, ValueError, KeyError):
        return
    for node in plan.values():
        action = before.get(node.id, {}).get("action")
        manifest = store.get(action) if action and node.id not in made else None
        if manifest is not None:
            files = {path: file.sha256 for path, file in manifest.files.items()}
            yield node, Ref(node.step, node.name, action, manifest.digest, files)


def _lay_out(store: Store, root: Path, node: Node, ref: Ref) -> None:
    home = root / node.model if node.model else root
    for path, sha256 in ref.files.items():
        places = [home / node.step / path]
        if path.split("/")[0] in SHORTCUTS.get(node.step, ()):
            places.append(home / path)
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
            _link(store.blob(sha256), place)


def _link(blob: Path, place: Path) -> None:
    """Give a blob a name that people read. A browser goes by the suffix of what a link leads to, so a page is copied."""
    if place.suffix == ".html":
        shutil.copyfile(blob, place)
    else:
        place.symlink_to(blob)


def print_summary(dataset: str | None = None) -> int:
    """Print the main scores beside their baselines and where the reports are; returns the exit code."""
    folders = sorted(path.parent for path in RESULTS.glob(f"{dataset or '*'}/*/summary.json"))
    known = sorted({path.parent.parent.name for path in RESULTS.glob("*/*/summary.json")})
    if dataset is not None and known and dataset not in known:
        raise StoreError(
            "nothing is reported of that dataset", [Problem("dataset", repr(dataset), f"one of {', '.join(known)}")]
        )
    if not folders:
        print(f"Nothing is reported yet under {RESULTS}/. Run `snakemake --profile local train_all`.")  # noqa: T201
        return 0
    from rich.console import Console

    from within_wf.reports.summary import render_summary

    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    console.print(render_summary([json.loads((folder / "summary.json").read_bytes()) for folder in folders]))
    for folder in folders:
        console.print(f"report: {folder / 'report.html'}   model: {folder / 'model'}", highlight=False, soft_wrap=True)
    return 0
