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


EMULATED = {"exact_matmul": matmul}
SMALL = [case for case in exact_cases() if case.operator in EMULATED]


@pytest.mark.parametrize("case", SMALL, ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case, gradients=False))
    for seed in range(2):
        assert digest({"result 0": EMULATED[case.operator](emulated("exact"), seed, *case.make())}) == want
