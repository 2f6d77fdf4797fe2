"""LSTM layers beside loops in the documented order, torch's own layers, and finite differences."""

from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import gradcheck
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from tests.ops.exact_lstm_cases import KINDS, gradients, layer, special_layer
from within_wf.ops import exact, use_instruction_set
from within_wf.ops.instruction_set import InstructionSet, instruction_set
from within_wf.ops.reference.exact_lstm import lstm_layer, lstm_layer_gradients

OPS = torch.ops.within
NARROW = (torch.float16, torch.bfloat16)
SMALL = KINDS[:5]
RAGGED = (6, 5, 4, 9, 2, True, (6, 2, 5, 1, 3))


def bits(*tensors: torch.Tensor) -> list[bytes]:
    return [tensor.contiguous().view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b"" for tensor in tensors]


def ends(lengths: torch.Tensor | None) -> list[int] | None:
    return None if lengths is None else lengths.tolist()


def everything(of):
    """What forward and backward give, without what is kept for the latter."""
    return [*OPS.exact_lstm(*of), *OPS.exact_lstm_backward(*gradients(of))]


@settings(max_examples=10)
@given(st.integers(1, 4), st.integers(1, 8), st.integers(0, 9), st.integers(1, 21), st.integers(1, 2), st.booleans(), st.data())
def test_a_layer_is_its_loops(moments, batch, inputs, hidden, directions, has_bias, data):
    draw = st.none() | st.lists(st.integers(1, moments), min_size=batch, max_size=batch)
    of = layer(moments, batch, inputs, hidden, directions, has_bias, data.draw(draw))
    x, h0, c0, weights, lengths, _ = of
    assert bits(*OPS.exact_lstm_forward(*of)[:4]) == bits(*lstm_layer(x, h0, c0, weights, ends(lengths)))
    given_back = gradients(of)
    want = lstm_layer_gradients(given_back[:3], x, h0, c0, weights, ends(lengths))
    assert bits(*OPS.exact_lstm_backward(*given_back)) == bits(*want)


def test_what_is_no_number_is_as_in_the_loops():
    of = special_layer(torch.float32)
    x, h0, c0, weights, *_ = of
    got = OPS.exact_lstm_forward(*of)
    assert bits(*got[:4]) == bits(*lstm_layer(x, h0, c0, weights))
    assert {bits(value[None])[0] for result in got for value in result[result.isnan()]} == {b"\0\0\xc0\x7f"}
    back = gradients(of)
    results = OPS.exact_lstm_backward(*back)
    assert bits(*results) == bits(*lstm_layer_gradients(back[:3], x, h0, c0, weights))
    assert {bits(value[None])[0] for result in results for value in result[result.isnan()]} == {b"\0\0\xc0\x7f"}


