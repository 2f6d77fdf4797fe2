import math
import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from tests.ops.binary_cases import WEIGHTS, binary_rows, binary_weights
from tests.ops.cases import binary_cases, digest, run
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops.binary import METRICS, binary_metrics
from within_wf.ops.instruction_set import use_instruction_set
from within_wf.ops.reference.binary import binary_metrics as in_plain_torch

RANKED = ("roc_auc", "ks")


def scikit(scores, labels, weights=None, threshold=0.5, bins=15):
    """The metrics by scikit-learn, in float64; ECE by numpy as its calibration_curve has the bins."""
    clip = np.finfo(scores.dtype).eps
    p, y = scores.astype(np.float64), labels.astype(int)
    w = np.ones(len(p)) if weights is None else weights.astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tpr_fpr = sk.roc_curve(y, p, sample_weight=w, drop_intermediate=False)[:2] if 0 < y.sum() < len(y) else None
        kept = w > 0
        is_ranked = tpr_fpr is not None and len(np.unique(y[kept])) == 2
        bin_of = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], p)
        gaps = [math.fsum([*(w * p)[bin_of == b], *-(w * y)[bin_of == b]]) for b in np.unique(bin_of)]
        tn, fp, fn, tp = sk.confusion_matrix(y, p >= threshold, sample_weight=w, labels=[0, 1]).ravel()
        predicted = {"sample_weight": w, "zero_division": 0}
        return {
            "roc_auc": sk.roc_auc_score(y[kept], p[kept], sample_weight=w[kept]) if is_ranked else math.nan,
            "average_precision": sk.average_precision_score(y, p, sample_weight=w) if y[kept].any() else 0.0,
            "log_loss": sk.log_loss(y, np.clip(np.stack([1 - p, p], 1), clip, 1 - clip), sample_weight=w, labels=[0, 1]),
            "brier": np.average((p - y) ** 2, weights=w),
            "ece": math.fsum(map(abs, gaps)) / math.fsum(w),
            "ks": np.abs(np.subtract(*tpr_fpr)).max() if is_ranked else math.nan,
            "tp": tp,
            "fp": fp,
            "tn": tn,
            "fn": fn,
            "accuracy": sk.accuracy_score(y, p >= threshold, sample_weight=w),
            "precision": sk.precision_score(y, p >= threshold, **predicted),
            "recall": sk.recall_score(y, p >= threshold, **predicted),
            "f1": sk.f1_score(y, p >= threshold, **predicted),
        }


def assert_close(got, want):
    assert {name: value.item() for name, value in got.items()} == pytest.approx(want, rel=1e-12, abs=1e-15, nan_ok=True)


def as_numpy(*tensors):
    return [None if tensor is None else tensor.numpy() for tensor in tensors]


levels = st.sampled_from([0.0, 1.0, 0.5, 0.25, 1 / 3, 1e-9, 1 - 2**-24, 0.2, 0.4, 0.6, 0.8])
scores = st.one_of(levels, st.floats(0, 1, width=32), st.just(0.5))
weight = st.one_of(st.just(1.0), st.just(0.0), st.floats(1e-3, 1e3), st.sampled_from([1e-60, 1e60]))


@settings(max_examples=80)
@given(
    st.lists(st.tuples(scores, st.booleans(), weight), min_size=1, max_size=40),
    st.booleans(),
    st.sampled_from([torch.float32, torch.float64]),
    st.sampled_from([0.0, 0.5, 0.8, 1.0, 1.5]),
    st.sampled_from([1, 2, 10, 15]),
)
def test_it_agrees_with_scikit_learn(rows, is_weighted, dtype, threshold, bins):
    p = torch.tensor([row[0] for row in rows], dtype=torch.float64).to(dtype)
    y = torch.tensor([row[1] for row in rows])
    w = torch.tensor([row[2] for row in rows], dtype=torch.float64) if is_weighted else None
    if w is not None and not w.any():
        w[0] = 1.0
    got = binary_metrics(p, y, weights=w, threshold=threshold, bins=bins)
    assert_close(got, scikit(*as_numpy(p, y, w), threshold=threshold, bins=bins))


@pytest.mark.parametrize("weights", WEIGHTS[:-1])
@pytest.mark.parametrize("levels", [None, 100])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_many_rows_agree_with_scikit_learn(dtype, levels, weights):
    p, y = binary_rows(40_000, dtype, levels=levels)
    w = binary_weights(40_000, weights)
    with threads(2):
        assert_close(binary_metrics(p, y, weights=w), scikit(*as_numpy(p, y, w)))


