"""Every row is judged once, groups stay together, classes keep their shares, training comes before; as scikit-learn has it."""

import warnings
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit

from within_wf.config import ValidationStrategyConfig
from within_wf.data import iter_folds
from within_wf.data.folds import blocks, lightest_folds, scarcest_folds, stratified_blocks
from within_wf.data.units import units_of_values
from within_wf.errors import DatasetError

PARTITIONS = ["kfold", "stratified_kfold", "group_kfold", "stratified_group_kfold"]
COLUMNS = {"id_column": "id", "group_column": "team", "time_column": "hour", "class_column": "kind"}
EXACT = [{}, {"exact_sizes": True}, {"shuffle": False}]


def table(rows, seed=0, teams=None):
    draws = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": [f"ad-{row}" for row in range(rows)],
            "kind": draws.choice(["a", "b", "c"], rows, p=[0.7, 0.2, 0.1]),
            "team": [f"team-{number}" for number in draws.integers(0, teams or max(2, rows // 5), rows)],
            "hour": [datetime(2024, 1, 1) + timedelta(hours=int(hour)) for hour in draws.integers(0, 96, rows)],
        }
    )


def folds(data, kind, **more):
    return list(iter_folds(data, ValidationStrategyConfig(type=kind, **more), **COLUMNS))


def judged_in(data, kind, **more):
    """The fold that judges each row, by id."""
    numbers = {}
    for fold, (_, judged) in enumerate(folds(data, kind, **more)):
        for name in data["id"].gather(judged):
            assert name not in numbers
            numbers[name] = fold
    return numbers


@pytest.mark.parametrize("kind", PARTITIONS)
@pytest.mark.parametrize("more", EXACT)
def test_every_row_is_judged_once(kind, more):
    data = table(600)
    found = folds(data, kind, **more)
    assert len(found) == 5
    for train, judged in found:
        assert train.dtype == judged.dtype == np.int64
        assert sorted([*train, *judged]) == list(range(600))
        assert (np.diff(train) > 0).all()
        assert (np.diff(judged) > 0).all()
    assert sorted(row for _, judged in found for row in judged) == list(range(600))


@pytest.mark.parametrize("kind", ["group_kfold", "stratified_group_kfold"])
@pytest.mark.parametrize("more", EXACT)
def test_a_group_is_never_on_both_sides(kind, more):
    data = table(600)
    for train, judged in folds(data, kind, **more):
        assert not set(data["team"].gather(train)) & set(data["team"].gather(judged))


@settings(max_examples=40)
@given(st.integers(7, 300), st.integers(2, 7))
def test_blocks_of_rows_are_those_of_scikit_learn(rows, count):
    numbers = blocks(np.arange(rows, dtype=float), count)
    for fold, (_, judged) in enumerate(KFold(count).split(np.zeros(rows))):
        assert np.array_equal(np.flatnonzero(numbers == fold), judged)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 4), min_size=20, max_size=200), st.integers(2, 5))
def test_stratified_blocks_are_those_of_scikit_learn(labels, count):
    labels = [*labels, *[9] * count]
    data = pl.DataFrame({"id": range(len(labels)), "kind": labels})
    config = ValidationStrategyConfig(type="stratified_kfold", n_splits=count, shuffle=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        expected = list(StratifiedKFold(count).split(labels, labels))
    for (train, judged), (its_train, its_judged) in zip(iter_folds(data, config, class_column="kind"), expected, strict=True):
        assert np.array_equal(train, its_train)
        assert np.array_equal(judged, its_judged)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 30), min_size=40, max_size=300), st.integers(2, 5), st.integers(0, 99))
def test_groups_are_balanced_as_scikit_learn_balances_them(names, count, seed):
    names = np.array([*names, *range(count)])
    _, of_row, rows = np.unique(names, return_inverse=True, return_counts=True)
    ours = lightest_folds(rows, np.random.default_rng(seed).random(rows.size), count)[of_row]
    theirs = [judged.size for _, judged in GroupKFold(count).split(names, groups=names)]
    assert sorted(np.bincount(ours, minlength=count)) == sorted(theirs)


