"""The CUDA source of drift metrics, run on the CPU, gives the bits of the CPU's kernels."""

import pytest
import torch

from tests.ops.cases import Case, digest, regression_cases, run
from tests.ops.emulated_drift import EmulatedDrift
from tests.ops.regression_cases import columns, groups_of, weights_of

EMULATED = [case for case in regression_cases() if case.operator == "drift_metrics"]


def samples(rows, others, kind, dtype):
    return tuple(torch.stack(columns(n, kind, dtype), 1) for n in (rows, others))


def same_bits(emulated, arguments, seeds=2):
    want = digest({"result 0": torch.ops.within.drift_metrics(*arguments)})
    for seed in range(seeds):
        assert digest({"result 0": EmulatedDrift(emulated("drift"), seed).run(*arguments)}) == want


@pytest.mark.parametrize("case", EMULATED, ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case))
    for seed in range(1 if "20000" in case.name else 2):
        got = EmulatedDrift(emulated("drift"), seed).run(*case.make())
        assert digest({"result 0": got}) == want


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("weighted", ["neither", "reference", "both"])
@pytest.mark.parametrize("kind", ["alike", "ties", "wide"])
def test_blocks_that_share_a_slice(emulated, kind, weighted, dtype):
    rows, others = 5000, 3000
    weights = [weights_of(rows) if weighted != "neither" else None, weights_of(others) if weighted == "both" else None]
    same_bits(emulated, (*samples(rows, others, kind, dtype), 7, *weights, groups_of(rows, 3), groups_of(others, 3), 3), 1)


def test_each_group_counts_weights_in_units_of_its_own(emulated):
    of = groups_of(700, 9)
    w = torch.ldexp(weights_of(700), -60 * of)
    w[of == 2] = 0
    other_of = torch.where(of == 3, 4, of)  # a group of one sample alone
    same_bits(emulated, (*samples(700, 700, "alike", torch.float64), 10, w, w.flip(0), of, other_of, 9))


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_weights_of_any_size(emulated, scale):
    reference, current = samples(300, 400, "ties", torch.float32)
    same_bits(emulated, (reference, current, 10, weights_of(300) * scale, weights_of(400) / scale, None, None, 0))


def test_a_range_beyond_the_largest_number(emulated):
    largest = torch.finfo(torch.float64).max
    reference, current = (
        torch.tensor(values, dtype=torch.float64)[:, None] for values in ([-largest, 0.0, -0.0], [largest, largest])
    )
    for pair in ((reference, current), (current, reference), (reference * 0.5, current * 0.5)):
        same_bits(emulated, (*pair, 3, None, None, None, None, 0))


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -torch.inf])
def test_what_is_refused_is_found_as_the_cpu_looks_for_it(emulated, wrong):
    dtype = torch.float32
    for bad, want in (
        ({0: [(7, 1), (2, 1)], 1: [(1, 1)]}, (2 * 1 + 0, 2)),
        ({0: [(7, 2)], 1: [(9, 1), (11, 1)]}, (2 * 1 + 1, 9)),
        ({1: [(299, 2)]}, (2 * 2 + 1, 299)),
    ):
        both = [torch.ones(300, 3, dtype=dtype) for _ in range(2)]
        for which, places in bad.items():
            for place in places:
                both[which][place] = wrong
        with pytest.raises(AssertionError, match=rf"refused: \[{(want[0] << 31) + want[1]}, -1, -1\]"):
            EmulatedDrift(emulated("drift"), 0).run(*both, 10, None, None, None, None, 0)


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -1.0])
@pytest.mark.parametrize("which", [0, 1])
def test_a_weight_that_is_refused_is_found(emulated, which, wrong):
    weights = [torch.ones(300, dtype=torch.float64) for _ in range(2)]
    weights[which][[77, 200]] = wrong
    weights[which][3] = -0.0
    x = torch.ones(300, 1)
    want = [-1, 77, -1] if which == 0 else [-1, -1, 77]
    with pytest.raises(AssertionError, match=rf"refused: \[{', '.join(map(str, want))}\]"):
        EmulatedDrift(emulated("drift"), 0).run(x, x, 10, *weights, None, None, 0)


@pytest.mark.parametrize(
    ("rows", "others", "columns", "slices", "bins", "fits"),
    [
        (5_000_000, 5_000_000, 1, 1, 10, True),
        (1 << 29, (1 << 29) - 1, 1, 1, 10, True),
        (1 << 29, 1 << 29, 1, 1, 10, False),
        (100, 100, 1, 3_900_000, 1, True),
        (100, 100, 1, 4_000_000, 1, False),
        (100, 100, 1, 1, 1 << 25, True),
        (100, 100, 1, 1, (1 << 25) + 1, False),
        (100, 100, 1000, 1000, 33, True),
        (100, 100, 1000, 1000, 34, False),
        (0, 0, 1 << 62, 1 << 20, (1 << 63) - 1, False),
    ],
)
def test_what_a_gpu_leaves_to_the_cpu(emulated, rows, others, columns, slices, bins, fits):
    out = torch.full((1,), -1)
    emulated("drift").run("drift_fits", rows, others, columns, slices, bins, out)
    assert bool(out.item()) == fits
