"""The CUDA source of a bootstrap's resamples, run on the CPU, gives the bits of the CPU's kernels."""

import pytest
import torch

from tests.emulated.build import Reading
from tests.ops.bootstrap_cases import bootstrap_cases
from tests.ops.cases import Case, digest, run


def resample(unit, seed, units, weights, size, key, first, count):
    out, outside = torch.empty(count, len(units), dtype=torch.float64), torch.tensor([-1])
    counts = torch.zeros(count, size, dtype=torch.int32)
    own = None if weights is None else Reading(weights)
    given = (key, first, count, size, Reading(units), own, len(units), counts, out, outside)
    unit.run("resample_weights", *given, seed=seed)
    return out, outside.item()


@pytest.mark.parametrize("case", bootstrap_cases(), ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case))
    for seed in range(2):
        got, outside = resample(emulated("resample"), seed, *case.make())
        assert outside == -1
        assert digest({"result 0": got}) == want


def test_the_first_row_of_no_unit_is_found(emulated):
    units = torch.tensor([0, 1, 7, -1, 9])
    assert resample(emulated("resample"), 0, units, None, 2, 1, 0, 1)[1] == 2