@pytest.mark.parametrize("seed", range(8))
def test_classes_of_groups_are_as_even_as_scikit_learn_makes_them(seed):
    draws = np.random.default_rng(seed)
    names = draws.integers(0, 60, 1500)
    lean = draws.dirichlet([3, 1, 0.5], 60)
    classes = np.array([draws.choice(3, p=lean[name]) for name in names])
    groups = units_of_values(pl.Series(names))
    ours = scarcest_folds(groups, classes, draws.random(len(groups.names)), 5)[groups.of_row]
    theirs = np.empty(1500, int)
    for fold, (_, judged) in enumerate(StratifiedGroupKFold(5).split(classes, classes, names)):
        theirs[judged] = fold

    def unevenness(folds):
        counts = np.stack([np.bincount(classes[folds == fold], minlength=3) for fold in range(5)])
        return float(((counts / counts.sum(axis=0) - 0.2) ** 2).sum())

    assert unevenness(ours) < 2 * unevenness(theirs) + 1e-3
    assert unevenness(ours) < 0.5 * unevenness(draws.permutation(np.repeat(np.arange(5), 12))[names])


@settings(max_examples=40)
@given(st.lists(st.sampled_from("abcde"), min_size=10, max_size=120), st.integers(2, 6), st.integers(0, 9))
def test_exact_folds_differ_by_one_row_and_so_does_each_class(labels, count, seed):
    classes = np.unique(labels, return_inverse=True)[1]
    numbers = stratified_blocks(np.random.default_rng(seed).random(len(labels)), classes, count)
    for of in (numbers, *(numbers[classes == kind] for kind in range(classes.max() + 1))):
        sizes = np.bincount(of, minlength=count)
        assert sizes.max() - sizes.min() <= 1


@pytest.mark.parametrize("gap", [0, 2])
@pytest.mark.parametrize("window", [None, 10])
@pytest.mark.parametrize("rows", [60, 64])
def test_time_is_cut_as_scikit_learn_cuts_it(rows, gap, window):
    data = pl.DataFrame({"hour": np.arange(rows) * 3}).sample(fraction=1.0, shuffle=True, seed=1)
    sliding = {"window": "sliding", "window_moments": window} if window else {}
    config = ValidationStrategyConfig(type="time_series", n_splits=4, embargo=gap, **sliding)
    ours = list(iter_folds(data, config, time_column="hour"))
    place = np.argsort(data["hour"].to_numpy())
    expected = TimeSeriesSplit(4, gap=gap, max_train_size=window).split(place)
    for (train, judged), (its_train, its_judged) in zip(ours, expected, strict=True):
        assert np.array_equal(train, np.sort(place[its_train]))
        assert np.array_equal(judged, np.sort(place[its_judged]))


@pytest.mark.parametrize("embargo", ["6h", "90m", "1d"])
@pytest.mark.parametrize("window", ["expanding", "sliding"])
def test_training_ends_a_length_of_time_before_validation(embargo, window):
    data = table(2000)
    apart = {"6h": timedelta(hours=6), "90m": timedelta(minutes=90), "1d": timedelta(days=1)}[embargo]
    hours = data["hour"]
    lengths = []
    for train, judged in folds(data, "time_series", n_splits=3, embargo=embargo, window=window):
        first = hours.gather(judged).min()
        assert first - hours.gather(train).max() >= apart
        assert set(np.flatnonzero((hours <= first - apart).to_numpy())) >= set(train)
        if window == "expanding":
            assert train.size == (hours <= first - apart).sum()
        lengths.append(hours.gather(train).n_unique())
    assert (len(set(lengths)) == 1) == (window == "sliding") or lengths[0] < lengths[1] == lengths[2]


def test_rows_of_one_moment_are_judged_together():
    data = table(2000)
    blocks_of_time = [set(data["hour"].gather(judged)) for _, judged in folds(data, "time_series")]
    for one, other in pairwise(blocks_of_time):
        assert max(one) < min(other)


@settings(max_examples=25)
@given(st.sampled_from(PARTITIONS), st.integers(0, 50), st.integers(1, 3))
def test_rows_that_are_added_move_no_other(kind, seed, repeats):
    whole = table(500, teams=60)
    more = {"random_state": seed, "repeats": repeats, "n_splits": 3}
    before = folds(whole[:400], kind, **more)
    after = folds(whole.reverse(), kind, **more)
    assert len(before) == len(after) == 3 * repeats
    names, reversed_names = whole["id"], whole["id"].reverse()
    for (_, judged), (_, its_judged) in zip(before, after, strict=True):
        assert set(names.gather(judged)) == set(reversed_names.gather(its_judged)) & set(names[:400])


