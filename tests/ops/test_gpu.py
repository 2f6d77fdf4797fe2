"""A GPU gives the bytes of the CPU, for every operator and every case of tests/ops/cases.py.

Imports torch and pytest alone: it runs where there is little else (`make gpu-check`).
"""

import pytest
import torch

from tests.ops.cases import CASES, Case, digest, run

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU"),
]
FIRST_OF_EACH = tuple({case.operator: case for case in reversed(CASES)}.values())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_gpu_gives_the_bytes_of_the_cpu(case: Case):
    assert digest(run(case, "cuda")) == digest(run(case))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_gpu_gives_the_same_bytes_again_and_on_another_stream(case: Case):
    once = digest(run(case, "cuda"))
    with torch.cuda.stream(torch.cuda.Stream()):
        assert digest(run(case, "cuda")) == once


@pytest.mark.parametrize("case", FIRST_OF_EACH, ids=str)
def test_opcheck_passes_on_a_gpu(case: Case):
    arguments = [argument.cuda() if isinstance(argument, torch.Tensor) else argument for argument in case.make()]
    for position in case.differentiable:
        arguments[position].requires_grad_()
    torch.library.opcheck(getattr(torch.ops.within, case.operator).default, tuple(arguments))
