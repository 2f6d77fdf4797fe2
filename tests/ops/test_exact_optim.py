"""Optimizers of one order beside plain torch in that order, and beside torch's own."""

import copy
import math

import numpy as np
import pytest
import torch

from tests.ops.cases import digest, run
from tests.ops.loss_cases import FLOATS
from tests.ops.optim_cases import ADAM, SGD, adam_arguments, optim_cases, sgd_arguments, special_tensors, tensors
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops import exact, use_instruction_set
from within_wf.ops.reference import exact_optim as reference

OPS = torch.ops.within
NARROW = [dtype for dtype in FLOATS if dtype != torch.float64]


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


@pytest.mark.parametrize("specials", [False, True])
@pytest.mark.parametrize("dtype", NARROW, ids=str)
@pytest.mark.parametrize("name", ADAM)
def test_adam_is_the_formula(name, dtype, specials):
    given = adam_arguments(name, dtype, specials=specials)
    before = copy.deepcopy(given)
    OPS.exact_adam_(*given)
    parameters, gradients, means, squares, largest, steps, lr, beta1, beta2, eps, decay, decoupled, maximize = before
    for i, parameter in enumerate(parameters):
        want = reference.adam(
            parameter, gradients[i], means[i], squares[i], largest[i] if largest else None, int(steps[i]) + 1, lr=lr,
            beta1=beta1, beta2=beta2, eps=eps, weight_decay=decay, is_decoupled=decoupled, maximize=maximize,
        )  # fmt: skip
        got = [of[i] for of in (given[0], *given[2:5]) if of]
        assert [bits(of) for of in got] == [bits(of) for of in want]
        assert given[5][i] == steps[i] + 1


@pytest.mark.parametrize("specials", [False, True])
@pytest.mark.parametrize("dtype", NARROW, ids=str)
@pytest.mark.parametrize("name", SGD)
def test_sgd_is_the_formula(name, dtype, specials):
    given = sgd_arguments(name, dtype, specials=specials)
    before = copy.deepcopy(given)
    OPS.exact_sgd_(*given)
    parameters, gradients, momenta, lr, momentum, dampening, decay, nesterov, maximize, is_first = before
    for i, parameter in enumerate(parameters):
        want = reference.sgd(
            parameter, gradients[i], momenta[i] if momenta else None, lr=lr, momentum=momentum, dampening=dampening,
            weight_decay=decay, nesterov=nesterov, maximize=maximize, is_first=is_first,
        )  # fmt: skip
        got = [of[i] for of in (given[0], given[2]) if of]
        assert [bits(of) for of in got] == [bits(of) for of in want]


@pytest.mark.parametrize("norm_type", [1.0, 2.0, math.inf])
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_norms_and_clips_are_the_formula(dtype, norm_type):
    many = [torch.full((5,), 0.1, dtype=dtype)] * 1100
    for given in (tensors(6, dtype), tensors(7, dtype), many, special_tensors(dtype)[:1]):
        norm = exact.get_total_norm(given, norm_type)
        assert bits(norm) == bits(reference.total_norm(given, norm_type))
        for limit in (0.5, 1e6) if dtype != torch.float64 else ():
            clipped = [of.clone() for of in given[:9]]
            OPS.exact_clip_norm_(clipped, norm, limit)
            assert [bits(of) for of in clipped] == [bits(reference.clip_by_norm(of, norm, limit)) for of in given[:9]]


@pytest.mark.parametrize("instruction_set", INSTRUCTION_SETS)
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_neither_instruction_set_nor_threads_matter(instruction_set, count):
    cases = list(optim_cases())
    with threads(1):
        want = [digest(run(case)) for case in cases]
    with threads(count), use_instruction_set(instruction_set):
        assert [digest(run(case)) for case in cases] == want


def model(dtype=torch.float32):
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(20, 300), torch.nn.Tanh(), torch.nn.Linear(300, 70), torch.nn.Linear(70, 1))
    return layers.to(dtype)


