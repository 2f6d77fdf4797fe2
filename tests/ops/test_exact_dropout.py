"""Dropout beside the streams that it draws from, and beside what chance should give."""

import math

import pytest
import torch
from torch.autograd import gradcheck

from tests.ops.exact_elementwise_cases import FLOATS, normal
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops import exact, use_instruction_set
from within_wf.ops.reference import exact_dropout as reference

IDS = torch.tensor([5, -3, 1 << 40, 7, 0])
GIVEN = {"seed": 11, "step": 3, "layer": "encoder.0"}


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().view(torch.uint8).numpy().tobytes()


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 3, 11), (5, 1037)], ids=str)
def test_a_mask_is_what_the_stream_draws(shape, dtype):
    x = normal(*shape, dtype=dtype)
    for p in (0.1, 0.5, 0.97):
        want = reference.dropout(x, IDS, p, **GIVEN)
        for chosen in INSTRUCTION_SETS:
            with use_instruction_set(chosen):
                assert bits(exact.dropout(x, p, sample_ids=IDS, **GIVEN)) == bits(want)


def test_a_sample_has_its_mask_wherever_it_is():
    x = normal(5, 300)
    want = exact.dropout(x, 0.4, sample_ids=IDS, **GIVEN)
    order = torch.tensor([3, 0, 4, 1, 2])
    assert torch.equal(exact.dropout(x[order], 0.4, sample_ids=IDS[order], **GIVEN), want[order])
    parts = [exact.dropout(x[part], 0.4, sample_ids=IDS[part], **GIVEN) for part in (slice(0, 2), slice(2, 5))]
    assert torch.equal(torch.cat(parts), want)
    turned = exact.dropout(x.reshape(5, 10, 30).transpose(0, 1), 0.4, sample_ids=IDS, dim=1, **GIVEN)
    assert torch.equal(turned.transpose(0, 1).reshape(5, 300), want)
    many = normal(40, 5000)
    once = exact.dropout(many, 0.4, **GIVEN)
    for count in (2, 3, 7):
        with threads(count):
            assert torch.equal(exact.dropout(many, 0.4, **GIVEN), once)
    assert torch.equal(exact.dropout(many, 0.4, sample_ids=torch.arange(40), **GIVEN), once)


def test_seeds_layers_steps_and_ids_share_no_mask():
    x = torch.ones(2, 4096)
    given = {"seed": 1, "step": 0, "layer": "a", "sample_ids": torch.tensor([0, 1])}
    masks = [exact.dropout(x, 0.5, **{**given, **change}) for change in ({}, {"seed": 2}, {"step": 1}, {"layer": "b"})]
    rows = torch.cat(masks) != 0
    alike = (rows[:, None] == rows[None]).double().mean(-1).fill_diagonal_(0.5)
    assert ((alike - 0.5).abs() < 5 * 0.5 / math.sqrt(4096)).all()


@pytest.mark.parametrize("p", [0.05, 0.5, 0.9])
def test_as_many_are_dropped_as_should_be(p):
    kept = exact.dropout(torch.ones(100, 10_000), p, **GIVEN)
    assert abs((kept == 0).double().mean().item() - p) < 5 * math.sqrt(p * (1 - p) / 1e6)
    assert torch.equal(kept.unique(), torch.tensor([0, 1 / (1 - p)]))


def test_the_gradient_has_the_mask():
    x, gradient = normal(5, 77).requires_grad_(), normal(5, 77).flip(0)
    dropped = exact.dropout(x, 0.3, sample_ids=IDS, **GIVEN)
    (found,) = torch.autograd.grad(dropped, x, gradient)
    assert torch.equal(found, exact.dropout(gradient, 0.3, sample_ids=IDS, **GIVEN))
    wide = normal(3, 9, dtype=torch.float64).requires_grad_()
    assert gradcheck(lambda x: exact.dropout(x, 0.3, **GIVEN), wide)
    assert torch.autograd.gradgradcheck(lambda x: exact.dropout(x, 0.3, **GIVEN), wide)


