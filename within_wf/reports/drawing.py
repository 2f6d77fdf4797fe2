"""From an Altair chart to SVG that can stand in a page: the same bytes every time, on any machine, in light and dark.

Where a label ends decides nothing here: the sizes are fixed, the titles stand at fixed places and labels are shortened by their
letters. So the fonts that happen to be installed cannot move a line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import altair as alt
from markupsafe import Markup, escape

MODEL = "#17736c"
BASELINE = "#8b949e"
ACCENT = "#bf6a2e"
INK = "#454d58"
GRID = "#e3dfd6"
"""The page's style sheet gives each of these colours its dark counterpart; `templates/report.css` has them by value."""

WIDTH = 360
_FONT = "Liberation Sans, Helvetica, Arial, sans-serif"
_PADDING = {"left": 46, "right": 14, "top": 26, "bottom": 44}
_AXIS = {
    "domain": False,
    "ticks": False,
    "gridColor": GRID,
    "labelColor": INK,
    "labelFontSize": 12,
    "labelPadding": 7,
    "labelOverlap": False,
    "labelFlush": False,
    "labelBound": False,
    "labelLimit": 0,
    "title": None,
    "tickCount": 5,
}


def axis(**changes: Any) -> alt.Axis:
    """An axis with no more than labels and a faint grid."""
    return alt.Axis(**{**_AXIS, **changes})


def caption(text: str, x: float, y: float, align: str) -> alt.Chart:
    """Words at a fixed place of the plot: the title of an axis."""
    return (
        alt.Chart(alt.Data(values=[{"text": text}]))
        .mark_text(align=align, baseline="middle", color=INK, fontSize=12, clip=False)
        .encode(x=alt.value(x), y=alt.value(y), text="text:N")
    )


def titles(x: str, y: str, width: float, height: float, left: float = 0) -> list[alt.Chart]:
    """The title of the horizontal axis under its right end, of the vertical one above its top."""
    above = [caption(y, left, -14, "left")] if y else []
    return [*above, caption(x, width, height + 34, "right")]


def shorten(label: str, letters: int = 20) -> str:
    """A label that fits beside a plot."""
    return label if len(label) <= letters else label[: letters - 1] + "…"


def to_svg(
    layers: list[alt.Chart],
    name: str,
    description: str,
    width: float,
    height: float,
    padding: Mapping[str, float] | None = None,
) -> Markup:
    """Draw layers as one SVG element.

    Args:
        layers: Bottom one first.
        name: Letters and digits, its own in the page: its ids begin with it.
        description: What the picture shows, for those who cannot see it.
        width: Of the plot without its margins, in pixels.
        height: Likewise.
        padding: The margins in pixels: left, right, top, bottom.
    """
    import vl_convert

    chart = (
        alt.layer(*layers)
        .properties(width=width, height=height, padding=dict(padding or _PADDING), autosize=alt.AutoSizeParams(type="none"))
        .configure(font=_FONT, background="transparent", aria=False)
        .configure_view(stroke=None)
    )
    drawn = vl_convert.vegalite_to_svg(chart.to_dict())
    return Markup(_settle(drawn, name, description))  # noqa: S704 - Vega escapes every label it writes


def _settle(svg: str, name: str, description: str) -> str:
    """Ids counted from 1 in each picture, since Vega counts on through the life of a process; a name for screen readers.

    Tags alone are touched, never the words between them.
    """
    ids: dict[str, str] = {}

    def rename(match: re.Match[str]) -> str:
        new = ids.setdefault(match[2], f"{name}-{len(ids) + 1}")
        return f"{match[1]}{new}{match[3]}"

    def tidy(match: re.Match[str]) -> str:
        tag = re.sub(r'\s(role|aria-[a-z]+|class|pointer-events)="[^"]*"', "", match[0])
        tag = re.sub(r"\d+\.\d{3,}", lambda long: f"{float(long[0]):.2f}".rstrip("0").rstrip("."), tag)
        return re.sub(r'(\bid="|url\(#)([^")]*)([")])', rename, tag)

    body = re.sub(r"<[^>]*>", tidy, svg)
    opened = body.index(">")
    root = re.sub(r'\s(width|height|xmlns:xlink|version)="[^"]*"', "", body[:opened])
    return f'{root} role="img" aria-label="{escape(description)}" class="chart"{body[opened:]}'
