"""Calls of ATen's operators that exact layers rely on; as a program, the digests of what each gives."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import torch

from within_wf.ops.exact.adapters import tensors_in
from within_wf.ops.exact.names import words

A = torch.ops.aten
FORMATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
Numbers = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def numbers(dtype: torch.dtype) -> Numbers:
    """Three columns: every exponent and sign, infinities, NaN, zeros, subnormals, each with others of other sizes."""
    special = [0.0, -0.0, 1.0, -1.0, 2.5, 3.5, float("inf"), -float("inf"), float("nan"), 1e-41, -1e-41, 3e-39, 6.0, 3.0]
    draws = torch.Generator().manual_seed(4)
    wide = torch.ldexp(
        torch.randn(4999, generator=draws, dtype=torch.float64), torch.randint(-40, 40, (4999,), generator=draws)
    )
    mild = torch.randn(4000, generator=draws, dtype=torch.float64) * 4
    x = torch.cat([torch.tensor(special * 5, dtype=torch.float64), wide, mild]).to(dtype)
    return x, x.roll(7) if dtype != torch.float64 else x.flip(0), x.roll(1234)


def _unary(name: str) -> Callable[[Numbers], Any]:
    return lambda n: getattr(A, name)(n[0])


def _binary(name: str) -> Callable[[Numbers], Any]:
    return lambda n: getattr(A, name)(n[0], n[1])


_UNARY = sorted(
    words(
        "neg positive abs sgn sign reciprocal square relu leaky_relu hardtanh hardshrink softshrink logical_not isnan isinf "
        "isfinite isposinf isneginf ceil floor trunc frac nan_to_num deg2rad round any all count_nonzero"
    )
)
_BINARY = sorted(
    words("mul maximum minimum eq ne lt le gt ge logical_and logical_or logical_xor heaviside add sub rsub div isclose")
)

SAMPLES: Mapping[str, Callable[[Numbers], Any]] = {
    **{name: _unary(name) for name in _UNARY},
    **{name: _binary(name) for name in _BINARY},
    "threshold": lambda n: A.threshold(n[0], 0.5, -2.0),
    "threshold_backward": lambda n: A.threshold_backward(n[0], n[1], 0.0),
    "leaky_relu_backward": lambda n: A.leaky_relu_backward(n[0], n[1], 0.01, False),
    "hardtanh_backward": lambda n: A.hardtanh_backward(n[0], n[1], 0.0, 6.0),
    "hardshrink_backward": lambda n: A.hardshrink_backward(n[0], n[1], 0.5),
    "softshrink_backward": lambda n: A.softshrink_backward(n[0], n[1], 0.5),
    "clamp": lambda n: (A.clamp(n[0], -1.5, 2.5), A.clamp(n[0], n[1], n[2])),
    "clamp_min": lambda n: A.clamp_min(n[0], 0.0),
    "clamp_max": lambda n: A.clamp_max(n[0], 0.0),
    "where": lambda n: A.where(n[0] > 0, n[1], n[2]),
    "masked_fill": lambda n: A.masked_fill(n[0], n[1] > 0, -9.0),
    "equal": lambda n: torch.tensor(A.equal(n[0].nan_to_num(), n[0].nan_to_num())),
    "max": lambda n: (A.max(n[0].nan_to_num()), *A.max(_matrix(n), 1)),
    "min": lambda n: (A.min(n[0].nan_to_num()), *A.min(_matrix(n), 1)),
    "amax": lambda n: (A.amax(_matrix(n), [0]), A.amax(_matrix(n), [1])),
    "amin": lambda n: (A.amin(_matrix(n), [0]), A.amin(_matrix(n), [1])),
    "aminmax": lambda n: A.aminmax(_matrix(n)),
    "argmax": lambda n: A.argmax(_matrix(n), 1),
    "argmin": lambda n: A.argmin(_matrix(n), 1),
    "value_selecting_reduction_backward": lambda n: A.value_selecting_reduction_backward(
        _matrix(n)[:, 0], 1, A.argmax(_matrix(n), 1), list(_matrix(n).shape), False
    ),
    "searchsorted": lambda n: A.searchsorted(n[0][:60].nan_to_num().sort().values, n[1].nan_to_num()),
    "bucketize": lambda n: A.bucketize(n[1].nan_to_num(), n[0][:60].nan_to_num().sort().values),
    "isin": lambda n: A.isin(n[0], n[1][:9]),
    "pow": lambda n: tuple(A.pow(n[0], exponent) for exponent in (-2, -1, 0, 1, 2, 3)),
    "sort": lambda n: A.sort.stable(_matrix(n).round(), stable=True, dim=1),
    "arange": lambda n: A.arange(5000, dtype=n[0].dtype) if n[0].dtype.itemsize > 2 else A.arange(200, dtype=n[0].dtype),
    "_to_copy": lambda n: tuple(n[0].nan_to_num().to(dtype) for dtype in FORMATS),
    "scatter": lambda n: A.scatter(torch.zeros_like(n[0]), 0, torch.arange(len(n[0])).flip(0), n[0]),
    "index_put": lambda n: A.index_put(torch.zeros_like(n[0]), [torch.arange(len(n[0])).flip(0)], n[0]),
}
"""An operator to calls of it with the numbers of one format."""


def _matrix(n: Numbers) -> torch.Tensor:
    return n[0].nan_to_num()[:9000].reshape(45, 200)


def digests() -> dict[str, str]:
    """Of what each operator gives, whole and from the third number on; NaN stands for every NaN."""
    found = {}
    for name, call in SAMPLES.items():
        found256 = hashlib.sha256()
        for dtype in FORMATS:
            columns = numbers(dtype)
            starts = (columns,) if name in WHOLE else (columns, tuple(column[3:] for column in columns))
            for result in tensors_in([call(start) for start in starts]):
                if result.dtype.is_floating_point:
                    result = result.masked_fill(result.isnan(), float("nan"))
                found256.update(result.reshape(-1).contiguous().view(torch.uint8).numpy().tobytes())
        found[name] = found256.hexdigest()
    return found


WHOLE = frozenset({"max", "min", "amax", "amin", "aminmax", "argmax", "argmin", "value_selecting_reduction_backward", "sort"})
"""Those that need a matrix's number of numbers."""

if __name__ == "__main__":
    print(json.dumps(digests()))
