"""Normalisation in one order beside plain torch in that order, and torch's own."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.nn import functional

from tests.ops.exact_bits import all_bits, bits, everywhere
from tests.ops.exact_norm_cases import FLOATS, affine, batch_cases, draw, group_cases, images, norm_cases
from within_wf.ops import exact
from within_wf.ops.reference import exact_norms as reference

OPS = torch.ops.within
NARROW = tuple(dtype for dtype in FLOATS if dtype != torch.float64)


def is_known(case):
    """Whether the reference has it: it has no float64, and needs numbers."""
    given = [one for one in case.make()[:2] if isinstance(one, torch.Tensor)]
    return "alone" not in case.name and not any(one.dtype == torch.float64 or not one.numel() for one in given)


KNOWN = [case for case in (*norm_cases(), *group_cases(), *batch_cases()) if is_known(case)]


@pytest.mark.parametrize("case", KNOWN, ids=str)
def test_it_is_the_documented_order(case):
    arguments = case.make()
    name = case.operator.removeprefix("exact_")
    wanted = {"norm_backward": 7, "group_norm_backward": 6, "batch_norm_backward": 6}.get(name, len(arguments))
    want = getattr(reference, name)(*arguments[:wanted])
    assert all_bits(getattr(OPS, case.operator)(*arguments)) == all_bits(want)


@settings(deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(NARROW), st.booleans(), st.integers(0, 3))
def test_rows_of_any_size(rows, n, dtype, is_centred, which):
    x, gradient = draw((rows, n), dtype), draw((rows, n), dtype, 1)
    weight, bias = affine(n, dtype, which)
    got = OPS.exact_norm(x, 1, weight, bias, 1e-5, is_centred)
    assert all_bits(got) == all_bits(reference.norm(x, 1, weight, bias, 1e-5, is_centred))
    slopes = OPS.exact_norm_backward(gradient, x, 1, weight, *got[1:], is_centred, True, True)
    assert all_bits(slopes) == all_bits(reference.norm_backward(gradient, x, 1, weight, *got[1:], is_centred))
    alone = OPS.exact_norm_backward(gradient, x, 1, weight, *got[1:], is_centred, True, False)
    assert bits(alone[0]) == bits(slopes[0])


@settings(deadline=None)
@given(st.integers(2, 5), st.integers(1, 20), st.integers(1, 90), st.sampled_from(NARROW), st.integers(0, 3), st.booleans())
def test_channels_of_any_size(samples, channels, length, dtype, which, training):
    x, gradient = draw((samples, channels, length), dtype), draw((samples, channels, length), dtype, 1)
    weight, bias = affine(channels, dtype, which)
    running = draw((channels,), dtype, 2), draw((channels,), dtype, 3).abs()
    arguments = (weight, bias, *running, training, 0.3, 1e-5)
    got = OPS.exact_batch_norm(x, *arguments)
    assert all_bits(got) == all_bits(reference.batch_norm(x, *arguments))
    slopes = OPS.exact_batch_norm_backward(gradient, x, weight, got[1], got[2], training, True, True)
    assert all_bits(slopes) == all_bits(reference.batch_norm_backward(gradient, x, weight, got[1], got[2], training))
    turned = x[..., None].to(memory_format=torch.channels_last), gradient[..., None].to(memory_format=torch.channels_last)
    last = OPS.exact_batch_norm(turned[0], *arguments)
    assert [bits(one) for one in last] == [bits(one) for one in got]
    slopes_of_last = OPS.exact_batch_norm_backward(turned[1], turned[0], weight, got[1], got[2], training, True, True)
    assert [bits(one) for one in slopes_of_last] == [bits(one) for one in slopes]


@pytest.mark.parametrize("n", [1, 5, 31, 32, 33, 40, 64, 1024, 1030, 1060])
def test_sums_of_products_that_vanish_have_the_sign_of_the_order(n):
    x, gradient = torch.full((n, 3), 1e-30), torch.full((n, 3), -1e-30)
    mean, scale = torch.zeros(3), torch.ones(3)
    want = reference.batch_norm_backward(gradient, x, None, mean, scale, True)
    assert all_bits(OPS.exact_batch_norm_backward(gradient, x, None, mean, scale, True, True, True)) == all_bits(want)
    images = x.T.reshape(1, 3, n), gradient.T.reshape(1, 3, n)
    rows = OPS.exact_batch_norm_backward(images[1], images[0], None, mean, scale, True, True, True)
    assert [bits(one) for one in rows[1:]] == [bits(one) for one in want[1:]]
    down = OPS.exact_norm_backward(gradient, x, 1, None, torch.zeros(n), torch.ones(n), True, True, True)
    assert all_bits(down) == all_bits(reference.norm_backward(gradient, x, 1, None, torch.zeros(n), torch.ones(n), True))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("shape", [(1, 9), (70, 301), (2050, 33), (3, 5000)])
def test_neither_instruction_set_nor_threads_matter_to_rows(shape, dtype):
    x, gradient = draw(shape, dtype), draw(shape, dtype, 1)
    weight, bias = affine(shape[1], dtype, 0)

    def all_of():
        found = []
        for is_centred in (True, False):
            own = OPS.exact_norm(x, 1, weight, bias, 1e-5, is_centred)
            found += [*own, *OPS.exact_norm_backward(gradient, x, 1, weight, *own[1:], is_centred, True, True)]
        return tuple(found)

    want = all_bits(all_of())
    assert all(got == want for got in everywhere(all_of))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("shape", [(900, 50), (4, 6, 30, 35), (5, 40, 7, 7)])
@pytest.mark.parametrize("is_last", [False, True])
def test_neither_instruction_set_nor_threads_matter_to_channels(shape, is_last, dtype):
    is_last &= len(shape) == 4
    x, gradient = (images(shape, dtype, is_last, seed) for seed in (0, 1))
    weight, bias = affine(shape[1], dtype, 0)

    def all_of():
        own = OPS.exact_batch_norm(x, weight, bias, None, None, True, 0.1, 1e-5)
        groups = OPS.exact_group_norm(x, 2, weight, bias, 1e-5)
        return (
            *own[:3],
            *OPS.exact_batch_norm_backward(gradient, x, weight, own[1], own[2], True, True, True),
            *groups,
            *OPS.exact_group_norm_backward(gradient, x, 2, weight, *groups[1:], True, True),
        )

    want = all_bits(all_of())
    assert all(got == want for got in everywhere(all_of))


def test_rows_of_a_batch_are_alone():
    x = draw((70, 200), torch.float32)
    weight, bias = affine(200, torch.float32, 0)
    whole = exact.layer_norm(x, [200], weight, bias)
    assert bits(torch.cat([exact.layer_norm(part, [200], weight, bias) for part in x.split(9)])) == bits(whole)


def peers(dtype):
    """Ours and torch's of the same arguments, and which of those have gradients."""
    x, image = draw((6, 5, 40), dtype), draw((4, 6, 5, 7), dtype)
    weight, bias = affine(40, dtype, 0)
    of_channel = affine(6, dtype, 0)
    return {
        "layer_norm": (exact.layer_norm, functional.layer_norm, (x, (40,), weight, bias), (0, 2, 3)),
        "layer_norm of two": (exact.layer_norm, functional.layer_norm, (x, (5, 40)), (0,)),
        "rms_norm": (exact.rms_norm, functional.rms_norm, (x, (40,), weight), (0, 2)),
        "rms_norm with eps": (exact.rms_norm, functional.rms_norm, (x, (40,), None, 0.1), (0,)),
        "group_norm": (exact.group_norm, functional.group_norm, (image, 3, *of_channel), (0, 2, 3)),
        "batch_norm": (exact.batch_norm, functional.batch_norm, (image, None, None, *of_channel, True), (0, 3, 4)),
        "frozen": (exact.batch_norm, functional.batch_norm,
                   (image, draw((6,), dtype, 3), draw((6,), dtype, 4).abs() + 0.1, *of_channel, False), (0, 3, 4)),
    }  # fmt: skip


