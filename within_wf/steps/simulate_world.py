"""The built-in sample world as the source of a dataset."""

from __future__ import annotations

from within_wf.config.dataset import SampleWorldSource
from within_wf.data.sample_world.world import simulate
from within_wf.steps.context import Progress, StepContext


def run(context: StepContext) -> None:
    """Draw the world the dataset asks for."""
    source = context.section("dataset.source", SampleWorldSource)
    progress: dict[str, Progress] = {}

    def advance(what: str, done: int, total: int) -> None:
        progress.setdefault(what, Progress(context, what, total)).advance(done)

    simulate(source.rows, source.seed, context.output, advance=advance)
