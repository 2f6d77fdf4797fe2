"""From an advertiser's raw data to trained and judged models: what there is to ask besides running the workflow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from within_wf.commands import config, data, evaluate, store
from within_wf.commands.options import Dataset

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(store.app, name="store")
app.add_typer(data.app, name="data")
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(config.app, name="config")


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
