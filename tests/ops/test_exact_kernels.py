"""The CUDA sources of exact layers, run on the CPU, give the bits of the CPU's kernels."""

import pytest
import torch

from tests.emulated.build import Reading
from tests.ops.cases import Case, digest, run
from tests.ops.exact_cases import exact_cases


def memory(of):
    """What a turned batch lies in."""
    return Reading(of if of.is_contiguous() else of.mT)


def matmul(unit, seed, a, b, bias):
    kind = str(a.dtype).removeprefix("torch.")
    out = torch.empty(a.shape[0], a.shape[1], b.shape[2], dtype=a.dtype)
    if out.numel():
        own = None if bias is None else Reading(bias if kind == "float64" else bias.float())
        given = (memory(a), *a.stride(), memory(b), *b.stride(), own, *a.shape, b.shape[2], out)
        unit.run(f"exact_matmul_{kind}", *given, seed=seed)
    return out


def mm(unit, seed, a, b, bias=None):
    return matmul(unit, seed, a[None], b[None], bias)[0]


def linear(unit, seed, x, weight, bias=None):
    product = matmul(unit, seed, x.reshape(1, -1, x.shape[-1]), weight.T[None], bias)
    return product.reshape(*x.shape[:-1], weight.shape[0])


def linear_kept(unit, seed, x, weight, bias, activation):
    sums = linear(unit, seed, x, weight, bias)
    # What the kernels of functions give, which tests of their own compare with this.
    return torch.ops.within.exact_unary(sums, activation), sums


def linear_activated(*given):
    return linear_kept(*given)[0]


def sum_rows(unit, seed, x):
    wide = torch.float64 if x.dtype == torch.float64 else torch.float32
    rows, columns = x.shape
    blocks = max(1, -(-rows // 1024))
    sums, out = torch.empty(blocks, columns, dtype=wide), torch.empty(columns, dtype=x.dtype)
    if columns:
        kind = str(x.dtype).removeprefix("torch.")
        whole = x if x.is_contiguous() else x._base
        unit.run(f"exact_sum_rows_{kind}", Reading(whole), x.stride(0), rows, columns, blocks, sums, out, seed=seed)
    return out


EMULATED = {
    "exact_linear": linear,
    "exact_linear_activated": linear_activated,
    "exact_linear_kept": linear_kept,
    "exact_matmul": matmul,
    "exact_mm": mm,
    "exact_sum_rows": sum_rows,
}
SMALL = [case for case in exact_cases() if case.operator in EMULATED]


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case, gradients=False))
    for seed in range(2):
        given = EMULATED[case.operator](emulated("exact"), seed, *case.make())
        named = {f"result {i}": result for i, result in enumerate(given if isinstance(given, tuple) else (given,))}
        assert digest(named) == want
