"""The CUDA source of regression metrics, run on the CPU, gives the bits of the CPU's kernels."""

import pytest
import torch

from tests.ops.cases import Case, digest, regression_cases, run
from tests.ops.emulated_regression import EmulatedRegression
from tests.ops.regression_cases import SHARES, columns, groups_of, weights_of

EMULATED = [
    case
    for case in regression_cases()
    if case.operator == "regression_metrics" and "20000 rows" not in case.name and " 0 rows" not in case.name
]


@pytest.mark.parametrize("case", EMULATED, ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case))
    for seed in range(2):
        got = EmulatedRegression(emulated("regression"), seed).run(*case.make())
        assert digest({"result 0": got}) == want


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("kind", ["alike", "ties"])
def test_blocks_that_share_a_slice(emulated, kind, is_weighted):
    p, t = columns(5000, kind, torch.float32)
    arguments = (p, t, weights_of(5000) if is_weighted else None, groups_of(5000, 3), 3, SHARES)
    want = digest({"result 0": torch.ops.within.regression_metrics(*arguments)})
    assert digest({"result 0": EmulatedRegression(emulated("regression"), 0).run(*arguments)}) == want


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("wrong", [torch.nan, torch.inf])
def test_a_row_that_is_refused_is_found(emulated, which, wrong):
    of = (*columns(300, "alike", torch.float64), torch.ones(300, dtype=torch.float64))
    of[which][77] = wrong
    of[which][200] = wrong
    with pytest.raises(AssertionError, match="refused: 77"):
        EmulatedRegression(emulated("regression"), 0).run(*of, None, 0, [0.5])


def test_a_weight_below_0_is_found(emulated):
    weights = torch.ones(300, dtype=torch.float64)
    weights[5] = -1
    with pytest.raises(AssertionError, match="refused: 5"):
        EmulatedRegression(emulated("regression"), 0).run(*columns(300, "alike", torch.float64), weights, None, 0, [0.5])
