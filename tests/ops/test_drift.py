import math
import warnings

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ops.cases import Case, digest, regression_cases, run
from tests.ops.regression_cases import columns, groups_of, weights_of
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops.drift import KEYS, drift_metrics
from within_wf.ops.instruction_set import use_instruction_set
from within_wf.ops.reference.drift import drift_metrics as in_plain_torch
from within_wf.ops.reference.drift import grouped_drift_metrics

CASES = [case for case in regression_cases() if case.operator == "drift_metrics"]
numbers = st.one_of(st.sampled_from([-1.0, 0.0, 0.1, 2.5]), st.floats(-1e6, 1e6))


def tensor(values, dtype=torch.float64):
    return torch.tensor(values, dtype=dtype)


def divergences(reference, current, bins, edges):
    shares = [
        np.maximum(np.bincount(np.searchsorted(edges, x, side="left"), minlength=bins) / len(x), 1e-6)
        for x in (reference, current)
    ]
    logarithm = np.log(shares[1] / shares[0])
    return ((shares[1] - shares[0]) * logarithm).sum(), (shares[1] * logarithm).sum()


@settings(max_examples=80)
@given(st.lists(numbers, min_size=1, max_size=40), st.lists(numbers, min_size=1, max_size=40), st.integers(1, 7))
def test_it_agrees_with_scipy(reference, current, bins):
    got = drift_metrics(tensor(reference), tensor(current), bins=bins)
    with warnings.catch_warnings(record=True) as warned:  # its exact value may round to above 1; then it takes the limit
        warnings.simplefilter("always")
        want = scipy.stats.ks_2samp(reference, current)
    assert got["ks"].item() == pytest.approx(want.statistic, rel=1e-12)
    assert got["ks_pvalue"].item() == pytest.approx(1 if warned else want.pvalue, rel=1e-12)
    distance = scipy.stats.wasserstein_distance(reference, current)
    assert got["wasserstein"].item() == pytest.approx(distance, rel=1e-12, abs=1e-300)
    edges = np.quantile(reference, np.arange(1, bins) / bins)
    psi, kl = divergences(np.array(reference), np.array(current), bins, edges)
    assert got["psi"].item() == pytest.approx(psi, rel=1e-12, abs=1e-12)
    assert got["kl"].item() == pytest.approx(kl, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["alike", "ties"])
@pytest.mark.parametrize(("rows", "others"), [(700, 701), (1000, 1000), (10_000, 3), (90_000, 70_000)])
def test_many_rows_agree_with_scipy_and_plain_torch(rows, others, kind, dtype):
    reference, current = columns(rows, kind, dtype)[0], columns(others, kind, dtype)[1] * 1.1
    got = drift_metrics(reference, current)
    wide = reference.double().numpy(), current.double().numpy()
    want = in_plain_torch(reference, current) | {"wasserstein": scipy.stats.wasserstein_distance(*wide)}
    for key, value in want.items():
        assert got[key].item() == pytest.approx(float(value), rel=1e-12, abs=1e-13), key
    found = scipy.stats.ks_2samp(*wide)
    assert got["ks"].item() == pytest.approx(found.statistic, rel=1e-12)
    if max(rows, others) <= 10_000:
        assert got["ks_pvalue"].item() == pytest.approx(found.pvalue, rel=1e-12)


@pytest.mark.parametrize("z", [0.1, 0.3, 0.5, 0.79, 0.81, 1.0, 1.5, 3.0])
def test_the_limit_of_the_p_value_is_that_of_kolmogorov(z):
    rows = 250_000
    e = rows / 2
    by = round(z / math.sqrt(e) * rows)
    # Two samples that are `by` / rows apart: as many of the first lie below all of the second.
    reference = torch.cat([torch.full((by,), -1.0), torch.arange(float(rows - by))])
    current = torch.cat([torch.arange(float(rows - by)), torch.full((by,), 1e9)])
    got = drift_metrics(reference, current)
    assert got["ks"].item() == by / rows
    at = by / rows * math.sqrt(e)
    want = scipy.stats.kstwobign.sf(at + 1 / (6 * math.sqrt(e)) + (at - 1) / (4 * e))
    assert got["ks_pvalue"].item() == pytest.approx(want, rel=1e-12)
    assert got["ks_pvalue"].item() == pytest.approx(scipy.stats.kstwo.sf(by / rows, e), rel=2e-3)


