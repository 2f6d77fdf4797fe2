import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ops.cases import Case, digest, regression_cases, run
from tests.ops.regression_cases import columns, groups_of, weights_of
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops.instruction_set import use_instruction_set
from within_wf.ops.reference.regression import regression_metrics as in_plain_torch
from within_wf.ops.regression import KEYS, QUANTILES, regression_metrics

pytestmark = pytest.mark.filterwarnings("ignore:An input array is constant", "ignore:R.2 score is not well-defined")
CASES = [case for case in regression_cases() if case.operator == "regression_metrics"]
finite = st.floats(-1e6, 1e6).map(lambda x: x if abs(x) > 1e-100 else 0.0)  # so that squares are numbers
few = st.sampled_from([-1.0, 0.0, 0.1, 2.5])


def correlation(x, y, w):
    """In fractions, rounded at the end; NaN where a column is constant."""
    x, y, w = ([Fraction(v) for v in values] for values in (x, y, w))
    total = sum(w)
    mx, my = (sum(a * b for a, b in zip(values, w, strict=True)) / total for values in (x, y))
    xx, yy, xy = (
        sum(c * (a - m) * (b - k) for a, b, c in zip(p, q, w, strict=True))
        for p, q, m, k in ((x, x, mx, mx), (y, y, my, my), (x, y, mx, my))
    )
    if xx == 0 or yy == 0:
        return math.nan
    return math.copysign(math.sqrt(xy * xy / (xx * yy)), xy)


def weighted_ranks(values, weights):
    return [
        sum((w for v, w in zip(values, weights, strict=True) if v < value), Fraction(0))
        + (sum((w for v, w in zip(values, weights, strict=True) if v == value), Fraction(0)) + 1) / 2
        for value in values
    ]


def expected(p, t, w=None):
    """scikit-learn, and correlations in fractions; ``w`` are positive."""
    p, t = np.asarray(p, np.float64), np.asarray(t, np.float64)
    ones = [Fraction(1)] * len(p) if w is None else [Fraction(x) for x in w]
    ranks = [weighted_ranks(values.tolist(), ones) for values in (p, t)]
    method = {"method": "linear"} if w is None else {"method": "inverted_cdf", "weights": w}
    return {
        "rmse": sklearn.metrics.root_mean_squared_error(t, p, sample_weight=w),
        "mae": sklearn.metrics.mean_absolute_error(t, p, sample_weight=w),
        "r2": sklearn.metrics.r2_score(t, p, sample_weight=w),
        "mape": sklearn.metrics.mean_absolute_percentage_error(t, p, sample_weight=w),
        "explained_variance": sklearn.metrics.explained_variance_score(t, p, sample_weight=w),
        "pearson": correlation(p.tolist(), t.tolist(), ones),
        "spearman": correlation(*ranks, ones),
        "quantiles": np.quantile(p - t, QUANTILES, **method),
    }


def agrees(got, want, keys=(*KEYS, "quantiles")):
    for key in keys:
        np.testing.assert_allclose(got[key].numpy(), want[key], rtol=1e-12, atol=1e-12, err_msg=key)


def tensor(values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype)


@settings(max_examples=80)
@given(st.lists(st.tuples(st.one_of(few, finite), st.one_of(few, finite)), min_size=1, max_size=25))
def test_it_agrees_with_scikit_learn_and_fractions(rows):
    p, t = zip(*rows, strict=True)
    want = expected(p, t)
    # What scikit-learn's own rounding decides where targets are alike but for the last bits is compared elsewhere.
    spread = max(t) - min(t)
    keys = [key for key in want if key not in ("r2", "explained_variance") or spread == 0 or spread > 1e-6 * max(map(abs, t))]
    got = regression_metrics(tensor(p), tensor(t))
    scale = {key: max(1.0, abs(float(np.max(want[key])))) if np.all(np.isfinite(want[key])) else 1.0 for key in keys}
    for key in keys:
        if spread == 0 and key in ("r2", "explained_variance"):
            continue
        np.testing.assert_allclose(got[key].numpy(), want[key], rtol=1e-12, atol=1e-12 * scale[key], err_msg=key)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.one_of(few, finite), few, st.floats(0.01, 10)), min_size=3, max_size=25))
