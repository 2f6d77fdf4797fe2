"""Calls of elementwise functions, powers, dropout and embeddings; torch alone, as tests/ops/cases.py."""

from __future__ import annotations

from collections.abc import Iterator

import torch

import within_wf.ops.exact.dropout
import within_wf.ops.exact.elementwise
import within_wf.ops.exact.embedding  # noqa: F401 - registers its operators
from tests.ops.case import Case

FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
UNARY = (
    *(
        "exp",
        "expm1",
        "square",
        "log",
        "log1p",
        "tanh",
        "sigmoid",
        "logsigmoid",
        "softplus",
        "erf",
        "sqrt",
        "rsqrt",
        "sin",
        "cos",
        "silu",
    ),
    *("gelu", "gelu_tanh", "mish", "relu", "leaky_relu", "elu", "celu", "selu", "hardtanh", "hardswish", "hardsigmoid"),
)
"""In the order of csrc/exact/elementwise.h."""
PARAMETERS = {
    "softplus": (1.0, 20.0),
    "leaky_relu": (0.01, 0.0),
    "elu": (1.3, 0.0),
    "celu": (0.7, 0.0),
    "hardtanh": (-0.7, 1.2),
}
"""Of the functions that have some."""
VIEWS = {torch.float64: torch.int64, torch.float32: torch.int32, torch.float16: torch.int16, torch.bfloat16: torch.int16}
KEY = 0x1234_5678_9ABC_DEF0
IDS = torch.tensor([5, -3, 1 << 40, 5, 0])
INDEX = torch.arange(60).reshape(4, 15) ** 2 % 23


def parameters(function: str) -> tuple[float, float]:
    """a and b."""
    return PARAMETERS.get(function, (0.0, 0.0))


