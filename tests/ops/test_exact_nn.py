"""Exact layers beside torch's: constructors, weights, results, gradients."""

import copy
from typing import Any

import pytest
import torch
from torch import nn

from within_wf.ops import exact
from within_wf.ops.exact import nn as exact_nn
from within_wf.ops.exact.adapters import tensors_in


def randn(*shape: int, seed: int = 3) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


CLASSES = torch.tensor([2, 0, 1, 2])
LAYERS: dict[str, tuple[tuple[Any, ...], dict[str, Any], tuple[Any, ...]]] = {
    "Linear": ((5, 3), {}, (randn(2, 4, 5),)),
    "Conv1d": ((4, 6, 3), {"padding": 1, "groups": 2}, (randn(2, 4, 9),)),
    "Conv2d": ((4, 6, (3, 2)), {"stride": 2, "padding": "valid", "bias": False}, (randn(2, 4, 9, 8),)),
    "Embedding": ((7, 5), {"padding_idx": 2}, (CLASSES,)),
    "LayerNorm": ((6,), {}, (randn(3, 6),)),
    "RMSNorm": ((6,), {}, (randn(3, 6),)),
    "GroupNorm": ((2, 6), {}, (randn(3, 6, 5),)),
    "BatchNorm1d": ((6,), {}, (randn(4, 6),)),
    "BatchNorm2d": ((6,), {"momentum": None}, (randn(4, 6, 3, 2),)),
    "Dropout": ((0.0,), {}, (randn(4, 6),)),
    "Dropout1d": ((0.0,), {}, (randn(2, 4, 9),)),
    "Dropout2d": ((0.0,), {}, (randn(2, 4, 9, 8),)),
    "LSTM": ((5, 4), {"num_layers": 2, "bidirectional": True}, (randn(7, 3, 5),)),
    "MultiheadAttention": ((8, 2), {"batch_first": True}, (randn(3, 5, 8), randn(3, 5, 8, seed=4), randn(3, 5, 8, seed=5))),
    "TransformerEncoderLayer": ((8, 2, 16), {"dropout": 0.0}, (randn(5, 3, 8),)),
    "TransformerDecoderLayer": ((8, 2, 16), {"dropout": 0.0}, (randn(5, 3, 8), randn(4, 3, 8))),
    "Softmax": ((-1,), {}, (randn(4, 6),)),
    "Softmin": ((-1,), {}, (randn(4, 6),)),
    "LogSoftmax": ((-1,), {}, (randn(4, 6),)),
    "Softmax2d": ((), {}, (randn(2, 3, 4, 5),)),
    "PReLU": ((3,), {}, (randn(2, 3, 5),)),
    "Threshold": ((0.1, -1.0), {}, (randn(4, 6),)),
    "AvgPool1d": ((3,), {}, (randn(2, 4, 9),)),
    "AvgPool2d": ((3, 2, 1), {}, (randn(2, 4, 9, 8),)),
    "MaxPool1d": ((3,), {}, (randn(2, 4, 9),)),
    "MaxPool2d": ((3, 2, 1), {}, (randn(2, 4, 9, 8),)),
    "AdaptiveAvgPool1d": ((4,), {}, (randn(2, 4, 9),)),
    "AdaptiveAvgPool2d": (((3, 2),), {}, (randn(2, 4, 9, 8),)),
    "AdaptiveMaxPool1d": ((4,), {}, (randn(2, 4, 9),)),
    "AdaptiveMaxPool2d": ((3,), {}, (randn(2, 4, 9, 8),)),
    "CircularPad1d": ((2,), {}, (randn(2, 4, 9),)),
    "CircularPad2d": ((2,), {}, (randn(2, 4, 9, 8),)),
    "ReflectionPad1d": ((2,), {}, (randn(2, 4, 9),)),
    "ReflectionPad2d": ((2,), {}, (randn(2, 4, 9, 8),)),
    "ReplicationPad1d": ((2,), {}, (randn(2, 4, 9),)),
    "ReplicationPad2d": ((2,), {}, (randn(2, 4, 9, 8),)),
    "Upsample": ((), {"scale_factor": 2}, (randn(2, 4, 3, 5),)),
    "UpsamplingNearest2d": ((), {"scale_factor": 2}, (randn(2, 4, 3, 5),)),
    "CosineSimilarity": ((), {}, (randn(4, 6), randn(4, 6, seed=4))),
    "PairwiseDistance": ((), {}, (randn(4, 6), randn(4, 6, seed=4))),
    "BCEWithLogitsLoss": ((), {}, (randn(4, 6), torch.full((4, 6), 0.3))),
    "CrossEntropyLoss": ((), {"weight": torch.tensor([1.0, 2.0, 0.5]), "label_smoothing": 0.1}, (randn(4, 3), CLASSES)),
    "NLLLoss": ((), {}, (randn(4, 3), CLASSES)),
    "MarginRankingLoss": ((0.3,), {}, (randn(4), randn(4, seed=4), torch.ones(4))),
    **{name: ((), {}, (randn(4, 6), randn(4, 6, seed=4))) for name in ("HuberLoss", "L1Loss", "MSELoss", "SmoothL1Loss")},
}
ALONE = {"Transformer", "TransformerDecoder", "TransformerEncoder"}


def call_of(name: str) -> tuple[nn.Module, nn.Module, tuple[Any, ...]]:
    """torch's layer, ours with the same weights, and what they are called with."""
    args, options, inputs = LAYERS.get(name, ((), {}, (randn(4, 6),)))
    torch.manual_seed(5)
    theirs = getattr(nn, name)(*args, **options)
    ours = getattr(exact_nn, name)(*args, **options)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours, inputs


