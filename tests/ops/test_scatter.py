import math
import struct
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ops.cases import digest, run, scatter_cases
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.errors import OperatorError
from within_wf.ops.instruction_set import use_instruction_set
from within_wf.ops.reference.scatter import scatter as in_plain_torch
from within_wf.ops.scatter import gather, scatter
from within_wf.ops.sums import column_means, column_stds, column_sums, group_sums

INF, NAN = math.inf, math.nan
finite = st.floats(allow_nan=False, allow_infinity=False)


def exact(values: list[float]) -> float:
    """math.fsum, and what it means where it overflows on the way."""
    try:
        return math.fsum(values) + 0.0
    except OverflowError:
        total = sum(map(Fraction, values))
        try:
            return float(total)
        except OverflowError:
            return math.inf if total > 0 else -math.inf


@settings(max_examples=300)
@given(st.lists(st.tuples(finite, st.integers(0, 3)), max_size=60))
def test_a_sum_is_correctly_rounded(rows):
    values = torch.tensor([value for value, _ in rows], dtype=torch.float64)
    index = torch.tensor([group for _, group in rows], dtype=torch.int64)
    want = [exact([value for value, group in rows if group == g]) for g in range(4)]
    assert scatter(values, index, 4).tolist() == want


@settings(max_examples=300)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=40))
def test_float32_is_rounded_once(values):
    got = scatter(torch.tensor(values, dtype=torch.float32), torch.zeros(len(values), dtype=torch.int64), 1)
    want = torch.tensor([math.fsum(values)], dtype=torch.float64).to(torch.float32) + 0.0
    # fsum rounds to float64 and torch to float32: twice, which differs from once where the first lands on a tie
    if got.item() != want.item():
        total = sum(map(Fraction, values))
        neighbours = [np.nextafter(np.float32(want.item()), np.float32(side)) for side in (-np.inf, np.inf)]
        assert all(abs(Fraction(got.item()) - total) <= abs(Fraction(float(other)) - total) for other in neighbours)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_that_of_the_sum(dtype):
    values = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)).to(dtype)
    index = torch.arange(500) % 7
    want = torch.zeros(7, 3, dtype=torch.float64)
    want.index_add_(0, index, values.double())  # exact: few bits, many to spare
    assert torch.equal(scatter(values, index, 7), want.to(dtype))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", INSTRUCTION_SETS)
def test_one_row_or_two_are_summed_as_many_are(dtype, name):
    draws = torch.Generator().manual_seed(0)
    whole = {8: torch.int64, 4: torch.int32, 2: torch.int16}[dtype.itemsize]
    values = torch.randint(-(2**63), 2**63 - 1, (900, 37), generator=draws).to(whole).view(dtype)  # of any bits
    values[:300] = torch.randn(300, 37, generator=draws).to(dtype)
    values[::7, ::3] = -0.0
    values[600:, ::5] = -values[:300, ::5]
    index = torch.cat([torch.arange(600), torch.arange(300)])[torch.randperm(900, generator=draws)]
    index[index == 17] = 18
    with use_instruction_set(name):
        got = scatter(values, index, 600)
        rows = torch.cat([values, torch.zeros(1800, 37, dtype=dtype)])
        want = scatter(rows, torch.cat([index, torch.arange(600).repeat(3)]), 600)
    assert torch.equal(got.view(whole), want.view(whole))


@settings(max_examples=100)
@given(st.lists(finite, min_size=2, max_size=50), st.randoms())
def test_order_does_not_matter(values, random):
    shuffled = list(values)
    random.shuffle(shuffled)
    zeros = torch.zeros(len(values), dtype=torch.int64)
    first, second = (scatter(torch.tensor(v, dtype=torch.float64), zeros, 1).item() for v in (values, shuffled))
    assert struct.pack("d", first) == struct.pack("d", second)


def test_what_cancels_leaves_what_is_small():
    values = torch.tensor([1e308, 1.0, 1e308, -1e308, 5e-324, -1e308, -1.0], dtype=torch.float64)
    assert scatter(values, torch.zeros(7, dtype=torch.int64), 1).item() == 5e-324


@pytest.mark.parametrize("case", scatter_cases(), ids=str)
def test_no_instruction_set_changes_a_bit(case):
    with use_instruction_set("baseline"):
        want = digest(run(case))
    for name in INSTRUCTION_SETS:
        with use_instruction_set(name):
            assert digest(run(case)) == want


