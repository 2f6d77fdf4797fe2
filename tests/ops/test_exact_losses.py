"""Losses of one order beside plain torch in that order, and beside torch's own."""

import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional

from tests.ops.cases import digest, run
from tests.ops.loss_cases import (
    FLOATS,
    class_calls,
    classes,
    elements,
    loss_cases,
    pairwise_calls,
    pointwise_calls,
    ranked,
)
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops import exact, use_instruction_set
from within_wf.ops.reference import exact_losses as reference

OPS = torch.ops.within
NARROW = [dtype for dtype in FLOATS if dtype != torch.float64]


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def incoming(shape: torch.Size, dtype: torch.dtype) -> torch.Tensor:
    return torch.linspace(-1.5, 2, shape.numel(), dtype=torch.float64).to(dtype).reshape(shape)


def not_float64(calls):
    return [pytest.param(make, id=name) for name, make in calls if "float64" not in name]


def same(got: torch.Tensor, want: torch.Tensor) -> None:
    assert got.shape == want.shape
    assert got.dtype == want.dtype
    assert bits(got) == bits(want)


@pytest.mark.parametrize("make", not_float64(pointwise_calls()))
def test_a_loss_of_elements_is_the_formula(make):
    x, t, factor, weight, loss, parameter, reduction = make()
    got = OPS.exact_pointwise_loss(x, t, factor, weight, loss, parameter, reduction)
    coming = incoming(got.shape, x.dtype)
    of_x = OPS.exact_pointwise_loss_backward(coming, x, t, factor, weight, loss, parameter, reduction)
    want, gradient = reference.pointwise_loss(x, t, factor, weight, loss, parameter, reduction, coming)
    same(got, want)
    same(of_x, gradient)


@pytest.mark.parametrize("make", not_float64(class_calls()))
def test_a_loss_of_classes_is_the_formula(make):
    given = make()
    got, rows, divisor = OPS.exact_class_loss(*given)
    coming = incoming(got.shape, given[0].dtype)
    of_x = OPS.exact_class_loss_backward(coming, *given[:3], rows, divisor, *given[3:])
    want, gradient = reference.class_loss(*given, coming)
    same(got, want)
    same(of_x, gradient)


@pytest.mark.parametrize("make", not_float64(pairwise_calls()))
def test_a_loss_of_pairs_is_the_formula(make):
    given = make()
    got, pairs = OPS.exact_pairwise_loss(*given)
    coming = incoming(got.shape, given[0].dtype)
    of_x = OPS.exact_pairwise_loss_backward(coming, *given[:3], pairs, given[3])
    want, gradient = reference.pairwise_loss(*given, coming)
    same(got, want)
    same(of_x, gradient)


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_neither_instruction_set_nor_threads_matter(instruction_set, count):
    cases = [case for case in loss_cases() if "backward" not in case.operator][:: 1 if count == 2 else 7]
    with threads(1):
        want = [digest(run(case)) for case in cases]
    with threads(count), use_instruction_set(instruction_set):
        assert [digest(run(case)) for case in cases] == want


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_many_blocks_and_threads_do_not_matter(reduction):
    x, t, _, _ = elements("logistic", (100_003,), torch.float32)
    logits, labels, _ = classes((5000, 11), torch.float32, is_shares=False, has_weight=False)
    found = []
    for count in (1, 2, 3, 7):
        with threads(count):
            found.append(
                (
                    bits(exact.binary_cross_entropy_with_logits(x, t, reduction=reduction)),
                    bits(exact.cross_entropy(logits, labels, reduction=reduction)),
                )
            )
    assert len(set(found)) == 1


def test_rows_do_not_depend_on_the_batch():
    x, labels, weight = classes((41, 33), torch.float32, is_shares=False, has_weight=True)
    whole = exact.cross_entropy(x, labels, weight, reduction="none", label_smoothing=0.1)
    parts = [
        exact.cross_entropy(x[i], labels[i], weight, reduction="none", label_smoothing=0.1)
        for i in (slice(0, 1), slice(1, 12), slice(12, 41))
    ]
    same(torch.cat(parts), whole)
    long, labels, _ = classes((9, 300), torch.float32, is_shares=False, has_weight=False)
    whole = exact.cross_entropy(long, labels, reduction="none")
    # Along a row by registers of classes, and across rows by registers of rows.
    same(exact.cross_entropy(long.T[None], labels[None], reduction="none")[0], whole)


