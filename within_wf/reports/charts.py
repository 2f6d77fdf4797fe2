"""The pictures of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
from markupsafe import Markup

from within_wf.reports.drawing import ACCENT, BASELINE, INK, MODEL, WIDTH, axis, shorten, titles, to_svg

HEIGHT = 250
_ROW = 34


def _data(rows: Sequence[Mapping[str, Any]]) -> alt.Data:
    return alt.Data(values=list(rows))


def intervals(rows: Sequence[Mapping[str, Any]], name: str, title: str, description: str, line: float | None = None) -> Markup:
    """Scores with their intervals, one under the other.

    Args:
        rows: ``label``, ``value``, ``low`` and ``high`` (none where there is no interval), ``model`` (whether it stands out).
        name: The picture's name in the page.
        title: Of the horizontal axis.
        description: For those who cannot see it.
        line: Where a vertical line stands: the score of all rows.
    """
    shown = [
        {**row, "label": f"{number:03}", "text": shorten(str(row["label"]))}
        for number, row in enumerate(rows)
        if row["value"] is not None
    ]
    left, width, height = 138, WIDTH - 92, _ROW * max(1, len(shown))
    colour = alt.condition("datum.model", alt.value(MODEL), alt.value(BASELINE))
    y = alt.Y("label:N", axis=None, sort=None, scale=alt.Scale(paddingInner=0, paddingOuter=0))
    x = alt.X("value:Q", scale=alt.Scale(zero=False, nice=True), axis=axis())
    base = alt.Chart(_data(shown))
    layers = [
        base.transform_filter("datum.low !== null")
        .mark_rule(strokeWidth=3, strokeCap="round", opacity=0.45)
        .encode(x=alt.X("low:Q", scale=alt.Scale(zero=False, nice=True), axis=axis()), x2="high:Q", y=y, color=colour),
        base.mark_circle(size=90, opacity=1).encode(x=x, y=y, color=colour),
        base.mark_text(align="left", baseline="middle", color=INK, fontSize=13).encode(
            x=alt.value(-left + 4), y=y, text="text:N"
        ),
        *titles(title, "", width, height),
    ]
    if line is not None:
        rule = alt.Chart(_data([{"value": line}])).mark_rule(color=INK, strokeDash=[2, 3], opacity=0.7)
        layers.insert(0, rule.encode(x=alt.X("value:Q", scale=alt.Scale(zero=False, nice=True), axis=axis())))
    padding = {"left": left, "right": 20, "top": 6, "bottom": 44}
    return to_svg(layers, name, description, width, height, padding)


def training_curve(epochs: Sequence[Mapping[str, Any]], best: int | None, description: str) -> Markup:
    """Training and validation loss by epoch."""
    points = [
        {"epoch": epoch["epoch"], "loss": epoch[f"{side}_loss"], "side": side}
        for side in ("train", "validation")
        for epoch in epochs
        if epoch.get(f"{side}_loss") is not None
    ]
    x = alt.X("epoch:Q", axis=axis(format="d", tickMinStep=1, grid=False), scale=alt.Scale(nice=False))
    y = alt.Y("loss:Q", axis=axis(), scale=alt.Scale(zero=False))
    base = alt.Chart(_data(points))
    layers = [
        base.transform_filter(f"datum.side === '{side}'")
        .mark_line(color=colour, strokeWidth=2.2, strokeJoin="round", point=alt.OverlayMarkDef(color=colour, size=22))
        .encode(x=x, y=y)
        for side, colour in (("train", BASELINE), ("validation", MODEL))
    ]
    chosen = [point for point in points if point["epoch"] == best and point["side"] == "validation"]
    ring = alt.Chart(_data(chosen)).mark_point(color=ACCENT, size=150, strokeWidth=2.2, filled=False)
    return to_svg(
        [*layers, ring.encode(x=x, y=y), *titles("epoch", "loss", WIDTH, HEIGHT, -40)], "training", description, WIDTH, HEIGHT
    )


def predicted_actual(scatter: Mapping[str, Any], calibration: Mapping[str, Any], description: str) -> Markup:
    """Each row's prediction against its truth, and the means by tenths."""
    points = [{"x": x, "y": y} for x, y in zip(scatter["predicted"], scatter["actual"], strict=True)]
    means = [{"x": x, "y": y} for x, y in zip(calibration["predicted"], calibration["actual"], strict=True)]
    low, high = min(min(p.values()) for p in points), max(max(p.values()) for p in points)
    ends = [{"x": low, "y": low}, {"x": high, "y": high}]
    x = alt.X("x:Q", scale=alt.Scale(zero=False), axis=axis())
    y = alt.Y("y:Q", scale=alt.Scale(zero=False), axis=axis())
    layers = [
        alt.Chart(_data(ends)).mark_line(color=INK, strokeDash=[3, 4], strokeWidth=1.2).encode(x=x, y=y),
        alt.Chart(_data(points)).mark_circle(color=MODEL, size=14, opacity=0.38).encode(x=x, y=y),
        alt.Chart(_data(means)).mark_circle(color=ACCENT, size=64, opacity=1).encode(x=x, y=y),
        *titles("predicted", "actual", WIDTH, HEIGHT, -40),
    ]
    return to_svg(layers, "scatter", description, WIDTH, HEIGHT)