def hard(rows, columns, dtype=torch.float32):
    """Numbers of which most are alike, some far off, in stretches of both kinds."""
    draws = torch.Generator().manual_seed(rows + columns)
    values = torch.randn(rows, columns, generator=draws, dtype=torch.float64)
    reach = 30 if dtype == torch.float32 else 250
    far = torch.randint(-reach, reach, (rows, columns), generator=draws) * (torch.rand(rows, 1, generator=draws) < 0.01)
    values = torch.ldexp(values, far)
    stretch = slice(rows // 3, rows // 2)
    values[stretch] = torch.ldexp(values[stretch], torch.randint(-reach, reach, values[stretch].shape, generator=draws))
    return values.to(dtype)


SHAPES = [(100_000, 1, 100), (100_000, 1, 30_000), (100_000, 1, 1), (30_000, 5, 40), (30_000, 5, 1), (9_000, 70, 4_000)]


@pytest.mark.parametrize("reduce", ["sum", "mean", "std", "max", "softmax", "logsumexp"])
@pytest.mark.parametrize(("rows", "columns", "groups"), SHAPES)
def test_neither_threads_nor_order_matter(rows, columns, groups, reduce):
    values = hard(rows, columns)
    index = torch.randint(0, groups, (rows,), generator=torch.Generator().manual_seed(2))
    index[: rows // 4] = groups // 2  # one group has many more than the others
    with threads(1), use_instruction_set("baseline"):
        want = digest({"": scatter(values, index, groups, reduce)})
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(3))
    for count in (1, 2, 3, 7):
        with threads(count):
            assert digest({"": scatter(values, index, groups, reduce)}) == want
            shuffled = scatter(values[order], index[order], groups, reduce)
            again = torch.empty_like(shuffled).index_copy(0, order, shuffled) if reduce == "softmax" else shuffled
            assert digest({"": again}) == want


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("rows", "columns", "groups"), SHAPES)
def test_large_sums_are_correctly_rounded(rows, columns, groups, dtype):
    values = hard(rows, columns, dtype)
    index = torch.randint(0, groups, (rows,), generator=torch.Generator().manual_seed(2))
    with threads(2):
        got = scatter(values, index, groups)
    for group in {0, groups // 2, groups - 1}:
        for column in {0, columns - 1}:
            total = sum(map(Fraction, values[index == group, column].tolist()))
            assert got[group, column].item() == nearest(total, dtype)


def nearest(total, dtype):
    """The number of a format that is nearest to a fraction, of two the even one."""
    value = torch.tensor(float(total), dtype=torch.float64).to(dtype)
    candidates = {value.item(), *(torch.nextafter(value, torch.tensor(side, dtype=dtype)).item() for side in (-INF, INF))}
    bits = torch.int32 if dtype == torch.float32 else torch.int64
    return min(candidates, key=lambda x: (abs(Fraction(x) - total), torch.tensor(x, dtype=dtype).view(bits).item() & 1))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("reduce", ["sum", "mean", "min", "max", "var", "std", "count", "softmax", "logsumexp"])
@pytest.mark.parametrize("shape", [(300,), (300, 3), (300, 2, 2)])
def test_each_reduction_is_that_of_plain_torch(reduce, dtype, shape):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(5)).to(dtype)
    index = torch.randint(0, 40, (300,), generator=torch.Generator().manual_seed(6)) // 2 * 2
    index[0] = 39  # a group of one row
    got = scatter(values, index, 41, reduce, ddof=1)
    want = in_plain_torch(values, index, 41, reduce, ddof=1)
    assert got.dtype == (torch.int64 if reduce == "count" else dtype)
    tolerance = {torch.float64: 1e-14, torch.float32: 2e-7, torch.float16: 1e-3, torch.bfloat16: 8e-3}[dtype]
    torch.testing.assert_close(got.double(), want, rtol=tolerance, atol=tolerance, equal_nan=True)


