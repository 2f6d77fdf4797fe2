"""Matrix products of one order beside the chain in plain torch, exact rationals, and torch's own products."""

from fractions import Fraction
from typing import ClassVar, get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd import forward_ad, gradcheck
from torch.fx.experimental.proxy_tensor import make_fx
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from tests.ops.exact_cases import FLOATS, matrices, specials
from within_wf.ops import exact, use_instruction_set
from within_wf.ops.instruction_set import InstructionSet, instruction_set
from within_wf.ops.reference.exact import fma, matmul
from within_wf.ops.reference.exact_sum_rows import sum_rows

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


def test_a_gradient_is_two_products_and_the_sum_of_rows():
    a, b, bias = (tensor.requires_grad_() for tensor in matrices(2, 40, 50, 30, torch.float32))
    out = PRODUCT(a, b, bias)
    gradient = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    out.backward(gradient)
    assert bits(a.grad) == bits(matmul(gradient, b.detach().mT))
    assert bits(b.grad) == bits(matmul(a.detach().mT, gradient))
    assert bits(bias.grad) == bits(sum_rows(gradient.reshape(-1, 30)))


@pytest.mark.parametrize("leading", [(), (7,), (2, 3), (0,), (2, 0, 3)], ids=str)
def test_a_layers_gradient_is_that_of_its_rows(leading):
    x, b, bias = (tensor.requires_grad_() for tensor in matrices(1, 1, 50, 30, torch.float32))
    weight = b.detach()[0].T.contiguous().requires_grad_()
    x = x.detach()[0, 0].expand(*leading, 50).clone().requires_grad_()
    out = exact.linear(x, weight, bias)
    gradient = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    out.backward(gradient)
    rows = gradient.reshape(-1, 30)
    assert bits(x.grad) == bits(matmul(rows[None], weight.detach()[None]))
    assert bits(weight.grad) == bits(matmul(rows.T[None], x.detach().reshape(1, -1, 50)))
    assert bits(bias.grad) == bits(sum_rows(rows))


def test_what_needs_no_gradient_gets_none():
    a, b, bias = matrices(1, 4, 5, 3, torch.float32)
    weight = b[0].T.contiguous()
    exact.linear(a, weight, bias.requires_grad_()).sum().backward()
    assert bias.grad.tolist() == [4, 4, 4]
    exact.linear(a, weight.requires_grad_()).sum().backward()
    assert weight.grad.shape == weight.shape
    assert a.grad is None
    assert not exact.mm(a[0], b[0]).requires_grad


