"""How far the distribution of each column moved from one version to another."""

from __future__ import annotations

import math
from typing import Any

import polars as pl

CATEGORIES = 1000
"""A text with more distinct values than this, or with more than half as many as rows, is prose: its length is compared."""
FEW_ROWS = 50
"""Below so many rows a text is never prose."""
_LEAST_SHARE = 1e-6


def column_drift(before: pl.Series, after: pl.Series) -> dict[str, Any]:
    """How far a column moved; missing values are counted apart and left out of the rest.

    Numbers, days and moments are compared as numbers by :func:`within_wf.ops.drift_metrics` (its ``psi`` in ten bins, ``ks``,
    ``ks_pvalue``; what is not finite is left out), prose by the number of its characters likewise. Flags and categories are
    compared by the shares of their values: ``psi`` is the sum over values of (c - r) ln(c / r), a share below 1e-6 counted as
    1e-6, as the operator does; ``distance`` is the total variation, the largest difference of the probability of any set of
    values; ``new`` and ``gone`` are the values that only one of both has.

    Args:
        before: Values of the reference.
        after: Values of the same type.

    Returns:
        ``compared`` (``values``, ``lengths`` or ``categories``), ``nulls`` (share before and after) and the measures; no
        measure where a side has no value.
    """
    said: dict[str, Any] = {"nulls": [_null_share(before), _null_share(after)]}
    one, other = before.drop_nulls(), after.drop_nulls()
    if one.dtype == pl.Boolean or (one.dtype == pl.String and not (_is_prose(one) or _is_prose(other))):
        return said | {"compared": "categories"} | _categories(one, other)
    if one.dtype == pl.String:
        return said | {"compared": "lengths"} | _numbers(one.str.len_chars(), other.str.len_chars())
    return said | {"compared": "values"} | _numbers(one, other)


def _null_share(column: pl.Series) -> float:
    return column.null_count() / column.len() if column.len() else 0.0


def _is_prose(present: pl.Series) -> bool:
    distinct = present.n_unique()
    return distinct > CATEGORIES or (present.len() >= FEW_ROWS and distinct * 2 > present.len())


def _numbers(one: pl.Series, other: pl.Series) -> dict[str, Any]:
    import torch

    from within_wf.ops.drift import drift_metrics

    sides = [side.to_physical().cast(pl.Float64) for side in (one, other)]
    reference, current = (side.filter(side.is_finite()) for side in sides)
    if not reference.len() or not current.len():
        return {}
    found = drift_metrics(torch.tensor(reference.to_numpy()), torch.tensor(current.to_numpy()))
    return {key: float(found[key]) for key in ("psi", "ks", "ks_pvalue")}


def _categories(one: pl.Series, other: pl.Series) -> dict[str, Any]:
    if not one.len() or not other.len():
        return {}
    counts = [dict(side.alias("value").value_counts(name="rows").iter_rows()) for side in (one, other)]
    values = sorted(counts[0].keys() | counts[1].keys())
    shares = [(counts[0].get(value, 0) / one.len(), counts[1].get(value, 0) / other.len()) for value in values]
    floored = [(max(r, _LEAST_SHARE), max(c, _LEAST_SHARE)) for r, c in shares]
    return {
        "psi": math.fsum((c - r) * math.log(c / r) for r, c in floored),
        "distance": math.fsum(abs(c - r) for r, c in shares) / 2,
        "new": sum(value not in counts[0] for value in values),
        "gone": sum(value not in counts[1] for value in values),
    }