@settings(max_examples=200)
@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=30), st.integers(0, 1))
def test_a_variance_is_right_however_far_from_zero_the_mean_is(values, ddof):
    numbers = [Fraction(value) for value in values]
    mean = sum(numbers) / len(numbers)
    want = sum((x - mean) ** 2 for x in numbers) / (len(numbers) - ddof) if len(numbers) > ddof else Fraction(-1)
    got = scatter(torch.tensor(values), torch.zeros(len(values), dtype=torch.int64), 1, "var", ddof=ddof).item()
    if want < 0:
        assert math.isnan(got)
    else:
        lost = sum(x * x for x in numbers) * Fraction(2) ** -98  # sums are held to 106 bits, and their difference is taken
        assert abs(Fraction(got) - want) <= max(want * Fraction(2) ** -23, Fraction(2) ** -149) + lost


@pytest.mark.parametrize("reduce", ["sum", "mean", "min", "max", "var", "std", "softmax", "logsumexp"])
def test_gradients_are_those_of_finite_differences(reduce):
    values = torch.randn(12, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    index = torch.tensor([0, 1, 1, 3, 0, 3, 3, 1, 0, 3, 1, 0])
    assert torch.autograd.gradcheck(lambda x: scatter(x, index, 4, reduce)[:1], (values,))


@pytest.mark.parametrize("reduce", ["var", "std"])
def test_the_gradient_of_float32_moments_is_that_of_float64(reduce):
    values = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    index = torch.arange(50) % 6
    gradients = []
    for dtype in (torch.float32, torch.float64):
        leaf = values.detach().to(dtype, copy=True).requires_grad_()
        scatter(leaf, index, 6, reduce, ddof=1).square().sum().backward()
        gradients.append(leaf.grad.double())
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-6)


def test_ties_share_the_gradient_of_an_extreme():
    values = torch.tensor([2.0, 5.0, 5.0, 1.0], requires_grad=True)
    scatter(values, torch.tensor([0, 0, 0, 1]), 2, "max").sum().backward()
    assert values.grad.tolist() == [0.0, 0.5, 0.5, 1.0]


def test_the_backward_of_gather_is_an_exact_sum():
    table = torch.zeros(3, dtype=torch.float32, requires_grad=True)
    index = torch.tensor([1, 0, 1, 1, 2, 1])
    rows = gather(table, index)
    assert torch.equal(rows, table.detach()[index])
    rows.backward(torch.tensor([1e8, 7.0, 1.0, -1e8, 5.0, 1.0]))
    assert table.grad.tolist() == [7.0, 2.0, 5.0]


