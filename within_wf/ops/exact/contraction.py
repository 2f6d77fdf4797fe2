"""Products of tensors of any dimensions, each made of the matrix products of :mod:`within_wf.ops.exact.matmul`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import torch

from within_wf.ops.exact.indexing import broadcast, expand
from within_wf.ops.exact.matmul import bmm
from within_wf.ops.exact.reductions import sum as exact_sum

Labels = tuple[str, ...]


def matmul(input: torch.Tensor, other: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
    """The product of vectors, matrices or batches of matrices, as torch.matmul has it.

    A matrix on the right is multiplied with all rows of the left side at once, so its gradient is one chain over all of them.

    Args:
        input: Shape [..., N, K] or [K].
        other: Shape [..., K, M] or [K].

    Returns:
        Shape [..., N, M], batches broadcast; without the dimension that a vector lacks.

    Raises:
        ValueError: One of them has no dimension, or inner sizes differ.
    """
    if not (input.dim() and other.dim()):
        raise ValueError(
            f"exact.matmul: shapes are {list(input.shape)} and {list(other.shape)}, expected one dimension or more"
        )
    left = input[None] if input.dim() == 1 else input
    right = other[:, None] if other.dim() == 1 else other
    if right.dim() == 2:
        rows = left.reshape(1, left.shape[:-1].numel(), left.shape[-1])
        product = bmm(rows, right[None]).reshape(*left.shape[:-1], right.shape[-1])
    else:
        batch = torch.broadcast_shapes(left.shape[:-2], right.shape[:-2])  # type: ignore[no-untyped-call]
        stacks = [expand(side, (*batch, *side.shape[-2:])).reshape(batch.numel(), *side.shape[-2:]) for side in (left, right)]
        product = bmm(*stacks).reshape(*batch, left.shape[-2], right.shape[-1])
    if input.dim() == 1:
        product = product.squeeze(-2)
    return product.squeeze(-1) if other.dim() == 1 else product


def einsum(equation: str, *operands: Any) -> torch.Tensor:
    """Sums of products that an equation names, as torch.einsum.

    Operands are joined from left to right, two by two, each time by one batch of matrix products; a letter that nobody else
    needs is summed first.

    Args:
        equation: ``"bij,bjk->bik"`` for instance; ``...`` stands for further dimensions.
        operands: As many as the equation has terms.

    Raises:
        ValueError: The equation does not fit the operands.
    """
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    terms, wanted = _read(equation, operands)
    value, labels = _diagonal(operands[0], terms[0])
    for number in range(1, len(operands)):
        needed = {*wanted, *(label for term in terms[number + 1 :] for label in term)}
        value, labels = _join(value, labels, *_diagonal(operands[number], terms[number]), needed)
    value, labels = _without(value, labels, set(wanted))
    return value.permute([labels.index(label) for label in wanted])


def _read(equation: str, operands: Sequence[torch.Tensor]) -> tuple[list[Labels], Labels]:
    """The labels of each operand and of the result."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"exact.einsum: {equation!r} has {len(terms)} terms, {len(operands)} operands are given")
    more = [operand.dim() - len(term.replace("...", "")) for term, operand in zip(terms, operands, strict=True)]
    for number, (term, left) in enumerate(zip(terms, more, strict=True)):
        if left < 0 or (left and "..." not in term):
            shape = list(operands[number].shape)
            raise ValueError(f"exact.einsum: the term {term!r} of {equation!r} does not fit an operand of shape {shape}")
    longest = max((left for term, left in zip(terms, more, strict=True) if "..." in term), default=0)
    dots = tuple(f".{place}" for place in range(longest))
    labels = [_labels(term, dots[longest - left :]) for term, left in zip(terms, more, strict=True)]
    if arrow:
        return labels, _labels(output, dots)
    letters = inputs.replace("...", "").replace(",", "")
    return labels, (*dots, *sorted(letter for letter in set(letters) if letters.count(letter) == 1))


