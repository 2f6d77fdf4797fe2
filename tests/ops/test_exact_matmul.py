"""Matrix products of one order beside the chain in plain torch, exact rationals, and torch's own products."""

from fractions import Fraction
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from tests.ops.exact_cases import FLOATS, matrices, specials
from within_wf.ops import exact, use_instruction_set
from within_wf.ops.instruction_set import InstructionSet, instruction_set
from within_wf.ops.reference.exact import fma, matmul

NARROW = tuple(dtype for dtype in FLOATS if dtype != torch.float64)
PRODUCT = torch.ops.within.exact_matmul
SIZES = st.integers(1, 70)


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


@given(SIZES, st.integers(0, 300), SIZES, st.sampled_from(NARROW), st.booleans(), st.booleans())
def test_an_element_is_the_chain(rows, depth, columns, dtype, is_turned, has_bias):
    a, b, bias = matrices(1, rows, depth, columns, dtype, is_turned=is_turned)
    bias = bias if has_bias else None
    assert bits(PRODUCT(a, b, bias)) == bits(matmul(a, b, bias))


def test_blocks_and_tiles_do_not_break_a_chain():
    a, b, bias = matrices(1, 203, 1100, 150, torch.float32)
    a[:, ::3] *= 1e6
    assert bits(PRODUCT(a, b, bias)) == bits(matmul(a, b, bias))


def test_float64_is_the_chain_of_exact_rationals():
    a, b, _ = matrices(1, 5, 40, 6, torch.float64)
    want = torch.zeros(5, 6, dtype=torch.float64)
    for i in range(5):
        for j in range(6):
            chain = 0.0
            for k in range(40):
                chain = float(Fraction(a[0, i, k].item()) * Fraction(b[0, k, j].item()) + Fraction(chain))
            want[i, j] = chain
    assert bits(PRODUCT(a, b, None)[0]) == bits(want)


@given(*[st.floats(width=32, allow_nan=False, allow_infinity=False)] * 3)
def test_the_references_fma_is_rounded_once(a, b, c):
    exactly = Fraction(a) * Fraction(b) + Fraction(c)
    got = fma(*(torch.tensor([value]) for value in (a, b, c))).item()
    if exactly == 0 or got in (float("inf"), -float("inf")):
        return
    below, above = (torch.nextafter(torch.tensor(got), torch.tensor(end)).item() for end in (-float("inf"), float("inf")))
    distance = abs(exactly - Fraction(got))
    assert all(distance <= abs(exactly - Fraction(near)) for near in (below, above) if abs(near) != float("inf"))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_neither_instruction_set_nor_threads_nor_batch_matter(dtype):
    a, b, bias = matrices(3, 130, 300, 90, dtype)
    want = bits(PRODUCT(a, b, bias))
    known = get_args(InstructionSet)
    threads = torch.get_num_threads()
    try:
        for chosen in known[: known.index(instruction_set()) + 1]:
            for count in (1, 2, 3, 7):
                torch.set_num_threads(count)
                with use_instruction_set(chosen):
                    assert bits(PRODUCT(a, b, bias)) == want
    finally:
        torch.set_num_threads(threads)
    parts = [PRODUCT(a[:, rows], b, bias) for rows in (slice(0, 1), slice(1, 64), slice(64, 130))]
    assert bits(torch.cat(parts, 1)) == want
    assert bits(torch.cat([PRODUCT(a[i : i + 1], b[i : i + 1], bias) for i in range(3)])) == want
    assert bits(torch.cat([PRODUCT(a, b[..., :7], bias[:7]), PRODUCT(a, b[..., 7:], bias[7:])], 2)) == want


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_what_is_no_number_is_the_one_nan(dtype):
    a, b, _ = specials(dtype)
    got = PRODUCT(a, b, None)
    assert got.isnan().any()
    one = bits(torch.tensor([float("nan")], dtype=dtype))
    assert {bits(value[None]) for value in got.flatten() if value.isnan()} == {one}
    if dtype != torch.float64:
        assert bits(got) == bits(matmul(a, b))
    negative = a.view(
        torch.int16 if dtype in (torch.float16, torch.bfloat16) else {4: torch.int32, 8: torch.int64}[a.element_size()]
    )
    assert bits(PRODUCT((negative ^ torch.iinfo(negative.dtype).min).view(dtype), b, None)[got.isnan()]) == bits(
        got[got.isnan()]
    )


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_torchs_products_are_near(dtype):
    a, b, bias = matrices(2, 33, 65, 20, dtype)
    bound = {"rtol": 0, "atol": 200 * torch.finfo(dtype).eps}
    torch.testing.assert_close(exact.mm(a[0], b[0]), a[0] @ b[0], **bound)
    torch.testing.assert_close(exact.bmm(a, b), a @ b, **bound)
    torch.testing.assert_close(exact.linear(a, b[0].T, bias), torch.nn.functional.linear(a, b[0].T, bias), **bound)
    torch.testing.assert_close(exact.linear(a[0, 0], b[0].T), torch.nn.functional.linear(a[0, 0], b[0].T), **bound)
    for added in (bias, a[0, :, :1], a[0, :, :20]):
        for scales in ({}, {"beta": 0.5}, {"alpha": 2.0}, {"beta": 0, "alpha": -1.5}):
            want = torch.addmm(added.expand(33, 20), a[0], b[0], **scales)
            torch.testing.assert_close(exact.addmm(added, a[0], b[0], **scales), want, **bound)


