"""The CUDA source of the scatter family, run on the CPU, gives the bits of the CPU's kernels."""

import pytest
import torch

from tests.ops.cases import Case, digest, run, scatter_cases
from tests.ops.emulated_scatter import EmulatedScatter

EMULATED = [case for case in scatter_cases() if case.operator != "gather"]


@pytest.mark.parametrize("case", EMULATED, ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case, gradients=False))
    for seed in range(2):
        got = EmulatedScatter(emulated("scatter"), seed).run(case.operator, *case.make())
        assert digest({"result 0": got}) == want


def test_cases_use_limbs_and_words(emulated):
    """What is compared above goes both ways, or it would prove one of them."""
    counts = []
    for case in EMULATED:
        if case.operator == "scatter_sum":
            scatter = EmulatedScatter(emulated("scatter"), 0)
            scatter.run(case.operator, *case.make())
            counts.append(scatter.misfits)
    assert 0 in counts
    assert max(counts) > 100


def test_a_row_outside_is_found(emulated):
    scatter = EmulatedScatter(emulated("scatter"), 0)
    with pytest.raises(AssertionError):
        scatter.scatter_sum(torch.ones(3, 1), torch.tensor([0, 5, 1]), 2)
