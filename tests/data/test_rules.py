"""Column checks say of a row what its contract says."""

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from within_wf.config.dataset import AdTable, SeriesTable
from within_wf.data.broken_rows import broken_rows
from within_wf.data.cross_rows import cross_row_rules
from within_wf.data.layout import ads_layout, contract_layout, series_layout
from within_wf.data.rules import rules_of
from within_wf.data.schemas import CONTRACTS

COUNTS = st.integers(-3, 3) | st.none()
AMOUNTS = st.sampled_from([-1.0, -0.0, 0.0, 2.5, 100.0, 100.5, float("nan"), float("inf"), float("-inf")]) | st.none()
DAYS = st.datetimes(datetime(2024, 1, 1), datetime(2024, 1, 3)) | st.none()
ADS = {
    "ad_id": (st.sampled_from(["", "a", "b"]) | st.none(), pl.String),
    "platform": (st.sampled_from(["", "search"]) | st.none(), pl.String),
    "impressions": (COUNTS, pl.Int64),
    "clicks": (COUNTS, pl.Int64),
    "conversions": (COUNTS, pl.Int64),
    "spend": (AMOUNTS, pl.Float64),
    "start_date": (DAYS, pl.Datetime),
    "end_date": (DAYS, pl.Datetime),
    "effectiveness": (AMOUNTS, pl.Float64),
}
DAYS_OF_ACCOUNTS = {
    "account_id": (st.sampled_from(["", "a"]) | st.none(), pl.String),
    "date": (DAYS, pl.Datetime),
    "impressions": (COUNTS, pl.Int64),
    "clicks": (COUNTS, pl.Int64),
    "spend": (AMOUNTS, pl.Float64),
    "unhealthy": (st.integers(-1, 2) | st.none(), pl.Int64),
}
SHARES = st.sampled_from([-0.1, -0.0, 0.0, 0.5, 1.0, 1.1, float("nan"), float("inf")]) | st.none()
BENCHMARKS = {
    "industry": (st.sampled_from(["", "retail"]) | st.none(), pl.String),
    "platform": (st.sampled_from(["", "search"]) | st.none(), pl.String),
    "click_through_rate": (SHARES, pl.Float64),
    "conversion_rate": (SHARES, pl.Float64),
    "cost_per_click": (AMOUNTS, pl.Float64),
    "month": (st.integers(-1, 14) | st.none(), pl.Int64),
    "spend_share": (SHARES, pl.Float64),
    "advertisers": (COUNTS, pl.Int64),
    "start_date": (DAYS, pl.Datetime),
    "end_date": (DAYS, pl.Datetime),
}
ANNOTATIONS = {
    "ad_id": (st.sampled_from(["", "a"]) | st.none(), pl.String),
    "annotator_id": (st.sampled_from(["", "p"]) | st.none(), pl.String),
    "score": (AMOUNTS, pl.Float64),
    "quality": (st.integers(-1, 7) | st.none(), pl.Int64),
    "explanation": (st.sampled_from(["", "clear"]) | st.none(), pl.String),
    "annotated_at": (DAYS, pl.Datetime),
}
COLUMNS = {
    "ad_performance": ADS,
    "account_health": DAYS_OF_ACCOUNTS,
    "industry_benchmark": BENCHMARKS,
    "annotated_training_set": ANNOTATIONS,
}


def keeps(contract, row):
    try:
        contract.model_validate(row)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", CONTRACTS)
@given(data=st.data())
def test_a_row_breaks_a_column_check_where_it_breaks_the_model(name, data):
    contract, columns = CONTRACTS[name], COLUMNS[name]
    rows = data.draw(st.lists(st.fixed_dictionaries({name: values for name, (values, _) in columns.items()}), min_size=1))
    table = pl.DataFrame(rows, schema={name: kind for name, (_, kind) in columns.items()})
    rules = rules_of(contract_layout(contract), table.schema)
    broken = table.select(pl.any_horizontal(rule.broken for rule in rules)).to_series().to_list()
    assert broken == [not keeps(contract, row) for row in rows]


def names(layout, table):
    rules = [*rules_of(layout, table.schema), *cross_row_rules(layout, table.schema)]
    broken = broken_rows(table.lazy(), rules)
    return {(row, rule.column, rule.name) for rule, rows in zip(rules, broken, strict=True) for row in rows.arg_true()}


def test_the_rules_of_roles_hold_where_the_contract_is_silent():
    table = pl.DataFrame(
        {
            "name": ["a", "a", "", None],
            "score": [1.0, float("nan"), None, 4.0],
            "team": ["x", "y", "z", None],
            "day": [date(2024, 1, 1)] * 4,
        }
    )
    layout = ads_layout(AdTable(id="name", target="score", group="team", time="day"))
    assert names(layout, table) == {
        (1, "name", "duplicate"),
        (2, "name", "empty"),
        (3, "name", "missing"),
        (1, "score", "not_finite"),
        (2, "score", "missing"),
        (3, "team", "missing"),
    }


def test_a_label_is_0_or_1_and_channels_have_values():
    table = pl.DataFrame({"s": ["a", "a", "b"], "t": [1, 2, 1], "v": [1.0, None, 2.0], "bad": [0, 1, 2]})
    layout = series_layout(SeriesTable(series="s", time="t", channels=["v"], label="bad"))
    assert names(layout, table) == {(1, "v", "missing"), (2, "bad", "out_of_range")}


def test_the_first_of_several_rows_with_one_key_is_kept():
    table = pl.DataFrame({"s": ["a", "a", "a"], "t": [1, 1, 2], "v": [1.0, 2.0, 2.0], "bad": [0, 1, 0]})
    layout = series_layout(SeriesTable(series="s", time="t", channels=["v"], label="bad"))
    assert names(layout, table) == {(1, "s", "duplicate")}
