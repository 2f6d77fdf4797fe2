"""Attention of one order beside the chains in plain torch, torch's own attention, and gradients of differences."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.nn.functional import scaled_dot_product_attention as torchs

from tests.ops.exact_attention_cases import Call, calls, specials
from tests.ops.exact_cases import FLOATS
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops import exact, use_instruction_set
from within_wf.ops.reference.exact_attention import Attention, Options

FORWARD, BACKWARD = torch.ops.within.exact_attention, torch.ops.within.exact_attention_backward
OURS = exact.scaled_dot_product_attention
NARROW = tuple(dtype for dtype in FLOATS if dtype != torch.float64)
CALLS = [call for call in calls() if call.dtype != torch.float64]
SIZES = st.integers(1, 40)


def bits(*tensors: torch.Tensor) -> list[bytes]:
    return [tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b"" for tensor in tensors]


def of_reference(arguments, gradient=None):
    query, key, value, mask, is_causal, scale, dropout_p, seed, offset = arguments
    attention = Attention(query, key, value, mask, Options(is_causal, scale, dropout_p, seed, offset))
    return attention.forward() if gradient is None else attention.backward(gradient)


def backward(call: Call):
    given = BACKWARD(*(arguments := call.backward_arguments()))
    return given if arguments[-1] else given[:3]


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_it_is_the_order_of_the_page(call: Call):
    assert bits(*FORWARD(*call.arguments())) == bits(*of_reference(call.arguments()))
    assert bits(*backward(call)) == bits(*of_reference(call.arguments(), call.backward_arguments()[0]))


@settings(max_examples=15)
@given(
    st.tuples(st.integers(1, 2), st.integers(1, 2), SIZES, st.integers(1, 140), SIZES, SIZES), st.sampled_from(NARROW),
    st.sampled_from([None, (0, 0, 0, 1), (1, 1, 1, 1), (1, 0, 1, 1)]), st.booleans(), st.booleans(),
    st.sampled_from([0.0, 0.3]),
)  # fmt: skip
def test_it_is_that_order_for_any_shape(sizes, dtype, mask, is_added, is_causal, dropout_p):
    batch, groups, *rest = sizes
    call = Call((batch, 2 * groups, groups, *rest), dtype, mask, is_added, is_causal, dropout_p)
    assert bits(*FORWARD(*call.arguments())) == bits(*of_reference(call.arguments()))
    assert bits(*backward(call)) == bits(*of_reference(call.arguments(), call.backward_arguments()[0]))


@pytest.mark.parametrize("dtype", NARROW, ids=str)
@pytest.mark.parametrize("is_causal", [False, True])
def test_what_is_no_number_is_the_one_nan(dtype, is_causal):
    arguments = list(specials(dtype))
    arguments[4] = is_causal
    got = FORWARD(*arguments)
    assert got[0].isnan().any()
    assert bits(*got) == bits(*of_reference(arguments))
    gradient = torch.linspace(-1, 1, got[0].numel()).reshape(got[0].shape).to(dtype)
    of = BACKWARD(gradient, *arguments[:4], *got, *arguments[4:], True)
    assert bits(*of) == bits(*of_reference(arguments, gradient))


SHARED = [
    Call((2, 4, 2, 200, 150, 24, 40), mask=(1, 0, 1, 1)),
    Call((1, 2, 2, 190, 200, 24, 16), is_causal=True, is_turned=True),
    Call((1, 2, 2, 70, 70, 8, 8), torch.float64, mask=(1, 0, 0, 1), is_added=False),
    Call((1, 1, 1, 130, 270, 16, 16), torch.bfloat16, dropout_p=0.1),
]


@pytest.mark.parametrize("call", SHARED, ids=str)
def test_neither_instruction_set_nor_threads_matter(call: Call):
    want = bits(*FORWARD(*call.arguments()), *backward(call))
    for chosen in INSTRUCTION_SETS:
        for count in (1, 2, 3, 7):
            with threads(count), use_instruction_set(chosen):
                assert bits(*FORWARD(*call.arguments()), *backward(call)) == want


def test_a_part_of_batch_heads_or_queries_has_the_bits_of_the_whole():
    query, key, value, mask, *options = Call((3, 4, 4, 100, 90, 16, 16), mask=(1, 1, 1, 1)).arguments()
    want = FORWARD(query, key, value, mask, *options)[0]
    for b in range(3):
        of = slice(b, b + 1)
        assert bits(FORWARD(query[of], key[of], value[of], mask[of], *options)[0]) == bits(want[of])
    some = slice(1, 3)
    assert bits(FORWARD(*(of[:, some] for of in (query, key, value, mask)), *options)[0]) == bits(want[:, some])
    some = slice(37, 74)
    assert bits(FORWARD(query[:, :, some], key, value, mask[:, :, some], *options)[0]) == bits(want[:, :, some])


@pytest.mark.parametrize("turn", [lambda of: of.mT.contiguous().mT, lambda of: of.repeat_interleave(2, -1)[..., ::2]])
def test_strides_do_not_matter(turn):
    query, key, value, mask, *options = Call((2, 3, 3, 70, 66, 12, 9), mask=(1, 1, 1, 1)).arguments()
    assert bits(*FORWARD(*map(turn, (query, key, value, mask)), *options)) == bits(*FORWARD(query, key, value, mask, *options))
    arguments = Call((2, 3, 3, 70, 66, 12, 9), mask=(1, 1, 1, 1)).backward_arguments()
    turned = [turn(of) if isinstance(of, torch.Tensor) and of.dim() == 4 else of for of in arguments]
    assert bits(*BACKWARD(*turned)) == bits(*BACKWARD(*arguments))
    one = key[:, :1].expand(2, 3, 66, 12)
    assert bits(FORWARD(query, one, value, None, *options)[0]) == bits(
        FORWARD(query, one.contiguous(), value, None, *options)[0]
    )


LIKE_TORCH = [
    {},
    {"is_causal": True},
    {"scale": 0.2},
    {"attn_mask": torch.arange(70)[None] < 40},
    {"attn_mask": torch.arange(2)[:, None, None, None] + torch.arange(70) < 60},
    {"attn_mask": torch.linspace(-3, 3, 3 * 33 * 70).reshape(3, 33, 70)},
]


@pytest.mark.parametrize("options", LIKE_TORCH, ids=lambda given: " ".join(given) or "plain")
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_torchs_attention_is_near(options, dtype):
    query, key, value, *_ = Call((2, 3, 3, 33, 70, 16, 16), dtype).arguments()
    if dtype in (torch.float16, torch.bfloat16):
        query, key, value = query / 4, key / 4, value / 4
    mask = options.get("attn_mask")
    if mask is not None and mask.dtype != torch.bool:
        options = {**options, "attn_mask": mask.to(dtype)}
    grown = [tensor.requires_grad_() for tensor in (query, key, value)]
    got, want = OURS(*grown, **options), torchs(*grown, **options)
    bound = {"rtol": 0, "atol": 60 * torch.finfo(dtype).eps}
    torch.testing.assert_close(got, want, **bound)
    gradient = torch.linspace(-1, 1, got.numel()).reshape(got.shape).to(dtype)
    for ours, theirs in zip(torch.autograd.grad(got, grown, gradient), torch.autograd.grad(want, grown, gradient), strict=True):
        torch.testing.assert_close(ours, theirs, **bound)


def test_three_dimensions_are_one_head():
    query, key, value, *_ = Call((5, 1, 1, 12, 14, 8, 6)).arguments()
    mask = torch.rand(5, 12, 14, generator=torch.Generator().manual_seed(1)) > 0.3
    got = OURS(query[:, 0], key[:, 0], value[:, 0], mask)
    assert bits(got) == bits(OURS(query, key, value, mask[:, None])[:, 0])
    torch.testing.assert_close(got, torchs(query[:, 0], key[:, 0], value[:, 0], mask), rtol=1e-5, atol=1e-6)
    assert bits(OURS(query[:, 0], key[:, 0], value[:, 0], mask[0])) == bits(OURS(query, key, value, mask[0])[:, 0])


def test_heads_that_share_keys_are_as_torchs():
    query, key, value, *_ = Call((2, 6, 2, 12, 14, 8, 8)).arguments()
    grown = [tensor.requires_grad_() for tensor in (query, key, value)]
    got, want = (attend(*grown, enable_gqa=True) for attend in (OURS, torchs))
    torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-6)
    for ours, theirs in zip(torch.autograd.grad(got.sum(), grown), torch.autograd.grad(want.sum(), grown), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("mask", [torch.zeros(4, 5, dtype=torch.bool), torch.full((4, 5), -torch.inf)], ids=["bool", "float"])
def test_a_row_that_sees_nothing_is_zero_as_torchs(mask):
    mask[1:] = True if mask.dtype == torch.bool else 0.0
    query, key, value, *_ = Call((2, 2, 2, 4, 5, 8, 8)).arguments()
    grown = [tensor.requires_grad_() for tensor in (query, key, value)]
    got, want = (attend(*grown, mask) for attend in (OURS, torchs))
    gradients = torch.autograd.grad(got.sum(), grown), torch.autograd.grad(want.sum(), grown)
    for of in (got, want, gradients[0][0], gradients[1][0]):
        assert (of[:, :, 0] == 0).all()
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_mask_of_the_lowest_numbers_weighs_alike():
    query, key, value, *_ = Call((1, 1, 1, 3, 7, 4, 4)).arguments()
    mask = torch.full((3, 7), torch.finfo(torch.float32).min)
    value = value.requires_grad_()
    got = OURS(query, key, value, mask)
    torch.testing.assert_close(got, value.mean(2, keepdim=True).expand_as(got))
    torch.testing.assert_close(torch.autograd.grad(got.sum(), value)[0], torch.full_like(value, 3 / 7))


def test_what_comes_later_does_not_reach_a_causal_row():
    query, key, value, mask, _, *options = Call((1, 2, 2, 100, 100, 8, 8)).arguments()
    want = FORWARD(query, key, value, mask, True, *options)[0]
    key[:, :, 50:], value[:, :, 50:] = torch.nan, torch.inf
    assert bits(FORWARD(query, key, value, mask, True, *options)[0][:, :, :50]) == bits(want[:, :, :50])


def test_weights_are_kept_in_their_share_and_by_seed_and_offset():
    query = torch.zeros(4, 8, 64, 16)
    value = torch.eye(128).expand(4, 8, 128, 128)
    key = torch.zeros(4, 8, 128, 16)
    weights = [OURS(query, key, value, dropout_p=0.25, seed=seed, offset=offset) for seed, offset in ((1, 0), (2, 0), (1, 1))]
    for some in weights:
        assert {round(w, 5) for w in some.unique().tolist()} == {0.0, round(1 / 128 / 0.75, 5)}
        assert abs((some == 0).double().mean() - 0.25) < 0.004
    assert not torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert bits(OURS(query, key, value, dropout_p=0.25, seed=1)) == bits(weights[0])


@pytest.mark.parametrize(
    "options",
    [
        *({}, {"is_causal": True}, {"dropout_p": 0.4}),
        *({"mask": mask} for mask in ((1, 1, 1, 1), (0, 1, 0, 1), (1, 0, 1, 0), (0, 0, 0, 0))),
    ],
    ids=str,
)
def test_gradients(options):
    query, key, value, mask, *rest = Call((2, 2, 1, 5, 7, 3, 2), torch.float64, **options).arguments()
    grown = [None if of is None else of.clamp(-5).requires_grad_() for of in (query, key, value, mask)]
    assert gradcheck(lambda *of: FORWARD(*of, *rest)[0], grown)


def test_gradients_over_tiles():
    query, key, value, mask, *rest = Call((1, 1, 1, 66, 67, 2, 2), torch.float64, is_causal=True).arguments()
    assert gradcheck(
        lambda *of: FORWARD(*of, mask, *rest)[0], [of.requires_grad_() for of in (query, key, value)], fast_mode=True
    )


def test_a_second_derivative_is_refused():
    query, key, value, *_ = (of.requires_grad_() for of in Call((1, 1, 1, 3, 3, 2, 2)).arguments()[:3])
    first = torch.autograd.grad(OURS(query, key, value).sum(), query, create_graph=True)[0]
    with pytest.raises(NotImplementedError, match="second derivatives are not given"):
        first.sum().backward()


@pytest.mark.parametrize(
    "call", [Call((2, 2, 1, 6, 5, 4, 3), mask=(1, 0, 1, 1)), Call((1, 2, 2, 6, 5, 4, 3), dropout_p=0.5)], ids=str
)
@pytest.mark.filterwarnings("ignore:The .grad attribute")  # opcheck itself asks for it
def test_torch_finds_nothing_wrong(call: Call):
    query, key, value, mask, *options = call.arguments()
    grown = [of.requires_grad_() for of in (query, key, value)]
    torch.library.opcheck(FORWARD, (*grown, None if mask is None else mask.requires_grad_(), *options))
    torch.library.opcheck(BACKWARD, call.backward_arguments())
    torch.library.opcheck(BACKWARD, replace(call, is_turned=True).backward_arguments())


def test_it_compiles_into_one_graph():
    grown = [of.requires_grad_() for of in Call((2, 2, 2, 6, 5, 4, 3), mask=(1, 1, 1, 1)).arguments()[:4]]

    def loss(query, key, value, mask, seed):
        return OURS(query, key, value, mask, 0.2, seed=seed).square().sum()

    compiled = torch.compile(loss, fullgraph=True, backend="aot_eager")
    for seed in (3, 4, 5):
        got, want = (torch.autograd.grad(of(*grown, seed), grown) for of in (compiled, loss))
        assert bits(*got) == bits(*want)


def test_a_meta_tensor_has_the_shape_and_strides():
    query, key, value, *_ = (of.to("meta") for of in Call((2, 3, 3, 6, 5, 4, 7)).arguments()[:3])
    out = OURS(query, key, value)
    assert out.shape == (2, 3, 6, 7)
    assert out.stride() == FORWARD(*Call((2, 3, 3, 6, 5, 4, 7)).arguments())[0].stride()


ONE = torch.ones(2, 3, 4, 5)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: OURS(ONE.int(), ONE.int(), ONE.int()), "query is Int, expected float32, float64, float16 or bfloat16"),
        (lambda: OURS(ONE[0, 0], ONE[0, 0], ONE[0, 0]), r"query has shape \[4, 5\], expected \[batch, heads, queries, width\]"),
        (lambda: OURS(ONE, ONE[..., :4], ONE), r"key has shape \[2, 3, 4, 4\], expected \[2, heads, keys, 5\]"),
        (lambda: OURS(ONE, ONE[:, :2], ONE[:, :2]), "key has 2 heads, expected 3 as query, or enable_gqa"),
        (lambda: OURS(ONE, ONE[:, :2], ONE[:, :2], enable_gqa=True), "key has 2 heads, expected a divisor of query's 3"),
        (lambda: OURS(ONE, ONE, ONE[:, :, :3]), r"value has shape \[2, 3, 3, 5\], expected \[2, 3, 4, value width\]"),
        (lambda: OURS(ONE, ONE.double(), ONE), "key is Double, expected Float as query"),
        (lambda: OURS(ONE, ONE, ONE, ONE[..., :3]),
         r"attn_mask has shape \[2, 3, 4, 3\], expected one that broadcasts to \[2, 3, 4, 4\]"),
        (lambda: OURS(ONE, ONE, ONE, torch.ones(4, 4).int()), "attn_mask is Int, expected bool, float32 or Float as query"),
        (lambda: OURS(ONE, ONE, ONE, torch.ones(1, 1, 1, 4, 4)), "attn_mask has shape .*, expected at most 4 dimensions"),
        (lambda: OURS(ONE, ONE, ONE, torch.ones(4, 4), is_causal=True), "attn_mask is given beside is_causal"),
        (lambda: OURS(ONE, ONE, ONE, dropout_p=0.5), "dropout_p is 0.5, expected a seed beside it"),
        (lambda: OURS(ONE, ONE, ONE, dropout_p=1.5, seed=1), "dropout_p is 1.5, expected a share from 0 to 1"),
        (lambda: OURS(ONE, ONE, ONE, dropout_p=0.5, seed=1, offset=-1), "offset is -1, expected a number from 0 to"),
        (lambda: OURS(ONE[0], ONE, ONE[0]), r"key has shape \[2, 3, 4, 5\], expected 3 dimensions as query"),
        (lambda: OURS(ONE[0], ONE[0], ONE[0], enable_gqa=True), "enable_gqa is given, expected query of 4 dimensions, found 3"),
        (lambda: BACKWARD(ONE[..., :4], ONE, ONE, ONE, None, ONE, ONE[..., 0], ONE[..., 0], False, None, 0.0, 0, 0, False),
         r"gradient has shape \[2, 3, 4, 4\], expected \[2, 3, 4, 5\]"),
        (lambda: BACKWARD(ONE, ONE, ONE, ONE, None, ONE, ONE[0, ..., 0], ONE[..., 0], False, None, 0.0, 0, 0, False),
         r"highest is Float of shape \[3, 4\] on cpu, expected Float of \[2, 3, 4\]"),
        (lambda: BACKWARD(ONE, ONE, ONE, ONE, None, ONE, ONE[..., 0], ONE[..., 0], False, None, 0.0, 0, 0, True),
         "attn_mask has no gradient, expected a mask of numbers"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