@settings(max_examples=80)
@given(
    st.lists(st.tuples(numbers, st.floats(0.01, 5)), min_size=1, max_size=30),
    st.lists(st.tuples(numbers, st.floats(0.01, 5)), min_size=1, max_size=30),
)
def test_weights_agree_with_scipy(rows, others):
    (a, v), (b, w) = (map(np.array, zip(*pairs, strict=True)) for pairs in (rows, others))
    got = drift_metrics(tensor(a), tensor(b), reference_weights=tensor(v), current_weights=tensor(w))
    distance = scipy.stats.wasserstein_distance(a, b, v, w)
    assert got["wasserstein"].item() == pytest.approx(distance, rel=1e-11, abs=1e-9)
    apart = max(abs(v[a <= x].sum() / v.sum() - w[b <= x].sum() / w.sum()) for x in (*a, *b))
    assert got["ks"].item() == pytest.approx(apart, abs=1e-14)
    sizes = [x.sum() ** 2 / (x * x).sum() for x in (v, w)]
    e = sizes[0] * sizes[1] / sum(sizes)
    z = apart * math.sqrt(e)
    want = scipy.stats.kstwobign.sf(z + 1 / (6 * math.sqrt(e)) + (z - 1) / (4 * e)) if apart > 1e-13 else 1
    assert got["ks_pvalue"].item() == pytest.approx(want, rel=1e-9)


def test_weights_of_one_and_repeats():
    reference, current = columns(400, "ties", torch.float32)
    w = torch.arange(400) % 4
    plain = drift_metrics(reference.repeat_interleave(w), current)
    weighted = drift_metrics(reference, current, reference_weights=w.double())
    for key in ("ks", "wasserstein"):
        assert weighted[key].item() == pytest.approx(plain[key].item(), rel=1e-12)


def test_a_column_is_what_it_alone_gives():
    reference, current = torch.randn(500, 3), torch.randn(70_000, 3)
    got = drift_metrics(reference, current)
    for column in range(3):
        alone = drift_metrics(reference[:, column], current[:, column])
        assert digest({key: got[key][column] for key in KEYS}) == digest(alone)
    assert digest(drift_metrics(reference.T.contiguous().T, current)) == digest(got)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("weighted", ["neither", "reference", "both"])
@pytest.mark.parametrize("kind", ["alike", "ties"])
def test_a_group_is_what_its_rows_alone_give(kind, weighted, dtype):
    rows, others = 3000, 4000
    reference, current = (torch.stack(columns(n, kind, dtype), 1) for n in (rows, others))
    of, other_of = groups_of(rows, 9), groups_of(others, 9)
    other_of[other_of == 3] = 4  # a group of one sample alone
    # Weights of each group have a power of two of their own.
    v = None if weighted == "neither" else torch.ldexp(weights_of(rows), -40 * of)
    w = torch.ldexp(weights_of(others), 30 * other_of) if weighted == "both" else None

    def given(mine, other_mine):
        return {
            "reference_weights": None if v is None else v[mine],
            "current_weights": None if w is None else w[other_mine],
            "bins": 7,
        }

    everything = slice(None), slice(None)
    got = drift_metrics(reference, current, **given(*everything), reference_groups=of, current_groups=other_of, num_groups=9)
    assert got["ks"].shape == (10, 2)
    for group in range(9):
        mine, other_mine = of == group, other_of == group
        alone = drift_metrics(reference[mine], current[other_mine], **given(mine, other_mine))
        assert digest({key: value[group] for key, value in got.items()}) == digest(alone)
        assert all(value[group].isnan().all() == (group in (3, 8)) for value in got.values())
    whole = drift_metrics(reference, current, **given(*everything))
    assert digest({key: value[9] for key, value in got.items()}) == digest(whole)


