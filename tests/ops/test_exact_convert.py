"""Models made exact: nothing is left of torch's kernels, results are near torch's, and bits are the same everywhere."""

import copy
import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

from tests.ops.exact_models import MODELS, digest, digests, made, outputs_and_gradients
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.errors import OperatorError
from within_wf.ops import exact, use_instruction_set
from within_wf.ops.exact import NotExactError


@pytest.mark.parametrize("is_training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_left(name, is_training):
    model, inputs, named = made(name, is_training=is_training)
    report = exact.check(exact.convert(model), *inputs, **named)
    assert report.is_exact, str(report)
    assert any(operator.startswith("within::") for operator in report.operators)


@pytest.mark.parametrize("name", MODELS)
def test_outputs_and_gradients_are_near_torchs(name):
    model, inputs, named = made(name, is_training=False)
    want = outputs_and_gradients((copy.deepcopy(model), inputs, named))
    got = outputs_and_gradients((exact.convert(model), inputs, named))
    assert len(got) == len(want)
    for ours, theirs in zip(got, want, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4 * max(1.0, float(theirs.abs().max())))


@pytest.fixture(scope="module")
def expected():
    return digests()


@pytest.mark.parametrize("capability", ["default", "avx2"])
def test_torchs_instruction_set_changes_no_bit(expected, capability):
    command = [sys.executable, "-m", "tests.ops.exact_models"]
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": capability, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == expected


@pytest.mark.parametrize("name", INSTRUCTION_SETS)
def test_our_instruction_set_changes_no_bit(expected, name):
    with use_instruction_set(name):
        assert digests() == expected


@pytest.mark.parametrize("count", [1, 2, 3])
def test_threads_change_no_bit(expected, count):
    with threads(count):
        assert digests() == expected


def test_torchs_own_layers_are_found():
    model, inputs, named = made("BERT", is_training=True)
    report = exact.check(model, *inputs, **named)
    reached = {(each.operator, each.module, each.is_backward) for each in report.unsafe}
    assert ("aten::addmm", "encoder.layer.0.attention.self.query", False) in reached
    assert ("aten::mm", "encoder.layer.0.attention.self.query", True) in reached
    assert ("aten::native_layer_norm", "embeddings.LayerNorm", False) in reached
    assert ("aten::embedding_dense_backward", "embeddings.word_embeddings", True) in reached
    assert not report.is_exact
    assert "aten::addmm, 1 x, forward of encoder.layer.0.attention.self.query: sums of products" in str(report)


def test_a_check_leaves_the_model_as_it_was():
    model, inputs, _ = made("ResNet-18", is_training=True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    exact.check(exact.convert(model), *inputs)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert all(weight.grad is None for weight in model.parameters())


class Mixed(nn.Module):
    """Custom code with a Fourier transform in it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 6)

    def forward(self, x):
        return torch.fft.rfft(self.layer(x)).real.sum()


def test_what_cannot_be_turned_is_named_and_can_be_left():
    x = torch.ones(2, 6)
    model = nn.Sequential(Mixed())
    with pytest.raises(NotExactError, match=r"of 0: found torch.fft.rfft") as raised:
        exact.convert(model)(x)
    assert (raised.value.function, raised.value.path) == ("torch.fft.rfft", "0")
    exact.convert(nn.Sequential(Mixed()), leave=["torch.fft.rfft"])(x)
    left = exact.convert(nn.Sequential(Mixed(), nn.Tanh()), leave=["0"])
    assert type(left[0].layer) is nn.Linear
    assert {each.module for each in exact.check(left, x).unsafe} == {"0", "0.layer"}


def test_layers_without_an_exact_form_are_all_named():
    model = nn.ModuleDict({"a": nn.GRU(3, 3), "b": nn.Sequential(nn.Linear(3, 3), nn.Fold(2, 2))})
    with pytest.raises(OperatorError, match=r"(?s)a: found torch.nn.modules.rnn.GRU.*b.1: found torch.nn.modules.fold.Fold"):
        exact.convert(model)
    assert type(model["b"][0]) is nn.Linear
    exact.convert(model, leave=["a", "b.1"])
    assert type(model["b"][0]) is exact.nn.Linear
    with pytest.raises(OperatorError, match=r"leave, c: found neither a module"):
        exact.convert(model, leave=["c"])


def test_parameters_hooks_shared_layers_and_copies_stay():
    layer = nn.Linear(4, 4)
    model = nn.Sequential(layer, nn.ReLU(), layer, nn.Linear(4, 2))
    seen = []
    layer.register_forward_hook(lambda *_: seen.append(1))
    before = dict(model.named_parameters())
    assert exact.convert(model) is model
    assert all(before[name] is weight for name, weight in model.named_parameters())
    assert model[0] is model[2]
    assert isinstance(model[0], nn.Linear)
    twin = copy.deepcopy(exact.convert(model))
    x = torch.ones(3, 4)
    assert torch.equal(twin(x), model(x))
    assert len(seen) == 4
    assert exact.check(twin, x).is_exact
    twin.load_state_dict(model.state_dict())


def test_a_converted_model_can_be_written_and_read():
    model, inputs, named = made("TransformerEncoder", is_training=False)
    twin = pickle.loads(pickle.dumps(exact.convert(model)))  # noqa: S301 - its own bytes
    assert torch.equal(twin(*inputs, **named), model(*inputs, **named))
    assert exact.check(twin, *inputs, **named).is_exact


def test_threads_of_ones_own_are_exact_too():
    model, inputs, named = made("BERT", is_training=False)
    exact.convert(model)
    with ThreadPoolExecutor(2) as pool:
        outputs = list(pool.map(lambda _: model(*inputs, **named).last_hidden_state, range(4)))
    assert all(torch.equal(output, outputs[0]) for output in outputs)
    assert torch.equal(outputs[0], model(*inputs, **named).last_hidden_state)


def test_layers_that_are_computed_again_for_the_gradient_are_exact_again():
    calls = [made("BERT", is_training=False) for _ in range(2)]
    for model, _, _ in calls:
        exact.convert(model).train()
        for module in model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
    calls[0][0].activation_checkpointing_enable({"use_reentrant": False})
    assert digest(outputs_and_gradients(calls[0])) == digest(outputs_and_gradients(calls[1]))
    model, inputs, named = calls[0]
    assert exact.check(model, *inputs, **named).is_exact


def test_layers_compile_into_one_graph():
    model = exact.convert(nn.Sequential(nn.Linear(5, 7), nn.GELU(), nn.LayerNorm(7)))
    x = torch.randn(3, 5)
    torch._dynamo.reset()
    assert torch.equal(torch.compile(model, fullgraph=True, backend="aot_eager")(x), model(x))


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch's tracing looks at it
def test_a_model_with_code_of_its_own_compiles():
    model, inputs, named = made("ad score", is_training=False)
    exact.convert(model)
    torch._dynamo.reset()
    assert torch.equal(torch.compile(model, backend="aot_eager")(*inputs, **named), model(*inputs, **named))


@pytest.mark.filterwarnings("ignore:.torch.jit")
def test_scripted_layers_are_refused():
    with pytest.raises(OperatorError, match="expected a layer that has an exact form"):
        exact.convert(nn.Sequential(torch.jit.trace(nn.Linear(2, 2), torch.ones(1, 2))))
