"""Features made of features: pairs of categories, products of numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain, combinations, combinations_with_replacement

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.config.features import MOST_PRODUCTS, PolynomialConfig, crossing_name, products_of
from within_wf.errors import DatasetError, Problem
from within_wf.features.categories import texts_of
from within_wf.features.numeric import LARGEST32, Floats


def with_crossings(table: pl.DataFrame, crossings: Sequence[Sequence[str]]) -> pl.DataFrame:
    """A table with a further column of categories for each crossing: ``web | retail`` in ``platform x industry``.

    A missing part is the part ``(missing)``; different combinations have different texts, whatever bars they hold.

    Args:
        table: Holds the columns that are crossed.
        crossings: The columns of each crossing.

    Raises:
        DatasetError: A column is not there, or its new name is taken; all of them are named.
    """
    known = ", ".join(table.columns)
    read = dict.fromkeys(chain.from_iterable(crossings))
    problems = [Problem(f"column {name}", "no such column", f"one of {known}") for name in read if name not in table.columns]
    names = [crossing_name(columns) for columns in crossings]
    problems += [Problem(f"column {name}", "a crossing of the same name", "one") for name in names if name in table.columns]
    if problems:
        raise DatasetError("columns cannot be crossed", problems)
    return table.with_columns(_joined(table, columns) for columns in crossings)


def polynomial_features(
    x: npt.ArrayLike, names: Sequence[str], degree: int = 2, *, interaction_only: bool = False
) -> tuple[Floats, list[str]]:
    """Products of up to ``degree`` columns, the columns themselves first; in scikit-learn's order, without its column of ones.

    Args:
        x: Numbers, shape [n, d].
        names: What the columns are called, shape [d].
        degree: Factors of a product at most, from 1.
        interaction_only: Leave out what holds a column twice.

    Returns:
        float64, shape [n, m], each product from left to right, and the names: ``spend``, ``spend^2``, ``spend clicks``.

    Raises:
        DatasetError: The shapes do not fit, the degree is below 1, or there are more than ``MOST_PRODUCTS`` columns.
    """
    values = np.asarray(x, dtype=np.float64)
    problems = []
    if values.ndim != 2 or values.shape[1] != len(names):
        problems.append(Problem("x", f"shape {list(values.shape)}", f"[rows, {len(names)}], a column for each name"))
    if degree < 1:
        problems.append(Problem("degree", str(degree), "1 or more"))
    if not problems:
        count = products_of(len(names), degree, interaction_only=interaction_only)
        if count > MOST_PRODUCTS:
            cure = "Take fewer columns, a lower degree, or interaction_only."
            problems.append(Problem("degree", f"{count:,} products", f"at most {MOST_PRODUCTS:,}", cure))
    if problems:
        raise DatasetError("products of features cannot be made so", problems)
    factors = _factors(len(names), degree, interaction_only=interaction_only)
    columns: dict[tuple[int, ...], Floats] = {}
    for chosen in factors:
        last = values[:, chosen[-1]]
        columns[chosen] = columns[chosen[:-1]] * last if len(chosen) > 1 else last
    made = np.stack([columns[chosen] for chosen in factors], axis=1) if factors else np.zeros((len(values), 0))
    return made, [_name(chosen, names) for chosen in factors]


def products(numbers: Mapping[str, Floats], config: PolynomialConfig) -> Floats:
    """Products of scaled columns, without the columns themselves; within what 32 bits hold.

    Args:
        numbers: Columns by name, the scaled one first in each, shape [n, …].
        config: Which are multiplied.

    Returns:
        float64, shape [n, m].
    """
    x = np.stack([numbers[name][:, 0] for name in config.columns], axis=1)
    made, _ = polynomial_features(x, config.columns, config.degree, interaction_only=config.interactions_only)
    return np.clip(made[:, len(config.columns) :], -LARGEST32, LARGEST32)


def names_of_products(config: PolynomialConfig) -> list[str]:
    """The names of what :func:`products` makes."""
    factors = _factors(len(config.columns), config.degree, interaction_only=config.interactions_only)
    return [_name(chosen, config.columns) for chosen in factors if len(chosen) > 1]


def _factors(width: int, degree: int, *, interaction_only: bool) -> list[tuple[int, ...]]:
    """The columns of each product."""
    choose = combinations if interaction_only else combinations_with_replacement
    return list(chain.from_iterable(choose(range(width), size) for size in range(1, degree + 1)))


def _name(chosen: tuple[int, ...], names: Sequence[str]) -> str:
    powers = {column: chosen.count(column) for column in chosen}
    return " ".join(names[column] if power == 1 else f"{names[column]}^{power}" for column, power in powers.items())


def _joined(table: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    parts = [texts_of(table[name]).str.replace_all(r"([\\|])", r"\$1").alias(str(place)) for place, name in enumerate(columns)]
    return pl.DataFrame(parts).select(pl.concat_str(pl.all(), separator=" | ")).to_series().alias(crossing_name(columns))
