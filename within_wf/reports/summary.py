"""What a run made, in a table for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from within_wf.reports.wording import MODEL_TITLES, VERDICTS, called, decimals, is_chance, number, words

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from within_wf.reports.experiment import Experiment

_STYLES = {"above": "green", "level": "yellow", "below": "bold red"}


def summarise(experiment: Experiment) -> dict[str, Any]:
    """What stands in ``summary.json``.

    Returns:
        ``dataset``, ``model``, ``primary_metric``, ``better``, ``score``, ``interval``, ``verdict``, ``baselines`` (``name``,
        ``score``, ``verdict``; the best first) and ``rows`` (``all``, ``quarantined``, ``train``, ``validation``, ``test``).
    """
    metrics = experiment.metrics
    primary = metrics["primary_metric"]
    sign = 1 if metrics["better"] == "lower" else -1
    baselines = [
        {"name": name, "score": baseline["metrics"].get(primary), "verdict": baseline["verdict"]}
        for name, baseline in metrics["baselines"].items()
    ]
    baselines.sort(key=lambda b: (b["score"] is None, sign * (b["score"] or 0), b["name"]))
    sizes = experiment.split.get("sizes", {})
    return {
        "dataset": experiment.dataset,
        "model": experiment.model,
        "primary_metric": primary,
        "better": metrics["better"],
        "score": metrics["test"].get(primary),
        "interval": metrics["intervals"].get(primary),
        "verdict": metrics["verdict"],
        "baselines": baselines,
        "rows": {
            "all": experiment.validation.get("rows"),
            "quarantined": experiment.validation.get("quarantined"),
            **{name: sizes.get(name) for name in ("train", "validation", "test")},
        },
    }


def render_summary(summaries: Sequence[Mapping[str, Any]]) -> Table:
    """The main score of each model beside its baselines.

    Args:
        summaries: Contents of ``summary.json``.

    Returns:
        A table to be printed by a rich console.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(title="What was made", title_justify="left", title_style="bold", header_style="dim", show_edge=False)
    for heading in ("dataset", "model", "metric"):
        table.add_column(heading)
    for heading in ("score", "interval"):
        table.add_column(heading, justify="right")
    table.add_column("baselines")
    table.add_column("verdict")
    for summary in summaries:
        bounds = summary["interval"]
        digits = decimals(summary["score"], *(bounds or ()))
        table.add_row(
            Text(summary["dataset"]),
            Text(MODEL_TITLES.get(summary["model"], words(summary["model"]))),
            Text(f"{words(summary['primary_metric'])} {'↓' if summary['better'] == 'lower' else '↑'}"),
            Text(number(summary["score"], digits), style="bold"),
            Text("–" if bounds is None else f"{number(bounds[0], digits)} to {number(bounds[1], digits)}"),
            Text("\n".join(f"{called(b['name'])} {number(b['score'], digits)}" for b in summary["baselines"]) or "–"),
            _verdict(summary),
        )
    return table


def _verdict(summary: Mapping[str, Any]) -> Text:
    from rich.text import Text

    if is_chance(summary["primary_metric"], summary["interval"]):
        return Text(f"{VERDICTS[summary['verdict']]}; not shown to be better than chance", style="bold red")
    return Text(VERDICTS[summary["verdict"]], style=_STYLES[summary["verdict"]])