def test_what_is_no_number_is_the_one_nan():
    x = torch.tensor([1.0, 2.0]).view(torch.int32)
    x[0] = -1  # a negative NaN with a payload
    x = x.view(torch.float32)
    one = bits(torch.tensor(float("nan")))
    for loss in (exact.mse_loss, exact.l1_loss, exact.huber_loss, exact.binary_cross_entropy_with_logits):
        assert bits(loss(x, torch.zeros(2))) == one
    assert bits(exact.cross_entropy(x, torch.tensor(1))) == one


X = torch.linspace(-4, 4, 60, dtype=torch.float64).reshape(4, 15)
T = torch.sin(torch.arange(60, dtype=torch.float64)).reshape(4, 15)
SHARES = T.abs()
WEIGHT = torch.linspace(0.1, 2, 60, dtype=torch.float64).reshape(4, 15)
SIGNS = torch.where(T > 0, 1.0, -1.0).double()
OURS_AND_TORCHS = [
    ("mse", lambda f, x, t, w, r: f.mse_loss(x, t, reduction=r)),
    ("mse, weight", lambda f, x, t, w, r: f.mse_loss(x, t, reduction=r, weight=w)),
    ("l1", lambda f, x, t, w, r: f.l1_loss(x, t, reduction=r)),
    ("l1, weight", lambda f, x, t, w, r: f.l1_loss(x, t, reduction=r, weight=w)),
    ("huber", lambda f, x, t, w, r: f.huber_loss(x, t, reduction=r, delta=0.7)),
    ("huber, weight", lambda f, x, t, w, r: f.huber_loss(x, t, reduction=r, weight=w)),
    ("smooth_l1", lambda f, x, t, w, r: f.smooth_l1_loss(x, t, reduction=r, beta=0.7)),
    ("smooth_l1, beta 0", lambda f, x, t, w, r: f.smooth_l1_loss(x, t, reduction=r, beta=0.0)),
    ("logistic", lambda f, x, t, w, r: f.binary_cross_entropy_with_logits(x, t.abs().detach(), reduction=r)),
    (
        "logistic, weights",
        lambda f, x, t, w, r: f.binary_cross_entropy_with_logits(x, t.abs().detach(), w, pos_weight=w[0], reduction=r),
    ),
    ("margin", lambda f, x, t, w, r: f.margin_ranking_loss(x, t, SIGNS.to(x), margin=0.3, reduction=r)),
]


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(("name", "call"), OURS_AND_TORCHS, ids=lambda of: of if isinstance(of, str) else "")
def test_losses_of_elements_are_near_torchs(name, call, reduction):
    for dtype, bound in ((torch.float64, 1e-12), (torch.float32, 3e-6)):
        x, t, weight = (of.detach().to(dtype) for of in (X, T, WEIGHT))
        x.requires_grad_()
        t.requires_grad_("logistic" not in name)
        differentiable = [of for of in (x, t) if of.requires_grad]
        got, want = (call(f, x, t, weight, reduction) for f in (exact, functional))
        torch.testing.assert_close(got, want, rtol=bound, atol=bound)
        coming = incoming(want.shape, dtype)
        for ours, theirs in zip(
            torch.autograd.grad(got, differentiable, coming), torch.autograd.grad(want, differentiable, coming), strict=True
        ):
            torch.testing.assert_close(ours, theirs, rtol=bound, atol=bound)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("is_shares", [False, True])
