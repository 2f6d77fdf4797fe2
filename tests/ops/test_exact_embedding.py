"""Embeddings beside torch's, and sums beside exact ones."""

import math

import pytest
import torch
from torch.autograd import gradcheck
from torch.nn import functional

from tests.ops.exact_elementwise_cases import FLOATS, normal
from within_wf.ops import exact

INDEX = torch.arange(60).reshape(4, 15) ** 2 % 23


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
@pytest.mark.parametrize("padding", [None, 4, -1])
@pytest.mark.parametrize("by_count", [False, True])
def test_it_is_torchs(dtype, padding, by_count):
    weight = normal(23, 5, dtype=dtype).requires_grad_()
    ours = exact.embedding(INDEX, weight, padding, scale_grad_by_freq=by_count)
    theirs = functional.embedding(INDEX, weight, padding, scale_grad_by_freq=by_count)
    assert torch.equal(ours, theirs)
    gradient = normal(4, 15, 5, dtype=dtype)
    got, want = (torch.autograd.grad(result, weight, gradient)[0] for result in (ours, theirs))
    torch.testing.assert_close(got, want, rtol=0, atol=20 * torch.finfo(dtype).eps)


def test_a_gradient_is_the_exact_sum():
    weight = normal(3, 2).requires_grad_()
    index = torch.arange(3000) % 3
    gradient = normal(3000, 2) * torch.exp2(torch.arange(3000) % 60 - 30)[:, None]
    (found,) = torch.autograd.grad(exact.embedding(index, weight), weight, gradient)
    for row in range(3):
        for column in range(2):
            want = torch.tensor(math.fsum(gradient[index == row, column].double().tolist()), dtype=torch.float64).float()
            assert found[row, column] == want


def test_rows_of_a_large_table_that_are_not_named_have_no_gradient():
    weight = torch.zeros(30_000, 300).requires_grad_()
    index = torch.arange(200) ** 2 % 30_000
    gradient = normal(200, 300)
    (found,) = torch.autograd.grad(exact.embedding(index, weight), weight, gradient)
    assert torch.equal(found, torch.zeros(30_000, 300).index_add_(0, index, gradient))
    found += 1
    assert torch.equal(found[20_001:20_003], torch.ones(2, 300))


def test_gradients_are_those_of_differences():
    weight = normal(7, 3, dtype=torch.float64).requires_grad_()
    assert gradcheck(lambda weight: exact.embedding(INDEX % 7, weight), weight)


def test_second_derivatives_are_refused():
    weight = normal(23, 5).requires_grad_()
    gradient = normal(4, 15, 5).requires_grad_()
    (found,) = torch.autograd.grad(exact.embedding(INDEX, weight), weight, gradient, create_graph=True)
    with pytest.raises(NotImplementedError, match="exact_embedding: second derivatives are not given"):
        found.sum().backward()


def test_it_compiles_into_one_graph():
    weight = normal(23, 5).requires_grad_()
    compiled = torch.compile(exact.embedding, fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(INDEX, weight, 3), exact.embedding(INDEX, weight, 3))
    assert torch.equal(
        *(torch.autograd.grad(call(INDEX, weight, 3).sin().sum(), weight)[0] for call in (compiled, exact.embedding))
    )


def test_what_does_not_fit_is_refused():
    weight = normal(23, 5)
    with pytest.raises(ValueError, match=r"exact.embedding: max_norm is 1, expected None"):
        exact.embedding(INDEX, weight, max_norm=1)
    with pytest.raises(ValueError, match=r"exact.embedding: sparse is True, expected False"):
        exact.embedding(INDEX, weight, sparse=True)
    with pytest.raises(ValueError, match=r"exact.embedding: padding_idx is 23, expected -23 to 22"):
        exact.embedding(INDEX, weight, 23)
    with pytest.raises(ValueError, match=r"exact_embedding: weight has shape \[5\], expected \[rows, columns\]"):
        exact.embedding(INDEX, weight[0])
    with pytest.raises(ValueError, match="exact_embedding: input is Float, expected int64 or int32"):
        exact.embedding(INDEX.float(), weight)
    with pytest.raises(IndexError):
        exact.embedding(INDEX + 20, weight)