def results(layer: nn.Module, inputs: tuple[Any, ...]) -> list[torch.Tensor]:
    """Outputs, and gradients of weights and of the first input."""
    first = inputs[0].detach().clone()
    starts = [*layer.parameters()]
    if first.is_floating_point():
        starts.append(first.requires_grad_())
    outputs = list(tensors_in(layer(first, *inputs[1:])))
    ends = [output for output in outputs if output.requires_grad]
    seeds = [torch.linspace(0.5, 1.5, end.numel()).reshape(end.shape) for end in ends]
    return [*outputs, *torch.autograd.grad(ends, starts, seeds)]


NAMES = sorted({kind.__name__ for kind in exact_nn.EXACT_CLASSES} - ALONE)


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_is_torchs_with_exact_functions(name):
    theirs, ours, inputs = call_of(name)
    assert isinstance(ours, type(theirs))
    assert type(ours).__module__ == "within_wf.ops.exact.nn"
    assert type(ours).__name__ == name
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert repr(ours) == repr(theirs)
    first = inputs[0].clone().requires_grad_(inputs[0].is_floating_point())
    report = exact.check(ours, first, *inputs[1:])
    assert report.is_exact, str(report)
    for got, want in zip(results(ours, inputs), results(theirs, inputs), strict=True):
        torch.testing.assert_close(got, want, rtol=2e-4, atol=2e-5)
    assert all(torch.allclose(a, b) for a, b in zip(ours.buffers(), theirs.buffers(), strict=True))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize(("name", "shape"), [("Conv1d", (2, 4, 9)), ("Conv2d", (2, 4, 9, 8))])
def test_a_convolution_pads_in_every_mode(name, shape, mode):
    torch.manual_seed(5)
    theirs = getattr(nn, name)(4, 6, 3, padding=2, padding_mode=mode)
    ours = exact.convert(copy.deepcopy(theirs))
    for got, want in zip(results(ours, (randn(*shape),)), results(theirs, (randn(*shape),)), strict=True):
        torch.testing.assert_close(got, want, rtol=2e-4, atol=2e-5)
    for model in (ours, exact.convert(nn.Sequential(ours))):
        assert exact.check(model, randn(*shape).requires_grad_()).is_exact


@pytest.mark.parametrize("name", NAMES)
def test_a_converted_layer_computes_the_same_bits(name):
    theirs, ours, inputs = call_of(name)
    converted = exact.convert(copy.deepcopy(theirs))
    assert type(converted) is type(ours)
    for got, want in zip(results(converted, inputs), results(ours, inputs), strict=True):
        assert torch.equal(got, want)


def test_packed_sequences_are_read_as_torch_does():
    theirs, ours, (x,) = call_of("LSTM")
    packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([4, 7, 2]), enforce_sorted=False)
    (got, got_state), (want, want_state) = ours(packed), theirs(packed)
    for a, b in zip((got.data, *got_state), (want.data, *want_state), strict=True):
        torch.testing.assert_close(a, b, rtol=2e-4, atol=2e-5)
    assert torch.equal(got.batch_sizes, want.batch_sizes)


def test_states_and_unbatched_sequences():
    theirs, ours, (x,) = call_of("LSTM")
    state = (randn(4, 3, 4, seed=8), randn(4, 3, 4, seed=9))
    torch.testing.assert_close(ours(x, state), theirs(x, state), rtol=2e-4, atol=2e-5)
    torch.testing.assert_close(ours(x[:, 0]), theirs(x[:, 0]), rtol=2e-4, atol=2e-5)
    with pytest.raises(exact.NotExactError, match="proj_size"):
        exact_nn.LSTM(5, 4, proj_size=2)(x)


@pytest.mark.parametrize(("name", "shape"), [("Dropout", (50, 40)), ("Dropout1d", (50, 40, 3)), ("Dropout2d", (50, 40, 2, 3))])
@pytest.mark.parametrize("inplace", [False, True])
def test_dropout_draws_from_torchs_generator(name, shape, inplace):
    layer = getattr(exact_nn, name)(0.25, inplace)
    torch.manual_seed(3)
    first = layer(torch.ones(shape))
    second = layer(torch.ones(shape))
    torch.manual_seed(3)
    assert torch.equal(layer(torch.ones(shape)), first)
    assert not torch.equal(first, second)
    assert first.unique().tolist() == pytest.approx([0, 4 / 3])
    assert first.reshape(50, 40, -1).amax(-1).count_nonzero().item() == pytest.approx(1500, abs=90)
    x = torch.ones(shape)
    assert (layer(x) is x) == inplace
    assert torch.equal(layer.eval()(x), x)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_encoders_with_masks():
    layer = exact_nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder = exact_nn.TransformerEncoder(layer, 2).eval()
    twin = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2).eval()
    twin.load_state_dict(encoder.state_dict())
    x, padding = randn(3, 5, 8), torch.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 5])
    with torch.no_grad():
        ours, theirs = encoder(x, src_key_padding_mask=padding), twin(x, src_key_padding_mask=padding)
    torch.testing.assert_close(ours[~padding], theirs[~padding], rtol=2e-4, atol=2e-5)
    causal = nn.Transformer.generate_square_subsequent_mask(5)
    torch.testing.assert_close(encoder(x, causal, is_causal=True), twin(x, causal, is_causal=True), rtol=2e-4, atol=2e-5)


def test_what_has_no_exact_form_is_said():
    with pytest.raises(AttributeError, match=r"torch.nn.GRU has no exact form"):
        exact_nn.GRU  # noqa: B018
    with pytest.raises(AttributeError, match=r"there is no layer 'Liner'"):
        exact_nn.Liner  # noqa: B018
