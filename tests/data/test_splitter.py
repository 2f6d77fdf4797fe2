"""No row is lost, none is twice, and what must stay together does."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from within_wf.data import DataSplitter
from within_wf.errors import DatasetError


def table(rows, seed=0):
    draws = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": [f"ad-{row}" for row in range(rows)],
            "kind": draws.choice(["a", "b", "c"], rows, p=[0.7, 0.25, 0.05]),
            "team": [f"team-{number}" for number in draws.integers(0, max(2, rows // 10), rows)],
            "day": [date(2024, 1, 1) + timedelta(days=int(day)) for day in draws.integers(0, 60, rows)],
        }
    )


def splitter(strategy, **more):
    columns = {"stratify_column": "kind", "group_column": "team", "time_column": "day", "id_column": "id"}
    return DataSplitter(strategy, **{**columns, **more})


@pytest.mark.parametrize("strategy", ["random", "stratified", "group", "time"])
@pytest.mark.parametrize("exact", [False, True])
def test_the_sides_are_a_partition_in_the_order_of_the_table(strategy, exact):
    whole = table(2000)
    parts = splitter(strategy, exact_sizes=exact).split(whole)
    assert list(parts) == ["train", "val", "test"]
    for part in parts.values():
        rows = [int(name[3:]) for name in part["id"]]
        assert rows == sorted(rows)
    assert sorted(name for part in parts.values() for name in part["id"]) == sorted(whole["id"])
    assert parts["test"].height / 2000 == pytest.approx(0.2, abs=0.04)
    assert parts["val"].height / 2000 == pytest.approx(0.16, abs=0.04)


@pytest.mark.parametrize("strategy", ["random", "stratified"])
def test_exact_sizes_are_exact(strategy):
    parts = splitter(strategy, test_size=0.25, val_size=0.5, exact_sizes=True).split(table(1000))
    slack = 0 if strategy == "random" else 3
    assert abs(parts["test"].height - 250) <= slack
    assert abs(parts["val"].height - 375) <= slack


def test_every_class_keeps_its_share():
    whole = table(2000)
    parts = splitter("stratified", exact_sizes=True).split(whole)
    for (kind,), members in whole.group_by("kind"):
        for part, share in (("train", 0.64), ("val", 0.16), ("test", 0.2)):
            assert abs(parts[part].filter(kind=kind).height - share * members.height) <= 1


@pytest.mark.parametrize("exact", [False, True])
def test_a_group_stays_on_one_side(exact):
    parts = splitter("group", exact_sizes=exact).split(table(2000))
    teams = [set(part["team"]) for part in parts.values()]
    assert not teams[0] & teams[1]
    assert not teams[0] & teams[2]
    assert not teams[1] & teams[2]


def test_time_walks_from_train_to_test():
    parts = splitter("time").split(table(2000))
    assert parts["train"]["day"].max() < parts["val"]["day"].min()
    assert parts["val"]["day"].max() < parts["test"]["day"].min()


@pytest.mark.parametrize(("strategy", "column"), [("random", "id"), ("group", "team")])
def test_rows_that_are_added_or_moved_move_no_other(strategy, column):
    whole = table(1500)
    before = splitter(strategy).split(whole[:1000])
    after = splitter(strategy).split(whole.reverse())
    for part, rows in before.items():
        assert set(rows["id"]) <= set(after[part]["id"])


def test_the_seed_decides():
    one, two = (splitter("random", random_state=seed).sides(table(500)) for seed in (1, 2))
    assert not np.array_equal(one, two)
    assert np.array_equal(one, splitter("random", random_state=1).sides(table(500)))


@given(st.integers(40, 300), st.floats(0.2, 0.5), st.floats(0.2, 0.5))
def test_exact_sizes_hold_for_any_shares(rows, test, val):
    sides = splitter("random", test_size=test, val_size=val, exact_sizes=True).sides(table(rows))
    assert (sides == 2).sum() == round(test * rows)
    assert (sides == 1).sum() == round(val * (rows - round(test * rows)))


def test_rows_without_ids_are_divided_by_their_place():
    parts = DataSplitter(test_size=0.5).split(table(300).to_pandas())
    assert sum(part.height for part in parts.values()) == 300


def test_wrong_arguments_are_named_together():
    with pytest.raises(DatasetError) as error:
        DataSplitter("randum", test_size=0, val_size=1.5)
    assert [problem.where for problem in error.value.problems] == ["test_size", "val_size", "strategy"]
    with pytest.raises(DatasetError, match="stratify_column"):
        DataSplitter("stratified")


def test_a_column_that_is_not_there_or_has_gaps_is_named():
    with pytest.raises(DatasetError, match=r"(?s)column clan.*column key"):
        DataSplitter("group", group_column="clan", id_column="key").sides(table(10))
    gaps = table(10).with_columns(team=pl.when(pl.col("id") == "ad-3").then(None).otherwise("team"))
    with pytest.raises(DatasetError, match="1 missing value"):
        splitter("group").sides(gaps)


def test_a_side_without_rows_is_refused():
    with pytest.raises(DatasetError, match=r"(?s)2 rows are too few.*the side test"):
        splitter("time").sides(table(2))


def test_every_argument_that_is_none_is_named():
    with pytest.raises(DatasetError) as caught:
        DataSplitter(test_size="0.2", val_size=1.0, random_state=1.5)
    assert [problem.where for problem in caught.value.problems] == ["test_size", "val_size", "random_state"]
    for seed in (-1, 2**70, True):
        with pytest.raises(DatasetError, match="random_state: found"):
            DataSplitter(random_state=seed)
