"""What rows are together, against plain loops."""

from collections import Counter
from datetime import date, datetime, timedelta
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from within_wf.config.dataset import SeriesTable
from within_wf.data import DataValidator
from within_wf.data.broken_rows import broken_rows
from within_wf.data.cross_rows import cross_row_rules
from within_wf.data.layout import contract_layout, series_layout
from within_wf.data.schemas import CONTRACTS
from within_wf.data.validator import check_rows, validate_table
from within_wf.errors import DatasetValidationError

SERIES = series_layout(SeriesTable(series="s", time="t", channels=["v"], label="bad"))


def broken(table, layout, name):
    rule = next(rule for rule in cross_row_rules(layout, table.schema) if rule.name == name)
    return broken_rows(table.lazy(), [rule])[0].to_list()


def uneven(rows):
    """By a loop: rows after a wider distance than is usual, and after a nearer one."""
    last, apart = {}, {}
    for at in sorted((at for at, row in enumerate(rows) if None not in row), key=lambda at: (*rows[at], at)):
        series, time = rows[at]
        if series in last:
            apart[at] = time - last[series]
        last[series] = time
    counts = Counter(distance for distance in apart.values() if distance > 0)
    usual = min((distance for distance in counts if counts[distance] == max(counts.values())), default=0)
    wide = [at in apart and apart[at] > usual > 0 for at in range(len(rows))]
    return wide, [at in apart and 0 < apart[at] < usual for at in range(len(rows))]


@given(st.lists(st.tuples(st.sampled_from("ab") | st.none(), st.integers(0, 12) | st.none()), min_size=1, max_size=20))
def test_gaps_and_overlaps_are_those_of_a_loop(rows):
    table = pl.DataFrame(rows, schema={"s": pl.String, "t": pl.Int64}, orient="row")
    wide, near = uneven(rows)
    assert broken(table, SERIES, "gap") == wide
    assert broken(table, SERIES, "overlap") == near


@pytest.mark.parametrize("start", [date(2024, 1, 1), datetime(2024, 1, 1, 12)], ids=["date", "time"])
def test_a_day_that_is_missing_is_a_gap_before_the_next(start):
    days = [start + timedelta(days=day) for day in (0, 1, 2, 4, 5)]
    table = pl.DataFrame({"s": ["k"] * 5, "t": days, "v": [1.0] * 5, "bad": [0] * 5})
    found = check_rows(table, SERIES, "days")
    assert [(each.rule.name, each.rows, each.severity) for each in found.violations] == [("gap", [4], "warn")]
    assert found.clean.equals(table)
    roles = SeriesTable(series="s", time="t", channels=["v"], label="bad")
    with pytest.raises(DatasetValidationError, match=r"column t, row 4 .* found gap"):
        validate_table(
            table, roles, name="days", on_violation="quarantine", max_quarantined_share=1, severity={"gap": "refuse"}
        )


def benchmarks(**columns):
    rates = {"click_through_rate": [0.1] * 4, "conversion_rate": [0.1] * 4, "cost_per_click": [1.0] * 4}
    return pl.DataFrame({"industry": ["a", "a", "b", "b"], "platform": ["x", "y", "x", "y"], **rates, **columns})


def test_shares_of_an_industry_add_up():
    layout = contract_layout(CONTRACTS["industry_benchmark"])
    table = benchmarks(spend_share=[0.333, 0.667, 0.5, 0.6])
    assert broken(table, layout, "shares_do_not_add_up") == [False, False, True, True]
    table = benchmarks(spend_share=[0.5, None, None, None], month=[1, 1, 1, 1])
    assert broken(table, layout, "shares_do_not_add_up") == [True, False, False, False]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 1000)), min_size=1, max_size=12))
def test_sums_of_shares_are_exact(rows):
    shares = [thousandths / 1000 for _, thousandths in rows]
    table = pl.DataFrame({"industry": [name for name, _ in rows], "platform": [""] * len(rows), "spend_share": shares})
    totals = Counter()
    for name, thousandths in rows:
        totals[name] += Fraction(thousandths, 1000)
    expected = [abs(totals[name] - 1) > Fraction(5, 1000) for name, _ in rows]
    assert broken(table, contract_layout(CONTRACTS["industry_benchmark"]), "shares_do_not_add_up") == expected


def test_a_benchmark_of_each_month_is_no_duplicate():
    layout = contract_layout(CONTRACTS["industry_benchmark"])
    twice = pl.concat([benchmarks(), benchmarks()])
    assert sum(broken(twice, layout, "duplicate")) == 4
    months = twice.with_columns(month=pl.Series([1] * 4 + [2] * 4))
    assert sum(broken(months, layout, "duplicate")) == 0
    assert DataValidator().validate(benchmarks(), "industry_benchmark")
    assert not DataValidator().validate(twice, "industry_benchmark")