ACTIVATIONS = {
    "relu": exact.relu,
    "gelu": exact.gelu,
    "gelu_tanh": lambda x: exact.gelu(x, "tanh"),
    "silu": exact.silu,
    "tanh": exact.tanh,
    "sigmoid": exact.sigmoid,
}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("shape", [(9, 20, 33), (200, 400, 50), (20, 30, 400)], ids=str)
def test_an_activation_is_the_function_after_the_layer(name, dtype, shape):
    a, b, bias = matrices(1, *shape, dtype)
    inputs = [a[0].requires_grad_(), b[0].T.contiguous().requires_grad_(), bias.requires_grad_()]
    fused = exact.linear(*inputs, activation=name)
    after = ACTIVATIONS[name](exact.linear(*inputs))
    assert bits(fused.detach()) == bits(after.detach())
    gradient = torch.randn(fused.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    ours, theirs = (torch.autograd.grad(out, inputs, gradient) for out in (fused, after))
    assert all(bits(one) == bits(other) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_of_what_is_no_number(name):
    weight = torch.ones(1, 1)
    x = torch.tensor([[float("nan")], [float("inf")], [-float("inf")], [0.0], [-0.0]])
    assert bits(exact.linear(x, weight, activation=name)) == bits(ACTIVATIONS[name](exact.linear(x, weight)))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradients_of_an_activated_layer(name):
    a, b, bias = (tensor.requires_grad_() for tensor in matrices(1, 4, 5, 3, torch.float64))
    weight = b.detach()[0].T.contiguous().requires_grad_()
    assert gradcheck(lambda *given: exact.linear(*given, activation=name), (a, weight, bias))
    first = torch.autograd.grad(exact.linear(a, weight, bias, activation=name).sum(), weight, create_graph=True)[0]
    with pytest.raises(NotImplementedError, match="second derivatives are not given"):
        first.sum().backward()


def test_the_sums_beside_an_activated_layer_have_no_gradient():
    a, b, bias = matrices(1, 4, 5, 3, torch.float32)
    given = (a, b[0].T.contiguous().requires_grad_(), bias, "gelu")
    with pytest.raises(NotImplementedError, match="exact_linear_activated has them"):
        torch.ops.within.exact_linear_kept(*given)
    with torch.no_grad():
        result, sums = torch.ops.within.exact_linear_kept(*given)
    assert bits(result) == bits(exact.gelu(sums))


LAYOUTS = {
    "as it is": lambda x: x,
    "turned": lambda x: x.mT.contiguous().mT,
    "every other": lambda x: torch.stack([x, x], -1).flatten(-2)[..., ::2],
    "a part": lambda x: torch.cat([x, x], -1)[..., : x.shape[-1]],
}


@pytest.mark.parametrize(
    "shape", [(1, 1, 5), (1, 300, 90), (40, 300, 1), (5, 9, 300), (30, 500, 200), (200, 450, 100)], ids=str
)
@pytest.mark.parametrize("of_a", LAYOUTS)
@pytest.mark.parametrize("of_b", LAYOUTS)
def test_how_matrices_lie_does_not_matter(shape, of_a, of_b):
    a, b, bias = matrices(2, *shape, torch.float32)
    want = bits(PRODUCT(a, b, bias))
    assert bits(PRODUCT(LAYOUTS[of_a](a), LAYOUTS[of_b](b), bias)) == want
    assert bits(exact.mm(LAYOUTS[of_a](a)[0], LAYOUTS[of_b](b)[0]) + bias) == want[: len(want) // 2]


def test_a_matrix_of_one_row_or_column_repeated():
    a, b, _ = matrices(1, 30, 20, 40, torch.float32)
    of_a, of_b = (a[:, :1].expand_as(a), a[..., :1].expand_as(a)), (b[:, :1].expand_as(b), b[..., :1].expand_as(b))
    for one, other in (*((one, b) for one in of_a), *((a, other) for other in of_b)):
        assert bits(PRODUCT(one, other, None)) == bits(PRODUCT(one.contiguous(), other.contiguous(), None))


@pytest.mark.parametrize("activation", [None, "relu", "gelu"])
def test_it_compiles_into_one_graph(activation):
    a, b, bias = matrices(1, 9, 8, 7, torch.float32)
    inputs = [a.requires_grad_(), b[0].T.contiguous().requires_grad_(), bias.requires_grad_()]
    linear = torch.compile(exact.linear, fullgraph=True, backend="aot_eager")
    compiled, plain = linear(*inputs, activation=activation), exact.linear(*inputs, activation=activation)
    assert bits(compiled.detach()) == bits(plain.detach())
    ours, theirs = (torch.autograd.grad(out.sum(), inputs) for out in (compiled, plain))
    assert all(bits(one) == bits(other) for one, other in zip(ours, theirs, strict=True))


class Counted(torch.Tensor):
    """A tensor that sees the calls it is given to."""

    seen: ClassVar[list[str]] = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.seen.append(str(func))
        return super().__torch_function__(func, types, args, kwargs or {})


@pytest.mark.parametrize("name", ["mm", "bmm", "linear"])
def test_whoever_looks_at_calls_sees_the_operator(name):
    a, b, _ = matrices(1, 4, 4, 4, torch.float32)
    given = (a, b) if name == "bmm" else (a[0], b[0])
    call = getattr(exact, name)
    want = bits(call(*given))
    operator = {"mm": "exact_mm", "bmm": "exact_matmul", "linear": "exact_linear"}[name]
    Counted.seen.clear()
    assert bits(call(given[0].as_subclass(Counted), given[1]).as_subclass(torch.Tensor)) == want
    assert any(operator in one for one in Counted.seen)

    class Functions(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(str(func))
            return func(*args, **(kwargs or {}))

    class Operators(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            seen.append(str(func))
            return func(*args, **(kwargs or {}))

    for mode in (Functions, Operators):
        seen: list[str] = []
        with mode():
            got = call(*given)
        assert bits(got) == want
        assert any(operator in one for one in seen)
    with FakeTensorMode() as mode:
        assert call(*(mode.from_tensor(one) for one in given)).shape == given[0].shape
    assert operator in str(make_fx(lambda *each: call(*each))(*given).graph)


@pytest.mark.parametrize("name", ["mm", "bmm", "linear"])
def test_a_call_without_schema_is_as_one_with_it(name):
    a, b, _ = matrices(1, 4, 4, 4, torch.float32)
    given = (a, b) if name == "bmm" else (a[0], b[0])
    call = getattr(exact, name)
    want = bits(call(*given))
    with torch.inference_mode():
        assert call(*given).is_inference()
        assert bits(call(*given).clone()) == want
    with torch.autocast("cpu", torch.bfloat16):
        assert bits(call(*given)) == want
    parameter = torch.nn.Parameter(given[1])
    assert call(given[0], parameter).requires_grad
    with torch.no_grad():
        assert not call(given[0], parameter).requires_grad
    compiled = torch.compile(call, fullgraph=True, backend="aot_eager")(given[0], parameter)
    assert bits(compiled.detach()) == want
    with pytest.raises(ValueError, match=r"has shape \[0\]"):
        call(given[0], None)
    with pytest.raises(RuntimeError, match="Expected a value of type 'Tensor'"):
        call([1.0], given[1])


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_it_maps_over_batches():
    a, b, bias = matrices(3, 4, 5, 6, torch.float32)
    mapped = torch.vmap(exact.mm)(a, b)
    assert bits(mapped) == bits(exact.bmm(a, b))
    layers = torch.vmap(exact.linear, (0, 0, None))(a, b.mT, bias)
    assert bits(layers) == bits(PRODUCT(a, b, bias))


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")  # torch's own use
def test_transforms_of_functions_are_refused_rather_than_wrong():
    a, b, _ = matrices(1, 4, 5, 6, torch.float32)
    with pytest.raises(RuntimeError, match="functorch"):
        torch.func.grad(lambda x: exact.mm(x, b[0]).sum())(a[0])
    with pytest.raises(RuntimeError, match="jvp is not implemented"), forward_ad.dual_level():
        exact.mm(forward_ad.make_dual(a[0], a[0]), b[0])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: exact.mm(torch.ones(2, 3), torch.ones(4, 5)), r"exact.mm: b has shape \[4, 5\], expected \[3, columns\]"),
        (lambda: exact.mm(torch.ones(2, 3, 1), torch.ones(3, 5)), r"exact.mm: a has shape \[2, 3, 1\], expected \[rows"),
        (lambda: exact.bmm(torch.ones(2, 3), torch.ones(3, 5)), r"exact.bmm: a has shape \[2, 3\], expected \[batch, rows"),
        (lambda: exact.bmm(torch.ones(2, 3, 1), torch.ones(3, 5)), r"exact.bmm: b has shape \[3, 5\], expected \[2, 1, col"),
        (lambda: exact.mm(torch.ones(2, 3), torch.ones(3, 5).double()), r"b is Double, expected Float as a"),
        (lambda: exact.mm(torch.ones(2, 3).int(), torch.ones(3, 5).int()), r"a is Int, expected float32"),
        (lambda: exact.linear(torch.ones(2, 3), torch.ones(5, 3), torch.ones(4)), r"bias has shape \[4\], expected \[5\]"),
        (lambda: exact.linear(torch.tensor(1.0), torch.ones(5, 3)), r"input has shape \[\], expected \[..., 3\]"),
        (lambda: exact.linear(torch.ones(2, 3), torch.ones(3)), r"exact.linear: weight has shape \[3\]"),
        (lambda: exact.linear(torch.ones(2, 3), torch.ones(5, 4)), r"input has shape \[2, 3\], expected \[..., 4\]"),
        (lambda: exact.linear(torch.ones(2, 3), torch.ones(5, 3), activation="softmax"), r"activation is softmax, expected"),
        (lambda: exact.addmm(torch.ones(5), torch.ones(3), torch.ones(3, 5)), r"exact.addmm: a has shape \[3\]"),
        (lambda: exact.mm(torch.ones(2, 3), torch.ones(3, 5, device="meta")), r"tensors are on cpu, meta"),
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
