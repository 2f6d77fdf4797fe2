import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from tests.ops.cases import digest, run
from tests.ops.multiclass_cases import multiclass_cases
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops.instruction_set import use_instruction_set
from within_wf.ops.multiclass import multiclass_metrics
from within_wf.ops.reference.multiclass import multiclass_metrics as in_plain_torch

CASES = tuple(multiclass_cases())
CLASSES = 4
weights_of = st.one_of(st.just(1.0), st.integers(0, 5).map(float), st.floats(1e-6, 1e6))
shares = st.one_of(st.integers(0, 6).map(float), st.floats(0, 1))
rows_of = st.lists(
    st.tuples(st.integers(0, CLASSES - 1), st.lists(shares, min_size=CLASSES, max_size=CLASSES), weights_of),
    min_size=1,
    max_size=40,
).filter(lambda rows: any(weight > 0 for _, _, weight in rows))


def theirs(table, labels, weights, k):
    """scikit-learn's answers; rows of weight 0 are taken out, where it counts their classes as there."""
    there = np.ones(len(labels), dtype=bool) if weights is None else weights > 0
    table, labels = table[there], labels[there]
    common = {"sample_weight": None if weights is None else weights[there]}
    classes, called = range(table.shape[1]), table.argmax(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {
            "accuracy": sk.accuracy_score(labels, called, **common),
            "log_loss": sk.log_loss(labels, table, labels=classes, **common),
            "macro_f1": sk.f1_score(labels, called, average="macro", zero_division=0, **common),
            "weighted_f1": sk.f1_score(labels, called, average="weighted", zero_division=0, **common),
            "top_k": [sk.top_k_accuracy_score(labels, table, k=k, labels=classes, **common)],
            "confusion": sk.confusion_matrix(labels, called, labels=classes, **common),
            "roc_auc_ovr": math.nan,
        }
        if set(labels.tolist()) == set(classes):
            areas = [sk.roc_auc_score(labels == c, table[:, c], **common) for c in classes]
            found["roc_auc_ovr"] = np.mean(areas)
    return found


def table_of(rows):
    """Rows that sum to 1, as log_loss asks for; a row of zeros is even."""
    table = np.array([row[1] for row in rows], dtype=np.float64)
    table[table.sum(axis=1) == 0] = 1
    return np.clip(table / table.sum(axis=1, keepdims=True), 0, 1)


@settings(max_examples=60)
@given(rows_of, st.integers(1, CLASSES))
def test_equals_scikit_learn(rows, k):
    table, labels = table_of(rows), np.array([row[0] for row in rows])
    weights = np.array([row[2] for row in rows])
    for given_weights in (None, weights):
        tensor = None if given_weights is None else torch.from_numpy(given_weights)
        ours = multiclass_metrics(torch.from_numpy(table), torch.from_numpy(labels), weights=tensor, top_k=(k,))
        for name, want in theirs(table, labels, given_weights, k).items():
            assert ours[name].numpy() == pytest.approx(np.array(want), rel=1e-12, abs=1e-15, nan_ok=True), name


@settings(max_examples=50)
@given(rows_of)
def test_equals_plain_torch(rows):
    table, labels = torch.from_numpy(table_of(rows)), torch.tensor([row[0] for row in rows])
    weights = torch.tensor([row[2] for row in rows], dtype=torch.float64)
    ours = multiclass_metrics(table, labels, weights=weights, top_k=(1, 3))
    for name, want in in_plain_torch(table, labels, weights, (1, 3)).items():
        assert torch.allclose(ours[name], want, rtol=1e-12, atol=1e-15, equal_nan=True), name


def test_float32_is_clipped_by_its_own_epsilon():
    table = torch.tensor([[1.0, 0.0], [0.25, 0.75]])
    got = multiclass_metrics(table, torch.tensor([1, 1]))["log_loss"].item()
    assert got == pytest.approx((-math.log(2.0**-23) - math.log(0.75)) / 2, rel=1e-15)


def some(rows=5000, classes=5, seed=0):
    draws = torch.Generator().manual_seed(seed)
    table = (torch.rand(rows, classes, generator=draws, dtype=torch.float64) * 50).round() / 50
    return table, torch.randint(0, classes, (rows,), generator=draws), torch.rand(rows, generator=draws, dtype=torch.float64)


def test_groups_are_what_each_is_alone_and_the_last_is_the_whole():
    table, labels, weights = some(700)
    groups = torch.arange(700) * 13 % 11 // 2
    for given_weights in (None, weights):
        got = multiclass_metrics(table, labels, weights=given_weights, groups=groups, num_groups=7, top_k=(1, 2))
        for group in range(8):
            rows = groups == group if group < 7 else torch.ones(700, dtype=torch.bool)
            own = None if given_weights is None else given_weights[rows]
            alone = multiclass_metrics(table[rows], labels[rows], weights=own, top_k=(1, 2))
            assert digest({name: value[group] for name, value in got.items()}) == digest(alone)
    assert got["accuracy"][6].isnan()  # nobody is there
    assert got["confusion"].shape == (8, 5, 5)
    assert multiclass_metrics(table, labels, groups=groups)["accuracy"].shape == (7,)


def test_many_weightings_are_what_each_is_alone():
    table, labels, _ = some(400)
    weightings = torch.randint(0, 3, (6, 400), generator=torch.Generator().manual_seed(1)).to(torch.float64)
    groups = torch.arange(400) % 3
    for keywords in ({}, {"groups": groups, "num_groups": 3}):
        many = multiclass_metrics(table, labels, weights=weightings, **keywords)
        for number, weights in enumerate(weightings):
            alone = multiclass_metrics(table, labels, weights=weights, **keywords)
            assert digest({name: value[number] for name, value in many.items()}) == digest(alone)


def test_a_row_without_weight_is_absent():
    table, labels, weights = some(300)
    weights[::3] = 0
    kept = weights > 0
    got = multiclass_metrics(table, labels, weights=weights)
    assert digest(got) == digest(multiclass_metrics(table[kept], labels[kept], weights=weights[kept]))


def test_a_weight_is_a_count_and_one_is_none():
    table, labels, _ = some(300)
    counts = torch.arange(300) % 4
    repeated = multiclass_metrics(table.repeat_interleave(counts, 0), labels.repeat_interleave(counts))
    weighted = multiclass_metrics(table, labels, weights=counts.to(torch.float64))
    for name, value in repeated.items():
        assert torch.allclose(weighted[name], value, rtol=1e-14, atol=0), name


def test_weights_of_every_magnitude():
    table, labels, weights = some(200, 3)
    want = multiclass_metrics(table, labels, weights=weights)
    for power in (-990, 900):
        got = multiclass_metrics(table, labels, weights=torch.ldexp(weights, torch.tensor(power)))
        for name in set(want) - {"confusion"}:
            assert torch.equal(got[name], want[name]), name
    tiny = torch.where(labels == 1, torch.tensor(1e-200, dtype=torch.float64), 1)
    got = multiclass_metrics(table, labels, weights=tiny)["roc_auc_ovr"].item()
    assert got == pytest.approx(in_plain_torch(table, labels, tiny)["roc_auc_ovr"].item(), rel=1e-12)


def test_without_rows_nothing_is_known():
    got = multiclass_metrics(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64))
    assert torch.equal(got.pop("confusion"), torch.zeros(3, 3, dtype=torch.float64))
    assert all(value.isnan().all() for value in got.values())


