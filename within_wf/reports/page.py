"""The experiment report: one page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from within_wf.evaluation.metrics import metrics_of
from within_wf.reports.figures import baseline_figure, prediction_figures, slice_figure, split_figure, training_figure
from within_wf.reports.templating import TEMPLATES, environment
from within_wf.reports.wording import (
    best_baseline,
    decimals,
    share,
    verdict_sentence,
    words,
)

if TYPE_CHECKING:
    from within_wf.reports.experiment import Experiment


def render_page(experiment: Experiment, template: Path | None = None) -> str:
    """The report as HTML: no script, no request, no clock; what comes from data is escaped.

    Args:
        experiment: What is reported.
        template: A Jinja template to use instead of the package's.
    """
    source = template or TEMPLATES / "report.html"
    return environment(source.parent, TEMPLATES).get_template(source.name).render(**view(experiment))


def view(experiment: Experiment) -> dict[str, Any]:
    """Everything the template names."""
    metrics = experiment.metrics
    primary, names = metrics["primary_metric"], _titles(metrics)
    baseline = best_baseline(metrics)
    return {
        "experiment": experiment,
        "metrics": metrics,
        "metric_title": names.get(primary, words(primary)),
        "better": metrics["better"],
        "confidence": f"{100 * metrics.get('confidence', 0.95):g} %",
        "digits": decimals(metrics["test"].get(primary), *(metrics["intervals"].get(primary) or ())),
        "primary": primary,
        "score": metrics["test"].get(primary),
        "interval": metrics["intervals"].get(primary),
        "verdict": metrics["verdict"],
        "verdict_sentence": verdict_sentence(metrics),
        "best_baseline": baseline,
        "baselines": _baselines(metrics),
        "metric_rows": _metric_rows(metrics, names),
        "data": _data(experiment),
        "slices": _slices(metrics, names.get(primary, words(primary))),
        "settings": _settings(experiment.config),
        "figures": {
            "baselines": baseline_figure(metrics, names.get(primary, words(primary))),
            "training": training_figure(experiment.history),
            "predictions": prediction_figures(metrics["task"], experiment.curves),
            "split": split_figure(experiment.split),
        },
        "history": experiment.history,
    }


def _titles(metrics: Mapping[str, Any]) -> dict[str, str]:
    return {m.name: m.title for m in metrics_of(metrics["task"])}


def _baselines(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The baselines, the best first."""
    primary = metrics["primary_metric"]
    sign = 1 if metrics["better"] == "lower" else -1
    rows = [
        {
            "name": name,
            "description": baseline.get("description", ""),
            "score": baseline["metrics"].get(primary),
            "interval": baseline["intervals"].get(primary),
            "difference": {**baseline["difference"], "places": decimals(*baseline["difference"].values())},
            "verdict": baseline["verdict"],
        }
        for name, baseline in metrics["baselines"].items()
    ]
    return sorted(rows, key=lambda row: (row["score"] is None, sign * (row["score"] or 0), row["name"]))


def _metric_rows(metrics: Mapping[str, Any], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    """One row a metric, in the order of the task: the model's value and interval, each baseline's value."""
    others = [row["name"] for row in _baselines(metrics)]
    better = {m.name: m.better for m in metrics_of(metrics["task"])}
    rows = []
    for name in [name for name in titles if name in metrics["test"]]:
        theirs = [metrics["baselines"][other]["metrics"].get(name) for other in others]
        bounds = metrics["intervals"].get(name)
        rows.append(
            {
                "name": name,
                "title": titles[name],
                "better": better[name],
                "value": metrics["test"][name],
                "interval": bounds,
                "baselines": theirs,
                "digits": decimals(metrics["test"][name], *(bounds or ())),
            }
        )
    return rows


def _data(experiment: Experiment) -> dict[str, Any]:
    validation, sizes = experiment.validation, experiment.split.get("sizes", {})
    total = sum(sizes.values())
    order = [name for name in ("train", "validation", "test") if name in sizes]
    others = [
        {**violation, "column": f"{table}: {violation['column']}"}
        for table, part in sorted(validation.get("tables", {}).items())
        for violation in part["violations"]
    ]
    return {
        "rows": validation.get("rows"),
        "clean": validation.get("clean"),
        "quarantined": validation.get("quarantined"),
        "quarantined_share": share(validation.get("quarantined") or 0, validation.get("rows") or 0),
        "violations": [*validation.get("violations", []), *others],
        "quality": validation.get("quality", {}),
        "planted": [_planted(entry) for entry in validation.get("planted", [])],
        "strategy": experiment.split.get("strategy"),
        "split": [{"name": name, "rows": sizes[name], "share": share(sizes[name], total)} for name in order],
    }


def _planted(entry: Mapping[str, Any]) -> dict[str, Any]:
    """How much of what was planted is found, in percent; a dash where nothing is found or planted."""
    shares = {"precision": share(entry["right"], entry["found"]), "recall": share(entry["right"], entry["planted"])}
    return {**entry, **shares}


def _slices(metrics: Mapping[str, Any], title: str) -> list[dict[str, Any]]:
    """One entry a column: its picture, its rows, its gap."""
    primary = metrics["primary_metric"]
    entries = []
    for position, (column, values) in enumerate(sorted(metrics["slices"].items())):
        rows = [
            {
                "value": value,
                "rows": part["rows"],
                "score": part["metrics"].get(primary),
                "interval": part["intervals"].get(primary),
            }
            for value, part in sorted(values.items())
        ]
        entries.append(
            {
                "column": column,
                "rows": rows,
                "digits": decimals(*(row["score"] for row in rows)),
                "gap": _gap(metrics["fairness"].get(column)),
                "figure": slice_figure(column, rows, position, title, metrics["test"].get(primary)),
            }
        )
    return entries


def _gap(gap: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The gap between two groups as a distance."""
    if gap is None:
        return None
    size, bounds = gap["gap"], gap["interval"]
    if size < 0:
        size, bounds = -size, bounds and [-bounds[1], -bounds[0]]
    return {**gap, "size": size, "bounds": bounds, "sure": bool(bounds) and bounds[0] > 0}


def _settings(config: Mapping[str, object]) -> list[tuple[str, str]]:
    """The configuration as dotted keys and values."""

    def walk(path: str, value: object) -> Iterator[tuple[str, str]]:
        if isinstance(value, Mapping) and value:
            for key in sorted(value):
                yield from walk(f"{path}.{key}" if path else str(key), value[key])
        elif isinstance(value, list):
            yield path, ", ".join(str(item) for item in value) or "none"
        else:
            shown = {None: "none", True: "yes", False: "no"}
            yield path, shown[value] if value is None or isinstance(value, bool) else str(value)

    return [setting for path in sorted(config) for setting in walk(path, config[path])]