@pytest.mark.parametrize("kind", PARTITIONS)
@pytest.mark.parametrize("exact", [False, True])
def test_permuted_rows_have_permuted_folds(kind, exact):
    data = table(500)
    shuffled = data.sample(fraction=1.0, shuffle=True, seed=3)
    assert judged_in(data, kind, exact_sizes=exact) == judged_in(shuffled, kind, exact_sizes=exact)


def test_shares_of_classes_hold_as_far_as_chance_lets_them():
    data = table(4000)
    for _, judged in folds(data, "stratified_kfold"):
        for kind, rows in data["kind"].value_counts().iter_rows():
            found = (data["kind"].gather(judged) == kind).sum()
            low, high = binom.ppf([1e-6, 1 - 1e-6], rows, 0.2)
            assert low <= found <= high


def test_repeats_are_drawn_anew_and_the_seed_decides():
    data = table(400)
    first, second = np.split(np.arange(10), 2)
    found = folds(data, "kfold", repeats=2)
    assert not np.array_equal(found[first[0]][1], found[second[0]][1])
    assert all(
        np.array_equal(a, b) for x, y in zip(found, folds(data, "kfold"), strict=False) for a, b in zip(x, y, strict=True)
    )
    assert judged_in(data, "kfold", random_state=1) != judged_in(data, "kfold")


@pytest.mark.parametrize("exact", [False, True])
def test_one_part_is_held_out(exact):
    data = table(1000)
    ((train, judged),) = folds(data, "holdout", val_size=0.3, exact_sizes=exact)
    assert sorted([*train, *judged]) == list(range(1000))
    assert judged.size == 300 if exact else abs(judged.size - 300) < 75


def test_columns_that_are_needed_are_named_together():
    data = table(50)
    with pytest.raises(DatasetError, match=r"(?s)group_column: found no column.*stratify_column: found no column"):
        iter_folds(data, ValidationStrategyConfig(type="stratified_group_kfold"))
    with pytest.raises(DatasetError, match=r"(?s)column key: found no such column.*column clan"):
        iter_folds(data, ValidationStrategyConfig(type="group_kfold"), id_column="key", group_column="clan")
    with pytest.raises(DatasetError, match="time_column: found no column"):
        iter_folds(data, ValidationStrategyConfig(type="time_series"))
    gaps = data.with_columns(kind=pl.when(pl.col("id") == "ad-3").then(None).otherwise("kind"))
    with pytest.raises(DatasetError, match="1 missing value"):
        folds(gaps, "stratified_kfold")


def test_the_configured_column_of_classes_comes_first():
    data = table(300).with_columns(half=pl.Series(["x", "y"] * 150))
    config = ValidationStrategyConfig(type="stratified_kfold", exact_sizes=True, stratify_column="half")
    for _, judged in iter_folds(data, config, **COLUMNS):
        assert (data["half"].gather(judged) == "x").sum() == 30


def test_folds_without_rows_are_refused():
    with pytest.raises(DatasetError, match=r"(?s)too few for the folds.*fold \d+: found no row to judge"):
        folds(table(3), "kfold", n_splits=10)
    with pytest.raises(DatasetError, match=r"and \d+ more like these.*"):
        folds(table(3), "kfold", n_splits=20, repeats=2)
    with pytest.raises(DatasetError, match=r"fold 2: found no row to judge"):
        folds(table(20, teams=1), "group_kfold", exact_sizes=True, n_splits=2)
    with pytest.raises(DatasetError, match=r"fold 1: found no row to learn from"):
        folds(table(1), "holdout", val_size=0.9, exact_sizes=True)
    with pytest.raises(DatasetError, match=r"4 moments, expected at least 6, for 5 folds"):
        iter_folds(pl.DataFrame({"day": [1, 2, 3, 4]}), ValidationStrategyConfig(type="time_series"), time_column="day")
    with pytest.raises(DatasetError, match=r"fold 1: found no row to learn from.*Shorten the embargo of '30d'"):
        folds(table(500), "time_series", embargo="30d")
