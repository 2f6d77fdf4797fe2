"""The CUDA sources of elementwise functions, powers and dropout, run on the CPU, give the bits of the CPU's kernels."""

import pytest
import torch

from tests.emulated.build import Reading
from tests.ops.cases import Case, digest, run
from tests.ops.exact_elementwise_cases import UNARY, dropout_cases, power_cases, unary_cases


def named(operator, tensor):
    return f"{operator}_{str(tensor.dtype).removeprefix('torch.')}"


def laid_out_as(tensor, other):
    return torch.empty_like(other).copy_(tensor)


def flat(tensor):
    """The numbers in the order of their memory."""
    return tensor.as_strided((tensor.numel(),), (1,))


def unary(unit, seed, x, function, a, b, gradient=None):
    out = torch.empty_like(x)
    if out.numel():
        received = None if gradient is None else Reading(flat(laid_out_as(gradient, x)))
        unit.run(
            named("exact_unary", x), UNARY.index(function), a, b, received, Reading(flat(x)), x.numel(), flat(out), seed=seed
        )
    return out


def unary_backward(unit, seed, gradient, saved, function, a, b):
    return unary(unit, seed, saved, function, a, b, gradient)


def power(unit, seed, x, y, part=0, gradient=None):
    out = torch.empty((y if x.dim() == 0 else x).shape, dtype=x.dtype)
    if out.numel():
        received = None if gradient is None else Reading(gradient.contiguous())
        given = (Reading(x.contiguous()), Reading(y.contiguous()), x.dim() == 0, y.dim() == 0, out.numel())
        unit.run(named("exact_pow", x), part, received, *given, out, seed=seed)
    return out


def power_backward(unit, seed, gradient, x, y, of_y):
    return power(unit, seed, x, y, 2 if of_y else 1, gradient)


def dropout(unit, seed, x, ids, p, key, step, shared=1):
    out = torch.zeros(x.shape, dtype=x.dtype)
    if out.numel() and p < 1:
        samples = x.shape[0] if x.dim() else 1
        threshold = min(round(p * 2**32), 2**32 - 1)
        given = (Reading(x.contiguous()), None if ids is None else Reading(ids), x.numel() // samples, shared, threshold)
        unit.run(named("exact_dropout", x), *given, 1 / (1 - p), key, step, samples, out, seed=seed)
    return out


EMULATED = {
    "exact_unary": unary,
    "exact_unary_backward": unary_backward,
    "exact_pow": power,
    "exact_pow_backward": power_backward,
    "exact_dropout": dropout,
}


@pytest.mark.parametrize("case", [*unary_cases(), *power_cases(), *dropout_cases()], ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case, gradients=False))
    got = EMULATED[case.operator](emulated("exact_elementwise"), 1, *case.make())
    assert digest({"result 0": got}) == want
