import numpy as np
import pytest
from scipy import stats

from within_wf.evaluation.bootstrap import (
    block_units,
    group_units,
    interval,
    overall,
    resamples,
    row_units,
    verdict,
)


def counts(units, count=200, seed=7):
    return np.concatenate(list(resamples(units, count, seed)), axis=1)


def test_every_resample_holds_as_many_rows_as_there_are():
    drawn = counts(row_units(50))
    assert drawn.shape == (50, 200)
    assert (drawn.sum(axis=0) == 50).all()
    assert drawn.mean(axis=1) == pytest.approx(1, abs=0.35)


def test_a_resample_does_not_depend_on_the_pieces(monkeypatch):
    whole = counts(row_units(31))
    monkeypatch.setattr("within_wf.evaluation.bootstrap._CELLS", 31 * 7)
    pieces = list(resamples(row_units(31), 200, 7))
    assert max(piece.shape[1] for piece in pieces) == 7
    assert np.array_equal(np.concatenate(pieces, axis=1), whole)
    assert np.array_equal(counts(row_units(31), 20), whole[:, :20])
    assert not np.array_equal(counts(row_units(31), 200, seed=8), whole)


def test_rows_of_a_unit_are_drawn_together():
    units = group_units(np.array(["b", "a", "b", "c", "a"]))
    assert units.tolist() == [1, 0, 1, 2, 0]
    drawn = counts(units)
    assert np.array_equal(drawn[0], drawn[2])
    assert np.array_equal(drawn[1], drawn[4])
    assert (drawn[[1, 0, 3]].sum(axis=0) == 3).all()


def test_blocks_stay_inside_their_series():
    series = np.array(["x"] * 5 + ["y"] * 3)
    assert block_units(series, 2).tolist() == [0, 0, 1, 1, 2, 3, 3, 4]
    assert block_units(series, 1).tolist() == list(range(8))
    mixed = np.array(["y", "x", "y", "x", "x"])
    assert block_units(mixed, 2).tolist() == [2, 0, 2, 0, 1]


def test_the_interval_of_a_mean_is_scipys():
    values = np.random.default_rng(3).gamma(2.0, size=400)
    ours = interval((counts(row_units(400), 4000) * values[:, None]).mean(axis=0), 0.95)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=0).confidence_interval
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_blocks_widen_the_interval_of_a_slow_series():
    rng = np.random.default_rng(4)
    slow = np.repeat(rng.normal(size=40), 10)
    series = np.repeat(np.array(["a", "b"]), 200)
    width = {}
    for block in (1, 10):
        drawn = counts(block_units(series, block), 1000)
        low, high = interval((drawn * slow[:, None]).sum(axis=0) / drawn.sum(axis=0), 0.95)
        width[block] = high - low
    assert width[10] > 2 * width[1]


def test_an_interval_of_the_mostly_undefined_is_none():
    assert interval(np.array([1.0, np.nan, np.nan]), 0.95) is None
    assert interval(np.array([]), 0.95) is None
    assert interval(np.array([1.0, 1.0, np.nan]), 0.95) == (1, 1)


@pytest.mark.parametrize(
    ("low", "high", "better", "want"),
    [
        (0.1, 0.2, "higher", "above"),
        (-0.2, -0.1, "higher", "below"),
        (-0.1, 0.2, "higher", "level"),
        (-0.2, -0.1, "lower", "above"),
        (0.1, 0.2, "lower", "below"),
        (0.0, 0.2, "lower", "level"),
        (0.0, 0.2, "higher", "level"),
    ],
)
def test_the_sign_that_is_good_depends_on_the_metric(low, high, better, want):
    assert verdict(low, high, better) == want


def test_the_verdict_over_all_baselines():
    assert overall(["above", "below"]) == "below"
    assert overall(["above", "level"]) == "level"
    assert overall(["above", "above"]) == "above"
    assert overall([]) == "level"