def test_whole_channels_and_samples_are_dropped():
    for function, shape in ((exact.dropout1d, (6, 9, 5)), (exact.dropout2d, (6, 9, 5, 4)), (exact.dropout3d, (6, 9, 5, 4, 3))):
        x = normal(*shape)
        found = function(x, 0.4, **GIVEN)
        want = reference.dropout(x, torch.arange(6), 0.4, shared=x[0, 0].numel(), **GIVEN)
        assert bits(found) == bits(want)
    x = normal(6, 9, 300)
    rows = exact.stochastic_depth(x, 0.4, "row", sample_ids=torch.arange(6), **GIVEN)
    assert bits(rows) == bits(reference.dropout(x, torch.arange(6), 0.4, shared=2700, **GIVEN))
    batches = [exact.stochastic_depth(x, 0.4, "batch", seed=1, step=step) for step in range(20)]
    assert {bool((batch == 0).all()) for batch in batches} == {True, False}
    assert all((batch == 0).all() or torch.equal(batch, x * (1 / 0.6)) for batch in batches)


def test_ends_and_what_is_no_number():
    x = torch.tensor([[math.nan, math.inf, -math.inf, -0.0, 3.0e38] * 50])
    dropped = exact.dropout(x, 0.5, **GIVEN)
    assert bits(dropped) == bits(reference.dropout(x, torch.zeros(1, dtype=torch.int64), 0.5, **GIVEN))
    assert bits(exact.dropout(x, 1.0, **GIVEN)) == bits(torch.zeros_like(x))
    assert torch.equal(exact.dropout(x, 0.0, **GIVEN).nan_to_num(), x.nan_to_num())
    assert exact.dropout(x, 0.5, training=False, **GIVEN) is x
    assert exact.dropout(torch.empty(0, 3), 0.5, **GIVEN).shape == (0, 3)
    assert exact.dropout(torch.tensor(2.0), 0.5, **GIVEN).item() in (0, 4)


def test_a_stream_goes_on_where_it_was():
    stream = exact.DropoutStream(4, "head")
    steps = [stream.take() for _ in range(3)]
    kept = stream.state_dict()
    again = exact.DropoutStream(0)
    again.load_state_dict(kept)
    assert (steps, again.take(), again.seed, again.layer) == ([0, 1, 2], 3, 4, "head")
    with pytest.raises(ValueError, match=r"DropoutStream: state has \['seed'\], expected layer, seed and step"):
        again.load_state_dict({"seed": 1})


def test_it_compiles_into_one_graph():
    def call(x, step):
        return exact.dropout(x, 0.5, seed=1, layer="a", step=step).sin()

    compiled = torch.compile(call, fullgraph=True, backend="aot_eager")
    x = normal(4, 33).requires_grad_()
    for step in (3, 4, 5):
        assert torch.equal(compiled(x, step), call(x, step))
        assert torch.equal(*(torch.autograd.grad(one(x, step).sum(), x)[0] for one in (compiled, call)))


def test_what_does_not_fit_is_refused():
    x = normal(4, 6)
    with pytest.raises(ValueError, match=r"exact_dropout: p is 1.5, expected a share in \[0, 1\]"):
        exact.dropout(x, 1.5, **GIVEN)
    with pytest.raises(ValueError, match=r"exact_dropout: step is -1, expected \[0, 2\^32\)"):
        exact.dropout(x, 0.5, seed=1, step=-1)
    with pytest.raises(ValueError, match=r"exact_dropout: sample_ids is Long \[3\] on cpu, expected int64 \[4\] on cpu"):
        exact.dropout(x, 0.5, sample_ids=torch.arange(3), **GIVEN)
    with pytest.raises(ValueError, match=r"exact_dropout: x is Int"):
        exact.dropout(x.int(), 0.5, **GIVEN)
    with pytest.raises(ValueError, match=r"exact_dropout: shared is 4, expected a divisor of a sample's 6 numbers"):
        torch.ops.within.exact_dropout(x, None, 0.5, 1, 1, 4)
    with pytest.raises(ValueError, match=r"exact.dropout2d: input has shape \[4, 6\], expected 4 dimensions"):
        exact.dropout2d(x, **GIVEN)
    with pytest.raises(ValueError, match=r"exact.stochastic_depth: mode is 'column', expected 'row' or 'batch'"):
        exact.stochastic_depth(x, 0.5, "column", **GIVEN)
    with pytest.raises(ValueError, match=r"exact.stochastic_depth: sample_ids are given for a mask of the whole batch"):
        exact.stochastic_depth(x, 0.5, "batch", sample_ids=torch.arange(4), **GIVEN)