def test_a_bias_added_in_the_product_is_one_added_after():
    a, b, bias = matrices(1, 33, 65, 20, torch.float32)
    assert bits(exact.addmm(bias, a[0], b[0])) == bits(exact.addmm(bias[None], a[0], b[0]))


def test_what_beta_0_leaves_out_is_not_read():
    a, b, bias = matrices(1, 3, 4, 5, torch.float32)
    assert exact.addmm(bias * float("nan"), a[0], b[0], beta=0).isfinite().all()


def test_gradients():
    a, b, bias = (tensor.requires_grad_() for tensor in matrices(2, 4, 5, 3, torch.float64))
    assert gradcheck(PRODUCT, (a, b, bias))
    assert gradcheck(exact.linear, (a, b[0].T.detach().requires_grad_(), bias))
    assert torch.autograd.gradgradcheck(lambda x, y: PRODUCT(x, y, None), (a, b))


def test_a_gradient_is_two_products_and_an_exact_sum():
    a, b, bias = (tensor.requires_grad_() for tensor in matrices(2, 40, 50, 30, torch.float32))
    out = PRODUCT(a, b, bias)
    gradient = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    out.backward(gradient)
    assert bits(a.grad) == bits(matmul(gradient, b.detach().mT))
    assert bits(b.grad) == bits(matmul(a.detach().mT, gradient))
    exactly = [float(torch.tensor(float(sum(map(Fraction, column))))) for column in gradient.reshape(-1, 30).T.tolist()]
    assert bias.grad.tolist() == exactly


def test_it_compiles_into_one_graph():
    a, b, bias = matrices(1, 9, 8, 7, torch.float32)
    linear = torch.compile(exact.linear, fullgraph=True, backend="aot_eager")
    assert bits(linear(a, b[0].T, bias)) == bits(exact.linear(a, b[0].T, bias))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: exact.mm(torch.ones(2, 3), torch.ones(4, 5)), r"b has shape \[1, 4, 5\], expected \[1, 3, columns\]"),
        (lambda: exact.mm(torch.ones(2, 3, 1), torch.ones(3, 5)), r"exact.mm: a has shape \[2, 3, 1\], expected 2 dimensions"),
        (lambda: exact.bmm(torch.ones(2, 3, 1), torch.ones(3, 5)), r"exact.bmm: b has shape \[3, 5\], expected 3 dimensions"),
        (lambda: exact.mm(torch.ones(2, 3), torch.ones(3, 5).double()), r"b is Double, expected Float as a"),
        (lambda: exact.mm(torch.ones(2, 3).int(), torch.ones(3, 5).int()), r"a is Int, expected float32"),
        (lambda: exact.linear(torch.ones(2, 3), torch.ones(5, 3), torch.ones(4)), r"bias has shape \[4\], expected \[5\]"),
        (lambda: exact.linear(torch.tensor(1.0), torch.ones(5, 3)), r"input is a scalar"),
        (lambda: exact.linear(torch.ones(2, 3), torch.ones(3)), r"exact.linear: weight has shape \[3\]"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_addmm_is_the_same_however_its_input_is_shaped(dtype):
    a, b, bias = matrices(1, 33, 65, 20, dtype)
    want = bits(exact.addmm(bias, a[0], b[0]))
    assert bits(exact.addmm(bias[None], a[0], b[0])) == want
    assert bits(exact.addmm(bias.expand(33, 20), a[0], b[0])) == want


def test_addmm_gives_the_one_nan():
    one, infinity = torch.ones(1, 1), torch.full((1, 1), float("inf"))
    nan = bits(torch.tensor([float("nan")]))
    assert bits(exact.addmm(-infinity, infinity, one)) == nan
    assert bits(exact.addmm(one, infinity, one, alpha=0)) == nan


def test_a_layer_of_no_input_is_its_bias():
    assert exact.linear(torch.zeros(4, 2, 0), torch.zeros(3, 0), torch.arange(3.0)).tolist() == [[[0, 1, 2]] * 2] * 4


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (torch.ones(2, 4, 3), r"input has shape \[2, 4, 3\], expected one that broadcasts to \[4, 3\]"),
        (torch.ones(2, 3), r"input has shape \[2, 3\]"),
        (torch.ones(4, 3).double(), r"input is torch.float64 on cpu, expected torch.float32 on cpu as a"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(added, said):
    with pytest.raises(ValueError, match=said):
        exact.addmm(added, torch.ones(4, 2), torch.ones(2, 3), beta=0)