def test_groups_agree_with_plain_torch():
    reference, current = columns(2000, "alike", torch.float64)[0], columns(1500, "alike", torch.float64)[1]
    of, other_of = groups_of(2000, 5), groups_of(1500, 5)
    got = drift_metrics(reference, current, reference_groups=of, current_groups=other_of)
    for key, value in grouped_drift_metrics(reference, current, of, other_of).items():
        assert got[key].tolist() == pytest.approx(value.tolist(), rel=1e-12, abs=1e-13), key


def test_how_many_groups_there_are_by_default():
    x, none = torch.arange(3.0), torch.zeros(0, dtype=torch.int64)
    for of, other_of in (([0, 1, 4], [0, 0, 0]), ([0, 0, 0], [4, 1, 0])):
        got = drift_metrics(x, x, reference_groups=torch.tensor(of), current_groups=torch.tensor(other_of))
        assert got["ks"].shape == (6,)
    nothing = drift_metrics(x[:0], x[:0], reference_groups=none, current_groups=none)
    assert nothing["ks"].shape == (1,)
    assert nothing["ks"].isnan().all()
    one = torch.zeros(3, dtype=torch.int64)
    assert drift_metrics(x, x[:0], reference_groups=one, current_groups=none)["psi"].isnan().tolist() == [True, True]


def test_the_fake_table_has_the_shape_of_groups():
    a, of = torch.empty(6, 2, device="meta"), torch.empty(6, dtype=torch.int64, device="meta")
    assert torch.ops.within.drift_metrics(a, a, 10, None, None, of, of, 4).shape == (5, 2, len(KEYS))
    assert torch.ops.within.drift_metrics(a, a, 10, None, None, None, None, 0).shape == (1, 2, len(KEYS))


@pytest.mark.parametrize("is_weighted", [False, True])
def test_neither_threads_nor_order_matter_to_groups(is_weighted):
    rows = 350_000
    (a, b), of = columns(rows, "ties", torch.float32), groups_of(rows, 60)
    of[of > 40] = 40  # a group of so many rows that all threads share it
    other_of, w = of.flip(0), weights_of(rows) if is_weighted else None
    with threads(1):
        want = digest(drift_metrics(a, b, reference_weights=w, reference_groups=of, current_groups=other_of))
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(1))
    for count in (2, 3, 7):
        with threads(count):
            got = drift_metrics(
                a[order],
                b.flip(0),
                reference_weights=None if w is None else w[order],
                reference_groups=of[order],
                current_groups=other_of.flip(0),
            )
            assert digest(got) == want


def test_what_is_alike_and_what_is_apart():
    x = torch.randn(100, dtype=torch.float64)
    same = drift_metrics(x, x)
    assert [same[key].item() for key in KEYS] == [0, 0, 0, 1, 0]
    apart = drift_metrics(x, x + 100)
    assert apart["ks"] == 1
    assert apart["wasserstein"].item() == pytest.approx(100, rel=1e-14)
    for empty in (drift_metrics(x[:0], x), drift_metrics(x, x[:0]), drift_metrics(x, x, current_weights=torch.zeros(100))):
        assert all(math.isnan(value) for value in empty.values())
    largest = torch.finfo(torch.float64).max
    assert drift_metrics(tensor([-largest]), tensor([largest]))["wasserstein"] == math.inf


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_instruction_set_changes_a_bit(case: Case):
    with use_instruction_set("baseline"):
        want = digest(run(case))
    for name in INSTRUCTION_SETS[1:]:
        with use_instruction_set(name):
            assert digest(run(case)) == want


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", ["alike", "ties", "wide"])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_neither_threads_nor_order_matter(kind, dtype, is_weighted):
    (a, b), rows = columns(150_000, kind, dtype), 150_000
    w = weights_of(rows) if is_weighted else None
    with threads(1):
        want = digest(drift_metrics(a, b, reference_weights=w))
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(1))
    for count in (1, 2, 3, 7):
        with threads(count):
            assert digest(drift_metrics(a, b, reference_weights=w)) == want
            assert digest(drift_metrics(a[order], b.flip(0), reference_weights=None if w is None else w[order])) == want


