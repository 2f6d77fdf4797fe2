"""The CUDA source of the scatter family, run on the CPU, gives the bits of the CPU's kernels."""

import pytest
import torch

from tests.emulated.build import Reading
from tests.ops.cases import Case, digest, run, scatter_cases


def rows_by_group(index: torch.Tensor, groups: int) -> tuple[torch.Tensor, torch.Tensor]:
    ordered, rows = torch.sort(index, stable=True)
    return rows, torch.searchsorted(ordered, torch.arange(groups + 1))


@pytest.mark.parametrize("case", scatter_cases(), ids=str)
def test_an_emulated_sum_has_the_bits_of_the_cpu(emulated, case: Case):
    values, index, groups = case.make()
    rows, start = rows_by_group(index, groups)
    want = digest(run(case, gradients=False))
    for seed in range(3):
        out = torch.empty(groups, values.shape[1], dtype=values.dtype)
        function = f"scatter_sum_{str(values.dtype).removeprefix('torch.')}"
        emulated("scatter").run(
            function, Reading(values), Reading(rows), Reading(start), out, groups, values.shape[1], seed=seed
        )
        assert digest({"result 0": out}) == want