def _labels(term: str, dots: Labels) -> Labels:
    before, found, after = term.partition("...")
    return (*before, *(dots if found else ()), *after)


def _diagonal(x: torch.Tensor, labels: Labels) -> tuple[torch.Tensor, Labels]:
    """A label that comes twice in one operand means its diagonal."""
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            x = x.diagonal(0, first, second)
            labels = (*(name for at, name in enumerate(labels) if at not in (first, second)), label)
    return x, labels


def _without(x: torch.Tensor, labels: Labels, needed: Collection[str]) -> tuple[torch.Tensor, Labels]:
    summed = [at for at, label in enumerate(labels) if label not in needed]
    return (exact_sum(x, summed), tuple(label for label in labels if label in needed)) if summed else (x, labels)


def _join(a: torch.Tensor, in_a: Labels, b: torch.Tensor, in_b: Labels, needed: set[str]) -> tuple[torch.Tensor, Labels]:
    a, in_a = _without(a, in_a, needed.union(in_b))
    b, in_b = _without(b, in_b, needed.union(in_a))
    shared = [label for label in in_a if label in in_b]
    batch = [label for label in shared if label in needed]
    summed = [label for label in shared if label not in needed]
    only_a, only_b = [label for label in in_a if label not in shared], [label for label in in_b if label not in shared]
    a = a.permute([in_a.index(label) for label in (*batch, *only_a, *summed)])
    b = b.permute([in_b.index(label) for label in (*batch, *summed, *only_b)])
    sizes = [a.shape[: len(batch)], b.shape[: len(batch)]]
    inner = [a.shape[a.dim() - len(summed) :], b.shape[len(batch) : len(batch) + len(summed)]]
    batch_size, depth = (torch.broadcast_shapes(*shapes) for shapes in (sizes, inner))  # type: ignore[no-untyped-call]
    rows, columns = a.shape[len(batch) : a.dim() - len(summed)], b.shape[len(batch) + len(summed) :]
    a = expand(a, (*batch_size, *rows, *depth)).reshape(batch_size.numel(), rows.numel(), depth.numel())
    b = expand(b, (*batch_size, *depth, *columns)).reshape(batch_size.numel(), depth.numel(), columns.numel())
    return bmm(a, b).reshape(*batch_size, *rows, *columns), (*batch, *only_a, *only_b)


def mv(input: torch.Tensor, vec: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
    """The product of a matrix [N, K] and a vector [K]: [N].

    Raises:
        ValueError: They are not a matrix and a vector, or inner sizes differ.
    """
    if (input.dim(), vec.dim()) != (2, 1):
        raise ValueError(f"exact.mv: shapes are {list(input.shape)} and {list(vec.shape)}, expected [N, K] and [K]")
    return matmul(input, vec)


def dot(input: torch.Tensor, other: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
    """The product of two vectors [K]: a scalar.

    Raises:
        ValueError: They are not vectors of one size.
    """
    if (input.dim(), other.dim()) != (1, 1):
        raise ValueError(f"exact.dot: shapes are {list(input.shape)} and {list(other.shape)}, expected [K] and [K]")
    return matmul(input, other)


def inner(input: torch.Tensor, other: torch.Tensor) -> torch.Tensor:  # noqa: A002 - torch's name
    """The products of all rows: [..., K] and [*, K] to [..., *]."""
    product = matmul(input.reshape(-1, input.shape[-1]), other.reshape(-1, other.shape[-1]).t())
    return product.reshape((*input.shape[:-1], *other.shape[:-1]))


def baddbmm(
    input: torch.Tensor,  # noqa: A002 - torch's name
    batch1: torch.Tensor,
    batch2: torch.Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
) -> torch.Tensor:
    """The sum beta * input + alpha * (batch1 batch2), each operation rounded; ``input`` is not read where ``beta`` is 0."""
    product = bmm(batch1, batch2)
    if alpha != 1:
        product = product * alpha
    if beta == 0:
        return product
    added, product = broadcast(input, product)
    return (added if beta == 1 else added * beta) + product
