"""``within-wf data …``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

DecimalMark = Literal[".", ","]
app = typer.Typer(no_args_is_help=True, help="Datasets and their versions.")


@app.command()
def init(
    place: Annotated[str, typer.Argument(help="A file, a folder or a pattern of files; here or at a URL.")],
    name: Annotated[str | None, typer.Option(help="What the dataset is called; by default what the file is.")] = None,
) -> None:
    """Look at a table and write a first configuration of it, with the doubts beside the guesses."""
    from within_wf.data.init.write import init as write
    from within_wf.data.init.write import said

    for line in said(*write(place, name)):
        typer.echo(line)


@app.command()
def describe(
    source: Annotated[str, typer.Argument(help="A dataset of configs/data, or a file.")],
    html: Annotated[Path | None, typer.Option(help="Write it as a page to this file instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All that was found, as JSON.")] = False,
    contract: Annotated[str | None, typer.Option(help="The contract its rows keep; `none` for none.")] = None,
    decimal: Annotated[DecimalMark | None, typer.Option(help="The decimal mark of a file's numbers.")] = None,
    skip_lines: Annotated[int, typer.Option(min=0, help="Lines above the header of a CSV file.")] = 0,
) -> None:
    """Say what a table is: its columns, their values, and what should be looked at."""
    import json
    from dataclasses import asdict
    from tempfile import TemporaryDirectory

    from within_wf.data.description import describe as look
    from within_wf.data.versions.canonical import canonical_pieces, write_rows
    from within_wf.data.versions.source import open_source
    from within_wf.reports.description import print_description, write_description

    with TemporaryDirectory() as folder:
        opened = open_source(source, Path(folder), contract=contract, decimal=decimal, skip_lines=skip_lines)
        table = write_rows(Path(folder) / "canonical.parquet", canonical_pieces(opened.table, opened.name))
        found = look(opened.name, table, opened.contract)
    if html is not None:
        write_description(html, found)
        typer.echo(f"{html}: {found.rows:,} rows, {len(found.columns)} columns")
    elif as_json:
        typer.echo(json.dumps(asdict(found), indent=1, ensure_ascii=False))
    else:
        print_description(found)


@app.command()
def snapshot(
    source: Annotated[str, typer.Argument(help="A dataset of configs/data, or a file.")],
    name: Annotated[str | None, typer.Option(help="What the dataset is called; its own name by default.")] = None,
    message: Annotated[str, typer.Option("--message", "-m", help="What to say of this version.")] = "",
    parent: Annotated[list[str] | None, typer.Option(help="A version it came from, or the SHA-256 of raw bytes.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A word to find it by: NAME@TAG.")] = None,
    contract: Annotated[str | None, typer.Option(help="The contract its rows keep; `none` for none.")] = None,
    decimal: Annotated[DecimalMark | None, typer.Option(help="The decimal mark of a file's numbers.")] = None,
    skip_lines: Annotated[int, typer.Option(min=0, help="Lines above the header of a CSV file.")] = 0,
) -> None:
    """Keep the rows of a dataset as an immutable version."""
    from tempfile import TemporaryDirectory

    from within_wf.data.versions.snapshot import parent_schema
    from within_wf.data.versions.snapshot import snapshot as take
    from within_wf.data.versions.source import open_source
    from within_wf.steps.place import open_store

    store = open_store()
    parents = parent or []
    with TemporaryDirectory() as folder:
        table = open_source(
            source,
            Path(folder),
            name=name,
            contract=contract,
            like=parent_schema(store, parents),
            decimal=decimal,
            skip_lines=skip_lines,
        )
        version, is_new = take(store, table, message=message, parents=parents, tags=tag or ())
    store.flush()
    said = f"{version.short}  {version.rows:,} rows, {len(version.schema)} columns, content {version.content[:12]}"
    typer.echo(said if is_new else f"{said}\nThis version exists already; nothing was changed.")


@app.command(name="list")
def list_command(
    name: Annotated[str | None, typer.Argument(help="Only the versions of this dataset.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All that is known of each, statistics included.")] = False,
) -> None:
    """List the versions, the oldest first."""
    from within_wf.data.versions.listing import print_versions
    from within_wf.steps.place import find_store

    print_versions(find_store(), name, as_json=as_json)


@app.command()
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


@app.command()
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


@app.command()
def forget(version: Annotated[str, typer.Argument(help="NAME, NAME@TAG, or the first digits of its id.")]) -> None:
    """Keep a version no longer; `within-wf store gc` frees its bytes."""
    from within_wf.data.versions.catalog import forget as drop
    from within_wf.steps.place import find_store

    typer.echo(f"forgot {drop(find_store(), version)}")
