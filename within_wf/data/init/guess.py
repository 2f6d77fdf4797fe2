"""What the columns of a table may mean, by their names and what stands in them; each guess with its doubt."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from within_wf.data.init.look import Column, Looked

_NAMES: dict[str, str] = {
    "impressions": r"impr|impressions?|imps?|views?|shown|displays?|reach",
    "clicks": r"clicks?|hits?|link clicks?|total clicks?",
    "conversions": r"conversions?|conv|total conversions?|purchases?|orders?|signups?|leads?",
    "spend": r"spend|spent|cost|costs|amount spent.*|ad spend|budget spent|media cost",
    "start_date": r"start( date)?|starts?( on)?|reporting starts?|first day|from",
    "end_date": r"end( date)?|ends?( on)?|reporting ends?|last day|to|until",
    "date": r"date|day|timestamp|time|datetime|hour|week|month|dt",
    "account_id": r"account( id| name)?|advertiser( id)?|customer( id)?|client( id)?",
    "campaign_id": r"campaign( id| name)?|.*campaign id",
    "ad_id": r"(ad|creative|banner|asset)( id| name)?|id",
    "platform": r"platform|channel|network|publisher|source",
}
"""Names of the contracts to what columns of such a meaning are called."""
_TARGETS = r"effectiveness|score|target|label|rating|quality|ctr|click through rate|cvr|conversion rate|roas|y"
_LABELS = r"(is )?(unhealthy|anomal(y|ies|ous)|label|churn(ed)?|trouble|fraud|outage|incident|failure|alarm|target|y)"
_PEOPLE = r"(audience |user )?(age|gender|sex|race|ethnicity|religion|nationality|income)( band| group| range)?"
_OUTCOMES = r"(.* )?(clicks?|hits|conversions?|conv|purchases?|orders?|leads|revenue|ctr|cvr|cpc|cpa|roas)( .*)?"
_KNOWN_LATER = ("impressions", "clicks", "conversions", "spend")
_KINDS = {"impressions": "whole", "clicks": "whole", "conversions": "whole", "spend": "number"}
_OPTIONAL = ("conversions", "account_id", "campaign_id")
_MOST_CATEGORIES = 1000
_SHORTEST_SERIES = 10
"""Moments that series have on average, at least; fewer are ads that share an id."""


@dataclass
class Guess:
    """A first configuration.

    Attributes:
        table: ``ads`` or ``series``.
        columns: A contract's name to the column's own, where they differ.
        roles: What stands in the table's section, in this order.
        computed: Columns made from others.
        doubts: Role or column to what a person should look at.
        left_out: Columns without a meaning, to why.
    """

    table: Literal["ads", "series"]
    columns: dict[str, str] = field(default_factory=dict)
    roles: dict[str, str | list[str]] = field(default_factory=dict)
    computed: dict[str, str] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def guess(looked: Looked) -> Guess:
    """Guess what a table is, by its first rows."""
    found = _guess(looked.table, looked.columns)
    found.doubts |= looked.doubts
    found.left_out |= {column.strip() or "(a column without a name)": why for column, why in looked.unusable.items()}
    return found


def _guess(table: pl.DataFrame, columns: Sequence[Column]) -> Guess:
    series, time = _series_of(table, columns)
    label = _first(columns, _LABELS, lambda column: column.is_flag)
    named = any(map(_could_name_rows, columns))
    if series is not None and time is not None and (label is not None or not named):
        return _guess_series(columns, series, time, label)
    return _guess_ads(columns)


def _could_name_rows(column: Column) -> bool:
    """Whether a column is an id, not a measure that happens to differ in every row."""
    is_key = column.kind == "whole" and re.search(r"(^| )(id|key|ref|code|no|number)$", _words(column.name))
    return column.names_rows and not column.is_prose and (column.kind == "text" or bool(is_key))


def _words(name: str) -> str:
    """A column's name as words: ``amountSpent_USD`` is ``amount spent usd``."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.sub(r"[^0-9a-z]+", " ", parted.lower()).strip()


def _first(columns: Iterable[Column], pattern: str, fits: object = None) -> Column | None:
    for column in columns:
        if re.fullmatch(pattern, _words(column.name)) and (not callable(fits) or fits(column)):
            return column
    return None