@pytest.mark.parametrize("kind", [*SMALL, RAGGED, (40, 30, 5, 20, 1, True, None)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_neither_instruction_set_nor_threads_nor_layout_matter(kind, dtype):
    of = layer(*kind, dtype)
    want = bits(*everything(of))
    known = get_args(InstructionSet)
    threads = torch.get_num_threads()
    try:
        for chosen in known[: known.index(instruction_set()) + 1]:
            for count in (1, 2, 3, 7):
                torch.set_num_threads(count)
                with use_instruction_set(chosen):
                    assert bits(*everything(of)) == want
    finally:
        torch.set_num_threads(threads)
    x, *rest, _ = of
    turned = (x.transpose(0, 1).contiguous(), *rest, True)
    back = list(gradients(turned))
    back[0] = gradients(of)[0].transpose(0, 1)
    output, *states = OPS.exact_lstm(*turned)
    grad_x, *others = OPS.exact_lstm_backward(*back)
    assert bits(output.transpose(0, 1), *states, grad_x.transpose(0, 1), *others) == want


def test_a_batch_may_be_cut():
    x, h0, c0, weights, _, _ = layer(5, 13, 4, 20, 2, True, None)
    lengths = torch.arange(13) % 5 + 1
    whole = OPS.exact_lstm(x, h0, c0, weights, lengths, False)
    for rows in (slice(0, 1), slice(1, 8), slice(8, 13)):
        part = OPS.exact_lstm(x[:, rows], h0[:, rows], c0[:, rows], weights, lengths[rows], False)
        assert bits(*part) == bits(*(result[:, rows] for result in whole))


def test_rows_of_their_own_length_are_sequences_of_that_length():
    x, h0, c0, weights, lengths, _ = layer(*RAGGED)
    whole = OPS.exact_lstm(x, h0, c0, weights, lengths, False)
    for row, length in enumerate(lengths.tolist()):
        one = slice(row, row + 1)
        output, h, c = OPS.exact_lstm(x[:length, one], h0[:, one], c0[:, one], weights, None, False)
        assert bits(output, h, c) == bits(whole[0][:length, one], whole[1][:, one], whole[2][:, one])
        assert whole[0][length:, one].count_nonzero() == 0


@pytest.mark.parametrize("dtype", NARROW, ids=str)
@pytest.mark.parametrize("kind", SMALL, ids=str)
def test_a_narrow_format_is_float32_rounded_once(kind, dtype):
    x, h0, c0, weights, lengths, _ = layer(*kind, dtype)
    wide = (x.float(), h0.float(), c0.float(), [weight.float() for weight in weights], lengths, False)
    rounded = [result.to(dtype).masked_fill(result.isnan(), torch.nan) for result in OPS.exact_lstm(*wide)]
    assert bits(*OPS.exact_lstm(x, h0, c0, weights, lengths, False)) == bits(*rounded)
    back = gradients((x, h0, c0, weights, lengths, False))
    output, _, _, kept, _ = OPS.exact_lstm_forward(*wide)
    want = OPS.exact_lstm_backward(*(given.float() for given in back[:3]), *wide, output, kept, True)
    assert bits(*OPS.exact_lstm_backward(*back)) == bits(*(gradient.to(dtype) for gradient in want))


def torchs(module, x, hx, lengths):
    """torch's own layers; a packed sequence where there are lengths."""
    if lengths is None:
        return module(x, hx)
    packed = pack_padded_sequence(x, lengths, batch_first=module.batch_first, enforce_sorted=False)
    output, states = module(packed, hx)
    return pad_packed_sequence(output, batch_first=module.batch_first, total_length=x.shape[module.batch_first])[0], states


@pytest.mark.parametrize("lengths", [None, (5, 2, 4, 1, 5, 3)], ids=str)
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("layers", "bidirectional"), [(1, False), (1, True), (3, True)])
def test_torchs_layers_are_near(lengths, batch_first, bias, layers, bidirectional):
    torch.manual_seed(3)
    module = torch.nn.LSTM(7, 18, layers, bias=bias, batch_first=batch_first, bidirectional=bidirectional)
    x = torch.randn(6, 5, 7) if batch_first else torch.randn(5, 6, 7)
    hx = tuple(torch.randn(layers * (1 + bidirectional), 6, 18) for _ in range(2))
    lengths = None if lengths is None else torch.tensor(lengths)
    weights = list(module.parameters())
    wanted = [x, *hx, *weights]
    for tensor in wanted[:3]:
        tensor.requires_grad_()
    results = []
    for ours in (False, True):
        options = {"num_layers": layers, "bidirectional": bidirectional, "batch_first": batch_first}
        output, states = exact.lstm(x, hx, weights, lengths=lengths, **options) if ours else torchs(module, x, hx, lengths)
        weighted = sum((t * torch.linspace(-1, 1, t.numel()).view(t.shape)).sum() for t in (output, *states))
        results.append([output, *states, *torch.autograd.grad(weighted, wanted)])
    for theirs, ours in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_states_are_zero_where_none_are_given_and_one_sequence_needs_no_batch():
    module = torch.nn.LSTM(3, 5, 2)
    x = torch.randn(4, 2, 3)
    weights = list(module.parameters())
    zeros = (torch.zeros(2, 2, 5), torch.zeros(2, 2, 5))
    output, states = exact.lstm(x, None, weights, num_layers=2)
    assert bits(output, *states) == bits(*(lambda o, s: (o, *s))(*exact.lstm(x, zeros, weights, num_layers=2)))
    one, (h, c) = exact.lstm(x[:, 1], (zeros[0][:, 1], zeros[1][:, 1]), weights, num_layers=2)
    assert bits(one, h, c) == bits(output[:, 1], states[0][:, 1], states[1][:, 1])


def test_what_is_between_layers_sees_each_layer_but_the_last():
    module = torch.nn.LSTM(3, 5, 3)
    seen = []
    output, _ = exact.lstm(
        torch.randn(4, 2, 3), None, list(module.parameters()), num_layers=3, between=lambda x: seen.append(x) or x * 0
    )
    assert [tuple(x.shape) for x in seen] == [(4, 2, 5)] * 2
    assert bits(output[:, 0]) == bits(output[:, 1])


@pytest.mark.parametrize(
    "kind", [(3, 2, 3, 2, 2, True, None), (4, 3, 2, 3, 1, False, (4, 1, 2)), (3, 3, 2, 2, 2, True, (1, 3, 2))], ids=str
)
def test_gradients(kind):
    x, h0, c0, weights, lengths, batch_first = layer(*kind, torch.float64)
    wanted = [tensor.requires_grad_() for tensor in (x, h0, c0, *weights)]
    assert gradcheck(lambda x, h0, c0, *w: OPS.exact_lstm(x, h0, c0, w, lengths, batch_first), wanted)


def test_gradients_are_the_backward_operators():
    of = layer(*RAGGED)
    x, h0, c0, weights, lengths, batch_first = of
    wanted = [tensor.requires_grad_() for tensor in (x, h0, c0, *weights)]
    results = OPS.exact_lstm(*of)
    back = gradients((x.detach(), h0.detach(), c0.detach(), [weight.detach() for weight in weights], lengths, batch_first))
    got = torch.autograd.grad(results, wanted, back[:3], retain_graph=True)
    want = OPS.exact_lstm_backward(*back)
    assert bits(*got) == bits(*want)
    some = torch.autograd.grad(results, [weights[1], c0], back[:3])
    assert bits(*some) == bits(want[4], want[2])


def test_a_second_derivative_is_refused():
    x, h0, c0, weights, _, _ = layer(3, 2, 3, 2, 1, True, None)
    output, _, _ = OPS.exact_lstm(x.requires_grad_(), h0, c0, weights, None, False)
    (gradient,) = torch.autograd.grad(output.sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="exact_lstm_backward"):
        torch.autograd.grad(gradient.sum(), x)


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # opcheck itself asks for it
def test_torch_checks_gradients_of_weights_too():
    of = layer(*RAGGED, torch.bfloat16)
    for tensor in (*of[:3], *of[3]):
        tensor.requires_grad_()
    torch.library.opcheck(OPS.exact_lstm.default, of)


def test_it_compiles_into_one_graph():
    module = torch.nn.LSTM(4, 6, 2, bidirectional=True)
    x, weights, lengths = torch.randn(5, 3, 4), list(module.parameters()), torch.tensor([5, 1, 3])

    def loss(x):
        output, (h, c) = exact.lstm(x, None, weights, num_layers=2, bidirectional=True, lengths=lengths)
        return output.sum() + (h * c).sum()

    want = torch.autograd.grad(loss(x), weights)
    got = torch.autograd.grad(torch.compile(loss, fullgraph=True, backend="aot_eager")(x), weights)
    assert bits(*got) == bits(*want)


def call(**changed):
    x, h0, c0, weights, lengths, _ = layer(3, 2, 4, 5, 1, True, (3, 1))
    given = {"input": x, "hx": (h0, c0), "weights": weights, "lengths": lengths, **changed}
    return exact.lstm(given.pop("input"), given.pop("hx"), given.pop("weights"), **given)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"input": torch.ones(3, 2, 4).int()}, r"input is Int, expected float32, float64"),
        ({"input": torch.ones(3, 2, 4).double()}, r"h0 is Float, expected Double as input"),
        ({"input": torch.ones(3)}, r"input has shape \[3\], expected 3 dimensions, or 2"),
        ({"input": torch.ones(0, 2, 4)}, r"input has shape \[0, 2, 4\], expected one moment or more"),
        ({"input": torch.ones(3, 4), "hx": None}, r"lengths of one sequence"),
        ({"input": torch.ones(3, 4), "lengths": None}, r"h0 has shape \[1, 2, 5\], expected 2 dimensions"),
        ({"hx": (torch.ones(1, 3, 5), torch.ones(1, 2, 5))}, r"h0 has shape \[1, 3, 5\], expected \[1, 2, 5\]"),
        ({"hx": (torch.ones(1, 2, 5), torch.ones(1, 2, 4))}, r"c0 has shape \[1, 2, 4\], expected \[1, 2, 5\]"),
        ({"weights": [torch.ones(2)] * 3}, r"weights are 3 tensors of 1 layers, expected 2 without biases or 4"),
        ({"weights": [torch.ones(2)] * 2}, r"weights\[1\] has shape \[2\], expected \[4 hidden, hidden\]"),
        ({"weights": [torch.ones(20, 3), torch.ones(20, 5)]}, r"weights\[0\] has shape \[20, 3\], expected \[20, 4\]"),
        ({"weights": [torch.ones(20, 4), torch.ones(19, 5)]}, r"weights\[1\] has shape \[19, 5\], expected \[20, 5\]"),
        ({"weights": [torch.ones(20, 4), torch.ones(20, 5).half()]}, r"weights\[1\] is Half, expected Float as input"),
        ({"lengths": torch.tensor([3.0, 1.0])}, r"lengths is Float, expected int64"),
        ({"lengths": torch.tensor([3])}, r"lengths has shape \[1\], expected \[2\]"),
        ({"lengths": torch.tensor([3, 0])}, r"lengths\[1\] is 0, expected 1 to 3"),
        ({"lengths": torch.tensor([4, 1])}, r"lengths\[0\] is 4, expected 1 to 3"),
        ({"num_layers": 0}, r"weights are 4 tensors of 0 layers"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(changed, said):
    with pytest.raises(ValueError, match=said):
        call(**changed)


@pytest.mark.parametrize(
    ("place", "other", "said"),
    [
        (0, torch.ones(3, 2, 4), r"grad_output has shape \[3, 2, 4\], expected \[3, 2, 5\]"),
        (1, torch.ones(1, 2, 5).half(), r"grad_h is Half on cpu, expected Float on cpu"),
        (2, torch.ones(2, 5), r"grad_c has shape \[2, 5\], expected \[1, 2, 5\]"),
        (9, torch.ones(2, 3, 5), r"output has shape \[2, 3, 5\], expected \[3, 2, 5\]"),
        (10, torch.ones(1, 3, 2, 5, 5), r"kept has shape \[1, 3, 2, 5, 5\], expected \[1, 3, 2, 6, 5\]"),
    ],
)
def test_gradients_that_do_not_fit_are_refused(place, other, said):
    arguments = list(gradients(layer(3, 2, 4, 5, 1, True, None)))
    arguments[place] = other
    with pytest.raises(ValueError, match=said):
        OPS.exact_lstm_backward(*arguments)


@pytest.mark.parametrize(
    ("place", "other", "said"),
    [
        (0, torch.ones(3, 2), r"exact_lstm: input has shape \[3, 2\], expected \[moments, batch, inputs\]"),
        (1, torch.ones(3, 2, 5), r"exact_lstm: h0 has shape \[3, 2, 5\], expected \[1 or 2 directions, 2, hidden\]"),
        (2, torch.ones(1, 2, 6), r"exact_lstm: c0 has shape \[1, 2, 6\], expected \[1, 2, 5\] as h0"),
        (3, [torch.ones(20, 4)], r"exact_lstm: weights are 1 tensors, expected 2 without biases or 4 with them"),
    ],
)
def test_a_layer_that_does_not_fit_is_refused(place, other, said):
    arguments = list(layer(3, 2, 4, 5, 1, True, None))
    arguments[place] = other
    with pytest.raises(ValueError, match=said):
        OPS.exact_lstm(*arguments)
