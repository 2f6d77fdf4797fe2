"""Softmax in one order beside plain torch in that order, and torch's own."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck

from tests.ops.exact_bits import all_bits, bits, everywhere
from tests.ops.exact_norm_cases import FLOATS, draw, special_rows
from within_wf.ops import exact
from within_wf.ops.reference.exact_norms import softmax, softmax_backward

NARROW = tuple(dtype for dtype in FLOATS if dtype != torch.float64)
SOFTMAX, BACKWARD = torch.ops.within.exact_softmax, torch.ops.within.exact_softmax_backward
LENGTHS = (1, 2, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 64, 100, 1023, 1024, 1025, 3000)


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=3), st.data(), st.sampled_from(NARROW), st.booleans())
def test_it_is_the_documented_order(shape, data, dtype, is_log):
    dim = data.draw(st.integers(-len(shape), len(shape) - 1))
    x, gradient = draw(tuple(shape), dtype), draw(tuple(shape), dtype, 1)
    result = SOFTMAX(x, dim, is_log)
    assert bits(result) == bits(softmax(x, dim, is_log))
    assert bits(BACKWARD(gradient, result, dim, is_log)) == bits(softmax_backward(gradient, result, dim, is_log))


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("is_log", [False, True])
def test_rows_of_every_length(n, is_log):
    for count in (1, 8, 21):
        x, gradient = draw((count, n), torch.float32), draw((count, n), torch.float32, 1)
        want = softmax(x, 1, is_log)
        assert bits(SOFTMAX(x, 1, is_log)) == bits(want)
        assert bits(SOFTMAX(x.T.contiguous(), 0, is_log).T) == bits(want)
        slope = softmax_backward(gradient, want, 1, is_log)
        assert bits(BACKWARD(gradient, want, 1, is_log)) == bits(slope)
        assert bits(BACKWARD(gradient.T.contiguous(), want.T.contiguous(), 0, is_log).T) == bits(slope)


@pytest.mark.parametrize("n", [3, 31, 32, 33, 40, 64, 65])
def test_sums_of_products_that_vanish_have_the_sign_of_the_order(n):
    result = torch.full((20, n), 1e-30)
    gradient = torch.where(torch.arange(n) < 32, -1e-30, -0.0).expand(20, n).contiguous()
    want = softmax_backward(gradient, result, 1, False)
    assert bits(BACKWARD(gradient, result, 1, False)) == bits(want)
    assert bits(BACKWARD(gradient.T.contiguous(), result.T.contiguous(), 0, False).T) == bits(want)


@pytest.mark.parametrize("dtype", NARROW, ids=str)
@pytest.mark.parametrize("is_log", [False, True])
def test_what_is_no_number_is_as_in_the_reference(dtype, is_log):
    x = special_rows(dtype)
    gradient = draw(x.shape, dtype)
    for own, g in ((x, gradient), (x[:, :10], gradient[:, :10])):
        want = softmax(own, 1, is_log)
        assert bits(SOFTMAX(own, 1, is_log)) == bits(want)
        assert bits(SOFTMAX(own.T.contiguous(), 0, is_log).T) == bits(want)
        assert bits(BACKWARD(g, own, 1, is_log)) == bits(softmax_backward(g, own, 1, is_log))
        assert bits(BACKWARD(own, want, 1, is_log)) == bits(softmax_backward(own, want, 1, is_log))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize(("shape", "dim"), [((700, 10), 1), ((90, 301), 1), ((5, 40, 130), 1), ((9, 1500), 1)])
@pytest.mark.parametrize("is_log", [False, True])
def test_neither_instruction_set_nor_threads_matter(shape, dim, is_log, dtype):
    x, gradient = draw(shape, dtype), draw(shape, dtype, 1)

    def both():
        result = SOFTMAX(x, dim, is_log)
        return result, BACKWARD(gradient, result, dim, is_log)

    want = all_bits(both())
    assert all(got == want for got in everywhere(both))


@pytest.mark.parametrize("n", [3, 10, 100])
def test_rows_of_a_batch_are_alone(n):
    x = draw((37, n), torch.float32)
    for is_log in (False, True):
        whole = SOFTMAX(x, 1, is_log)
        for size in (1, 5, 8, 30):
            assert bits(torch.cat([SOFTMAX(part, 1, is_log) for part in x.split(size)])) == bits(whole)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_torchs_own_is_near(dtype):
    x = draw((6, 7, 50), dtype)
    for dim in (0, 1, -1):
        for ours, theirs in ((exact.softmax, torch.softmax), (exact.log_softmax, torch.log_softmax)):
            bound = {"rtol": 6 * torch.finfo(dtype).eps, "atol": 4 * torch.finfo(dtype).eps}
            torch.testing.assert_close(ours(x, dim).double(), theirs(x.double(), dim), **bound)
    assert exact.softmax(x.half(), 1, dtype=torch.float32).dtype == torch.float32


@pytest.mark.parametrize("shape", [(4, 3), (2, 3, 5), (2, 20)])
@pytest.mark.parametrize("dim", [0, -1])
def test_gradients(shape, dim):
    x = draw(shape, torch.float64, spread=1).requires_grad_()
    assert gradcheck(lambda of: exact.softmax(of, dim), (x,))
    assert gradcheck(lambda of: exact.log_softmax(of, dim), (x,))


def test_a_second_derivative_is_refused():
    x = draw((2, 3), torch.float32).requires_grad_()
    (slope,) = torch.autograd.grad(exact.softmax(x, 1).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="exact_softmax_backward is not implemented"):
        slope.sum().backward()


def test_it_compiles_into_one_graph():
    x = draw((5, 9), torch.float32).requires_grad_()
    compiled = torch.compile(lambda of: exact.log_softmax(exact.softmax(of, 0), 1), fullgraph=True, backend="aot_eager")
    want = exact.log_softmax(exact.softmax(x, 0), 1)
    got = compiled(x)
    assert bits(got) == bits(want)
    gradient = draw((5, 9), torch.float32, 1)
    assert bits(torch.autograd.grad(got, x, gradient)[0]) == bits(torch.autograd.grad(want, x, gradient)[0])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: exact.softmax(torch.ones(3, 2), 2), "dim is 2, expected one of the 2 of x"),
        (lambda: exact.log_softmax(torch.ones(3).long(), 0), "x is Long, expected float32"),
        (lambda: BACKWARD(torch.ones(3), torch.ones(4), 0, False), r"gradient is Float \[3\] on cpu, expected Float \[4\]"),
    ],
)
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