def train(layers, optimizer, steps, clip=None):
    x = torch.linspace(-1, 1, 64 * 20, dtype=next(layers.parameters()).dtype).reshape(64, 20)
    for _ in range(steps):
        optimizer.zero_grad()
        ((layers(x) - x.sum(1, keepdim=True)) ** 2).mean().backward()
        if clip is not None:
            clip(layers.parameters(), 0.5)
        optimizer.step()
    return [parameter.detach().clone() for parameter in layers.parameters()]


OPTIONS = [
    ("Adam", {"lr": 1e-2}),
    ("Adam", {"lr": 1e-2, "weight_decay": 0.1, "amsgrad": True}),
    ("Adam", {"lr": 1e-3, "betas": (0.8, 0.95), "eps": 1e-4, "maximize": True}),
    ("AdamW", {"lr": 1e-2}),
    ("AdamW", {"lr": 1e-2, "amsgrad": True, "weight_decay": 0.3}),
    ("SGD", {"lr": 1e-2}),
    ("SGD", {"lr": 1e-2, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    ("SGD", {"lr": 1e-3, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 1e-3, "maximize": True}),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=str)
def test_steps_are_near_torchs(name, options):
    for dtype, bound in ((torch.float64, 1e-10), (torch.float32, 1e-4)):
        ours, theirs = model(dtype), model(dtype)
        got = train(ours, getattr(exact, name)(ours.parameters(), **options), 12)
        want = train(theirs, getattr(torch.optim, name)(theirs.parameters(), **options), 12)
        torch.testing.assert_close(got, want, rtol=bound, atol=bound)


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=str)
def test_states_go_both_ways(name, options):
    ours, theirs = model(torch.float64), model(torch.float64)
    of_ours, of_theirs = (
        getattr(exact, name)(ours.parameters(), **options),
        getattr(torch.optim, name)(theirs.parameters(), **options),
    )
    train(ours, of_ours, 3)
    train(theirs, of_theirs, 3)
    got, want = of_ours.state_dict(), of_theirs.state_dict()
    assert got["param_groups"] == want["param_groups"]
    assert got["state"].keys() == want["state"].keys()
    for key, state in want["state"].items():
        assert list(state) == list(got["state"][key])
        for kind, value in state.items():
            mine = got["state"][key][kind]
            if value is None:
                assert mine is None
                continue
            assert (mine.dtype, mine.shape, mine.stride(), mine.device) == (
                value.dtype,
                value.shape,
                value.stride(),
                value.device,
            )
    of_ours.load_state_dict(want)
    of_theirs.load_state_dict(got)
    torch.testing.assert_close(train(ours, of_ours, 3), train(theirs, of_theirs, 3), rtol=1e-8, atol=1e-8)
    again = getattr(exact, name)(model(torch.float64).parameters(), lr=1.0)
    again.load_state_dict(got)
    assert again.state_dict()["param_groups"] == got["param_groups"]


def test_a_state_of_fused_torch_goes_on():
    ours, theirs = model(torch.float64), model(torch.float64)
    fused = torch.optim.AdamW(theirs.parameters(), fused=True)
    train(theirs, fused, 3)
    optimizer = exact.AdamW(ours.parameters())
    ours.load_state_dict(theirs.state_dict())
    optimizer.load_state_dict(copy.deepcopy(fused.state_dict()))  # whose tensors torch shares otherwise
    torch.testing.assert_close(train(ours, optimizer, 3), train(theirs, fused, 3), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_narrow_parameters_have_a_state_of_their_format(dtype):
    layers = model(dtype)
    optimizer = exact.AdamW(layers.parameters())
    train(layers, optimizer, 2)
    assert {state["exp_avg"].dtype for state in optimizer.state.values()} == {dtype}
    assert {state["step"].dtype for state in optimizer.state.values()} == {torch.float32}


def test_a_parameter_without_a_gradient_stays_and_groups_have_rates_of_their_own():
    a, b, c = (torch.nn.Parameter(torch.ones(3)) for _ in range(3))
    optimizer = exact.AdamW([{"params": [a, b]}, {"params": [c], "lr": 0.0, "weight_decay": 0.0}], lr=0.1)
    a.grad = torch.ones(3)
    c.grad = torch.ones(3)
    optimizer.step()
    b.grad = torch.ones(3)
    optimizer.step()
    assert [optimizer.state[of]["step"].item() for of in (a, b, c)] == [2, 1, 2]
    assert c.tolist() == [1.0] * 3
    assert b[0] > a[0]


def test_memory_formats_do_not_matter():
    image = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(1))
    found = []
    for of_parameter in (image.contiguous(), image.to(memory_format=torch.channels_last), image.expand(2, 4, 3, 5, 5)[0]):
        for of_gradient in (torch.contiguous_format, torch.channels_last):
            for optimizer in (exact.AdamW, lambda parameters: exact.SGD(parameters, lr=0.1, momentum=0.9)):
                parameter = torch.nn.Parameter(of_parameter.clone(memory_format=torch.preserve_format))
                parameter.grad = image.square().to(memory_format=of_gradient)
                stepper = optimizer([parameter])
                stepper.step()
                stepper.step()
                found.append(bits(parameter))
    assert len(set(found)) == 2
    every_second = torch.nn.Parameter(torch.ones(10)[::2])
    every_second.grad = torch.ones(5)
    exact.SGD([every_second], lr=0.5).step()
    assert every_second.tolist() == [0.5] * 5


def test_a_closure_is_called_with_gradients_enabled():
    parameter = torch.nn.Parameter(torch.ones(1))
    optimizer = exact.SGD([parameter], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (parameter**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 1
    assert parameter.item() == 0


def test_a_schedule_of_torchs_moves_the_rate():
    parameter = torch.nn.Parameter(torch.ones(1))
    optimizer = exact.SGD([parameter], lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    for _ in range(2):
        parameter.grad = torch.ones(1)
        optimizer.step()
        schedule.step()
    assert parameter.item() == 1 - 1 - 0.5


def test_a_step_is_seen_by_what_was_kept_for_a_gradient():
    parameter = torch.nn.Parameter(torch.ones(3))
    loss = (parameter**2).sum()
    parameter.grad = torch.ones(3)
    exact.AdamW([parameter]).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("norm_type", [1, 2, math.inf])
def test_norms_and_clips_are_near_torchs(norm_type):
    ours, theirs = model(), model()
    for layers in (ours, theirs):
        layers(torch.linspace(-1, 1, 100).reshape(5, 20)).sum().backward()
    gradients = [parameter.grad for parameter in theirs.parameters()]
    torch.testing.assert_close(exact.get_total_norm(gradients, norm_type), torch.nn.utils.get_total_norm(gradients, norm_type))
    got, want = (f(of.parameters(), 0.3, norm_type) for f, of in (
        (exact.clip_grad_norm_, ours), (torch.nn.utils.clip_grad_norm_, theirs)))  # fmt: skip
    torch.testing.assert_close(got, want)
    exact.clip_grad_value_(ours.parameters(), 1e-3)
    torch.nn.utils.clip_grad_value_(theirs.parameters(), 1e-3)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)


def test_a_norm_neither_overflows_nor_vanishes():
    assert exact.get_total_norm([torch.full((4,), 1e30)]).item() == pytest.approx(2e30)
    assert exact.get_total_norm(torch.full((4,), 1e-30)).item() == pytest.approx(2e-30)


def test_of_nothing_the_norm_is_0():
    assert exact.get_total_norm([]).item() == 0
    assert exact.clip_grad_norm_([torch.nn.Parameter(torch.ones(2))], 1.0).item() == 0
    assert exact.get_total_norm([torch.empty(0)]).item() == 0


def test_the_power_is_near_the_c_librarys():
    for beta in (0.9, 0.95, 0.999, 0.9999):
        for step in (1, 2, 3, 10, 1000, 123_457, 1 << 24):
            assert reference.power(beta, step) == pytest.approx(beta**step, rel=1e-11, abs=1e-300)


def test_the_root_is_rounded_correctly():
    # Of a step from nothing with beta2 = 0 and epsilon = 0 what is left is sqrt(g * g), divided.
    gradient = torch.linspace(0.1, 7, 5000)
    parameter = torch.nn.Parameter(torch.zeros(5000))
    parameter.grad = gradient
    exact.Adam([parameter], lr=1.0, betas=(0.0, 0.0), eps=0.0).step()
    square = gradient.numpy() * gradient.numpy()
    assert (parameter.detach().numpy() == -(gradient.numpy() / np.sqrt(square))).all()


@pytest.mark.parametrize("name", ["Adam", "AdamW", "SGD"])
def test_it_compiles_into_one_graph(name):
    found = []
    for wrap in (lambda f: f, lambda f: torch.compile(f, fullgraph=True, backend="aot_eager")):
        given = adam_arguments("plain", torch.float32) if "Adam" in name else sgd_arguments("nesterov", torch.float32)
        op = OPS.exact_adam_ if "Adam" in name else OPS.exact_sgd_
        wrap(lambda *arguments, op=op: op(*arguments))(*given)
        found.append([bits(of) for of in given[0]])
    assert found[0] == found[1]


ONE = [torch.ones(3)]


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: exact.AdamW([torch.ones(3)], capturable=True), ValueError, r"exact.AdamW: capturable is True, expected False"),
        (lambda: exact.SGD([torch.ones(3)], differentiable=True), ValueError, r"exact.SGD: differentiable is True"),
        (lambda: exact.Adam([torch.ones(3)], lr=torch.tensor(0.1)), ValueError, r"lr is a tensor, expected a float"),
        (lambda: exact.AdamW([torch.ones(3)], lr=-1.0), ValueError, r"Invalid learning rate"),
        (lambda: exact.get_total_norm(ONE, 3), ValueError, r"norm_type is 3, expected 1, 2 or inf"),
        (lambda: exact.get_total_norm([torch.ones(3).int()]), ValueError, r"tensors\[0\] is Int, Strided, expected dense"),
        (lambda: exact.get_total_norm([torch.ones(3).to_sparse()]), (ValueError, NotImplementedError), r"."),
        (lambda: exact.get_total_norm([torch.full((2,), math.inf)], 2.0, True), RuntimeError, r"the norm of order 2.0 is inf"),
        (lambda: OPS.exact_clip_norm_(ONE, torch.tensor(1), 1.0), ValueError, r"norm is Long of shape \[\], expected a scalar"),
        (lambda: OPS.exact_clip_norm_(ONE, torch.tensor(1.0), -1.0), ValueError, r"max_norm is -1, expected 0 or more"),
        (lambda: OPS.exact_clip_value_(ONE, -1.0), ValueError, r"limit is -1, expected 0 or more"),
        (
            lambda: OPS.exact_sgd_(ONE, [torch.ones(4)], [], 0.1, 0.0, 0.0, 0.0, False, False, False),
            ValueError,
            r"gradients\[0\] is Float of shape \[4\] on cpu, expected Float of shape \[3\]",
        ),
        (
            lambda: OPS.exact_sgd_(ONE, [], [], 0.1, 0.0, 0.0, 0.0, False, False, False),
            ValueError,
            r"gradients has 0 tensors, expected 1",
        ),
        (
            lambda: OPS.exact_adam_(ONE, ONE, ONE, ONE, [], [torch.ones(2)], 0.1, 0.9, 0.99, 1e-8, 0.0, True, False),
            ValueError,
            r"steps\[0\] is Float of shape \[2\], expected one float32",
        ),
        (
            lambda: OPS.exact_adam_(ONE, ONE, ONE, ONE, [], [], 0.1, 0.9, 0.99, 1e-8, 0.0, True, False),
            ValueError,
            r"steps has 0 tensors, expected 1",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_what_is_set_later_is_refused_too():
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.ones(2)
    optimizer = exact.AdamW([parameter])
    optimizer.param_groups[0]["lr"] = torch.tensor(0.1)
    with pytest.raises(ValueError, match="lr is a tensor"):
        optimizer.step()
    capturable = optimizer.state_dict()
    capturable["param_groups"][0]["capturable"] = True
    with pytest.raises(ValueError, match="capturable is True"):
        optimizer.load_state_dict(capturable)
