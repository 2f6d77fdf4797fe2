"""The figures that a tracker draws by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import altair as alt

SHOWN = 40
"""Features that a figure of importance shows at most."""


def confusion_chart(counts: Sequence[Sequence[int]], names: Sequence[str]) -> Any:
    """A heat map of counts: rows are true classes, columns predicted ones."""
    cells = [
        {"true": true, "predicted": predicted, "count": count}
        for true, row in zip(names, counts, strict=True)
        for predicted, count in zip(names, row, strict=True)
    ]
    base = alt.Chart(alt.Data(values=cells)).encode(
        x=alt.X("predicted:N", sort=list(names), axis=alt.Axis(orient="top", labelAngle=0)),
        y=alt.Y("true:N", sort=list(names)),
    )
    middle = max((count for row in counts for count in row), default=0) / 2
    ink = alt.condition(alt.datum.count > middle, alt.value("white"), alt.value("black"))
    boxes = base.mark_rect().encode(color=alt.Color("count:Q", scale=alt.Scale(scheme="blues")))
    return (boxes + base.mark_text().encode(text="count:Q", color=ink)).properties(
        width=60 * len(names), height=60 * len(names)
    )


def importance_chart(ranked: Mapping[str, float]) -> Any:
    """Bars of the features that count most, from the top."""
    rows = [{"feature": name, "importance": value} for name, value in islice(ranked.items(), SHOWN)]
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(x="importance:Q", y=alt.Y("feature:N", sort=[str(row["feature"]) for row in rows]))
    )