@pytest.mark.parametrize("case", [case for case in CASES[::9] if not run(case)["result 0"].isnan().any()], ids=str)
def test_opcheck_passes(case: Case):  # which takes no NaN to equal another
    torch.library.opcheck(torch.ops.within.drift_metrics.default, case.make())


@pytest.mark.parametrize("is_weighted", [False, True])
def test_opcheck_passes_with_groups(is_weighted):
    (a, b), of = columns(300, "alike", torch.float32), torch.arange(300) % 3
    weights = (weights_of(300),) * 2 if is_weighted else (None, None)
    torch.library.opcheck(torch.ops.within.drift_metrics.default, (a[:, None], b[:, None], 10, *weights, of, of, 3))


def test_it_compiles_without_a_break():
    compiled = torch.compile(drift_metrics, fullgraph=True, backend="aot_eager")
    a, b = columns(300, "alike", torch.float32)
    assert digest(compiled(a, b)) == digest(drift_metrics(a, b))


GOOD = torch.arange(4.0)
OF = torch.tensor([0, 1, 1, 0])


@pytest.mark.parametrize(
    ("arguments", "keywords", "said"),
    [
        ((GOOD.long(), GOOD), {}, "reference is Long, expected float64 or float32"),
        ((GOOD, GOOD.double()), {}, "current is Double, expected Float as reference is"),
        ((GOOD[:, None], GOOD), {}, r"current has shape \[4\], expected \[N\] or \[N, columns\]"),
        ((GOOD[:, None], torch.ones(3, 2)), {}, "current has 2 columns, expected 1"),
        ((GOOD, GOOD), {"bins": 0}, "bins is 0, expected 1 or more"),
        ((GOOD, GOOD), {"reference_weights": GOOD.long()}, "reference_weights is Long"),
        ((GOOD, GOOD), {"current_weights": GOOD[:2]}, r"current_weights has shape \[2\], expected \[4\]"),
        ((GOOD, GOOD), {"current_weights": GOOD - 1}, r"current_weights\[0\] is -1, expected a finite number, 0 or more"),
        ((GOOD, GOOD.index_fill(0, torch.tensor([2]), math.nan)), {}, r"current\[2, 0\] is nan, expected a finite number"),
        ((GOOD, GOOD), {"reference_groups": OF}, "reference_groups is given alone, expected current_groups with it"),
        ((GOOD, GOOD), {"current_groups": OF}, "current_groups is given alone, expected reference_groups with it"),
        ((GOOD, GOOD), {"reference_groups": OF, "current_groups": GOOD}, "current_groups is Float, expected int64"),
        ((GOOD, GOOD), {"reference_groups": OF[:3], "current_groups": OF}, r"reference_groups has shape \[3\], expected \[4\]"),
        (
            (GOOD, GOOD),
            {"reference_groups": OF, "current_groups": OF, "num_groups": -1},
            "num_groups is -1, expected 0 or more",
        ),
    ],
)
def test_what_is_refused(arguments, keywords, said):
    with pytest.raises(ValueError, match=said):
        drift_metrics(*arguments, **keywords)


def test_the_first_column_that_is_refused_is_named():
    bad = torch.ones(50, 40).index_fill(0, torch.tensor([7, 9]), math.nan)
    bad[:, :3] = 1
    for count in (1, 2, 3, 7):
        with threads(count):
            for arguments, said in (((bad, bad), r"reference\[7, 3\]"), ((torch.ones(50, 40), bad), r"current\[7, 3\]")):
                with pytest.raises(ValueError, match=said):
                    drift_metrics(*arguments)


@pytest.mark.parametrize(
    ("of", "other_of", "said"),
    [
        ([0, 5, 1, 7], [0, 0, 0, 0], r"reference_groups\[1\] is 5, expected 0 to num_groups - 1 = 1"),
        ([0, 0, 0, 0], [0, 1, -1, 2], r"current_groups\[2\] is -1, expected 0 to num_groups - 1 = 1"),
    ],
)
def test_a_group_outside_is_refused(of, other_of, said):
    with pytest.raises(IndexError, match=said):
        drift_metrics(GOOD, GOOD, reference_groups=torch.tensor(of), current_groups=torch.tensor(other_of), num_groups=2)