@pytest.mark.parametrize("shape", [(5,), (7, 4), (6, 90), (2, 5, 3, 11)], ids=str)
def test_cross_entropy_is_near_torchs(shape, is_shares, smoothing, reduction):
    for dtype, bound in ((torch.float64, 1e-12), (torch.float32, 3e-6)):
        for has_weight in (False, True):
            x, target, weight = classes(shape, dtype, is_shares=is_shares, has_weight=has_weight)
            x.requires_grad_()
            got, want = (
                f.cross_entropy(x, target, weight, reduction=reduction, label_smoothing=smoothing) for f in (exact, functional)
            )
            torch.testing.assert_close(got, want, rtol=bound, atol=bound)
            coming = incoming(want.shape, dtype)
            (ours,), (theirs,) = (torch.autograd.grad(of, x, coming) for of in (got, want))
            torch.testing.assert_close(ours, theirs, rtol=bound, atol=bound)
            if not is_shares and not smoothing:
                logs = x.detach().log_softmax(0 if len(shape) == 1 else 1).requires_grad_()
                got, want = (f.nll_loss(logs, target, weight, reduction=reduction) for f in (exact, functional))
                torch.testing.assert_close(got, want, rtol=bound, atol=bound)
                (ours,), (theirs,) = (torch.autograd.grad(of, logs, coming) for of in (got, want))
                torch.testing.assert_close(ours, theirs, rtol=bound, atol=bound)


def test_quantile_loss_is_the_pinball():
    gap = T - X
    for q in (0.1, 0.5, 0.9):
        want = torch.maximum(q * gap, (q - 1) * gap)
        torch.testing.assert_close(exact.quantile_loss(X, T, q, reduction="none"), want)
        assert exact.quantile_loss(X, T, q) == exact.quantile_loss(X, T, [q] * 15)
    several = exact.quantile_loss(X[..., None].expand(4, 15, 2), T, [0.1, 0.9], reduction="none")
    for k, q in enumerate((0.1, 0.9)):
        assert torch.equal(several[..., k], exact.quantile_loss(X, T, q, reduction="none"))
    # What the loss is smallest at is the quantile.
    draws = torch.linspace(0, 1, 1001)
    costs = [exact.quantile_loss(torch.full_like(draws, at), draws, 0.3).item() for at in (0.2, 0.25, 0.3, 0.35, 0.4)]
    assert costs.index(min(costs)) == 2


@pytest.mark.parametrize("has_groups", [False, True])
def test_pairwise_loss_is_that_of_all_pairs(has_groups):
    scores, targets, groups = ranked(60, 5, torch.float64)
    scores.requires_grad_()
    groups = groups if has_groups else None
    of = torch.zeros(60, dtype=torch.int64) if groups is None else groups
    first, second = torch.nonzero((of[:, None] == of) & (targets[:, None] > targets)).T
    want = functional.softplus(scores[second] - scores[first])
    for reduction, value in (("mean", want.mean()), ("sum", want.sum())):
        got = exact.pairwise_logistic_loss(scores, targets, groups, reduction=reduction)
        torch.testing.assert_close(got, value)
        (ours,), (theirs,) = (torch.autograd.grad(loss, scores, retain_graph=True) for loss in (got, value))
        torch.testing.assert_close(ours, theirs)
    rows = exact.pairwise_logistic_loss(scores, targets, groups, reduction="none")
    torch.testing.assert_close(rows, torch.zeros(60, dtype=torch.float64).index_add(0, first, want.detach()))


def test_without_pairs_the_mean_of_pairs_is_0():
    scores = torch.arange(4.0, requires_grad=True)
    loss = exact.pairwise_logistic_loss(scores, torch.ones(4))
    loss.backward()
    assert loss == 0
    assert scores.grad.tolist() == [0.0] * 4


def test_the_mean_of_no_labels_is_nan_as_torchs():
    x, ignored = torch.ones(3, 4), torch.full((3,), -100)
    assert exact.cross_entropy(x, ignored).isnan()
    assert exact.mse_loss(torch.empty(0), torch.empty(0)).isnan()
    assert exact.mse_loss(torch.empty(0), torch.empty(0), reduction="sum") == 0


def test_an_ignored_row_has_no_gradient_whatever_it_holds():
    x = torch.full((9, 3), float("nan"))
    x[1] = torch.tensor([1.0, 2.0, 3.0])
    x.requires_grad_()
    labels = torch.full((9,), -1)
    labels[1] = 2
    exact.cross_entropy(x, labels, ignore_index=-1).backward()
    assert x.grad[1].abs().sum() > 0
    assert x.grad[[0, *range(2, 9)]].abs().sum() == 0