@settings(max_examples=60)
@given(st.lists(st.tuples(levels, st.booleans(), st.integers(-60, 60), st.integers(1, 2**53 - 1)), min_size=2, max_size=12))
def test_weights_that_lie_far_apart_lose_nothing(rows):
    """Against fractions: every pair of a positive and a negative, and every threshold."""
    w = [Fraction(mantissa) * Fraction(2) ** (4 * exponent) for *_, exponent, mantissa in rows]
    one, two = ([(p, x) for (p, y, *_), x in zip(rows, w, strict=True) if y == of] for of in (True, False))
    got = binary_metrics(
        torch.tensor([row[0] for row in rows], dtype=torch.float64),
        torch.tensor([row[1] for row in rows]),
        weights=torch.tensor([float(x) for x in w], dtype=torch.float64),
    )
    if not one or not two:
        return
    positives, negatives = sum(x for _, x in one), sum(x for _, x in two)
    won = sum(x * z * (Fraction(p > q) + Fraction(p == q, 2)) for p, x in one for q, z in two)
    assert got["roc_auc"].item() == pytest.approx(float(won / positives / negatives), rel=1e-14)
    precision = Fraction(0)
    for p, x in one:
        above = [sum(z for q, z in of if q >= p) for of in (one, two)]
        precision += x / positives * (above[0] / sum(above))
    assert got["average_precision"].item() == pytest.approx(float(precision), rel=1e-14)


@pytest.mark.parametrize("weights", ["none", "close"])
def test_it_is_that_of_plain_torch(weights):
    p, y = binary_rows(3000, torch.float32)
    w = binary_weights(3000, weights)
    want = in_plain_torch(p, y, weights=w, threshold=0.3, bins=7)
    assert_close(binary_metrics(p, y, weights=w, threshold=0.3, bins=7), {name: value.item() for name, value in want.items()})


