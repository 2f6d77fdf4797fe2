import math
from importlib import import_module

import numpy as np
import pytest
import torch
from scipy import stats

from tests.ops.bootstrap_cases import bootstrap_cases
from tests.ops.cases import digest, run
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops.binary import binary_metrics
from within_wf.ops.bootstrap import bootstrap, interval, resample_weights
from within_wf.ops.drift import drift_metrics
from within_wf.ops.instruction_set import use_instruction_set
from within_wf.ops.multiclass import multiclass_metrics
from within_wf.ops.reference.bootstrap import resample_weights as in_numpy
from within_wf.ops.regression import regression_metrics
from within_wf.runtime.streams import Stream

CASES = tuple(bootstrap_cases())


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 255, 256, 257, 259, 4000])
def test_a_resample_is_numpys(size):
    units = torch.arange(size)
    for seed, resample in ((0, 0), (5, 1), (2**63 + 7, 2**32 + 9)):
        assert torch.equal(resample_weights(units, seed, resample), in_numpy(units, seed, resample, size))


def test_a_resample_holds_as_many_units_as_there_are():
    drawn = resample_weights(torch.arange(501), 3, range(400))
    assert (drawn.sum(dim=1) == 501).all()
    assert drawn.mean(dim=0).tolist() == pytest.approx([1] * 501, abs=0.25)
    assert drawn.var(dim=0).mean().item() == pytest.approx(1 - 1 / 501, rel=0.02)


def test_a_resample_depends_on_its_number_alone():
    units = torch.arange(300) % 40
    drawn = resample_weights(units, 9, range(5, 12))
    for place, number in enumerate(range(5, 12)):
        assert torch.equal(resample_weights(units, 9, number), drawn[place])
    order = torch.randperm(300, generator=torch.Generator().manual_seed(0))
    assert torch.equal(resample_weights(units[order], 9, 5), drawn[0][order])
    assert not torch.equal(resample_weights(units, 10, 5), drawn[0])


def test_rows_of_a_unit_stay_together_and_keep_their_weights():
    units = torch.tensor([1, 0, 1, 3])
    weights = torch.tensor([1.0, 0.5, 2.0, 0.0], dtype=torch.float64)
    drawn = resample_weights(units, 0, range(50), size=5)
    assert torch.equal(drawn[:, 0], drawn[:, 2])
    assert torch.equal(resample_weights(units, 0, range(50), size=5, weights=weights), drawn * weights)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_neither_instruction_sets_nor_threads_change_a_bit(case):
    with use_instruction_set("baseline"), threads(1):
        want = digest(run(case))
    for name in INSTRUCTION_SETS:
        for count in (1, 2, 3, 7):
            with use_instruction_set(name), threads(count):
                assert digest(run(case)) == want


@pytest.mark.parametrize("case", CASES[-2:], ids=str)
def test_opcheck_passes(case):
    torch.library.opcheck(getattr(torch.ops.within, case.operator).default, case.make())


def mean(values, *, weights):
    """A metric of one number and of several."""
    weights = torch.ones_like(values) if weights is None else weights
    total = weights.sum()
    middle = torch.where(total > 0, (weights * values).sum() / total, torch.nan)
    return {"mean": middle, "powers": torch.stack([middle, middle**2])}


def test_an_interval_is_scipys():
    values = torch.from_numpy(np.random.default_rng(3).gamma(2.0, size=400))
    got = bootstrap(mean, values, resamples=4000, seed=1)
    theirs = stats.bootstrap((values.numpy(),), np.mean, n_resamples=4000, method="percentile", rng=0).confidence_interval
    assert got["mean"].point == values.mean()
    assert (got["mean"].low.item(), got["mean"].high.item()) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert got["powers"].low.tolist() == pytest.approx([got["mean"].low.item(), got["mean"].low.item() ** 2], rel=1e-6)
    assert got["powers"].defined.tolist() == [4000, 4000]
    assert got["mean"].confidence == 0.95


