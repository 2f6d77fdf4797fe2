"""``within-wf evaluate …``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Measures that no step of a run takes.")


@app.command()
def augmentation(
    dataset: Annotated[str, typer.Argument(help="A dataset of configs/experiment.")] = "sample_world",
    rows: Annotated[int, typer.Option(min=1, help="Ads that are varied.")] = 500,
    copies: Annotated[int, typer.Option(min=1, help="Varied copies of each that self-BLEU compares.")] = 3,
    threads: Annotated[int, typer.Option(min=1, help="Texts and pictures that are embedded at the same time.")] = 2,
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