def test_weights_agree_with_scikit_learn_and_fractions(rows):
    p, t, w = zip(*rows, strict=True)
    if len(set(t)) == 1:
        return
    want = expected(p, t, w)
    cdf = np.cumsum(np.asarray(w)[np.argsort(np.asarray(p) - np.asarray(t), kind="stable")])
    on_an_edge = any(abs(cdf / cdf[-1] - q).min() < 1e-12 for q in QUANTILES)
    keys = [key for key in want if key != "quantiles" or not on_an_edge]
    got = regression_metrics(tensor(p), tensor(t), weights=tensor(w))
    scale = float(max(1.0, np.max(np.abs(p))))
    for key in keys:
        np.testing.assert_allclose(got[key].numpy(), want[key], rtol=1e-12, atol=1e-12 * (scale if key == "quantiles" else 1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["alike", "ties"])
@pytest.mark.parametrize("rows", [50, 40_000])
def test_many_rows_agree_with_scikit_learn_scipy_and_plain_torch(rows, kind, dtype):
    p, t = columns(rows, kind, dtype)
    wide = p.double().numpy(), t.double().numpy()
    got = regression_metrics(p, t)
    agrees(got, in_plain_torch(p, t) | {"spearman": scipy.stats.spearmanr(*wide)[0]})
    metrics = sklearn.metrics
    assert got["r2"].item() == pytest.approx(metrics.r2_score(wide[1], wide[0]), rel=1e-12)
    assert got["pearson"].item() == pytest.approx(scipy.stats.pearsonr(*wide)[0], rel=1e-9 if kind == "cancelling" else 1e-12)
    assert got["mape"].item() == pytest.approx(metrics.mean_absolute_percentage_error(wide[1], wide[0]), rel=1e-12)


def test_whole_weights_are_repeats_and_zero_is_absence():
    p, t = columns(400, "ties", torch.float64)
    w = torch.arange(400) % 4
    got = regression_metrics(p, t, weights=w.double())
    want = regression_metrics(p.repeat_interleave(w), t.repeat_interleave(w))
    agrees(got, want, KEYS)


def test_a_group_is_what_its_rows_alone_give():
    p, t = columns(5000, "alike", torch.float32)
    of, w = groups_of(5000, 9), weights_of(5000)
    for weights in (None, w):
        got = regression_metrics(p, t, weights=weights, groups=of, num_groups=9)
        for group in range(9):
            mine = of == group
            alone = regression_metrics(p[mine], t[mine], weights=None if weights is None else weights[mine])
            assert digest({k: v[group] for k, v in got.items()}) == digest(alone)
        assert digest({k: v[9] for k, v in got.items()}) == digest(regression_metrics(p, t, weights=weights))
        assert got["quantiles"].shape == (10, 5)
        assert all(math.isnan(got[key][8]) for key in KEYS)  # a group without rows
    assert regression_metrics(p, t, groups=of)["rmse"].shape == (int(of.max()) + 2,)


def test_what_is_constant():
    ones = torch.ones(4, dtype=torch.float64) * 0.1
    other = tensor([1.0, 2.0, 3.0, 5.0])
    exact = regression_metrics(ones, ones)
    assert (exact["r2"], exact["explained_variance"]) == (1, 1)
    off = regression_metrics(ones + 1, ones)
    assert (off["r2"], off["explained_variance"]) == (0, 1)
    wrong = regression_metrics(other, ones)
    assert (wrong["r2"], wrong["explained_variance"]) == (0, 0)
    for found in (exact, off, wrong, regression_metrics(ones, other)):
        assert math.isnan(found["pearson"])
        assert math.isnan(found["spearman"])
    one = regression_metrics(ones[:1], other[:1])
    assert math.isnan(one["r2"])
    assert one["mae"] == 0.9
    assert one["quantiles"].tolist() == [-0.9] * 5
    none = regression_metrics(ones, other, weights=torch.zeros(4))
    assert all(value.isnan().all() for value in (*none.values(), *regression_metrics(ones[:0], ones[:0]).values()))
    weighted = regression_metrics(ones, other, weights=tensor([0.3, 0.7, 0.1, 0.9]))
    assert math.isnan(weighted["pearson"])


def test_every_nan_has_the_same_bits():
    p, t = columns(700, "huge", torch.float64)
    for weights in (None, weights_of(700)):
        found = torch.cat([value.reshape(-1) for value in regression_metrics(p, t, weights=weights).values()])
        assert set(found[found.isnan()].view(torch.int64).tolist()) == {0x7FF8000000000000}


def test_what_lies_far_from_zero_keeps_its_digits():
    p, t = tensor([1e16, 1e16 + 2, 1e16 + 4, 1e16 + 2]), tensor([0.0, 1.0, 2.0, 1.5])
    want = correlation(p.tolist(), t.tolist(), [1] * 4)
    assert regression_metrics(p, t)["pearson"].item() == pytest.approx(want, rel=1e-14)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_instruction_set_changes_a_bit(case: Case):
    with use_instruction_set("baseline"):
        want = digest(run(case))
    for name in INSTRUCTION_SETS[1:]:
        with use_instruction_set(name):
            assert digest(run(case)) == want


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["alike", "ties", "wide", "huge"])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_neither_threads_nor_order_matter(kind, dtype, is_weighted):
    rows = 100_000
    p, t = columns(rows, kind, dtype)
    w, of = weights_of(rows) if is_weighted else None, groups_of(rows, 40)
    with threads(1):
        want = digest(regression_metrics(p, t, weights=w, groups=of, num_groups=40))
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(1))
    for count in (1, 2, 3, 7):
        with threads(count):
            assert digest(regression_metrics(p, t, weights=w, groups=of, num_groups=40)) == want
            shuffled = regression_metrics(
                p[order], t[order], weights=None if w is None else w[order], groups=of[order], num_groups=40
            )
            assert digest(shuffled) == want


