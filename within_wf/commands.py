"""From an advertiser's raw data to trained and judged models: what there is to ask besides running the workflow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
store_app = typer.Typer(no_args_is_help=True, help="The store of artifacts.")
data_app = typer.Typer(no_args_is_help=True, help="Datasets and their versions.")
evaluate_app = typer.Typer(no_args_is_help=True, help="Measures that no step of a run takes.")
config_app = typer.Typer(no_args_is_help=True, help="The configuration.")
app.add_typer(store_app, name="store")
app.add_typer(data_app, name="data")
app.add_typer(evaluate_app, name="evaluate")
app.add_typer(config_app, name="config")

Dataset = Annotated[str | None, typer.Option(help="The dataset, where several were run.")]


@app.command()
def step() -> None:
    """Make one artifact, or find it in the store: what every rule calls (`within-wf step --help`)."""


@app.command()
def track(
    name: Annotated[str, typer.Option(help="What to record: <dataset>.<model>.")],
    plan: Annotated[Path, typer.Option(help="The plan that the workflow wrote.")],
    settings: Annotated[Path, typer.Option(help="The file that says where to record.")],
    marker: Annotated[Path, typer.Option(help="The file to write.")],
    log: Annotated[Path, typer.Option(help="Where to say what happens.")],
) -> None:
    """Record a judged model in MLflow, once: what the rule `track` calls. It never fails a run."""
    from within_wf.steps.tracking import track as record

    record(name, plan, settings, marker, log)


@app.command()
def summary(dataset: Dataset = None) -> None:
    """Print the main scores beside their baselines, and where the reports are."""
    from within_wf.steps.results import print_summary

    print_summary(dataset)


@app.command()
def why(
    step: Annotated[str, typer.Argument(help="The step's name.")],
    dataset: Dataset = None,
    model: Annotated[str | None, typer.Option(help="ad_score or account_health.")] = None,
) -> None:
    """Say what made a step's key differ from the one before."""
    from within_wf.steps.history import why as explain

    for line in explain(step, dataset, model):
        typer.echo(line)


@app.command()
def lineage(
    model: Annotated[str, typer.Argument(help="ad_score or account_health.")],
    dataset: Dataset = None,
    openlineage: Annotated[Path | None, typer.Option(help="Write it as OpenLineage events to this file, one a line.")] = None,
) -> None:
    """Go from a model back to raw bytes."""
    if openlineage is not None:
        from within_wf.steps.openlineage import export_openlineage
        from within_wf.steps.place import find_store

        typer.echo(f"{openlineage}: {export_openlineage(find_store(), model, openlineage, dataset)} events")
        return
    from within_wf.steps.history import lineage as trace

    for line in trace(model, dataset):
        typer.echo(line)


@store_app.command()
def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Move what is damaged aside, so that its steps run again.")] = False,
) -> None:
    """Hash every byte of the store."""
    from within_wf.steps.place import find_store
    from within_wf.store.verify import verify as check

    report = check(find_store(), repair=repair)
    typer.echo(str(report))
    report.raise_if_damaged()


@store_app.command()
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


@store_app.command()
def pin(
    model: Annotated[str, typer.Argument(help="ad_score or account_health.")],
    dataset: Dataset = None,
    name: Annotated[str | None, typer.Option(help="The pin's name; <dataset>.<model> by default.")] = None,
) -> None:
    """Keep a model, its judgement and all it comes from, whatever is collected."""
    from within_wf.steps.kept import pin_model
    from within_wf.steps.place import find_store

    typer.echo(f"pinned {pin_model(find_store(), model, dataset, name)}")


@store_app.command()
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


@store_app.command()
def pins() -> None:
    """List the pins."""
    from within_wf.steps.place import find_store
    from within_wf.store.pins import pins as all_pins

    for name, actions in all_pins(find_store()).items():
        typer.echo(f"{name}  {len(actions)} actions")


@data_app.command()
def init(
    place: Annotated[str, typer.Argument(help="A file, a folder or a pattern of files; here or at a URL.")],
    name: Annotated[str | None, typer.Option(help="What the dataset is called; by default what the file is.")] = None,
) -> None:
    """Look at a table and write a first configuration of it, with the doubts beside the guesses."""
    from within_wf.data.init.write import init as write
    from within_wf.data.init.write import said

    for line in said(*write(place, name)):
        typer.echo(line)


@data_app.command()
def describe(
    source: Annotated[str, typer.Argument(help="A dataset of configs/data, or a file.")],
    html: Annotated[Path | None, typer.Option(help="Write it as a page to this file instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All that was found, as JSON.")] = False,
    contract: Annotated[str | None, typer.Option(help="The contract its rows keep; `none` for none.")] = None,
) -> None:
    """Say what a table is: its columns, their values, and what should be looked at."""
    import json

    from within_wf.data.description import describe as look
    from within_wf.data.versions.canonical import canonical
    from within_wf.data.versions.source import open_source
    from within_wf.reports.description import as_json as values
    from within_wf.reports.description import print_description, write_description

    opened = open_source(source, contract=contract)
    found = look(opened.name, canonical(opened.table, opened.name), opened.contract)
    if html is not None:
        write_description(html, found)
        typer.echo(f"{html}: {found.rows:,} rows, {len(found.columns)} columns")
    elif as_json:
        typer.echo(json.dumps(values(found), indent=1, ensure_ascii=False))
    else:
        print_description(found)