def _series_of(table: pl.DataFrame, columns: Sequence[Column]) -> tuple[Column | None, Column | None]:
    """The columns of series and time: together they name a row, neither does alone."""
    time = next((column for column in columns if column.kind == "moment" and column.missing == 0), None)
    if time is None or time.names_rows:
        return None, None
    wanted = f"{_NAMES['account_id']}|{_NAMES['campaign_id']}|series|name|id"
    candidates = [column for column in columns if column.kind in ("text", "whole") and column.missing == 0]
    candidates.sort(key=lambda column: re.fullmatch(wanted, _words(column.name)) is None)
    for column in candidates:
        is_long = column.rows >= _SHORTEST_SERIES * column.distinct
        if is_long and not column.is_prose and not table.select(column.name, time.name).is_duplicated().any():
            return column, time
    return None, None


def _guess_series(columns: Sequence[Column], series: Column, time: Column, label: Column | None) -> Guess:
    found = Guess("series")
    used = {series.name, time.name} | ({label.name} if label else set())
    own = _contract_names(
        found, [column for column in columns if column.name not in used], ("impressions", "clicks", "conversions", "spend")
    )
    rest = [column for column in columns if column.name not in used]
    channels = [own[column.name] for column in rest if column.kind in ("whole", "number") and column.missing == 0]
    slices = [own[column.name] for column in rest if column.kind == "text" and 2 <= column.distinct <= 50]
    found.roles = {"series": series.name, "time": time.name, "channels": channels, "label": label.name if label else "?"}
    if slices:
        found.roles["slices"] = slices
    known = {*channels, *slices}
    found.left_out = {column.name: _why(column) for column in rest if own[column.name] not in known}
    found.doubts["label"] = "1 should mean trouble, 0 none" if label else "no column of 0 and 1 is named like trouble: name it"
    found.doubts["time"] = "moments of a series have to be evenly spaced"
    return found


def _guess_ads(columns: Sequence[Column]) -> Guess:
    found = Guess("ads")
    identity = _first(columns, _NAMES["ad_id"], lambda column: column.names_rows) or next(
        filter(_could_name_rows, columns), None
    )
    used = {identity.name} if identity else set()
    own = _contract_names(
        found,
        [column for column in columns if column.name not in used],
        (
            "impressions",
            "clicks",
            "conversions",
            "spend",
            "start_date",
            "end_date",
            "date",
            "account_id",
            "campaign_id",
            "platform",
        ),
    )
    found.roles["id"] = identity.name if identity else "ad_id"
    if identity is None:
        found.computed["ad_id"] = "row_number()"
        found.doubts["id"] = "no column has a value of its own in every row, so rows are numbered: name one if there is one"
    target = _target(found, columns, own, used)
    rest = [column for column in columns if column.name not in used and own[column.name] != target]
    _features(found, rest, own, target)
    _others(found, rest, own)
    return found


def _target(found: Guess, columns: Sequence[Column], own: dict[str, str], used: set[str]) -> str:
    given = _first(columns, _TARGETS, lambda column: column.kind in ("whole", "number") and column.name not in used)
    if given is not None:
        found.roles["target"] = own[given.name]
        found.doubts["target"] = (
            f"its name speaks for it; values from {given.least} to {given.most}"
            if given.distinct > 1
            else f"it is {given.example} in every row: there is nothing to learn"
        )
        return own[given.name]
    if {"clicks", "impressions"} <= set(own.values()):
        found.computed["ctr_percent"] = "100 * smoothed_rate(clicks, impressions)"
        found.roles["target"] = "ctr_percent"
        found.doubts["target"] = "no column is named like a score: the click-through rate, drawn to that of all ads"
        return "ctr_percent"
    found.roles["target"] = "?"
    found.doubts["target"] = "no column is named like a score: name the one to predict"
    return "?"