def test_logits_far_out_have_a_finite_loss():
    x = torch.tensor([-1e4, 1e4, -60.0, 60.0], requires_grad=True)
    loss = exact.binary_cross_entropy_with_logits(x, torch.tensor([0.0, 1.0, 0.0, 1.0]), reduction="none")
    loss.sum().backward()
    assert loss.tolist()[:2] == [0.0, 0.0]
    # Where torch's gradient is 0, as 1 - 1 is.
    assert x.grad[3] == -x.grad[2] != 0


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_gradients_by_differences(reduction):
    x, t = X.clone().requires_grad_(), (T + 0.01).requires_grad_()
    for name, call in OURS_AND_TORCHS:
        if "logistic" in name:
            assert gradcheck(lambda of, c=call: c(exact, of, T, WEIGHT, reduction), (x,))
        else:
            assert gradcheck(lambda of, to, c=call: c(exact, of, to, WEIGHT, reduction), (x, t))
    assert gradcheck(lambda of, to: exact.quantile_loss(of, to, 0.3, reduction), (x, t))
    for shape in ((4, 6), (2, 70), (2, 3, 4)):
        for is_shares in (False, True):
            logits, target, weight = classes(shape, torch.float64, is_shares=is_shares, has_weight=True)
            logits.requires_grad_()
            for smoothing in (0.0, 0.1):
                assert gradcheck(
                    lambda of, t=target, w=weight, s=smoothing: exact.cross_entropy(
                        of, t, w, reduction=reduction, label_smoothing=s
                    ),
                    (logits,),
                )
    scores, targets, groups = ranked(12, 3, torch.float64)
    assert gradcheck(lambda of: exact.pairwise_logistic_loss(of, targets, groups, reduction), (scores.requires_grad_(),))


def test_a_second_derivative_is_refused():
    x = torch.ones(3, requires_grad=True)
    logits = torch.ones(3, 2, requires_grad=True)
    for loss, of in (
        (exact.mse_loss(x, torch.zeros(3)), x),
        (exact.cross_entropy(logits, torch.tensor([0, 1, 1])), logits),
        (exact.pairwise_logistic_loss(x, torch.arange(3.0)), x),
    ):
        (gradient,) = torch.autograd.grad(loss, of, create_graph=True)
        with pytest.raises(RuntimeError, match="not implemented"):
            torch.autograd.grad(gradient.sum(), of)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: exact.mse_loss(x, torch.zeros_like(x)),
        lambda x: exact.cross_entropy(x, torch.tensor([0, 2, 1]), label_smoothing=0.1),
        lambda x: exact.pairwise_logistic_loss(x[:, 0], torch.arange(3.0)),
    ],
)
def test_it_compiles_into_one_graph(loss):
    x = torch.linspace(-3, 3, 9).reshape(3, 3).requires_grad_()
    got = torch.compile(loss, fullgraph=True, backend="aot_eager")(x)
    want = loss(x)
    same(got, want)
    same(torch.autograd.grad(got, x)[0], torch.autograd.grad(want, x)[0])