@pytest.mark.parametrize(
    ("reduce", "empty", "with_nan", "with_infinity"),
    [
        ("sum", 0.0, NAN, INF),
        ("mean", NAN, NAN, INF),
        ("min", NAN, NAN, 1.0),
        ("max", NAN, NAN, INF),
        ("var", NAN, NAN, NAN),
        ("std", NAN, NAN, NAN),
        ("count", 0, 2, 2),
        ("logsumexp", -INF, NAN, INF),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_table_of_what_is_no_number(reduce, empty, with_nan, with_infinity, dtype):
    values = torch.tensor([1.0, NAN, 1.0, INF], dtype=dtype)
    got = scatter(values, torch.tensor([1, 1, 2, 2]), 3, reduce)
    want = torch.tensor([empty, with_nan, with_infinity], dtype=got.dtype)
    torch.testing.assert_close(got, want, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(
        scatter(values[:0], torch.zeros(0, dtype=torch.int64), 1, reduce), want[:1], rtol=0, atol=0, equal_nan=True
    )


def test_softmax_of_a_group_with_what_is_no_number():
    values = torch.tensor([1.0, NAN, 1.0, INF, -INF, 2.0, 2.0])
    got = scatter(values, torch.tensor([0, 0, 1, 1, 2, 2, 2]), 3, "softmax")
    assert got[:4].isnan().all()
    assert got[4:].tolist() == [0.0, 0.5, 0.5]


def test_minus_zero_comes_before_zero():
    values, index = torch.tensor([0.0, -0.0]), torch.zeros(2, dtype=torch.int64)
    assert math.copysign(1, scatter(values, index, 1, "min").item()) == -1
    assert math.copysign(1, scatter(values.flip(0), index, 1, "max").item()) == 1


def test_a_word_that_overflows_loses_nothing():
    values = torch.full((3_000_000,), 3.0)
    assert scatter(values, torch.zeros(3_000_000, dtype=torch.int64), 1).item() == 9e6
    spread = torch.tensor([2.0**30, 1.0]).repeat(200_000, 40)
    want = torch.tensor([2.0**30 * 200_000, 200_000.0]).repeat(40)
    assert torch.equal(scatter(spread, torch.zeros(200_000, dtype=torch.int64), 1)[0], want)


@pytest.mark.parametrize("reduce", ["sum", "mean", "max", "std", "softmax", "logsumexp"])
def test_it_compiles_without_a_break(reduce):
    values, index = torch.randn(20, 3, requires_grad=True), torch.arange(20) % 5
    plain = scatter(values, index, 5, reduce)
    compiled = torch.compile(lambda v: scatter(v, index, 5, reduce), fullgraph=True, backend="aot_eager")(values)
    assert torch.equal(plain, compiled)


@pytest.mark.parametrize(
    ("values", "want"),
    [
        ([], 0.0),
        ([-0.0], 0.0),
        ([INF, 1.0], INF),
        ([-INF, 1.0], -INF),
        ([INF, -INF], NAN),
        ([NAN, 1.0], NAN),
        ([1e308, 1e308], INF),
    ],
)
def test_what_is_no_number(values, want):
    got = scatter(torch.tensor(values, dtype=torch.float64), torch.zeros(len(values), dtype=torch.int64), 1).item()
    assert struct.pack("d", got) == struct.pack("d", want)


def test_mean_and_count():
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    index = torch.tensor([0, 0, 2])
    assert scatter(values, index, 3, "mean")[[0, 2]].tolist() == [[2.0, 3.0], [5.0, 6.0]]
    assert scatter(values, index, 3, "mean")[1].isnan().all()
    assert scatter(values, index, reduce="count").tolist() == [[2, 2], [0, 0], [1, 1]]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
@pytest.mark.parametrize("rows", [2047, 2048, 2049, 30_000])
def test_a_group_has_more_rows_than_its_word_counts(rows, dtype):
    values = torch.randn(rows, generator=torch.Generator().manual_seed(rows)).to(dtype)
    values[::100] *= 100
    index = torch.full((rows,), 299)
    mean, std = scatter(values, index, 300, "mean")[299], scatter(values.float(), index, 300, "std")[299]
    exact_mean = math.fsum(values.tolist()) / rows
    assert mean == torch.tensor(exact_mean, dtype=torch.float64).to(dtype)
    singles = values.float().tolist()
    centre = math.fsum(singles) / rows
    assert std.item() == pytest.approx(math.sqrt(math.fsum((value - centre) ** 2 for value in singles) / rows), rel=2**-23)


def test_the_gradient_is_that_of_each_row():
    values = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    index = torch.tensor([0, 1, 1, 3, 0, 3])
    assert torch.autograd.gradcheck(lambda x: scatter(x, index, 4), (values,))


@pytest.mark.parametrize(
    ("values", "index", "size", "message"),
    [
        (torch.ones(2, dtype=torch.int64), torch.zeros(2, dtype=torch.int64), 1, "values is Long"),
        (torch.tensor(1.0), torch.zeros(1, dtype=torch.int64), 1, "values has no dimension"),
        (torch.ones(2), torch.zeros(2), 1, "index is Float, expected int64"),
        (torch.ones(2), torch.zeros(3, dtype=torch.int64), 1, r"index has shape \[3\], expected \[2\]"),
        (torch.ones(2), torch.zeros(2, dtype=torch.int64), -1, "dim_size is -1"),
    ],
)
def test_what_is_refused(values, index, size, message):
    with pytest.raises(ValueError, match=message):
        scatter(values, index, size)


@pytest.mark.parametrize("group", [-1, 2])
def test_a_group_outside_is_refused(group):
    with pytest.raises(IndexError, match=rf"index\[1\] is {group}, expected 0 to dim_size - 1 = 1"):
        scatter(torch.ones(2), torch.tensor([0, group]), 2)


def test_rows_that_gather_cannot_take_are_refused():
    with pytest.raises(IndexError, match=r"gather: index\[1\] is 3, expected 0 to 2"):
        gather(torch.ones(3), torch.tensor([0, 3]))
    with pytest.raises(ValueError, match="gather: index is Int, expected int64"):
        gather(torch.ones(3), torch.tensor([0], dtype=torch.int32))
    with pytest.raises(ValueError, match="gather: table is Long"):
        gather(torch.ones(3, dtype=torch.int64), torch.tensor([0]))


def test_a_negative_ddof_is_refused():
    with pytest.raises(ValueError, match="ddof is -1, expected a whole number, 0 or more"):
        scatter(torch.ones(1), torch.zeros(1, dtype=torch.int64), 1, "var", ddof=-1)


def test_an_unknown_reduction_is_refused():
    with pytest.raises(OperatorError, match="expected one of sum, mean, min, max, var, std, count, softmax, logsumexp"):
        scatter(torch.ones(1), torch.zeros(1, dtype=torch.int64), reduce="median")


def test_the_numpy_face_against_fsum():
    x = np.random.default_rng(0).normal(size=(101, 3)) * 10.0 ** np.arange(3)
    sums = [math.fsum(column) for column in x.T]
    assert column_sums(x).tolist() == sums
    assert column_means(x).tolist() == [total / 101 for total in sums]
    assert column_stds(x, ddof=1) == pytest.approx(x.std(axis=0, ddof=1), rel=1e-12)
    assert np.isnan(column_stds(x[:1], ddof=1)).all()
    x.setflags(write=False)
    assert group_sums(x[:, 0], np.arange(101) % 2, 2).tolist() == [math.fsum(x[::2, 0]), math.fsum(x[1::2, 0])]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_mean_is_found_where_the_sum_is_out_of_range(dtype):
    large = torch.finfo(dtype).max
    assert scatter(torch.full((6,), large, dtype=dtype), torch.zeros(6, dtype=torch.int64), 1, "mean").item() == large
    assert scatter(torch.ones(70_001, dtype=dtype), torch.zeros(70_001, dtype=torch.int64), 1, "mean").item() == 1


def test_a_count_checks_what_it_counts():
    with pytest.raises(ValueError, match="scatter"):
        scatter(torch.ones(3), torch.zeros(2, dtype=torch.int64), 1, "count")
    with pytest.raises(ValueError, match="scatter"):
        scatter(torch.ones(2, dtype=torch.int64), torch.zeros(2, dtype=torch.int64), 1, "count")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_where_nothing_deviates_a_standard_deviation_has_no_slope(dtype):
    values = torch.tensor([2.0, 2.0, 3.0, 5.0, 4.0, 4.0], dtype=dtype, requires_grad=True)
    scatter(values, torch.tensor([0, 1, 1, 1, 2, 2]), 3, "std").sum().backward()
    group = torch.tensor([2.0, 3.0, 5.0], dtype=dtype, requires_grad=True)
    group.std(correction=0).backward()
    want = torch.cat([torch.zeros(1, dtype=dtype), group.grad, torch.zeros(2, dtype=dtype)])
    torch.testing.assert_close(values.grad, want)


@pytest.mark.parametrize("reduce", ["mean", "max", "min"])
def test_a_group_of_more_rows_than_float16_can_count_has_a_gradient(reduce):
    values = torch.zeros(70_000, dtype=torch.float16, requires_grad=True)
    scatter(values, torch.zeros(70_000, dtype=torch.int64), 1, reduce).sum().backward()
    assert (values.grad == torch.tensor(1 / 70_000, dtype=torch.float16)).all()


def test_what_scatter_is_given_is_named_where_it_does_not_fit():
    with pytest.raises(ValueError, match="values has no dimension"):
        scatter(torch.tensor(1.0), torch.tensor([0]), 1, "count")
    with pytest.raises(ValueError, match=r"ddof is 1\.5, expected a whole number"):
        scatter(torch.ones(3), torch.zeros(3, dtype=torch.int64), 1, "var", ddof=1.5)
    with pytest.raises(IndexError, match=r"index\[0\] is -5"):
        scatter(torch.ones(2), torch.tensor([-5, -5]))


def test_meta_tensors_beside_others_are_refused():
    with pytest.raises(ValueError, match=r"within::scatter_sum: tensors are on cpu, meta, expected one device"):
        scatter(torch.ones(3), torch.zeros(3, dtype=torch.int64, device="meta"), 2)
    assert scatter(torch.ones(3, 5, device="meta"), torch.zeros(3, dtype=torch.int64, device="meta"), 2).shape == (2, 5)