@pytest.mark.parametrize("name", peers(torch.float32))
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_torchs_own_is_near(name, dtype):
    ours, theirs, arguments, positions = peers(dtype)[name]
    if name == "rms_norm" and dtype != torch.float64:
        arguments = (*arguments, torch.finfo(dtype).eps)
    results = []
    for call, own in (
        (ours, arguments),
        (theirs, [one.double() if isinstance(one, torch.Tensor) else one for one in arguments]),
    ):
        given = list(own)
        for position in positions:
            given[position] = given[position].detach().clone().requires_grad_()
        result = call(*given)
        gradient = draw(tuple(result.shape), dtype, 9).to(result.dtype)
        results.append([result, *torch.autograd.grad(result, [given[position] for position in positions], gradient)])
    for got, want in zip(*results, strict=True):
        assert got.dtype == dtype
        bound = 40 * torch.finfo(dtype).eps
        torch.testing.assert_close(got.double(), want, rtol=bound, atol=bound * max(1, want.abs().max().item()))


@pytest.mark.parametrize("dtype", NARROW, ids=str)
def test_running_statistics_follow_the_batch(dtype):
    x = draw((9, 4, 30), dtype)
    ours, theirs = ([torch.zeros(4), torch.ones(4)] for _ in range(2))
    for _ in range(3):
        exact.batch_norm(x, *ours, training=True, momentum=0.3)
        functional.batch_norm(x.float(), *theirs, training=True, momentum=0.3)
    for got, want in zip(ours, theirs, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
    before = [one.clone() for one in ours]
    exact.batch_norm(x, *ours)
    assert all(torch.equal(one, other) for one, other in zip(ours, before, strict=True))


def test_weights_may_be_wider():
    x = draw((5, 64), torch.bfloat16).requires_grad_()
    weight, bias = (of.requires_grad_() for of in affine(64, torch.float32, 0))
    out = exact.layer_norm(x, [64], weight, bias)
    out.sum().backward()
    assert (out.dtype, x.grad.dtype, weight.grad.dtype, bias.grad.dtype) == (torch.bfloat16,) * 2 + (torch.float32,) * 2


def test_channels_stay_last():
    x = images((2, 3, 4, 5), torch.float32, True).requires_grad_()
    out = exact.batch_norm(x, None, None, training=True)
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert torch.autograd.grad(out.square().sum(), x)[0].is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("name", peers(torch.float64))
def test_gradients(name):
    ours, _, arguments, positions = peers(torch.float64)[name]
    arguments = [one[:2] if i == 0 else one for i, one in enumerate(arguments)]
    given = [arguments[position].requires_grad_() for position in positions]

    def call(*of):
        own = list(arguments)
        for position, one in zip(positions, of, strict=True):
            own[position] = one
        return ours(*own)

    assert gradcheck(call, given)


@pytest.mark.parametrize("name", ["layer_norm", "group_norm", "batch_norm"])
def test_a_second_derivative_is_refused(name):
    ours, _, arguments, _ = peers(torch.float32)[name]
    x = arguments[0].requires_grad_()
    (slope,) = torch.autograd.grad(ours(x, *arguments[1:]).square().sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="_backward is not implemented"):
        slope.sum().backward()


def test_gradients_that_no_one_asks_for_are_not_made():
    x = draw((5, 40), torch.float32)
    weight, bias = affine(40, torch.float32, 0)
    exact.layer_norm(x, [40], weight.requires_grad_(), bias).sum().backward()
    assert x.grad is None
    assert bias.grad is None
    assert weight.grad is not None


@pytest.mark.parametrize("name", peers(torch.float32))
def test_it_compiles_into_one_graph(name):
    ours, _, arguments, positions = peers(torch.float32)[name]
    given = [arguments[position].requires_grad_() for position in positions]
    compiled = torch.compile(ours, fullgraph=True, backend="aot_eager")
    got, want = compiled(*arguments), ours(*arguments)
    assert bits(got) == bits(want)
    gradient = draw(tuple(want.shape), torch.float32, 9)
    for one, other in zip(torch.autograd.grad(got, given, gradient), torch.autograd.grad(want, given, gradient), strict=True):
        assert bits(one) == bits(other)


def test_running_statistics_are_updated_when_compiled():
    x, running = draw((9, 4), torch.float32), [torch.zeros(4), torch.ones(4)]
    again = [one.clone() for one in running]
    torch.compile(exact.batch_norm, fullgraph=True, backend="aot_eager")(x, *running, training=True)
    exact.batch_norm(x, *again, training=True)
    assert [bits(one) for one in running] == [bits(one) for one in again]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: exact.layer_norm(torch.ones(3, 4), [3]), r"exact.layer_norm: normalized_shape is \[3\], expected the last"),
        (lambda: exact.rms_norm(torch.ones(3, 4), []), r"exact.rms_norm: normalized_shape is \[\], expected the last dim"),
        (lambda: exact.layer_norm(torch.ones(3, 4).int(), [4]), "exact_norm: x is Int, expected float32"),
        (lambda: exact.layer_norm(torch.ones(3, 4), [4], torch.ones(3)), r"exact_norm: weight has shape \[3\], expected \[4\]"),
        (lambda: exact.layer_norm(torch.ones(3, 4), [4], torch.ones(4), torch.ones(4).half()), "bias is Half, expected Float"),
        (lambda: exact.group_norm(torch.ones(3, 4, 2), 3), "groups is 3, expected a divisor of the 4 channels"),
        (lambda: exact.group_norm(torch.ones(3), 1), r"x has shape \[3\], expected \[N, C, ...\]"),
        (lambda: exact.batch_norm(torch.ones(3), None, None), r"x has shape \[3\], expected \[N, C, ...\]"),
        (lambda: exact.batch_norm(torch.ones(3, 2), None, None), "running_mean and running_var are missing"),
        (lambda: exact.batch_norm(torch.ones(3, 2), torch.ones(2), None, training=True), "are given both or not at all"),
        (lambda: exact.batch_norm(torch.ones(3, 2), torch.ones(3), torch.ones(3)), r"running_mean has shape \[3\]"),
        (lambda: exact.batch_norm(torch.ones(1, 2), None, None, training=True), "expected more than one number a channel"),
        (lambda: OPS.exact_norm(torch.ones(3, 4), 3, None, None, 0.1, True), "dims is 3, expected 1 to the 2 of x"),
        (lambda: OPS.exact_norm_backward(torch.ones(3), torch.ones(3, 4), 1, None, *torch.ones(2, 3), True, True, True),
         r"exact_norm_backward: gradient is Float \[3\] on cpu, expected Float \[3, 4\]"),
        (lambda: OPS.exact_norm_backward(*torch.ones(2, 3, 4), 1, None, torch.ones(2), torch.ones(3), True, True, True),
         r"exact_norm_backward: mean is Float \[2\] on cpu, expected 3 of Float"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
