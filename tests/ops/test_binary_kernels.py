"""The CUDA source of binary metrics, run on the CPU, gives the bits of the CPU's kernels."""

import re

import pytest
import torch

from tests.ops.binary_cases import binary_rows, binary_weights
from tests.ops.cases import Case, binary_cases, digest, run
from tests.ops.emulated_binary import EmulatedBinary

EMULATED = [case for case in binary_cases() if "weights far" not in case.name]


@pytest.mark.parametrize("case", EMULATED, ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case))
    for seed in range(2):
        got = EmulatedBinary(emulated("binary"), seed).run(*case.make())
        assert digest({"result 0": got}) == want


@pytest.mark.parametrize("weights", ["none", "close"])
def test_blocks_that_share_a_slice(emulated, weights):
    p, y = binary_rows(5000, torch.float32)
    arguments = (p, y, binary_weights(5000, weights), None, 0, 0.5, 15)
    want = digest({"result 0": torch.ops.within.binary_metrics(*arguments)})
    assert digest({"result 0": EmulatedBinary(emulated("binary"), 0).run(*arguments)}) == want


@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_row_that_is_refused_is_found(emulated, which):
    p, y = binary_rows(300, torch.float64)
    y, w = y.double(), torch.ones(300, dtype=torch.float64)
    (p, y, w)[which][77] = torch.nan
    with pytest.raises(AssertionError, match=re.escape(f"refused: {[77 if i == which else -1 for i in range(3)]}")):
        EmulatedBinary(emulated("binary"), 0).run(p, y, w, None, 0, 0.5, 15)