ONES = torch.ones(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: exact.mse_loss(ONES, torch.ones(3)), ValueError, r"target has shape \[3\], expected \[2, 3\] as input"),
        (lambda: exact.mse_loss(ONES, ONES.double()), ValueError, r"target is Double, expected Float as input"),
        (lambda: exact.mse_loss(ONES.int(), ONES.int()), ValueError, r"input is Int, expected float32, float64"),
        (lambda: exact.mse_loss(ONES, ONES, weight=torch.ones(2)), ValueError, r"weight has shape \[2\], expected one that br"),
        (lambda: exact.mse_loss(ONES, ONES, reduction="max"), ValueError, r"exact.mse_loss: reduction is 'max', expected"),
        (lambda: exact.mse_loss(ONES, ONES, size_average=True), ValueError, r"exact.mse_loss: size_average and reduce"),
        (lambda: exact.mse_loss(ONES, ONES, weight=ONES.clone().requires_grad_()), ValueError, r"weight requires a gradient"),
        (lambda: exact.huber_loss(ONES, ONES, delta=0), ValueError, r"exact.huber_loss: delta is 0, expected more than 0"),
        (lambda: exact.smooth_l1_loss(ONES, ONES, beta=-1), ValueError, r"exact.smooth_l1_loss: beta is -1, expected 0 or"),
        (lambda: exact.quantile_loss(ONES, ONES, 1.0), ValueError, r"quantile is 1.0, expected a number in \(0, 1\)"),
        (lambda: exact.quantile_loss(ONES, ONES, [0.1, 1.5, 0.2]), ValueError, r"quantile is \[0.1, 1.5, 0.2\]"),
        (lambda: exact.quantile_loss(ONES, ONES, [0.1]), ValueError, r"input has shape \[2, 3\], expected \[..., 1\]"),
        (lambda: exact.margin_ranking_loss(ONES, ONES, torch.ones(3)), ValueError, r"target has shape \[3\], expected"),
        (
            lambda: exact.binary_cross_entropy_with_logits(ONES, ONES.clone().requires_grad_()),
            ValueError,
            r"target requires a gradient, which is",
        ),
        (lambda: exact.cross_entropy(torch.tensor(1.0), torch.tensor(0)), ValueError, r"input is a scalar, expected \[C\]"),
        (lambda: exact.cross_entropy(torch.ones(2, 0), torch.zeros(2).long()), ValueError, r"expected at least one class"),
        (lambda: exact.cross_entropy(ONES, torch.zeros(3).long()), ValueError, r"target has shape \[3\], expected \[2\]"),
        (lambda: exact.cross_entropy(ONES, torch.zeros(2).int()), ValueError, r"target is Int, expected int64 or the dtype"),
        (lambda: exact.nll_loss(ONES, ONES), ValueError, r"exact_nll_loss: target is Float, expected int64"),
        (lambda: exact.cross_entropy(ONES, torch.ones(2)), ValueError, r"target has shape \[2\], expected \[2, 3\] as input"),
        (lambda: exact.cross_entropy(ONES, torch.zeros(2).long(), torch.ones(2)), ValueError, r"weight has shape \[2\]"),
        (lambda: exact.cross_entropy(ONES, torch.tensor([0, 3])), IndexError, r"target\[1\] is 3, expected 0 to 2 or ignore"),
        (lambda: exact.cross_entropy(ONES, torch.tensor([-1, 0])), IndexError, r"target\[0\] is -1, expected 0 to 2"),
        (lambda: exact.cross_entropy(ONES, torch.zeros(2).long(), label_smoothing=2), ValueError, r"label_smoothing is 2"),
        (lambda: exact.pairwise_logistic_loss(ONES, ONES), ValueError, r"input has shape \[2, 3\], expected \[N\]"),
        (lambda: exact.pairwise_logistic_loss(ONES[0], ONES[0], ONES[0]), ValueError, r"group is Float, expected int64"),
        (lambda: exact.pairwise_logistic_loss(ONES[0], ONES[0, :2]), ValueError, r"target has shape \[2\], expected \[3\]"),
        (
            lambda: OPS.exact_pointwise_loss(ONES, ONES, None, None, "mse", 0.0, 4),
            ValueError,
            r"reduction is 4, expected 0 \(none\)",
        ),
        (lambda: OPS.exact_pointwise_loss(ONES, ONES, None, None, "mse", 0.0, 3), ValueError, r"weight is None"),
        (lambda: OPS.exact_pointwise_loss(ONES, ONES, None, None, "margin", 0.0, 1), ValueError, r"factor is None"),
        (lambda: OPS.exact_pointwise_loss(ONES, ONES, None, None, "hinge", 0.0, 1), ValueError, r"loss is hinge, expected"),
        (
            lambda: OPS.exact_pointwise_loss_backward(ONES, ONES, ONES, None, None, "mse", 0.0, 1),
            ValueError,
            r"gradient has shape \[2, 3\], expected \[\]",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, error, said):
    with pytest.raises(error, match=said):
        call()
