"""Elementwise functions beside float64, in units of the last place, and beside torch's gradients."""

import math

import numpy as np
import pytest
import scipy.special
import torch

from tests.ops.exact_cases import numbers
from within_wf.ops import exact

REFERENCES = {
    "exp": np.exp,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sigmoid": scipy.special.expit,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "erf": scipy.special.erf,
    "sqrt": np.sqrt,
}
BOUNDS = {"exp": 1.02, "log": 0.83, "log1p": 1.23, "tanh": 1.31, "sigmoid": 2.36, "softplus": 1.81, "erf": 1.18, "sqrt": 0.5}
NARROW = (torch.float16, torch.bfloat16)


def all_of(blocks: int, block: int) -> torch.Tensor:
    """Every ``blocks``-th float32, from the block-th on."""
    bits = torch.arange(-(1 << 31) + block, 1 << 31, blocks)
    return bits.to(torch.int32).view(torch.float32)


def errors(name: str, x: torch.Tensor) -> float:
    """The largest error in units of the last place of the exact result; special results must agree."""
    got = getattr(exact, name)(x).double().numpy()
    with np.errstate(all="ignore"):
        want = REFERENCES[name](x.double().numpy())
        rounded = want.astype(np.float32)
        special = ~np.isfinite(rounded) | ~np.isfinite(got)
        # Where the exact result is beyond the largest number, or within an ulp of it, both may overflow.
        same = (
            (np.isnan(got) & np.isnan(want))
            | (got == rounded)
            | (np.abs(want) > float(np.finfo(np.float32).max) * (1 - 2**-24))
        )
        assert same[special].all()
        unit = np.exp2(np.maximum(np.frexp(want)[1], -125).astype(np.float64) - 24)
        return float(np.max(np.where(special, 0, np.abs(got - want) / unit), initial=0))


@pytest.mark.parametrize("name", REFERENCES)
def test_errors_are_within_their_bounds(name):
    assert errors(name, all_of(4093, 7)) <= BOUNDS[name]
    assert errors(name, numbers(torch.float32)) <= BOUNDS[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", REFERENCES)
def test_errors_are_within_their_bounds_over_one_float32_in_eleven(name):
    assert max(errors(name, all_of(256 * 11, block * 11)) for block in range(256)) <= BOUNDS[name]


@pytest.mark.parametrize("name", [*REFERENCES, "silu", "gelu"])
@pytest.mark.parametrize("dtype", NARROW, ids=str)
def test_a_narrow_format_is_float32_rounded_once(name, dtype):
    x = numbers(dtype)
    function = getattr(exact, name)
    wide = function(x.float())
    want = wide.to(dtype).masked_fill(wide.isnan(), math.nan)
    assert torch.equal(function(x).view(torch.int16), want.view(torch.int16))


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_is_near_torchs(approximate):
    x = torch.linspace(-12, 12, 100_001)
    want = torch.nn.functional.gelu(x.double(), approximate=approximate)
    assert ((exact.gelu(x, approximate).double() - want).abs() <= 2.5e-7 * x.abs().clamp_min(1)).all()


def test_silu_is_near_torchs():
    x = torch.linspace(-80, 80, 100_001)
    want = torch.nn.functional.silu(x.double())
    assert ((exact.silu(x).double() - want).abs() <= 4e-7 * want.abs()).all()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        *((getattr(exact, name), getattr(torch, name)) for name in REFERENCES if name != "softplus"),
        (exact.softplus, torch.nn.functional.softplus),
        (exact.silu, torch.nn.functional.silu),
        (exact.gelu, torch.nn.functional.gelu),
        (lambda x: exact.gelu(x, "tanh"), lambda x: torch.nn.functional.gelu(x, approximate="tanh")),
    ],
)
def test_gradients_are_near_torchs(ours, theirs):
    x = torch.linspace(0.01, 6, 997)
    if theirs not in (torch.log, torch.log1p, torch.sqrt):
        x = torch.cat([x, -x])
    (got,) = torch.autograd.grad(ours(x.requires_grad_()).sum(), x)
    wide = x.detach().double().requires_grad_()
    (want,) = torch.autograd.grad(theirs(wide).sum(), wide)
    torch.testing.assert_close(got.double(), want, rtol=2e-6, atol=1e-6)


def test_it_compiles_into_one_graph():
    x = torch.linspace(-3, 3, 50)
    assert torch.equal(torch.compile(exact.gelu, fullgraph=True, backend="aot_eager")(x), exact.gelu(x))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"exact_unary: x is Double, expected float32, float16 or bfloat16"):
        exact.exp(torch.ones(3, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"exact.gelu: approximate is 'fast'"):
        exact.gelu(torch.ones(3), "fast")
