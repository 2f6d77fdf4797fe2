"""Reductions in one order beside plain torch in that order, exact sums, and torch's own."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from tests.ops.exact_bits import all_bits, bits, everywhere
from tests.ops.exact_norm_cases import FLOATS, LAYOUTS, REDUCTIONS, SLOPES, draw, slope_call, special_rows
from within_wf.ops import exact
from within_wf.ops.reference.exact_norms import reduce

NARROW = tuple(dtype for dtype in FLOATS if dtype != torch.float64)
REDUCE = torch.ops.within.exact_reduce
THEIRS = {"sum": torch.sum, "mean": torch.mean, "var": torch.var, "std": torch.std, "amax": torch.amax, "amin": torch.amin,
          "logsumexp": torch.logsumexp}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=3),
    st.data(),
    st.sampled_from(NARROW),
    st.sampled_from(REDUCTIONS),
    st.booleans(),
)
def test_a_reduction_is_the_documented_order(shape, data, dtype, name, keepdim):
    dims = data.draw(st.lists(st.integers(0, len(shape) - 1), unique=True))
    x = draw(tuple(shape), dtype)
    assert all_bits(REDUCE(x, dims, keepdim, name, 1.0)) == all_bits(reduce(x, dims, keepdim, name, 1.0))


@pytest.mark.parametrize("n", [31, 32, 33, 1023, 1024, 1025, 2048, 5000, 70_001])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_blocks_are_added_in_pairs(name, n):
    x = draw((3, n), torch.float32)
    want = bits(reduce(x, [1], False, name, 1.0))
    assert bits(REDUCE(x, [1], False, name, 1.0)) == want
    assert bits(REDUCE(x.T.contiguous(), [0], False, name, 1.0)) == want


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", NARROW, ids=str)
def test_how_numbers_lie_changes_nothing(layout, dtype):
    shape, dims, view = LAYOUTS[layout]
    x = view(draw(shape, dtype))
    for name in REDUCTIONS:
        assert all_bits(REDUCE(x, dims, False, name, 1.0)) == all_bits(reduce(x, dims, False, name, 1.0))


@pytest.mark.parametrize("dtype", NARROW, ids=str)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_what_is_no_number_is_as_in_the_reference(name, dtype):
    x = special_rows(dtype)
    want = bits(reduce(x, [1], False, name))
    assert bits(REDUCE(x, [1], False, name, 0.0)) == want
    assert bits(REDUCE(x.T.contiguous(), [0], False, name, 0.0)) == want
    assert bits(REDUCE(x.repeat(1, 2)[:, :35], [1], False, name, 0.0)) == want


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize(("shape", "dims"), [((41, 1100), [1]), ((300, 50), [0]), ((3, 5, 700), [0, 2]), ((2, 90_000), [1])])
def test_neither_instruction_set_nor_threads_matter(shape, dims, dtype):
    x = draw(shape, dtype)
    for name in REDUCTIONS:
        want = all_bits(REDUCE(x, dims, False, name, 1.0))
        assert all(got == want for got in everywhere(lambda n=name: REDUCE(x, dims, False, n, 1.0)))


def test_rows_of_a_batch_are_alone():
    x = draw((13, 300), torch.float32)
    for name in REDUCTIONS:
        whole = REDUCE(x, [1], False, name, 1.0)
        assert bits(torch.cat([REDUCE(part, [1], False, name, 1.0) for part in x.split(4)])) == bits(whole)


def test_integers_are_summed_exactly():
    x = torch.arange(-500, 5_000).float()
    assert exact.sum(x).item() == math.fsum(x.tolist())
    assert exact.mean(x[500:1525]).item() == math.fsum(x[500:1525].tolist()) / 1025


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_torchs_own_are_near(name, dtype):
    x = draw((6, 7, 50), dtype)
    bound = 100 * torch.finfo(dtype).eps
    for dim in (0, -1, (0, 2), (0, 1, 2)):
        got, want = getattr(exact, name)(x, dim, keepdim=True), THEIRS[name](x.double(), dim, keepdim=True)
        torch.testing.assert_close(got.double(), want, rtol=bound, atol=bound)
        assert getattr(exact, name)(x, dim).shape == THEIRS[name](x.double(), dim).shape


def test_of_no_numbers():
    x = torch.empty(2, 0)
    assert exact.sum(x, 1).tolist() == [0, 0]
    assert exact.mean(x, 1).isnan().all()
    assert exact.var(x, 1).isnan().all()
    assert exact.logsumexp(x, 1).tolist() == [-math.inf] * 2
    assert exact.sum(torch.empty(0, 3), 1).shape == (0,)


def test_a_variance_of_one_number():
    assert exact.var(torch.ones(3, 1), 1).isnan().all()
    assert exact.var(torch.ones(3, 1), 1, correction=0).tolist() == [0] * 3


def test_dtype_converts_first():
    x = draw((500,), torch.float16)
    assert bits(exact.sum(x, dtype=torch.float32)) == bits(exact.sum(x.float()))
    assert exact.mean(torch.arange(4), dtype=torch.float64).item() == 1.5


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("dim", [0, (0, 2), None])
def test_gradients(name, dim):
    x = draw((3, 4, 5), torch.float64).requires_grad_()
    dims = (0, 1, 2) if dim is None else dim
    for keepdim in (False, True):
        assert gradcheck(lambda of, k=keepdim: getattr(exact, name)(of, dims, keepdim=k), (x,))
    if name not in ("amax", "amin"):
        assert gradgradcheck(lambda of: getattr(exact, name)(of, dims), (x,))


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("dtype", NARROW, ids=str)
def test_gradients_are_near_torchs(name, dtype):
    x = draw((8, 60), dtype)
    x[0] = x[0, 0]
    (got,) = torch.autograd.grad(getattr(exact, name)(x.requires_grad_(), 1).float().square().sum(), x)
    wide = x.detach().double().requires_grad_()
    (want,) = torch.autograd.grad(THEIRS[name](wide, 1).square().sum(), wide)
    assert got.dtype == dtype
    bound = 60 * torch.finfo(dtype).eps
    torch.testing.assert_close(got.double(), want, rtol=bound, atol=bound * 100)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("name", ["var", "std", "logsumexp"])
def test_gradients_of_one_pass_are_those_of_steps(name, dtype):
    """A gradient that shall have a gradient is made of single operations."""
    views = [(view(draw(shape, dtype)), dims) for shape, dims, view in LAYOUTS.values()]
    for x, dims in [*views, (special_rows(dtype), [1]), (special_rows(dtype), [0])]:
        given = x.detach().requires_grad_()
        result = REDUCE(given, dims, False, name, 1.0)
        gradient = draw(tuple(result.shape), dtype, 1)
        (once,) = torch.autograd.grad(result, given, gradient, retain_graph=True)
        (steps,) = torch.autograd.grad(result, given, gradient, create_graph=True)
        assert steps.requires_grad
        assert all_bits(once) == all_bits(steps)


@pytest.mark.parametrize(("shape", "of"), SLOPES)
@pytest.mark.parametrize("is_power", [False, True])
def test_slopes_are_the_same_everywhere(shape, of, is_power):
    for dtype in FLOATS:
        call = slope_call(shape, of, dtype, is_power)
        want = all_bits(torch.ops.within.exact_reduce_slope(*call))
        assert all(got == want for got in everywhere(lambda c=call: torch.ops.within.exact_reduce_slope(*c)))


def test_gradients_where_nothing_varies():
    x = torch.full((2, 3), -math.inf, requires_grad=True)
    assert torch.autograd.grad(exact.logsumexp(x, 1).sum(), x)[0].tolist() == [[0] * 3] * 2
    x = torch.ones(2, 3, requires_grad=True)
    assert torch.autograd.grad(exact.std(x, 1).sum(), x)[0].tolist() == [[0] * 3] * 2
    assert torch.autograd.grad(exact.amax(x, 1).sum(), x)[0].allclose(torch.full((2, 3), 1 / 3))


def test_it_compiles_into_one_graph():
    x = draw((4, 9), torch.float32).requires_grad_()

    def both(of):
        return exact.var(of, 1) + exact.sum(of, 1) * exact.logsumexp(of, 1)

    compiled = torch.compile(both, fullgraph=True, backend="aot_eager")
    assert bits(compiled(x)) == bits(both(x))
    assert bits(torch.autograd.grad(compiled(x).sum(), x)[0]) == bits(torch.autograd.grad(both(x).sum(), x)[0])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: exact.sum(torch.ones(3).int()), "x is Int, expected float32"),
        (lambda: exact.sum(torch.ones(3), 1), "dim has 1, expected some of the 1 of x"),
        (lambda: exact.mean(torch.ones(3, 2), (0, -2)), r"dim \[0, -2\] has -2 twice"),
        (lambda: exact.amax(torch.ones(3, 0), 1), r"x has shape \[3, 0\], expected numbers along dim for amax"),
        (lambda: REDUCE(torch.ones(3), [0], False, "median", 0.0), "reduction is median, expected sum, mean"),
    ],
)
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
