"""``within-wf store …``."""

from __future__ import annotations

from typing import Annotated

import typer

from within_wf.commands.options import Dataset

app = typer.Typer(no_args_is_help=True, help="The store of artifacts.")


@app.command()
def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Move what is damaged aside, so that its steps run again.")] = False,
) -> None:
    """Hash every byte of the store."""
    from within_wf.steps.place import find_store
    from within_wf.store.verify import verify as check

    report = check(find_store(), repair=repair)
    typer.echo(str(report))
    report.raise_if_damaged()


@app.command()
def gc(
    older_than: Annotated[float | None, typer.Option(help="Collect what nobody read for so many days.")] = None,
    max_size: Annotated[float | None, typer.Option(help="Collect the least recently read until so many GB are left.")] = None,
    drop: Annotated[list[str] | None, typer.Option(help="Forget an action by its key.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only say what would be collected.")] = False,
) -> None:
    """Collect what nothing needs: results/ and out/ of every checkout on the store, and pinned models, are kept."""
    from within_wf.steps.kept import roots
    from within_wf.steps.place import find_store
    from within_wf.store.gc import collect

    store = find_store()
    report = collect(
        store,
        roots(store),
        older_than=None if older_than is None else older_than * 86400,
        max_size=None if max_size is None else max_size * 1e9,
        drop=drop or (),
        dry_run=dry_run,
    )
    typer.echo(str(report))


@app.command()
def pin(
    model: Annotated[str, typer.Argument(help="ad_score or account_health.")],
    dataset: Dataset = None,
    name: Annotated[str | None, typer.Option(help="The pin's name; <dataset>.<model> by default.")] = None,
) -> None:
    """Keep a model, its judgement and all it comes from, whatever is collected."""
    from within_wf.steps.kept import pin_model
    from within_wf.steps.place import find_store

    typer.echo(f"pinned {pin_model(find_store(), model, dataset, name)}")


@app.command()
def unpin(name: Annotated[str, typer.Argument(help="The pin's name.")]) -> None:
    """Keep it no longer."""
    from within_wf.errors import Problem, StoreError
    from within_wf.steps.place import find_store
    from within_wf.store.pins import pins
    from within_wf.store.pins import unpin as remove

    store = find_store()
    if not remove(store, name):
        known = ", ".join(pins(store))
        raise StoreError("nothing was unpinned", [Problem("name", repr(name), f"one of {known}" if known else "no pin at all")])
    typer.echo(f"unpinned {name}")


@app.command()
def pins() -> None:
    """List the pins."""
    from within_wf.steps.place import find_store
    from within_wf.store.pins import pins as all_pins

    for name, actions in all_pins(find_store()).items():
        typer.echo(f"{name}  {len(actions)} actions")