@pytest.mark.parametrize("case", binary_cases(), ids=str)
def test_no_instruction_set_changes_a_bit(case):
    with use_instruction_set("baseline"):
        want = digest(run(case))
    for name in INSTRUCTION_SETS:
        with use_instruction_set(name):
            assert digest(run(case)) == want


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("levels", [None, 3])
def test_neither_threads_nor_order_matter(levels, weights):
    rows = 20_000 if weights == "far" else 130_000
    p, y = binary_rows(rows, torch.float32, levels=levels)
    w = binary_weights(rows, weights)
    groups = torch.arange(rows) % 50
    groups[: rows // 2] = 7  # one has more than the others together
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(3))
    for given_groups in (None, groups):
        with threads(1), use_instruction_set("baseline"):
            want = digest(binary_metrics(p, y, weights=w, groups=given_groups))
        for count in (1, 2, 3, 7):
            with threads(count):
                assert digest(binary_metrics(p, y, weights=w, groups=given_groups)) == want
                more = None if w is None else w[order]
                of = None if given_groups is None else given_groups[order]
                assert digest(binary_metrics(p[order], y[order], weights=more, groups=of)) == want


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("count", [1, 2])
def test_a_group_has_the_bits_of_its_rows_alone(weights, count):
    rows = 60_000
    p, y = binary_rows(rows, torch.float64 if weights == "close" else torch.float32)
    w = binary_weights(rows, weights)
    groups = torch.arange(rows) ** 2 % 40 + 1
    groups[: rows // 2] = 3
    with threads(count):
        got = binary_metrics(p, y, weights=w, groups=groups, num_groups=43)
        for group in (0, 1, 2, 3, 42, slice(None)):
            of = slice(None) if group == slice(None) else groups == group
            alone = binary_metrics(p[of], y[of], weights=None if w is None else w[of])
            here = {name: values[-1 if group == slice(None) else group] for name, values in got.items()}
            assert digest(here) == digest(alone)


def test_a_row_without_weight_is_absent():
    p, y = binary_rows(500, torch.float64, levels=30)
    w = binary_weights(500, "whole")
    kept = w > 0
    assert digest(binary_metrics(p, y, weights=w)) == digest(binary_metrics(p[kept], y[kept], weights=w[kept]))


@pytest.mark.parametrize(
    ("p", "y", "w", "known"),
    [
        ([], [], None, {"tp": 0, "fp": 0, "tn": 0, "fn": 0, "precision": 0, "recall": 0, "f1": 0}),
        ([0.5, 0.7], [0, 1], [0.0, 0.0], {"tp": 0, "fp": 0, "tn": 0, "fn": 0, "precision": 0, "recall": 0, "f1": 0}),
        ([0.25], [0], None, {"average_precision": 0, "brier": 0.0625, "ece": 0.25, "tn": 1, "accuracy": 1, "precision": 0}),
        ([0.75], [1], None, {"average_precision": 1, "brier": 0.0625, "ece": 0.25, "tp": 1, "accuracy": 1, "f1": 1}),
        ([0.5, 0.5], [0, 1], None, {"roc_auc": 0.5, "average_precision": 0.5, "ks": 0, "ece": 0, "tp": 1, "fp": 1}),
        ([0.25, 0.75], [0, 1], None, {"roc_auc": 1, "average_precision": 1, "ks": 1, "accuracy": 1}),
        ([0.25, 0.75], [1, 0], None, {"roc_auc": 0, "average_precision": 0.5, "ks": 1, "accuracy": 0}),
        ([-0.0, 0.0], [1, 0], None, {"roc_auc": 0.5, "ks": 0, "brier": 0.5}),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_is_undefined_is_nan(p, y, w, known, dtype):
    weights = None if w is None else torch.tensor(w)
    got = binary_metrics(torch.tensor(p, dtype=dtype), torch.tensor(y), weights=weights)
    assert list(got) == list(METRICS)
    assert {name: got[name].item() for name in known} == known
    undefined = {name for name, value in got.items() if math.isnan(value.item())}
    if len(y) == 0 or w is not None:
        assert undefined == set(METRICS) - set(known)
    else:
        assert undefined == (set(RANKED) if len(set(y)) == 1 else set())


def test_labels_of_any_dtype():
    p, y = binary_rows(300, torch.float32)
    want = digest(binary_metrics(p, y))
    for dtype in (
        torch.uint8,
        torch.int8,
        torch.int32,
        torch.int64,
        torch.float16,
        torch.bfloat16,
        torch.float32,
        torch.float64,
    ):
        assert digest(binary_metrics(p, y.to(dtype))) == want


def test_tensors_that_are_not_contiguous():
    p, y = binary_rows(300, torch.float32)
    assert digest(binary_metrics(p[::2], y[::2])) == digest(binary_metrics(p[::2].clone(), y[::2].clone()))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, -1e-9, 1.0000001])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_score_outside_is_refused(value, dtype):
    p, y = binary_rows(3000, dtype)
    p[2001] = p[2500] = value
    with pytest.raises(ValueError, match=r"binary_metrics: scores\[2001\] is .*, expected a number in \[0, 1\]"):
        binary_metrics(p, y)


@pytest.mark.parametrize(
    ("value", "dtype"), [(2, torch.int64), (-1, torch.int8), (0.5, torch.float32), (math.nan, torch.float64)]
)
def test_a_label_that_is_none_is_refused(value, dtype):
    p, y = binary_rows(3000, torch.float32)
    y = y.to(dtype)
    y[1999] = value
    with pytest.raises(ValueError, match=r"binary_metrics: labels\[1999\] is .*, expected 0 or 1"):
        binary_metrics(p, y)


@pytest.mark.parametrize("value", [math.nan, math.inf, -1.0, 1e300])
def test_a_weight_that_is_none_is_refused(value):
    p, y = binary_rows(3000, torch.float32)
    w = torch.ones(3000, dtype=torch.float64)
    w[1234] = value
    with pytest.raises(ValueError, match=r"binary_metrics: weights\[1234\] is .*, expected a number from 0 to 2\^960"):
        binary_metrics(p, y, weights=w)


@pytest.mark.parametrize("group", [-1, 2])
def test_a_group_outside_is_refused(group):
    with pytest.raises(IndexError, match=rf"binary_metrics: groups\[1\] is {group}, expected 0 to num_groups - 1 = 1"):
        binary_metrics(torch.ones(2), torch.ones(2), groups=torch.tensor([0, group]), num_groups=2)


ONES, TWO = torch.ones(2), torch.zeros(2, dtype=torch.int64)


@pytest.mark.parametrize(
    ("scores", "labels", "keywords", "message"),
    [
        (torch.ones(2).half(), ONES, {}, "scores is Half, expected float32 or float64"),
        (torch.ones(2, 1), ONES, {}, r"scores has shape \[2, 1\], expected \[N\]"),
        (ONES, torch.ones(3), {}, r"labels has shape \[3\], expected \[2\] as scores has"),
        (ONES, torch.ones(2, dtype=torch.complex64), {}, "labels is ComplexFloat, expected bool, an integer or a float"),
        (ONES, ONES, {"weights": torch.ones(1)}, r"weights has shape \[1\], expected \[2\]"),
        (ONES, ONES, {"weights": TWO}, "weights is Long, expected float32 or float64"),
        (ONES, ONES, {"groups": TWO[:1]}, r"groups has shape \[1\], expected \[2\]"),
        (ONES, ONES, {"groups": TWO.int()}, "groups is Int, expected int64"),
        (ONES, ONES, {"groups": TWO, "num_groups": -1}, "num_groups is -1, expected 0 or more"),
        (ONES, ONES, {"num_groups": 3}, "num_groups is 3 and there are no groups"),
        (ONES, ONES, {"threshold": math.nan}, "threshold is NaN, expected a number"),
        (ONES, ONES, {"bins": 0}, "bins is 0, expected 1 to 65536"),
    ],
)
def test_what_is_refused(scores, labels, keywords, message):
    with pytest.raises(ValueError, match=f"binary_metrics: {message}"):
        binary_metrics(scores, labels, **keywords)


def test_it_compiles_without_a_break():
    p, y = binary_rows(100, torch.float32)
    groups = torch.arange(100) % 3
    call = torch.compile(lambda p: binary_metrics(p, y, groups=groups, num_groups=3), fullgraph=True, backend="aot_eager")
    assert digest(call(p)) == digest(binary_metrics(p, y, groups=groups, num_groups=3))


def test_it_holds_to_torchs_rules():
    p, y = binary_rows(100, torch.float32)
    weights, groups = binary_weights(100, "close"), torch.arange(100) % 2
    torch.library.opcheck(torch.ops.within.binary_metrics, (p, y, None, None, 0, 0.5, 15))
    torch.library.opcheck(torch.ops.within.binary_metrics, (p, y, weights, groups, 2, 0.5, 15))