def test_a_large_group_is_that_of_few_threads():
    p, t = columns(600_000, "alike", torch.float32)
    of = (torch.arange(600_000) % 100 == 0).long()
    found = []
    for count in (1, 2):
        with threads(count):
            found.append(digest(regression_metrics(p, t, groups=of)))
    assert found[0] == found[1]


@pytest.mark.parametrize("case", [case for case in CASES[::15] if not run(case)["result 0"].isnan().any()], ids=str)
def test_opcheck_passes(case: Case):  # which takes no NaN to equal another
    torch.library.opcheck(torch.ops.within.regression_metrics.default, case.make())


def test_it_compiles_without_a_break():
    compiled = torch.compile(lambda p, t: regression_metrics(p, t, quantiles=(0.5,)), fullgraph=True, backend="aot_eager")
    p, t = columns(300, "alike", torch.float32)
    assert digest(compiled(p, t)) == digest(regression_metrics(p, t, quantiles=(0.5,)))


GOOD = torch.arange(4.0)


@pytest.mark.parametrize(
    ("arguments", "keywords", "said"),
    [
        ((GOOD.long(), GOOD), {}, "predictions is Long, expected float64 or float32"),
        ((GOOD, GOOD.double()), {}, "targets is Double, expected Float as predictions"),
        ((GOOD, GOOD[:3]), {}, r"targets has shape \[3\], expected \[4\]"),
        ((GOOD[:, None], GOOD), {}, r"predictions has shape \[4, 1\], expected \[N\]"),
        ((GOOD, GOOD), {"weights": GOOD.long()}, "weights is Long"),
        ((GOOD, GOOD), {"weights": GOOD - 1}, r"weights\[0\] is -1, expected a number from 0 to 2\^400"),
        ((GOOD, GOOD), {"weights": GOOD.double() * 1e121}, r"weights\[1\] is 1e\+121, expected a number from 0 to 2\^400"),
        ((GOOD, GOOD), {"groups": GOOD}, "groups is Float, expected int64"),
        ((GOOD, GOOD), {"groups": torch.zeros(3, dtype=torch.int64)}, r"groups has shape \[3\]"),
        ((GOOD, GOOD), {"groups": torch.zeros(4, dtype=torch.int64), "num_groups": -1}, "num_groups is -1"),
        ((GOOD, GOOD), {"quantiles": (0.5, 1.5)}, r"quantiles\[1\] is 1.5, expected 0 to 1"),
        ((GOOD.index_fill(0, torch.tensor([2]), math.nan), GOOD), {}, r"predictions\[2\] is nan, expected a finite number"),
        ((GOOD, GOOD.index_fill(0, torch.tensor([3]), math.inf)), {}, r"targets\[3\] is inf"),
    ],
)
def test_what_is_refused(arguments, keywords, said):
    with pytest.raises(ValueError, match=said):
        regression_metrics(*arguments, **keywords)


def test_a_group_outside_is_refused():
    with pytest.raises(IndexError, match=r"groups\[1\] is 5, expected 0 to num_groups - 1 = 1"):
        regression_metrics(GOOD, GOOD, groups=torch.tensor([0, 5, 1, 7]), num_groups=2)


def test_the_first_bad_row_of_many_is_named():
    values = torch.zeros(100_000)
    values[[60_001, 99_000]] = math.inf
    with threads(2), pytest.raises(ValueError, match=r"targets\[60001\] is inf"):
        regression_metrics(torch.zeros(100_000), values)