def residuals(histogram: Mapping[str, Any], description: str) -> Markup:
    """How often which error is made."""
    edges = histogram["edges"]
    bars = [{"low": a, "high": b, "rows": n} for a, b, n in zip(edges[:-1], edges[1:], histogram["counts"], strict=True)]
    x = alt.X("low:Q", axis=axis(grid=False), scale=alt.Scale(nice=False, zero=False), bin="binned")
    y = alt.Y("rows:Q", axis=axis(tickMinStep=1, format="~s"))
    layers = [
        alt.Chart(_data(bars)).mark_bar(color=MODEL, opacity=0.75, binSpacing=1).encode(x=x, x2="high:Q", y=y),
        alt.Chart(_data([{"low": 0}]))
        .mark_rule(color=INK, strokeDash=[3, 4], strokeWidth=1.2)
        .encode(x=alt.X("low:Q", scale=alt.Scale(nice=False, zero=False))),
        *titles("predicted less actual", "rows", WIDTH, HEIGHT, -40),
    ]
    return to_svg(layers, "residuals", description, WIDTH, HEIGHT)


def histogram(edges: Sequence[float], counts: Sequence[int], name: str, description: str, *, moments: bool) -> Markup:
    """How often which values occur.

    Args:
        edges: Where bars begin and end, one more than there are bars; of moments, milliseconds since 1970.
        counts: Rows of each bar.
        name: The picture's name in the page.
        description: For those who cannot see it.
        moments: Whether the edges are moments.
    """
    bars = [{"low": a, "high": b, "rows": n} for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)]
    scale = alt.Scale(type="utc", nice=False) if moments else alt.Scale(nice=False, zero=False)
    x = alt.X("low:T" if moments else "low:Q", axis=axis(grid=False, tickCount=4), scale=scale)
    y = alt.Y("rows:Q", axis=axis(tickMinStep=1, format="~s", tickCount=3))
    height = HEIGHT // 2
    bar = alt.Chart(_data(bars)).mark_rect(color=MODEL, opacity=0.75, stroke=None)
    layers = [
        bar.encode(x=x, x2="high:T" if moments else "high:Q", y=y, y2=alt.datum(0)),
        *titles("", "rows", WIDTH, height, -40),
    ]
    return to_svg(layers, name, description, WIDTH, height)


