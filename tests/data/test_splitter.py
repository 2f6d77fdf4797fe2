"""No row is lost, none is twice, and what must stay together does."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

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


@pytest.mark.parametrize("strategy", ["random", "stratified", "group", "time", "group_time"])
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
    assert (parts["test"].height, parts["val"].height) == (250, 375)


def test_every_class_keeps_its_share_where_sizes_are_exact():
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


def test_classes_keep_their_shares_in_expectation():
    whole = table(4000)
    parts = splitter("stratified").split(whole)
    for kind, rows in whole["kind"].value_counts().iter_rows():
        low, high = binom.ppf([1e-6, 1 - 1e-6], rows, 0.2)
        assert low <= parts["test"].filter(kind=kind).height <= high


@settings(max_examples=25)
@given(st.sampled_from(["random", "stratified", "group"]), st.integers(1, 399), st.integers(0, 2**64 - 1))
def test_rows_that_are_added_or_moved_move_no_other(strategy, kept, seed):
    whole = table(400)
    divided = splitter(strategy, random_state=seed, test_size=0.4, val_size=0.5)
    first, later = divided.sides(whole), divided.sides(whole.reverse())
    assert np.array_equal(first, later[::-1])
    try:
        before = divided.sides(whole[:kept])
    except DatasetError as error:
        assert "no row" in str(error)  # noqa: PT017 - few rows can leave a side empty
    else:
        assert np.array_equal(before, first[:kept])


@pytest.mark.parametrize("strategy", ["random", "stratified", "group", "time", "group_time"])
@pytest.mark.parametrize("more", [{}, {"exact_sizes": True}])
def test_permuted_rows_have_permuted_sides(strategy, more):
    whole = table(500)
    order = np.random.default_rng(5).permutation(500)
    divided = splitter(strategy, **more)
    assert np.array_equal(divided.sides(whole)[order], divided.sides(whole[order]))


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


@settings(max_examples=50)
@given(st.lists(st.integers(0, 6), min_size=12, max_size=150), st.floats(0.15, 0.5), st.floats(0.15, 0.5), st.integers(0, 99))
def test_exact_strata_keep_sizes_and_shares_to_the_row(labels, test, val, seed):
    whole = pl.DataFrame({"id": range(len(labels)), "kind": labels})
    try:
        division = DataSplitter("stratified", test, val, seed, "kind", id_column="id", exact_sizes=True).divide(whole)
    except DatasetError:
        return
    tests = round(test * len(labels))
    vals = round(val * (len(labels) - tests))
    assert division.rows == {"train": len(labels) - tests - vals, "val": vals, "test": tests}
    names, rows = np.unique(labels, return_counts=True)
    for name in names[rows >= 3]:
        counts = np.bincount(division.sides[np.array(labels) == name], minlength=3)
        assert abs(counts[2] - counts.sum() * tests / len(labels)) < 1
        assert abs(counts[1] - (counts[0] + counts[1]) * vals / (len(labels) - tests)) < 1


def test_rare_classes_share_a_stratum_and_are_told():
    labels = ["common"] * 94 + [f"rare-{number}" for number in range(6)]
    whole = pl.DataFrame({"id": range(100), "kind": labels})
    where = set()
    for seed in range(20):
        division = DataSplitter("stratified", 0.5, 0.5, seed, "kind", id_column="id", exact_sizes=True).divide(whole)
        counts = np.bincount(division.sides[94:], minlength=3)
        assert abs(counts[2] - 3) <= 1
        where.add(division.sides[94])
        assert any("6 classes with fewer than 3 rows are one stratum: 'rare-0'" in note for note in division.notes)
        assert sum("has none in" in note for note in division.notes) == 5
        assert "1 more classes have no row on some side" in division.notes
    assert where == {0, 1, 2}


def test_a_class_that_a_side_lacks_is_told():
    whole = table(300).with_columns(kind=pl.when(pl.col("id") == "ad-7").then(pl.lit("odd")).otherwise("kind"))
    (note,) = splitter("stratified").divide(whole).notes
    assert note.startswith("class 'odd' (1 rows) has none in ")


def groups_of(*sizes):
    names = [f"group-{number}" for number, size in enumerate(sizes) for _ in range(size)]
    return pl.DataFrame({"id": range(len(names)), "team": names})


@pytest.mark.parametrize("seed", range(10))
def test_a_group_larger_than_a_side_is_in_training_where_sizes_are_exact(seed):
    whole = groups_of(60, *[1] * 40)
    division = DataSplitter("group", 0.2, 0.2, seed, group_column="team", exact_sizes=True).divide(whole)
    assert division.rows == {"train": 64, "val": 16, "test": 20}
    assert (division.sides[:60] == 0).all()
    assert division.notes == (
        "1 groups have more rows than the 16 that were asked for val; the largest has 60",
        "1 groups have more rows than the 20 that were asked for test; the largest has 60",
    )


@pytest.mark.parametrize("seed", range(10))
def test_three_groups_are_enough_however_large(seed):
    division = DataSplitter("group", 0.2, 0.2, seed, group_column="team", exact_sizes=True).divide(groups_of(50, 30, 40))
    assert division.rows == {"train": 50, "val": 40, "test": 30}


def test_a_group_larger_than_a_side_is_drawn_like_any_other_where_sizes_are_not_exact():
    whole = groups_of(60, *[1] * 40)
    sides = [DataSplitter("group", random_state=seed, group_column="team").divide(whole).sides[0] for seed in range(60)]
    assert {0, 2} <= set(sides)


def test_deviations_and_what_chance_gives():
    whole = table(1000)
    found = []
    for seed in range(120):
        division = splitter("random", random_state=seed).divide(whole)
        assert sum(division.deviations.values()) == pytest.approx(0, abs=1e-9)
        assert division.deviations["test"] == pytest.approx(division.rows["test"] - 200)
        found.append(division.deviations["test"])
    assert division.spreads["test"] == pytest.approx(binom.std(1000, 0.2))
    assert np.std(found) == pytest.approx(division.spreads["test"], rel=0.25)
    assert abs(np.mean(found)) < 4 * division.spreads["test"] / 120**0.5
    assert splitter("random", exact_sizes=True).divide(whole).spreads is None


@pytest.mark.parametrize("embargo", [1, 3, "2d", "36h"])
def test_what_is_between_sides_is_on_none(embargo):
    whole = table(2000)
    division = splitter("time", embargo=embargo).divide(whole)
    plain = splitter("time").sides(whole)
    parts = division.parts(whole)
    gap = division.excluded(whole)
    assert division.sides.size == 2000 == sum(division.rows.values()) + gap.height
    kept = division.sides >= 0
    assert np.array_equal(division.sides[kept], plain[kept])
    apart = {1: 2, 3: 4, "2d": 2, "36h": 2}[embargo]
    for early, late in (("train", "val"), ("val", "test")):
        assert (parts[late]["day"].min() - parts[early]["day"].max()).days == apart
    assert gap.height
    assert set(gap["day"]).isdisjoint(set(parts["train"]["day"]) | set(parts["val"]["day"]) | set(parts["test"]["day"]))


@settings(max_examples=40)
@given(st.lists(st.integers(0, 500), min_size=30, max_size=200), st.integers(0, 9), st.sampled_from(["s", "ms", "us", "ns"]))
def test_an_embargo_in_hours_is_what_a_loop_says(minutes, hours, unit):
    times = pl.Series("day", [m * 60 for m in minutes])
    column = times if unit == "s" else pl.from_epoch(times, "s").cast(pl.Datetime(unit))
    whole = pl.DataFrame({"day": column})
    embargo = hours if unit == "s" else f"{hours}h"
    try:
        plain = DataSplitter("time", time_column="day").sides(whole)
        sides = DataSplitter("time", time_column="day", embargo=embargo).sides(whole)
    except DatasetError:
        return
    moments = np.array(minutes)
    distinct = sorted(set(minutes))
    for row, side in enumerate(plain):
        out = False
        for later in range(side + 1, 3):
            first = moments[plain == later].min()
            between = sum(moments[row] < m < first for m in distinct)
            out |= between < hours if unit == "s" else first - moments[row] < hours * 60
        assert sides[row] == (-1 if out else side)


def test_groups_follow_each_other_by_their_first_moments():
    whole = table(3000)
    division = splitter("group_time").divide(whole)
    assert (division.sides >= 0).all()
    first = (
        whole.with_columns(side=pl.Series(division.sides)).group_by("team").agg(pl.col("day").min(), pl.col("side").unique())
    )
    assert first["side"].list.len().max() == 1
    of_side = [first.filter(pl.col("side").list.first() == side)["day"] for side in range(3)]
    assert of_side[0].max() <= of_side[1].min()
    assert of_side[1].max() <= of_side[2].min()
    assert division.rows["test"] == pytest.approx(600, abs=40)


@pytest.mark.parametrize("embargo", [0, 2, "3d"])
def test_an_embargo_between_groups_takes_all_that_overlaps(embargo):
    draws = np.random.default_rng(2)
    starts = draws.integers(0, 300, 100)
    days = [int(start + day) for start in starts for day in range(20)]
    whole = pl.DataFrame({"team": np.repeat(np.arange(100), 20), "day": pl.Series(days).cast(pl.Int32).cast(pl.Date)})
    divided = DataSplitter("group_time", group_column="team", time_column="day", embargo=embargo)
    division = divided.divide(whole)
    plain = DataSplitter("group_time", group_column="team", time_column="day").sides(whole)
    parts = division.parts(whole)
    apart = {0: 1, 2: 3, "3d": 3}[embargo]
    for early, late in (("train", "val"), ("val", "test")):
        assert (parts[late]["day"].min() - parts[early]["day"].max()).days >= apart
    kept = division.sides >= 0
    assert 0 < division.excluded(whole).height < 1000
    assert np.array_equal(division.sides[kept], plain[kept])
    assert (plain[~kept] < 2).all()


def clustered(rows, seed=0):
    draws = np.random.default_rng(seed)
    cluster = [f"c{number}" if number < rows // 6 else None for number in draws.integers(0, rows // 3, rows)]
    return table(rows, seed).with_columns(cluster=pl.Series(cluster))


@pytest.mark.parametrize("strategy", ["random", "stratified", "group", "group_time"])
@pytest.mark.parametrize("exact", [False, True])
def test_a_cluster_stays_on_one_side(strategy, exact):
    if strategy == "stratified" and exact:
        return
    # few clusters, each of two or three groups, so that not all groups are joined
    whole = clustered(1200).with_columns(team=pl.col("id"))
    sides = splitter(strategy, cluster_column="cluster", exact_sizes=exact).sides(whole)
    known = whole.with_columns(side=pl.Series(sides)).drop_nulls("cluster")
    assert known.group_by("cluster").agg(pl.col("side").n_unique())["side"].max() == 1
    assert known.filter(pl.col("cluster").is_duplicated()).height > 200


def test_rows_without_a_cluster_are_where_they_would_be():
    whole = clustered(900)
    plain, with_clusters = splitter("random").sides(whole), splitter("random", cluster_column="cluster").sides(whole)
    alone = whole["cluster"].is_null().to_numpy()
    assert np.array_equal(plain[alone], with_clusters[alone])
    added = splitter("random", cluster_column="cluster").sides(whole[:600])
    assert np.array_equal(added, with_clusters[:600])


def test_groups_that_share_a_cluster_are_one():
    names = ["x", "x", "y", "y", "z", "z", *[f"g{number}" for number in range(50)]]
    clusters = [None, "1", "1", "2", "2", None, *[None] * 50]
    whole = pl.DataFrame({"team": names, "cluster": clusters})
    for seed in range(20):
        divided = DataSplitter("group", random_state=seed, group_column="team", cluster_column="cluster")
        plain = DataSplitter("group", random_state=seed, group_column="team").sides(whole)
        sides = divided.sides(whole)
        assert (sides[:6] == plain[0]).all()
        assert np.array_equal(sides[6:], plain[6:])


def test_what_a_strategy_promises():
    assert splitter("random").promises == {"id"}
    assert splitter("group", cluster_column="team").promises == {"id", "group", "cluster"}
    assert splitter("time").promises == {"id", "time"}
    assert splitter("group_time").promises == {"id", "group"}
    assert splitter("group_time", embargo=0).promises == {"id", "group", "time"}


def test_options_that_contradict_each_other_are_named():
    with pytest.raises(DatasetError, match=r"(?s)group_column: found no column.*time_column: found no column"):
        DataSplitter("group_time")
    with pytest.raises(DatasetError, match=r"embargo: found '2d', expected none, but for strategy 'time'"):
        splitter("random", embargo="2d")
    with pytest.raises(DatasetError, match=r"cluster_column: found 'c', expected none: 'time' cuts between moments"):
        splitter("time", cluster_column="c")
    with pytest.raises(DatasetError, match=r"exact_sizes: found true beside cluster_column"):
        splitter("stratified", cluster_column="c", exact_sizes=True)
    for embargo in ("2 days", "-1d", -1, 1.5, True):
        with pytest.raises(DatasetError, match=r"embargo: found .*, expected a.*whole number of s, m, h, d or w"):
            splitter("time", embargo=embargo)


def test_columns_without_an_order_in_time_are_refused():
    with pytest.raises(DatasetError, match=r"embargo: found '2d', but column number holds no dates"):
        DataSplitter("time", time_column="number", embargo="2d").sides(pl.DataFrame({"number": range(50)}))
    with pytest.raises(DatasetError, match=r"column flag: found Boolean values, expected dates"):
        DataSplitter("time", time_column="flag").sides(pl.DataFrame({"flag": [True, False] * 5}))
    with pytest.raises(DatasetError, match=r"column number: found 1 missing values"):
        DataSplitter("time", time_column="number").sides(pl.DataFrame({"number": [1.0, float("nan")]}))


def test_an_embargo_that_takes_a_side_is_refused():
    with pytest.raises(DatasetError, match=r"the side val: found no row.*or a shorter embargo"):
        splitter("time", embargo="50d").sides(table(2000))
    with pytest.raises(DatasetError, match=r"(?s)the side train: found no row.*or no embargo"):
        splitter("group_time", embargo=0).sides(table(2000).with_columns(day=pl.lit(date(2024, 1, 1))))
