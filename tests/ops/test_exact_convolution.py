"""Convolutions of one order beside plain torch in that order, float64's gradients, and torch's own convolutions."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.nn import functional

from tests.ops.exact_convolution_cases import DEPTHWISE, FLOATS, LAYERS, Layer, calls, tensors, with_specials
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops import exact, use_instruction_set
from within_wf.ops.reference import exact_convolution as reference

OPS = torch.ops.within
NARROW = tuple(dtype for dtype in FLOATS if dtype != torch.float64)
REFERENCES = {
    "exact_convolution": reference.convolution,
    "exact_convolution_backward_input": reference.backward_input,
    "exact_convolution_backward_weight": reference.backward_weight,
    "exact_convolution_backward_bias": reference.backward_bias,
}


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def check(layer: Layer, dtype: torch.dtype, change=lambda x: x) -> None:
    for name, arguments in calls(layer, dtype).items():
        given_to = [change(value) if isinstance(value, torch.Tensor) else value for value in arguments]
        assert bits(getattr(OPS, name)(*given_to)) == bits(REFERENCES[name](*given_to)), name


@pytest.mark.parametrize("layer", [*LAYERS, *DEPTHWISE], ids=str)
@pytest.mark.parametrize("chosen", INSTRUCTION_SETS)
def test_every_element_is_its_chain(layer, chosen):
    with use_instruction_set(chosen):
        check(layer, torch.float32)


@pytest.mark.parametrize("layer", [LAYERS[2], LAYERS[5], DEPTHWISE[1], DEPTHWISE[2], DEPTHWISE[5]], ids=str)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_narrow_formats_are_summed_as_float32(layer, dtype):
    check(layer, dtype)


@pytest.mark.parametrize("layer", [LAYERS[2], LAYERS[3], LAYERS[5], *DEPTHWISE[:6]], ids=str)
@pytest.mark.parametrize("dtype", NARROW, ids=str)
def test_what_is_no_number_is_the_one_nan(layer, dtype):
    check(layer, dtype, with_specials)


sizes = st.tuples(st.integers(1, 20), st.integers(1, 40))
few = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 3), st.integers(1, 4), st.integers(1, 9), st.sampled_from((1, 2, 3)), sizes,
    st.tuples(st.integers(1, 5), st.integers(1, 5)), few, st.tuples(st.integers(0, 3), st.integers(0, 3)), few,
)  # fmt: skip
def test_any_sizes(batch, channels, outputs, groups, size, kernel, stride, padding, dilation):
    layer = Layer(batch, channels * groups, outputs * groups, size, kernel, stride, padding, dilation, groups)
    if min(layer.out) > 0:
        check(layer, torch.float32)


BLOCKS = (
    Layer(2, 60, 37, (9, 17), (3, 3), (1, 1), (1, 1)),  # 540 of k: two blocks of it, 5 chains of positions
    Layer(7, 20, 110, (12, 12), (1, 1)),
    Layer(1, 3, 8, (150, 150), (3, 3), (2, 2), (1, 1)),
)


@pytest.mark.parametrize("layer", BLOCKS, ids=str)
def test_blocks_and_tiles_break_no_chain(layer):
    check(layer, torch.float32, lambda x: x * torch.where(torch.arange(x.numel()).reshape(x.shape) % 3 == 0, 1e6, 1.0))


@pytest.mark.parametrize("layer", [*BLOCKS[:2], *LAYERS[2:8], *DEPTHWISE[:6]], ids=str)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_neither_instruction_set_nor_threads_nor_batch_matter(layer, dtype):
    layer = replace(layer, batch=layer.batch + 6)
    for name, arguments in calls(layer, dtype).items():
        operator = getattr(OPS, name)
        want = bits(operator(*arguments))
        for chosen in INSTRUCTION_SETS:
            for count in (1, 2, 3, 7):
                with threads(count), use_instruction_set(chosen):
                    assert bits(operator(*arguments)) == want, (name, chosen, count)
        if name == "exact_convolution":
            parts = [operator(x, *arguments[1:]) for x in (arguments[0][:1], arguments[0][1:4], arguments[0][4:])]
            assert bits(torch.cat(parts)) == want
        if name == "exact_convolution_backward_input":
            pieces = (arguments[0][:3], arguments[0][3:])
            shape = tuple(arguments[2])[1:]
            assert bits(torch.cat([operator(g, arguments[1], (len(g), *shape), *arguments[3:]) for g in pieces])) == want


@pytest.mark.parametrize("layer", [LAYERS[1], LAYERS[2], DEPTHWISE[1]], ids=str)
def test_the_order_in_memory_does_not_matter(layer):
    for name, arguments in calls(layer, torch.float32).items():
        want = bits(getattr(OPS, name)(*arguments))
        for turn in (
            lambda x: x.to(memory_format=torch.channels_last) if x.dim() == 4 else x,
            lambda x: torch.stack([x, x], -1)[..., 0],
            lambda x: x.mT.contiguous().mT if x.dim() == 4 else x,
            lambda x: x.transpose(0, 2).contiguous().transpose(0, 2) if x.dim() == 4 else x,
        ):
            turned = [turn(value) if isinstance(value, torch.Tensor) else value for value in arguments]
            assert bits(getattr(OPS, name)(*turned)) == want


@pytest.mark.parametrize("layer", [*LAYERS, *DEPTHWISE], ids=str)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_torchs_convolutions_are_near(layer, dtype):
    x, weight, bias, gradient = (value.requires_grad_() for value in tensors(layer, dtype))
    found = exact.conv2d(x, weight, bias, *layer.steps)
    ours = torch.autograd.grad(found, (x, weight, bias), gradient)
    wide = [value.detach().double().requires_grad_() for value in (x, weight, bias)]
    want = functional.conv2d(*wide, *layer.steps)
    theirs = torch.autograd.grad(want, wide, gradient.detach().double())
    for got, expected in zip((found, *ours), (want, *theirs), strict=True):
        assert got.dtype == dtype
        torch.testing.assert_close(got.double(), expected, rtol=2 * torch.finfo(dtype).eps, atol=1e-4)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")  # torch copies there
@pytest.mark.parametrize("padding", ["same", "valid", 1, (2,)])
@pytest.mark.parametrize("kernel", [3, 4])
def test_an_axis_or_a_batch_may_be_missing(padding, kernel):
    draws = torch.Generator().manual_seed(0)
    x, weight = torch.randn(2, 4, 15, generator=draws), torch.randn(6, 2, kernel, generator=draws)
    for given_to in (x, x[0]):
        got = exact.conv1d(given_to, weight, padding=padding, dilation=2, groups=2)
        torch.testing.assert_close(got, functional.conv1d(given_to, weight, padding=padding, dilation=2, groups=2))
    planes, weights = torch.randn(2, 4, 9, 8, generator=draws), torch.randn(6, 4, kernel, 3, generator=draws)
    padding = padding * 2 if isinstance(padding, tuple) else padding
    for given_to in (planes, planes[0]):
        got = exact.conv2d(given_to, weights, padding=padding)
        torch.testing.assert_close(got, functional.conv2d(given_to, weights, padding=padding))


@pytest.mark.parametrize("layer", [LAYERS[2], LAYERS[5], DEPTHWISE[0], DEPTHWISE[5]], ids=str)
def test_gradients(layer):
    layer = replace(layer, size=(6, 7))
    x, weight, bias, _ = (value.requires_grad_() for value in tensors(layer, torch.float64))
    assert gradcheck(lambda *given_to: exact.conv2d(*given_to, *layer.steps), (x, weight, bias))


def test_a_gradient_of_a_gradient_is_refused():
    x, weight, _, _ = (value.requires_grad_() for value in tensors(LAYERS[1], torch.float32))
    (slope,) = torch.autograd.grad(exact.conv2d(x, weight).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="not implemented"):
        torch.autograd.grad(slope.sum(), weight)


def test_it_compiles_into_one_graph():
    layer = LAYERS[2]
    x, weight, bias, gradient = (value.requires_grad_() for value in tensors(layer, torch.float32))

    def step(*given_to):
        return exact.conv2d(*given_to, *layer.steps)

    compiled = torch.compile(step, fullgraph=True, backend="aot_eager")
    found, want = compiled(x, weight, bias), step(x, weight, bias)
    assert bits(found.detach()) == bits(want.detach())
    for ours, expected in zip(*(torch.autograd.grad(out, (x, weight, bias), gradient) for out in (found, want)), strict=True):
        assert bits(ours) == bits(expected)


ONES = torch.ones(1, 2, 4, 4)
KERNEL = torch.ones(3, 2, 3, 3)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: exact.conv2d(ONES[0, 0], KERNEL), r"exact.conv2d: input has shape \[4, 4\], expected \[N, C, H, W\]"),
        (lambda: exact.conv2d(ONES, KERNEL[0]), r"exact.conv2d: weight has shape \[2, 3, 3\]"),
        (lambda: exact.conv1d(ONES, KERNEL), r"exact.conv1d: input has shape \[1, 2, 4, 4\], expected \[N, C, L\]"),
        (lambda: exact.conv1d(ONES[0], KERNEL), r"exact.conv1d: weight has shape \[3, 2, 3, 3\]"),
        (lambda: exact.conv2d(ONES, KERNEL, stride=(1, 2, 3)), r"stride is \(1, 2, 3\), expected one number or 2"),
        (lambda: exact.conv2d(ONES, KERNEL, padding="full"), r"exact.conv2d: padding is 'full'"),
        (lambda: exact.conv2d(ONES, KERNEL, padding="same", stride=2), r"stride is \(2, 2\), expected 1 where"),
        (lambda: exact.conv2d(ONES, KERNEL, stride=0), r"stride is \[0, 0\], expected two numbers of at least 1"),
        (lambda: exact.conv2d(ONES, KERNEL, padding=-1), r"padding is \[-1, -1\], expected two numbers of at least 0"),
        (lambda: exact.conv2d(ONES, KERNEL, dilation=0), r"dilation is \[0, 0\]"),
        (lambda: exact.conv2d(ONES, KERNEL, groups=0), r"groups is 0, expected at least 1"),
        (lambda: exact.conv2d(ONES, KERNEL, groups=2), r"weight has 3 outputs, expected a multiple of the 2 groups"),
        (lambda: exact.conv2d(ONES[:, :1], KERNEL), r"input has 1 channels, expected 2: 1 groups of 2 as weight has"),
        (lambda: exact.conv2d(ONES, KERNEL, dilation=2), r"reaches over 5 rows, expected at most the 4"),
        (lambda: exact.conv2d(ONES, torch.ones(3, 2, 3, 5)), r"reaches over 5 columns, expected at most the 4"),
        (lambda: exact.conv2d(ONES.int(), KERNEL.int()), r"input is Int, expected float32"),
        (lambda: exact.conv2d(ONES, KERNEL.double()), r"weight is Double, expected Float as input"),
        (lambda: exact.conv2d(ONES, KERNEL, torch.ones(3).half()), r"bias is Half, expected Float as input"),
        (lambda: exact.conv2d(ONES, KERNEL, torch.ones(2)), r"bias has shape \[2\], expected \[3\]"),
        (lambda: OPS.exact_convolution_backward_bias(ONES[0]), r"gradient has shape \[2, 4, 4\]"),
        (
            lambda: OPS.exact_convolution_backward_input(ONES, KERNEL, (1, 2, 4, 4), (1, 1), (0, 0), (1, 1), 1),
            r"gradient has shape \[1, 2, 4, 4\], expected \[1, 3, 2, 2\] as the output",
        ),
        (
            lambda: OPS.exact_convolution_backward_weight(ONES, ONES, (3, 3), (1, 1), (0, 0), (1, 1), 1),
            r"gradient has shape \[1, 2, 4, 4\], expected \[1, 2, 2, 2\] as the output",
        ),
        (
            lambda: OPS.exact_convolution_backward_weight(ONES, ONES, (0, 3), (1, 1), (0, 0), (1, 1), 1),
            r"kernel is \[0, 3\], expected two numbers of at least 1",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