def ranked_curves(curves: Mapping[str, Any], name: str, x: str, y: str, reference: float | None, description: str) -> Markup:
    """The model's curve in front of those of its baselines; ``reference`` is the height of chance, none for the diagonal."""
    order = [*sorted(key for key in curves if key != "model"), "model"]
    points = [
        {"x": a, "y": b, "who": key, "step": step}
        for key in order
        for step, (a, b) in enumerate(zip(curves[key]["x"], curves[key]["y"], strict=True))
    ]
    start, end = (0, 1) if reference is None else (reference, reference)
    unit = alt.Scale(domain=[0, 1], nice=False)
    x_of, y_of = alt.X("x:Q", scale=unit, axis=axis()), alt.Y("y:Q", scale=unit, axis=axis())
    chance = alt.Chart(_data([{"x": 0, "y": start}, {"x": 1, "y": end}]))
    layers = [chance.mark_line(color=INK, strokeDash=[3, 4], strokeWidth=1.2).encode(x=x_of, y=y_of)]
    for key in order:
        model = key == "model"
        layers.append(
            alt.Chart(_data([point for point in points if point["who"] == key]))
            .mark_line(color=MODEL if model else BASELINE, strokeWidth=2.6 if model else 1.8, strokeJoin="round")
            .encode(x=x_of, y=y_of, order="step:Q")
        )
    return to_svg([*layers, *titles(x, y, WIDTH, HEIGHT, -40)], name, description, WIDTH, HEIGHT)


def calibration_curve(calibration: Mapping[str, Any], description: str) -> Markup:
    """How often what is called likely comes true."""
    points = [{"x": a, "y": b} for a, b in zip(calibration["predicted"], calibration["actual"], strict=True)]
    unit = alt.Scale(domain=[0, 1], nice=False)
    x, y = alt.X("x:Q", scale=unit, axis=axis()), alt.Y("y:Q", scale=unit, axis=axis())
    layers = [
        alt.Chart(_data([{"x": 0, "y": 0}, {"x": 1, "y": 1}]))
        .mark_line(color=INK, strokeDash=[3, 4], strokeWidth=1.2)
        .encode(x=x, y=y),
        alt.Chart(_data(points))
        .mark_line(color=MODEL, strokeWidth=2.2, point=alt.OverlayMarkDef(color=MODEL, size=52))
        .encode(x=x, y=y),
        *titles("predicted probability", "share that came true", WIDTH, HEIGHT, -40),
    ]
    return to_svg(layers, "calibration", description, WIDTH, HEIGHT)


def score_histogram(scores: Mapping[str, Any], description: str) -> Markup:
    """Which probabilities each class is given, as shares of the class."""
    edges = scores["edges"]
    x = alt.X("low:Q", axis=axis(grid=False), scale=alt.Scale(domain=[0, 1]), bin="binned")
    y = alt.Y("share:Q", axis=axis(format="~%"), stack=None)
    layers = []
    for side, colour in (("negative", BASELINE), ("positive", MODEL)):
        total = max(1, sum(scores[side]))
        bars = [
            {"low": a, "high": b, "share": round(n / total, 6)}
            for a, b, n in zip(edges[:-1], edges[1:], scores[side], strict=True)
        ]
        layers.append(alt.Chart(_data(bars)).mark_bar(color=colour, opacity=0.6, binSpacing=1).encode(x=x, x2="high:Q", y=y))
    layers += titles("predicted probability", "share of the class", WIDTH, HEIGHT, -40)
    return to_svg(layers, "scores", description, WIDTH, HEIGHT)


def split_bar(sizes: Mapping[str, int], description: str) -> Markup:
    """How the rows are divided."""
    rows, start = [], 0
    for name, colour in (("train", BASELINE), ("validation", ACCENT), ("test", MODEL)):
        rows.append({"start": start, "end": start + sizes.get(name, 0), "colour": colour})
        start += sizes.get(name, 0)
    layers = [
        alt.Chart(_data(rows))
        .mark_bar(height=9)
        .encode(
            x=alt.X("start:Q", axis=None, scale=alt.Scale(domain=[0, max(start, 1)], nice=False)),
            x2="end:Q",
            y=alt.value(4.5),
            color=alt.Color("colour:N", scale=None, legend=None),
        )
    ]
    return to_svg(layers, "split", description, WIDTH, 9, {"left": 0, "right": 0, "top": 0, "bottom": 0})