@pytest.mark.parametrize("weighted", [False, True])
def test_neither_threads_nor_order_matter(weighted):
    table, labels, weights = some(40_000)
    groups = torch.arange(40_000) ** 2 % 23
    order = torch.randperm(40_000, generator=torch.Generator().manual_seed(3))

    def found(rows):
        own = weights[rows] if weighted else None
        return digest(multiclass_metrics(table[rows], labels[rows], weights=own, groups=groups[rows], num_groups=23))

    with threads(1), use_instruction_set("baseline"):
        want = found(torch.arange(40_000))
    for count in (1, 2, 3, 7):
        with threads(count):
            assert found(torch.arange(40_000)) == want
            assert found(order) == want


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_instruction_set_changes_a_bit(case):
    with use_instruction_set("baseline"):
        want = digest(run(case))
    for name in INSTRUCTION_SETS:
        with use_instruction_set(name):
            assert digest(run(case)) == want


WHOLE = [case for case in CASES if not any(result.isnan().any() for result in run(case).values())]  # opcheck compares


@pytest.mark.parametrize("case", WHOLE[:4] + WHOLE[-4:], ids=str)
def test_opcheck_passes(case):
    torch.library.opcheck(getattr(torch.ops.within, case.operator).default, case.make())


def test_it_compiles_whole():
    table, labels, weights = some(100)
    compiled = torch.compile(multiclass_metrics, fullgraph=True, backend="aot_eager")
    want = multiclass_metrics(table, labels, weights=weights)
    assert digest(compiled(table, labels, weights=weights)) == digest(want)