@data_app.command()
def snapshot(
    source: Annotated[str, typer.Argument(help="A dataset of configs/data, or a file.")],
    name: Annotated[str | None, typer.Option(help="What the dataset is called; its own name by default.")] = None,
    message: Annotated[str, typer.Option("--message", "-m", help="What to say of this version.")] = "",
    parent: Annotated[list[str] | None, typer.Option(help="A version it came from, or the SHA-256 of raw bytes.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A word to find it by: NAME@TAG.")] = None,
    contract: Annotated[str | None, typer.Option(help="The contract its rows keep; `none` for none.")] = None,
) -> None:
    """Keep the rows of a dataset as an immutable version."""
    from within_wf.data.versions.snapshot import parent_schema
    from within_wf.data.versions.snapshot import snapshot as take
    from within_wf.data.versions.source import open_source
    from within_wf.steps.place import open_store

    store = open_store()
    parents = parent or []
    table = open_source(source, name=name, contract=contract, like=parent_schema(store, parents))
    version, is_new = take(store, table, message=message, parents=parents, tags=tag or ())
    store.flush()
    said = f"{version.short}  {version.rows:,} rows, {len(version.schema)} columns, content {version.content[:12]}"
    typer.echo(said if is_new else f"{said}\nThis version exists already; nothing was changed.")


@data_app.command(name="list")
def list_command(
    name: Annotated[str | None, typer.Argument(help="Only the versions of this dataset.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All that is known of each, statistics included.")] = False,
) -> None:
    """List the versions, the oldest first."""
    from within_wf.data.versions.listing import print_versions
    from within_wf.steps.place import find_store

    print_versions(find_store(), name, as_json=as_json)


@data_app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="NAME, NAME@TAG, or the first digits of a version's id.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The version it is compared with.")],
    key: Annotated[list[str] | None, typer.Option(help="A column that names a row; those of the contract by default.")] = None,
    examples: Annotated[int, typer.Option(min=0, help="How many rows of each kind are named.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="All that was found, as JSON.")] = False,
) -> None:
    """Say which columns, rows and distributions differ between two versions."""
    import json
    from dataclasses import asdict

    from within_wf.data.versions.catalog import find_version
    from within_wf.data.versions.comparison import print_difference
    from within_wf.data.versions.diff import diff as compare
    from within_wf.steps.place import find_store

    store = find_store()
    found = compare(store, find_version(store, before), find_version(store, after), key or (), examples)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=1, ensure_ascii=False))
    else:
        print_difference(found)


@data_app.command()
def export(
    version: Annotated[str, typer.Argument(help="NAME, NAME@TAG, or the first digits of its id.")],
    path: Annotated[Path, typer.Argument(help="The file to write, .parquet or .csv.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write the rows of a version to a file."""
    from within_wf.data.versions.catalog import find_version
    from within_wf.data.versions.export import export as write
    from within_wf.steps.place import find_store

    store = find_store()
    found = find_version(store, version)
    write(store, found, path, overwrite=force)
    typer.echo(f"{path}: {found.rows:,} rows of {found.short}")


@data_app.command()
def forget(version: Annotated[str, typer.Argument(help="NAME, NAME@TAG, or the first digits of its id.")]) -> None:
    """Keep a version no longer; `within-wf store gc` frees its bytes."""
    from within_wf.data.versions.catalog import forget as drop
    from within_wf.steps.place import find_store

    typer.echo(f"forgot {drop(find_store(), version)}")


@evaluate_app.command()
def augmentation(
    dataset: Annotated[str, typer.Argument(help="A dataset of configs/experiment.")] = "sample_world",
    rows: Annotated[int, typer.Option(min=1, help="Ads that are varied.")] = 500,
    copies: Annotated[int, typer.Option(min=1, help="Varied copies of each that self-BLEU compares.")] = 3,
    threads: Annotated[int, typer.Option(min=1, help="Texts that are embedded at the same time.")] = 2,
    override: Annotated[list[str] | None, typer.Option("--set", help="path.to.key=value; as often as you like.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write it as JSON to this file, too.")] = None,
) -> None:
    """Say how far varied ads are from their originals, and whether they still look and count as real ones."""
    from within_wf.evaluation.augmentation_comparison import compare_augmentations
    from within_wf.store.canonical import write_json

    def say(message: str) -> None:
        typer.echo(message, err=True)

    found = compare_augmentations(dataset, rows, copies, threads=threads, overrides=override or (), say=say)
    for comparison in found:
        typer.echo("\n".join([*comparison.lines(), ""]))
    if output is not None:
        write_json(output, [comparison.to_json() for comparison in found])


@config_app.command()
def show(
    dataset: Annotated[str, typer.Argument(help="A dataset of configs/experiment.")] = "sample_world",
    override: Annotated[list[str] | None, typer.Option("--set", help="path.to.key=value; as often as you like.")] = None,
) -> None:
    """Print the whole configuration of a run, defaults included."""
    from within_wf.config.load import experiment_path, load_run
    from within_wf.store.redaction import redact

    typer.echo(redact(load_run(experiment_path(dataset, Path("configs")), override or []).model_dump_json(indent=2)))


@config_app.command()
def schemas() -> None:
    """Write the JSON Schemas of configs/schemas anew."""
    from within_wf.config.schemas import write_schemas

    for path in write_schemas(Path("configs/schemas")):
        typer.echo(str(path))