def numbers(dtype: torch.dtype, count: int = 1 << 16) -> torch.Tensor:
    """Numbers of every exponent and both signs, evenly over their bits; then zeros, infinities, NaN of both signs, and ends."""
    bits = torch.iinfo(VIEWS[dtype]).bits
    spread = torch.arange(-(count // 2), count // 2) * ((1 << bits) // count)
    spread = (spread + (spread % 251) * (((1 << bits) // count) > 251)).to(VIEWS[dtype]).view(dtype)
    info = torch.finfo(dtype)
    ends = [0.0, 1.0, float("inf"), info.max, info.tiny, info.smallest_normal / 4, 20.0, 89.0, 104.0, 0.7, 1.2, 3.0, 6.0]
    special = torch.tensor(ends + [-end for end in ends], dtype=torch.float64).to(dtype)
    nans = torch.tensor([-1, -2, torch.iinfo(VIEWS[dtype]).max], dtype=VIEWS[dtype]).view(dtype)
    return torch.cat([spread, special, nans])


def normal(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Draws that depend on the shape."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64).to(dtype)


def unary_cases() -> Iterator[Case]:
    """Each elementwise function of every dtype: all exponents, a few in a matrix that lies the other way round, none."""
    for function in UNARY:
        more = parameters(function)
        for dtype in FLOATS:
            title = f"{function}, {str(dtype).removeprefix('torch.')}"
            yield Case("exact_unary", title, lambda d=dtype, f=function, m=more: (numbers(d, 1 << 12), f, *m))
            yield Case(
                "exact_unary",
                f"{title}, few",
                lambda d=dtype, f=function, m=more: (torch.linspace(0.1, 3, 21).to(d).reshape(3, 7).mT, f, *m),
                (0,),
            )
            yield Case(
                "exact_unary_backward",
                title,
                lambda d=dtype, f=function, m=more: (numbers(d, 1 << 12).flip(0), numbers(d, 1 << 12), f, *m),
            )
        yield Case("exact_unary", f"{function}, none", lambda f=function, m=more: (torch.empty(0, 3), f, *m), (0,))
        few = lambda f=function, m=more: (normal(5, 3), normal(3, 5).mT.abs() + 0.1, f, *m)  # noqa: E731
        yield Case("exact_unary_backward", f"{function}, few", few)


def power_pairs(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Special numbers with each other, whole and half exponents, and what draws give."""
    info = torch.finfo(dtype)
    ends = [0.0, 1.0, 0.5, 2.0, 3.0, 1.5, 7.0, float("inf"), info.max, info.smallest_normal / 4, float("nan"), 1e-3, 88.0]
    column = torch.tensor(ends + [-end for end in ends], dtype=torch.float64).to(dtype)
    x, y = (part.flatten() for part in torch.meshgrid(column, column, indexing="ij"))
    return torch.cat([x, normal(2001).abs().to(dtype), normal(501).to(dtype)]), torch.cat(
        [y, (normal(2001, dtype=torch.float64) * 10).to(dtype), torch.arange(501).to(dtype) % 13 - 6]
    )


def power_cases() -> Iterator[Case]:
    """Pairs, one number for all on either side, none."""
    for dtype in FLOATS:
        kind = str(dtype).removeprefix("torch.")
        yield Case("exact_pow", f"{kind}, pairs", lambda d=dtype: power_pairs(d))
        few = lambda d=dtype: (normal(7, 5, dtype=d).abs() + 0.1, normal(7, 5, dtype=d).flip(0) * 2)  # noqa: E731
        yield Case("exact_pow", f"{kind}, few", few, (0, 1))
        for y in (2.0, -0.5, 3.0, 0.0):
            yield Case(
                "exact_pow",
                f"{kind}, to {y}",
                lambda d=dtype, e=y: (numbers(d, 1 << 10), torch.tensor(e, dtype=d)),
            )
        yield Case("exact_pow", f"{kind}, of 1.5", lambda d=dtype: (torch.tensor(1.5, dtype=d), numbers(d, 1 << 10)))
        for of_y in (False, True):
            yield Case(
                "exact_pow_backward",
                f"{kind}, {'y' if of_y else 'x'}",
                lambda d=dtype, o=of_y: (normal(len(power_pairs(d)[0]), dtype=d), *power_pairs(d), o),
            )
            yield Case(
                "exact_pow_backward",
                f"{kind}, {'y' if of_y else 'x'}, few",
                lambda d=dtype, o=of_y: (normal(9, dtype=d), normal(9, dtype=d).abs() + 0.1, normal(9, dtype=d), o),
            )
    yield Case("exact_pow", "none", lambda: (torch.empty(0, 2), torch.empty(0, 2)), (0, 1))


def dropout_cases() -> Iterator[Case]:
    """With ids and without, ragged ends, shared masks, every dtype, all dropped, none."""
    for dtype in FLOATS:
        kind = str(dtype).removeprefix("torch.")
        for shape, shared in (((5, 1), 1), ((5, 7, 3), 1), ((5, 1031), 1), ((5, 6, 9), 9), ((5, 300), 300)):
            title = f"{kind}, {' x '.join(map(str, shape))}, {shared}"
            make = lambda d=dtype, s=shape, n=shared: (normal(*s, dtype=d), IDS, 0.3, KEY, 17, n)  # noqa: E731
            yield Case("exact_dropout", title, make, (0,))
        yield Case("exact_dropout", f"{kind}, no ids", lambda d=dtype: (normal(4, 33, dtype=d).mT, None, 0.5, -KEY, 0), (0,))
        yield Case("exact_dropout", f"{kind}, specials", lambda d=dtype: (numbers(d, 1 << 10), None, 0.25, KEY, 1))
    yield Case("exact_dropout", "all", lambda: (normal(4, 3), None, 1.0, KEY, 1), (0,))
    yield Case("exact_dropout", "none is dropped", lambda: (normal(4, 3), None, 0.0, KEY, (1 << 32) - 1), (0,))
    yield Case("exact_dropout", "none", lambda: (torch.empty(0, 3), None, 0.5, KEY, 1), (0,))
    yield Case("exact_dropout", "a number", lambda: (torch.tensor(2.0), None, 0.1, KEY, 1), (0,))


def embedding_cases() -> Iterator[Case]:
    """Repeats, padding, division by counts, every dtype, none."""
    for dtype in FLOATS:
        kind = str(dtype).removeprefix("torch.")
        for padding, scale in ((-1, False), (4, False), (-1, True), (9, True)):
            title = f"{kind}, padding {padding}{', by count' if scale else ''}"
            yield Case(
                "exact_embedding", title, lambda d=dtype, p=padding, s=scale: (normal(23, 5, dtype=d), INDEX, p, s), (0,)
            )
            yield Case(
                "exact_embedding_backward",
                title,
                lambda d=dtype, p=padding, s=scale: (normal(4, 15, 5, dtype=d), INDEX, 23, p, s),
            )
    yield Case("exact_embedding", "int32", lambda: (normal(9, 5), torch.arange(8, dtype=torch.int32)), (0,))
    yield Case("exact_embedding", "none", lambda: (normal(9, 5), torch.empty(0, 3, dtype=torch.int64)), (0,))
    yield Case("exact_embedding_backward", "none", lambda: (torch.empty(0, 5), torch.empty(0, dtype=torch.int64), 4))


def elementwise_cases() -> Iterator[Case]:
    """All of them."""
    yield from unary_cases()
    yield from power_cases()
    yield from dropout_cases()
    yield from embedding_cases()
