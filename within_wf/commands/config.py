"""``within-wf config …``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The configuration.")


@app.command()
def show(
    dataset: Annotated[str, typer.Argument(help="A dataset of configs/experiment.")] = "sample_world",
    override: Annotated[list[str] | None, typer.Option("--set", help="path.to.key=value; as often as you like.")] = None,
) -> None:
    """Print the whole configuration of a run, defaults included."""
    from within_wf.config.load import experiment_path, load_run
    from within_wf.store.redaction import redact

    typer.echo(redact(load_run(experiment_path(dataset, Path("configs")), override or []).model_dump_json(indent=2)))


@app.command()
def schemas() -> None:
    """Write the JSON Schemas of configs/schemas anew."""
    from within_wf.config.schemas import write_schemas

    for path in write_schemas(Path("configs/schemas")):
        typer.echo(str(path))