def test_units_widen_the_interval_of_rows_that_resemble_each_other():
    values = torch.randn(40, generator=torch.Generator().manual_seed(0), dtype=torch.float64).repeat_interleave(10)
    alone = bootstrap(mean, values, resamples=300)["mean"]
    together = bootstrap(mean, values, resamples=300, units=torch.arange(400) // 10)["mean"]
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_weights_take_part():
    values, weights = torch.arange(30.0, dtype=torch.float64), (torch.arange(30) < 10).to(torch.float64)
    got = bootstrap(mean, values, resamples=200, weights=weights)["mean"]
    assert got.point == 4.5
    assert 2 < got.low < got.point < got.high < 7


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95])
@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_ends_are_numpys_quantiles(share, count):
    drawn = torch.randn(count, 3, generator=torch.Generator().manual_seed(count), dtype=torch.float64)
    drawn[: count // 3, 1] = math.nan
    got = interval(torch.zeros(3), drawn, share)
    for column in range(3):
        known = drawn[:, column][~drawn[:, column].isnan()].numpy()
        want = np.quantile(known, [(1 - share) / 2, (1 + share) / 2])
        assert [got.low[column].item(), got.high[column].item()] == want.tolist()
        assert got.defined[column] == known.size


def test_an_interval_of_the_mostly_undefined_is_not_known():
    drawn = torch.tensor([[1.0, 1.0], [math.nan, 1.0], [math.nan, math.nan]], dtype=torch.float64)
    got = interval(torch.zeros(2), drawn, 0.95)
    assert got.low.isnan().tolist() == [True, False]
    assert got.defined.tolist() == [1, 2]


@pytest.mark.parametrize("cells", [1, 1000, 1 << 23])
def test_many_resamples_of_a_metric_are_each_alone(cells, monkeypatch):
    monkeypatch.setattr(import_module("within_wf.ops.bootstrap"), "_CELLS", cells)
    draws = torch.Generator().manual_seed(0)
    table, labels = torch.rand(90, 3, generator=draws, dtype=torch.float64), torch.randint(0, 3, (90,), generator=draws)
    groups = torch.arange(90) % 2
    got = bootstrap(multiclass_metrics, table, labels, resamples=20, seed=4, groups=groups, num_groups=2, top_k=(1,))
    for name, found in got.items():
        alone = [
            multiclass_metrics(table, labels, weights=weights, groups=groups, num_groups=2, top_k=(1,))[name]
            for weights in resample_weights(torch.arange(90), 4, range(20))
        ]
        want = interval(found.point, torch.stack(alone), 0.95)
        assert torch.equal(found.low, want.low)
        assert torch.equal(found.high, want.high)


@pytest.mark.parametrize("metric", [binary_metrics, regression_metrics])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_resamples_of_sorted_rows_are_those_of_rows_as_they_are(metric, weighted, grouped):
    draws = torch.Generator().manual_seed(0)
    scores = torch.rand(120, generator=draws)
    labels = torch.rand(120, generator=draws) if metric is regression_metrics else torch.rand(120, generator=draws) < 0.3
    weights = torch.rand(120, generator=draws, dtype=torch.float64) if weighted else None
    keywords = {"groups": torch.arange(120) % 3, "num_groups": 3} if grouped else {}
    units = torch.arange(120) // 2
    got = bootstrap(metric, scores, labels, resamples=10, seed=2, units=units, weights=weights, **keywords)
    drawn = [resample_weights(units, 2, r, weights=weights) for r in range(10)]
    same_intervals(got, [metric(scores, labels, weights=own, **keywords) for own in drawn])


def test_both_samples_of_a_drift_are_drawn_each_by_itself():
    draws = torch.Generator().manual_seed(0)
    reference, current = torch.randn(80, generator=draws), torch.randn(60, generator=draws)
    own = torch.rand(60, generator=draws, dtype=torch.float64)
    got = bootstrap(drift_metrics, reference, current, resamples=10, seed=2, current_weights=own)
    assert got["ks"].point == drift_metrics(reference, current, current_weights=own)["ks"]
    drawn = []
    for r in range(10):
        words = [Stream(2, f"bootstrap {name}").words([r], 40).view(np.uint32)[0] for name in ("reference", "current")]
        counts = [
            torch.from_numpy(np.bincount(word[:size].astype(np.uint64) * size >> 32, minlength=size)).double()
            for word, size in zip(words, (80, 60), strict=True)
        ]
        drawn.append(drift_metrics(reference, current, reference_weights=counts[0], current_weights=counts[1] * own))
    same_intervals(got, drawn)


def same_intervals(got, drawn):
    for name, found in got.items():
        want = interval(found.point, torch.stack([values[name] for values in drawn]), 0.95)
        assert torch.equal(found.defined, want.defined)
        assert torch.allclose(found.low, want.low, rtol=0, atol=0, equal_nan=True)
        assert torch.allclose(found.high, want.high, rtol=0, atol=0, equal_nan=True)


UNITS = torch.arange(4)
REFUSED = [
    (lambda: resample_weights(UNITS.int(), 0, 0), ValueError, r"units is Int, expected int64"),
    (lambda: resample_weights(UNITS[None], 0, 0), ValueError, r"units has shape \[1, 4\], expected \[N\]"),
    (lambda: resample_weights(UNITS, 0, 0, size=3), IndexError, r"units\[3\] is 3, expected 0 to size - 1 = 2"),
    (lambda: resample_weights(UNITS - 1, 0, 0), IndexError, r"units\[0\] is -1"),
    (lambda: resample_weights(UNITS, 0, 0, size=2**31), ValueError, r"size is 2147483648, expected 0 to 2\^31 - 1"),
    (lambda: resample_weights(UNITS, 0, -1), ValueError, r"resamples -1 to 0, expected none below 0"),
    (lambda: resample_weights(UNITS, 0, range(0, 4, 2)), ValueError, r"resample is range\(0, 4, 2\), expected .* step 1"),
    (lambda: resample_weights(UNITS, 0, 0, weights=torch.ones(4)), ValueError, r"weights is Float, expected float64"),
    (lambda: resample_weights(UNITS, 0, 0, weights=torch.ones(3).double()), ValueError, r"weights has shape \[3\]"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED, ids=[message for _, _, message in REFUSED])
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=f"resample_weights: {message}"):
        call()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [({"resamples": 0}, "resamples is 0, expected 1 or more"), ({"confidence": 1.0}, "confidence is 1.0, expected a share")],
)
def test_a_bootstrap_that_says_nothing_is_refused(keywords, message):
    with pytest.raises(ValueError, match=message):
        bootstrap(mean, torch.ones(3, dtype=torch.float64), **keywords)