def wrong(**changed):
    table, labels, weights = some(20, 3)
    given = {"probabilities": table, "labels": labels, "weights": weights, "groups": torch.zeros(20, dtype=torch.int64)}
    given |= {"num_groups": 1, **changed}
    return given


def changed_at(tensor, at, value):
    tensor = tensor.clone()
    tensor[at] = value
    return tensor


TABLE, LABELS, WEIGHTS = some(20, 3)
REFUSED = [
    ({"probabilities": TABLE.half()}, ValueError, r"probabilities is Half, expected float64 or float32"),
    ({"probabilities": TABLE[:, :1]}, ValueError, r"probabilities has shape \[20, 1\], expected \[N, C\]"),
    ({"probabilities": TABLE[0]}, ValueError, r"probabilities has shape \[3\], expected \[N, C\]"),
    ({"labels": LABELS.int()}, ValueError, r"labels is Int, expected int64"),
    ({"labels": LABELS[:-1]}, ValueError, r"labels has shape \[19\], expected \[20\]"),
    ({"labels": changed_at(LABELS, 4, 3)}, IndexError, r"labels\[4\] is 3, expected 0 to C - 1 = 2"),
    ({"labels": changed_at(LABELS, 4, -1)}, IndexError, r"labels\[4\] is -1"),
    ({"probabilities": changed_at(TABLE, (7, 1), math.nan)}, ValueError, r"probabilities\[7, 1\] is nan"),
    ({"probabilities": changed_at(TABLE, (7, 2), 1.5)}, ValueError, r"probabilities\[7, 2\] is 1.5, expected .* 0 to 1"),
    ({"probabilities": changed_at(TABLE, (7, 0), -1e-9)}, ValueError, r"probabilities\[7, 0\] is -1e-09"),
    ({"weights": WEIGHTS[:-1]}, ValueError, r"weights has shape \[1, 19\], expected \[R, 20\]"),
    ({"weights": changed_at(WEIGHTS, 3, -1)}, ValueError, r"weights\[3\] is -1, expected a number from 0 to 2\^960"),
    ({"weights": changed_at(WEIGHTS, 3, math.inf)}, ValueError, r"weights\[3\] is inf"),
    ({"weights": changed_at(WEIGHTS.repeat(2, 1), (1, 3), math.nan)}, ValueError, r"weights\[1, 3\] is nan"),
    ({"groups": torch.zeros(20)}, ValueError, r"groups is Float, expected int64"),
    ({"groups": torch.zeros(19, dtype=torch.int64)}, ValueError, r"groups has shape \[19\], expected \[20\]"),
    ({"groups": torch.arange(20) // 19}, IndexError, r"groups\[19\] is 1, expected 0 to num_groups - 1 = 0"),
    ({"groups": None}, ValueError, r"num_groups is 1, expected groups with it"),
    ({"num_groups": -1}, ValueError, r"num_groups is -1, expected 0 or more"),
    ({"top_k": ()}, ValueError, r"top_k is \(\), expected at least one"),
    ({"top_k": (2, 0)}, ValueError, r"top_k is \(2, 0\)"),
    ({"top_k": 2}, ValueError, r"top_k is 2, expected at least one whole number"),
    ({"top_k": (1.5,)}, ValueError, r"top_k is \(1.5,\)"),
    ({"weights": WEIGHTS[None][:0]}, ValueError, r"weights has shape \[0, 20\], expected at least one weighting"),
    ({"weights": changed_at(WEIGHTS, 3, 1e290)}, ValueError, r"weights\[3\] is 1e\+290, expected a number from 0 to 2\^960"),
]


@pytest.mark.parametrize(("changed", "error", "message"), REFUSED, ids=[message for _, _, message in REFUSED])
def test_what_is_refused(changed, error, message):
    given_now = wrong(**changed)
    with pytest.raises(error, match=f"multiclass_metrics: {message}"):
        multiclass_metrics(given_now.pop("probabilities"), given_now.pop("labels"), **given_now)
