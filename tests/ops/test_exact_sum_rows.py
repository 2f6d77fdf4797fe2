"""Sums over rows in the one order of sums, beside plain torch in that order and torch's own sums."""

from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck, gradgradcheck

from tests.ops.exact_cases import FLOATS, rows_of
from tests.ops.settings import threads
from within_wf.ops import use_instruction_set
from within_wf.ops.exact.sum_rows import sum_rows
from within_wf.ops.instruction_set import InstructionSet, instruction_set
from within_wf.ops.reference import exact_sum_rows as reference


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


@given(st.integers(0, 5000), st.integers(0, 70), st.sampled_from(FLOATS))
def test_the_order_is_the_documented_one(rows, columns, dtype):
    x = rows_of(rows, columns, dtype)
    assert bits(sum_rows(x)) == bits(reference.sum_rows(x))


@pytest.mark.parametrize("rows", [0, 1, 31, 32, 33, 1023, 1024, 1025, 3 * 1024, 7 * 1024 + 5])
@pytest.mark.parametrize("columns", [1, 127, 128, 129, 300])
def test_ends_of_blocks_and_strips(rows, columns):
    x = rows_of(rows, columns, torch.float32)
    assert bits(sum_rows(x)) == bits(reference.sum_rows(x))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_neither_instruction_set_nor_threads_nor_columns_beside_it_matter(dtype):
    x = rows_of(3000, 300, dtype)
    want = bits(sum_rows(x))
    known = get_args(InstructionSet)
    for chosen in known[: known.index(instruction_set()) + 1]:
        for count in (1, 2, 3, 7):
            with use_instruction_set(chosen), threads(count):
                assert bits(sum_rows(x)) == want
    assert bits(torch.cat([sum_rows(x[:, :11]), sum_rows(x[:, 11:])])) == want
    assert bits(sum_rows(x.T.contiguous().T)) == want


def test_the_sum_of_rows_repeated():
    x = rows_of(1, 40, torch.float32)
    assert bits(sum_rows(x.expand(1500, 40))) == bits(sum_rows(x.repeat(1500, 1)))


def test_what_is_no_number_is_the_one_nan():
    infinity = float("inf")
    x = torch.tensor([[infinity, -infinity, float("nan"), -0.0, 2.0**-149], [-infinity, -infinity, 1.0, -0.0, 2.0**-149]])
    assert bits(sum_rows(x)) == bits(torch.tensor([float("nan"), -infinity, float("nan"), 0.0, 2 * 2.0**-149]))
    assert bits(sum_rows(-x)[2:3]) == bits(torch.tensor([float("nan")]))


def test_torchs_sums_are_near():
    x = rows_of(5000, 20, torch.float64)
    torch.testing.assert_close(sum_rows(x), x.sum(0))
    torch.testing.assert_close(sum_rows(x.float()), x.float().sum(0), rtol=0, atol=1e-2)


def test_gradients():
    x = rows_of(5, 3, torch.float64).requires_grad_()
    assert gradcheck(sum_rows, x)
    assert gradgradcheck(lambda y: sum_rows(y * y), x)


def test_it_compiles_into_one_graph():
    x = rows_of(40, 3, torch.float32)
    assert bits(torch.compile(sum_rows, fullgraph=True, backend="aot_eager")(x)) == bits(sum_rows(x))


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (torch.ones(3), r"x has shape \[3\], expected \[rows, columns\]"),
        (torch.ones(2, 3).int(), r"x is Int, expected float32"),
    ],
)
def test_what_does_not_fit_is_refused(x, said):
    with pytest.raises(ValueError, match=said):
        sum_rows(x)
