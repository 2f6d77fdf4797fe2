"""The CUDA source of multiclass metrics, run on the CPU, gives the bits of the CPU's kernels."""

import pytest
import torch

from tests.emulated.build import Reading
from tests.ops.cases import Case, digest, run
from tests.ops.multiclass_cases import multiclass_cases


def kind_of(tensor):
    return str(tensor.dtype).removeprefix("torch.")


def rows_kernel(unit, seed, table, labels):
    rows = len(labels)
    decisions, places = torch.empty(rows, dtype=torch.int64), torch.empty(rows, dtype=torch.int64)
    losses, refused = torch.empty(rows, dtype=torch.float64), torch.tensor([-1])
    name = f"multiclass_rows_{kind_of(table)}"
    given = (Reading(table), Reading(labels), rows, table.shape[1], decisions, places, losses, refused)
    unit.run(name, *given, seed=seed)
    return {"result 0": decisions, "result 1": places, "result 2": losses}, refused.item()


def areas_kernel(unit, seed, table, labels, weights, groups, num_groups):
    """As multiclass_cuda.cpp goes about it, torch sorting in between."""
    rows, classes = table.shape
    weightings = 1 if weights is None else len(weights)
    keys = torch.empty(classes, rows, dtype=torch.int64)
    name = f"multiclass_ovr_keys_{kind_of(table)}"
    unit.run(name, Reading(table), Reading(labels), rows, classes, 0, classes, keys, seed=seed)
    keys, rows_of = keys.sort(dim=1)
    by_row = None if weights is None or rows == 0 else Reading(weights.T.contiguous())

    def measure(keys, rows_of, start):
        out = torch.empty(weightings, len(start) - 1, classes, dtype=torch.float64)
        given = (Reading(keys), Reading(rows_of), rows, classes, Reading(start), len(start) - 1, by_row, weightings, out)
        unit.run("multiclass_ovr_areas", *given, seed=seed)
        return out

    whole = measure(keys, rows_of, torch.tensor([0, rows]))
    if groups is None:
        return whole
    order = groups[rows_of].sort(dim=1, stable=True).indices
    start = torch.cat([torch.zeros(1, dtype=torch.int64), torch.bincount(groups, minlength=num_groups).cumsum(0)])
    of_groups = measure(keys.gather(1, order).contiguous(), rows_of.gather(1, order).contiguous(), start)
    return torch.cat([of_groups, whole], dim=1)


@pytest.mark.parametrize("case", multiclass_cases(), ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    unit, seed = emulated("multiclass"), len(str(case))
    if case.operator == "multiclass_rows":
        got, refused = rows_kernel(unit, seed, *case.make())
        assert refused == -1
    else:
        got = {"result 0": areas_kernel(unit, seed, *case.make())}
    assert digest(got) == digest(run(case))


def test_the_first_row_that_is_refused_is_found(emulated):
    table, labels = torch.full((500, 3), 0.25), torch.zeros(500, dtype=torch.int64)
    table[400, 2], table[90, 1], labels[300] = 2, torch.nan, 3
    assert rows_kernel(emulated("multiclass"), 0, table, labels)[1] == 90
    table[90] = 0
    assert rows_kernel(emulated("multiclass"), 1, table, labels)[1] == 300