def test_drift_has_no_units_of_one_sample():
    values = torch.ones(3, dtype=torch.float64)
    for keywords in ({"units": torch.arange(3)}, {"weights": values}):
        with pytest.raises(ValueError, match="drift_metrics has two samples, expected neither units nor weights"):
            bootstrap(drift_metrics, values, values, **keywords)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bootstrap(regression_metrics), "0 tensors of rows, expected at least one"),
        (lambda: bootstrap(drift_metrics, torch.ones(3)), "1 tensors of rows, expected two samples"),
        (
            lambda: bootstrap(regression_metrics, torch.ones(3), torch.ones(3), units=torch.arange(4)),
            r"units has shape \[4\], expected \[3\]",
        ),
        (
            lambda: bootstrap(regression_metrics, torch.ones(3), torch.ones(3), seed=-1),
            r"seed is -1, expected a whole number in \[0, 2\*\*64\)",
        ),
        (lambda: regression_metrics(torch.ones(3), torch.ones(3), num_groups=2), "num_groups is 2, expected groups with it"),
        (lambda: drift_metrics(torch.ones(3), torch.ones(3), num_groups=2), "num_groups is 2, expected groups with it"),
        (
            lambda: multiclass_metrics(torch.full((3, 2), 0.5), torch.zeros(3, dtype=torch.int64), weights=torch.ones(3).int()),
            "weights is torch.int32, expected float64 or float32",
        ),
        (
            lambda: multiclass_metrics(torch.full((3, 2), 0.5), torch.zeros(3, dtype=torch.int64), top_k=(1.5,)),
            r"top_k is \(1.5,\), expected at least one whole number, each 1 or more",
        ),
    ],
)
def test_arguments_of_metrics_that_do_not_fit_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()
