"""The report of one model, for people."""

from __future__ import annotations

from within_wf.reports.experiment import read_experiment
from within_wf.reports.page import render_page
from within_wf.reports.summary import summarise
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_json

_SHOWN = ("data.split", "model", "training", "reproducibility.arithmetic", "evaluation")


def run(context: StepContext) -> None:
    """Write the page and the line of the run's summary."""
    side = "ads" if context.model == "ad_score" else "accounts"
    experiment = read_experiment(
        dataset=context.section("dataset.name", str),
        model=str(context.model),
        evaluation=context.inputs[f"evaluate_{side}"],
        training=context.inputs.get(f"train_{side}"),
        validation=context.inputs.get("dataset"),
        split=context.inputs.get("split"),
        description=context.section("dataset.description", str),
        config={path: context.config[path] for path in _SHOWN if path in context.config},
    )
    (context.output / "report.html").write_text(render_page(experiment), encoding="utf-8")
    write_json(context.output / "summary.json", summarise(experiment))