def _features(found: Guess, rest: Sequence[Column], own: dict[str, str], target: str) -> None:
    text, numeric, categorical = [], [], []
    is_outcome = target in found.computed or re.fullmatch(_OUTCOMES, _words(target)) is not None
    for column in rest:
        name = own[column.name]
        if re.fullmatch(_OUTCOMES, _words(name)) or (is_outcome and _is_known_late(column, name)):
            found.left_out[column.name] = "known only when the ad has run: name it in numeric if you know it before"
        elif column.doubt and (column.kind == "whole" or column.doubt.startswith("dates")):
            found.left_out[column.name] = column.doubt
        elif column.missing == column.rows or column.kind == "moment" or column.distinct <= 1:
            found.left_out[column.name] = _why(column)
        elif column.is_prose:
            text.append(name)
        elif column.kind == "text" or (column.kind == "whole" and _is_code(column)):
            if column.distinct <= min(_MOST_CATEGORIES, max(2, column.rows // 2)):
                categorical.append(name)
            else:
                found.left_out[column.name] = (
                    f"{column.distinct:,} different values: an id, or text for which it has too few words"
                )
        else:
            numeric.append(name)
    found.roles |= {
        role: names for role, names in (("text", text), ("numeric", numeric), ("categorical", categorical)) if names
    }
    for column in rest:
        if column.doubt and found.left_out.get(column.name) != column.doubt:
            found.doubts[own[column.name]] = column.doubt


def _is_known_late(column: Column, name: str) -> bool:
    """Whether a column is how the ad did, whatever it is called."""
    return name in _KNOWN_LATER or any(re.fullmatch(_NAMES[late], _words(column.name)) for late in _KNOWN_LATER)


def _others(found: Guess, rest: Sequence[Column], own: dict[str, str]) -> None:
    names = {own[column.name]: column for column in rest}
    group = _group(names)
    time = next((name for name in ("start_date", "date") if name in names and names[name].kind == "moment"), None)
    if group:
        found.roles["group"] = group
        found.doubts["group"] = f"rows of one {group} are kept together where the split's strategy is group"
    if time and names[time].missing == 0:
        found.roles["time"] = time
    people = [own[column.name] for column in rest if re.fullmatch(_PEOPLE, _words(column.name))]
    if people:
        found.roles["sensitive"] = people
        found.doubts["sensitive"] = "groups of people, by which results are judged"


def _group(names: Mapping[str, Column]) -> str | None:
    """The column of what belongs together: a campaign, an account, or another id that rows share."""
    for name in ("campaign_id", "account_id"):
        if name in names and 1 < names[name].distinct < names[name].rows:
            return name
    shared = [name for name, column in names.items() if _words(name).endswith(" id") and 1 < 2 * column.distinct < column.rows]
    return shared[0] if shared else None


def _contract_names(found: Guess, columns: Sequence[Column], wanted: Iterable[str]) -> dict[str, str]:
    """Each column's name here; the contract's where it seems to be what the contract names and is of its kind."""
    own = {column.name: column.name for column in columns}
    taken = set(own)
    for name in wanted:
        if name in taken:
            continue
        alike = [column for column in columns if own[column.name] == column.name]
        fitting = [column for column in alike if re.fullmatch(_NAMES[name], _words(column.name)) and _keeps(column, name)]
        fitting.sort(key=lambda column: _words(column.name) != name.replace("_", " "))
        if len(fitting) > 1:
            found.doubts[name] = f"{' and '.join(column.name for column in fitting)} could be it"
        if fitting:
            own[fitting[0].name] = name
            found.columns[name] = fitting[0].name
            taken.add(name)
    return own


def _keeps(column: Column, name: str) -> bool:
    """Whether a column has the kind of the contract's, a value in every row where it asks for one, and no negative numbers."""
    wanted = _KINDS.get(name, "moment" if "date" in name else "text")
    fits = (
        column.kind == wanted or (wanted == "text" and column.kind == "whole") or (wanted, column.kind) == ("number", "whole")
    )
    return fits and (column.missing == 0 or name in _OPTIONAL) and not (name in _KINDS and column.least.startswith("-"))


def _is_code(column: Column) -> bool:
    """Whether whole numbers are names: an id, or a few different ones."""
    return bool(re.search(r"(^| )(id|code|type|category|segment|interest)$", _words(column.name)))


def _why(column: Column) -> str:
    if column.missing == column.rows:
        return "it is empty"
    if column.distinct <= 1:
        return f"it is {column.example!r} in every row"
    return "a moment, not a feature" if column.kind == "moment" else f"{column.kind} with {column.distinct:,} values"
