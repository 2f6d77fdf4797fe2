"""How good an account health model is on the test windows."""

from __future__ import annotations

from within_wf.config.dataset import SeriesTable
from within_wf.config.training import EvaluationConfig
from within_wf.evaluation.artifacts import read_accounts, write_judgement
from within_wf.steps.context import StepContext


def run(context: StepContext) -> None:
    """Judge the model beside its baselines."""
    config = context.section("evaluation", EvaluationConfig)
    rows = read_accounts(
        context.inputs["features"],
        context.inputs["model"],
        context.inputs.get("baselines"),
        context.section("dataset.series", SeriesTable),
        config,
    )
    context.say(f"judging {rows.table.height:,} test windows")
    write_judgement(context.output, "binary_classification", rows, config)
