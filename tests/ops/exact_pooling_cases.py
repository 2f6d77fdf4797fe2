"""Calls of exact pooling; torch alone, as tests/ops/cases.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

import within_wf.ops.exact.pooling  # noqa: F401 - registers its operators
from tests.ops.case import Case

FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Windows:
    """Sizes of a plane and of its windows."""

    shape: tuple[int, int, int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    ceil_mode: bool = False

    @property
    def largest(self) -> tuple[object, ...]:
        """What follows the tensor in a call of a maximum."""
        return self.kernel, self.stride, self.padding, self.dilation, self.ceil_mode

    def average(self, counts_padding: bool, divisor: int | None) -> tuple[object, ...]:
        """What follows the tensor in a call of an average."""
        return self.kernel, self.stride, self.padding, self.ceil_mode, counts_padding, divisor

    def __str__(self) -> str:
        return (
            f"{'x'.join(map(str, self.shape))} by {self.kernel} stride {self.stride} padding {self.padding} "
            f"dilation {self.dilation}{' ceil' if self.ceil_mode else ''}"
        )


WINDOWS = (
    Windows((2, 3, 11, 37), (3, 3), (2, 2), (1, 1)),
    Windows((1, 2, 8, 9), (2, 2), (2, 2)),
    Windows((2, 2, 7, 20), (3, 2), (1, 1), (1, 1)),
    Windows((1, 3, 10, 13), (3, 3), (2, 3), (1, 0), (1, 1), True),
    Windows((2, 2, 12, 14), (3, 2), (3, 2), (1, 1), (2, 3), True),
    Windows((1, 1, 5, 5), (1, 1), (3, 3)),
    Windows((1, 2, 1, 40), (1, 4), (1, 4), (0, 2), (1, 1), True),
)
ADAPTIVE = (((2, 3, 7, 7), (1, 1)), ((1, 2, 10, 13), (3, 4)), ((1, 2, 3, 5), (4, 7)), ((1, 1, 40, 60), (1, 1)))


def numbers(shape: tuple[int, ...], dtype: torch.dtype, seed: int = 0) -> torch.Tensor:
    """With ties: a few values, and zeros of both signs."""
    draws = torch.Generator().manual_seed(seed + sum(shape))
    x = torch.randn(shape, generator=draws, dtype=torch.float64)
    return torch.where(x.abs() < 0.3, 0 * x, x).to(dtype)


def calls(windows: Windows, dtype: torch.dtype) -> dict[str, tuple[object, ...]]:
    """Of each operator of windows of one size."""
    x = numbers(windows.shape, dtype)
    found, places = torch.ops.within.exact_max_pool(x, *windows.largest)
    gradient = numbers(tuple(found.shape), dtype, 1)
    calls: dict[str, tuple[object, ...]] = {
        "exact_max_pool": (x, *windows.largest),
        "exact_max_pool_backward": (gradient, places, windows.shape, *windows.largest),
    }
    if windows.dilation == (1, 1):
        for counted, divisor in ((True, None), (False, None), (True, -3)):
            name = f"{'counted' if counted else 'real'}{'' if divisor is None else ' by a number'}"
            steps = windows.average(counted, divisor)
            calls[f"exact_average_pool {name}"] = (x, *steps)
            calls[f"exact_average_pool_backward {name}"] = (gradient, windows.shape, *steps)
    return calls


def adaptive_calls(
    shape: tuple[int, int, int, int], output: tuple[int, int], dtype: torch.dtype
) -> dict[str, tuple[object, ...]]:
    """Of each operator of windows that adapt."""
    x, gradient = numbers(shape, dtype), numbers((*shape[:2], *output), dtype, 1)
    places = torch.ops.within.exact_adaptive_max_pool(x, output)[1]
    return {
        "exact_adaptive_max_pool": (x, output),
        "exact_adaptive_max_pool_backward": (gradient, places, shape),
        "exact_adaptive_average_pool": (x, output),
        "exact_adaptive_average_pool_backward": (gradient, shape),
    }


def pooling_cases() -> Iterator[Case]:
    """Every dtype."""
    for dtype in FLOATS:
        kind = str(dtype).removeprefix("torch.")
        for windows in WINDOWS if dtype in (torch.float32, torch.float64) else WINDOWS[:4]:
            for name in calls(windows, dtype):
                operator = name.partition(" ")[0]
                make = lambda n=name, w=windows, d=dtype: calls(w, d)[n]  # noqa: E731
                yield Case(operator, f"{kind}, {windows}{name.removeprefix(operator)}", make, _position(operator))
        for shape, output in ADAPTIVE:
            for operator in adaptive_calls(shape, output, dtype):
                make = lambda o=operator, s=shape, n=output, d=dtype: adaptive_calls(s, n, d)[o]  # noqa: E731
                yield Case(operator, f"{kind}, {'x'.join(map(str, shape))} to {output}", make, _position(operator))


def _position(operator: str) -> tuple[int, ...]:
    return () if operator.endswith("_backward") else (0,)
