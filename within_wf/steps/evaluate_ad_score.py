"""How good an ad score model is on the test rows."""

from __future__ import annotations

from within_wf.config.dataset import AdTable
from within_wf.config.training import EvaluationConfig
from within_wf.evaluation.artifacts import read_ads, write_judgement
from within_wf.steps.context import StepContext


def run(context: StepContext) -> None:
    """Judge the model beside its baselines."""
    config = context.section("evaluation", EvaluationConfig)
    rows = read_ads(
        context.inputs["features"],
        context.inputs["model"],
        context.inputs.get("baselines"),
        context.section("dataset.ads", AdTable),
        config,
    )
    context.say(f"judging {rows.table.height:,} test rows")
    write_judgement(context.output, "regression", rows, config)
