"""Pooling in one order beside plain loops in that order, and torch's own."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.nn import functional

from tests.ops.exact_convolution_cases import with_specials
from tests.ops.exact_pooling_cases import ADAPTIVE, FLOATS, WINDOWS, Windows, adaptive_calls, calls, numbers
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops import exact, use_instruction_set
from within_wf.ops.reference import exact_pooling as reference

OPS = torch.ops.within
NARROW = tuple(dtype for dtype in FLOATS if dtype != torch.float64)


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def all_bits(found) -> list[bytes]:
    return [bits(tensor) for tensor in (found if isinstance(found, tuple) else (found,))]


def check(windows: Windows, dtype: torch.dtype, change=lambda x: x) -> None:
    axes = reference.windows(windows.shape, *windows.largest)
    for name, arguments in calls(windows, dtype).items():
        x = change(arguments[0])
        operator = name.partition(" ")[0]
        match operator:
            case "exact_max_pool":
                want = reference.max_pool(x, axes)
            case "exact_max_pool_backward":
                want = reference.max_pool_backward(x, *arguments[1:3])
            case "exact_average_pool":
                want = reference.average_pool(x, axes, windows.padding, *arguments[-2:])
            case _:
                want = reference.average_pool_backward(x, windows.shape, axes, windows.padding, *arguments[-2:])
        assert all_bits(getattr(OPS, operator)(x, *arguments[1:])) == all_bits(want), name


def check_adaptive(shape, output, dtype, change=lambda x: x) -> None:
    axes = reference.adaptive_windows(shape, output)
    for operator, arguments in adaptive_calls(shape, output, dtype).items():
        x = change(arguments[0])
        match operator:
            case "exact_adaptive_max_pool":
                want = reference.max_pool(x, axes)
            case "exact_adaptive_max_pool_backward":
                want = reference.max_pool_backward(x, *arguments[1:3])
            case "exact_adaptive_average_pool":
                want = reference.adaptive_average_pool(x, axes)
            case _:
                want = reference.average_pool_backward(x, shape, axes, (0, 0), False, None)
        assert all_bits(getattr(OPS, operator)(x, *arguments[1:])) == all_bits(want), operator


@pytest.mark.parametrize("chosen", INSTRUCTION_SETS)
@pytest.mark.parametrize("dtype", NARROW, ids=str)
def test_every_element_has_its_order(dtype, chosen):
    with use_instruction_set(chosen):
        for windows in WINDOWS:
            check(windows, dtype)
        for shape, output in ADAPTIVE:
            check_adaptive(shape, output, dtype)


@pytest.mark.parametrize("dtype", NARROW, ids=str)
def test_what_is_no_number_is_the_one_nan(dtype):
    for windows in WINDOWS[:5]:
        check(windows, dtype, with_specials)
    for shape, output in ADAPTIVE:
        check_adaptive(shape, output, dtype, with_specials)
    alike = torch.full((1, 1, 4, 4), -math.inf)
    assert exact.max_pool2d(alike, 2, return_indices=True)[1].tolist() == [[[[0, 2], [8, 10]]]]


few = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=20, deadline=None)
@given(st.tuples(st.integers(1, 12), st.integers(1, 30)), few, few, st.booleans(), st.booleans(), few)
def test_any_sizes(size, kernel, stride, is_padded, ceil_mode, output):
    padding = tuple(k // 2 if is_padded else 0 for k in kernel)
    windows = Windows((1, 2, *size), kernel, stride, padding, (1, 1), ceil_mode)
    if all(n + 2 * p >= k for n, p, k in zip(size, padding, kernel, strict=True)):
        check(windows, torch.float32)
    check_adaptive((1, 2, *size), output, torch.float32)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_neither_instruction_set_nor_threads_nor_batch_matter(dtype):
    every = [call for windows in WINDOWS[:5] for call in calls(windows, dtype).items()]
    every += [call for shape, output in ADAPTIVE[:2] for call in adaptive_calls(shape, output, dtype).items()]
    for name, arguments in every:
        operator = getattr(OPS, name.partition(" ")[0])
        want = all_bits(operator(*arguments))
        for chosen in INSTRUCTION_SETS:
            for count in (1, 2, 3, 7):
                with threads(count), use_instruction_set(chosen):
                    assert all_bits(operator(*arguments)) == want
        turned = [value.mT.contiguous().mT if isinstance(value, torch.Tensor) else value for value in arguments]
        assert all_bits(operator(*turned)) == want


@pytest.mark.parametrize("windows", WINDOWS, ids=str)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_torchs_pooling_is_near(windows, dtype):
    x = numbers(windows.shape, dtype).requires_grad_()
    sizes = (windows.kernel, windows.stride, windows.padding)
    pairs = [
        (
            module.max_pool2d(x, *sizes, windows.dilation, windows.ceil_mode, return_indices=True)
            for module in (exact, functional)
        )
    ]
    (ours, places), (theirs, their_places) = pairs[0]
    assert torch.equal(ours, theirs)
    assert torch.equal(places, their_places)
    found = [(ours, theirs)]
    if windows.dilation == (1, 1):
        for counted, divisor in ((True, None), (False, None), (True, 3)):
            both = (module.avg_pool2d(x, *sizes, windows.ceil_mode, counted, divisor) for module in (exact, functional))
            found.append(tuple(both))
    for got, want in found:
        torch.testing.assert_close(got, want)
        weights = numbers(tuple(got.shape), dtype, 5)
        torch.testing.assert_close(*(torch.autograd.grad(out, x, weights)[0] for out in (got, want)))


@pytest.mark.parametrize(("shape", "output"), ADAPTIVE)
def test_torchs_adaptive_pooling_is_near(shape, output):
    x = numbers(shape, torch.float32).requires_grad_()
    ours, places = exact.adaptive_max_pool2d(x, output, return_indices=True)
    theirs, their_places = functional.adaptive_max_pool2d(x, output, return_indices=True)
    assert torch.equal(places, their_places)
    averages = exact.adaptive_avg_pool2d(x, output), functional.adaptive_avg_pool2d(x, output)
    for got, want in ((ours, theirs), averages):
        torch.testing.assert_close(got, want)
        weights = numbers(tuple(got.shape), torch.float32, 5)
        torch.testing.assert_close(*(torch.autograd.grad(out, x, weights)[0] for out in (got, want)))


def test_a_line_a_size_or_a_batch_may_be_missing():
    x = numbers((2, 3, 17), torch.float32)
    for given_to in (x, x[0]):
        for sizes in ((3,), (3, 2, 1), ((2,), 3)):
            assert torch.equal(exact.max_pool1d(given_to, *sizes), functional.max_pool1d(given_to, *sizes))
            torch.testing.assert_close(exact.avg_pool1d(given_to, *sizes), functional.avg_pool1d(given_to, *sizes))
        assert torch.equal(exact.adaptive_max_pool1d(given_to, 4), functional.adaptive_max_pool1d(given_to, 4))
        torch.testing.assert_close(exact.adaptive_avg_pool1d(given_to, 4), functional.adaptive_avg_pool1d(given_to, 4))
    got = exact.max_pool1d(x, 3, return_indices=True)[1]
    assert torch.equal(got, functional.max_pool1d(x, 3, return_indices=True)[1])
    planes = numbers((2, 6, 9), torch.float32)
    assert torch.equal(exact.max_pool2d(planes, 2), functional.max_pool2d(planes, 2))
    torch.testing.assert_close(exact.adaptive_avg_pool2d(planes, (None, 3)), functional.adaptive_avg_pool2d(planes, (None, 3)))


def test_gradients():
    x = torch.randn(2, 2, 6, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    for function in (
        lambda x: exact.max_pool2d(x, 3, 2, 1),
        lambda x: exact.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
        lambda x: exact.adaptive_max_pool2d(x, (2, 3)),
        lambda x: exact.adaptive_avg_pool2d(x, (4, 3)),
    ):
        assert gradcheck(function, x)
        (slope,) = torch.autograd.grad(function(x).square().sum(), x, create_graph=True)
        with pytest.raises(RuntimeError, match="not implemented"):
            torch.autograd.grad(slope.sum(), x)


def test_it_compiles_into_one_graph():
    def step(x):
        return exact.adaptive_avg_pool2d(exact.avg_pool2d(exact.max_pool2d(x, 3, 2, 1), 2), (2, None))

    x = numbers((2, 3, 20, 20), torch.float32).requires_grad_()
    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    assert bits(compiled(x).detach()) == bits(step(x).detach())
    assert bits(*torch.autograd.grad(compiled(x).sum(), x)) == bits(*torch.autograd.grad(step(x).sum(), x))


ONES = torch.ones(1, 2, 4, 4)
ONE = ((2, 2), (2, 2), (0, 0))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: exact.max_pool2d(ONES[0, 0], 2), r"exact.max_pool2d: input has shape \[4, 4\], expected \[N, C, H, W\]"),
        (lambda: exact.avg_pool1d(ONES, 2), r"exact.avg_pool1d: input has shape \[1, 2, 4, 4\], expected \[N, C, L\]"),
        (lambda: exact.max_pool2d(ONES, (1, 2, 3)), r"exact.max_pool2d: kernel_size is \(1, 2, 3\), expected one number or 2"),
        (lambda: exact.adaptive_avg_pool2d(ONES, (1, 2, 3)), r"output_size is \(1, 2, 3\), expected one number or 2"),
        (lambda: exact.adaptive_avg_pool2d(ONES, 0), r"output is \[0, 0\], expected two numbers of at least 1"),
        (lambda: exact.max_pool2d(ONES, 0), r"kernel is \[0, 0\], expected two numbers of at least 1"),
        (lambda: exact.max_pool2d(ONES, 2, 0), r"stride is \[0, 0\], expected two numbers of at least 1"),
        (lambda: exact.max_pool2d(ONES, 2, padding=2), r"padding is 2 rows, expected at most half of the 2"),
        (lambda: exact.max_pool2d(ONES, (2, 3), padding=(1, 2)), r"padding is 2 columns, expected at most half of the 3"),
        (lambda: exact.max_pool2d(ONES, 5), r"a window reaches over 5 rows, expected at most the 4"),
        (lambda: exact.max_pool2d(ONES[..., :1], (1, 2), padding=(0, 2), dilation=3), "window 0 along the columns has"),
        (lambda: exact.avg_pool2d(ONES, 2, divisor_override=0), r"divisor is 0, expected another number"),
        (lambda: exact.max_pool2d(ONES.int(), 2), r"x is Int, expected float32"),
        (lambda: exact.max_pool2d(ONES[..., :0], 2), r"x has shape \[1, 2, 4, 0\]"),
        (lambda: exact.avg_pool2d(torch.empty(0, 1, 1 << 16, 1 << 16), 2), r"planes of 65536 x 65536, expected less"),
        (
            lambda: OPS.exact_average_pool_backward(ONES, (1, 2, 4, 4), *ONE, False, True, None),
            r"gradient has shape \[1, 2, 4, 4\], expected \[1, 2, 2, 2\] as the output",
        ),
        (
            lambda: OPS.exact_adaptive_max_pool_backward(ONES, ONES, (1, 2, 4, 4)),
            r"places is Float of shape \[1, 2, 4, 4\], expected int64 of shape \[1, 2, 4, 4\]",
        ),
        (
            lambda: OPS.exact_adaptive_max_pool_backward(ONES, ONES.long() * 16, (1, 2, 4, 4)),
            r"places has one outside of its plane, expected 0 to 15",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
