"""Calls of exact convolutions; torch alone, as tests/ops/cases.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

import within_wf.ops.exact.convolution  # noqa: F401 - registers its operators
from tests.ops.case import Case

FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Layer:
    """A convolution's sizes."""

    batch: int
    channels: int
    outputs: int
    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def steps(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], int]:
        """What follows the tensors in a call."""
        return self.stride, self.padding, self.dilation, self.groups

    @property
    def out(self) -> tuple[int, int, int, int]:
        """The output's shape."""
        axes = zip(self.size, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        rows, columns = ((size + 2 * p - d * (k - 1) - 1) // s + 1 for size, k, s, p, d in axes)
        return self.batch, self.outputs, rows, columns

    def __str__(self) -> str:
        return (
            f"{self.batch}x{self.channels}x{self.size[0]}x{self.size[1]} to {self.outputs} by {self.kernel} "
            f"stride {self.stride} padding {self.padding} dilation {self.dilation} groups {self.groups}"
        )


LAYERS = (
    Layer(1, 1, 1, (1, 1), (1, 1)),
    Layer(2, 5, 7, (9, 8), (1, 1)),
    Layer(2, 3, 8, (11, 17), (3, 3), (2, 2), (1, 1)),
    Layer(6, 4, 13, (7, 7), (3, 3), (1, 1), (1, 1)),
    Layer(1, 6, 10, (19, 18), (3, 2), (1, 1), (2, 0), (2, 3)),
    Layer(2, 8, 6, (10, 9), (3, 3), (3, 2), (1, 2), (1, 1), 2),
    Layer(2, 3, 5, (8, 7), (1, 1), (2, 3), (0, 0)),
    Layer(1, 50, 3, (5, 6), (3, 3), (1, 1), (1, 1)),
    Layer(2, 4, 9, (1, 70), (1, 5), (1, 2), (0, 2)),
    Layer(2, 2, 3, (4, 4), (2, 2), (4, 4), (3, 3)),
    Layer(1, 1, 9, (12, 13), (3, 3), (1, 1), (1, 1)),
    Layer(2, 1, 10, (6, 6), (3, 3), (1, 1), (1, 1)),
)
"""Of groups of several channels, and of one where there are many outputs."""
DEPTHWISE = (
    Layer(2, 5, 5, (9, 8), (3, 3), (1, 1), (1, 1), (1, 1), 5),
    Layer(2, 3, 3, (14, 37), (3, 3), (2, 2), (1, 1), (1, 1), 3),
    Layer(1, 3, 3, (7, 7), (5, 5), (1, 1), (2, 2), (1, 1), 3),
    Layer(2, 2, 2, (15, 19), (5, 5), (2, 2), (2, 2), (1, 1), 2),
    Layer(1, 2, 6, (10, 11), (3, 3), (1, 1), (1, 1), (1, 1), 2),
    Layer(2, 3, 6, (11, 10), (4, 2), (3, 2), (2, 1), (1, 2), 3),
    Layer(2, 2, 2, (1, 70), (1, 3), (1, 1), (0, 1), (1, 1), 2),
    Layer(1, 2, 2, (3, 3), (3, 3), (1, 1), (3, 3), (1, 1), 2),
    Layer(1, 4, 4, (33, 40), (3, 3), (1, 1), (0, 0), (1, 1), 4),
    Layer(2, 2, 2, (6, 5), (1, 1), (2, 2), (0, 0), (1, 1), 2),
)
"""Of groups of one channel."""


def tensors(layer: Layer, dtype: torch.dtype, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Input, weight, bias and the output's gradient."""
    draws = torch.Generator().manual_seed(seed + layer.channels * 100 + layer.outputs)
    shapes = (
        (layer.batch, layer.channels, *layer.size),
        (layer.outputs, layer.channels // layer.groups, *layer.kernel),
        (layer.outputs,),
        layer.out,
    )
    x, weight, bias, gradient = (torch.randn(shape, generator=draws, dtype=torch.float64).to(dtype) for shape in shapes)
    return x, weight, bias, gradient


def with_specials(x: torch.Tensor) -> torch.Tensor:
    """The same with infinities, NaN, zeros of both signs, the largest and subnormal numbers at some places."""
    info = torch.finfo(x.dtype)
    values = [float("inf"), -float("inf"), float("nan"), 0.0, -0.0, info.max, -info.max, info.smallest_normal / 4, 1.0]
    changed = x.clone().flatten()
    places = torch.arange(len(values)) * 7 % max(1, len(changed))
    changed[places] = torch.tensor(values, dtype=torch.float64).to(x.dtype)
    return changed.reshape(x.shape)


def calls(layer: Layer, dtype: torch.dtype) -> dict[str, tuple[object, ...]]:
    """Of each operator."""
    x, weight, bias, gradient = tensors(layer, dtype)
    return {
        "exact_convolution": (x, weight, bias, *layer.steps),
        "exact_convolution_backward_input": (gradient, weight, x.shape, *layer.steps),
        "exact_convolution_backward_weight": (gradient, x, layer.kernel, *layer.steps),
        "exact_convolution_backward_bias": (gradient,),
    }


def convolution_cases() -> Iterator[Case]:
    """Every dtype; products and depthwise; no images."""
    for dtype in FLOATS:
        for layer in (*LAYERS, *DEPTHWISE, replace(LAYERS[1], batch=0), replace(DEPTHWISE[0], batch=0)):
            if dtype in (torch.float16, torch.bfloat16) and layer not in (LAYERS[2], LAYERS[5], DEPTHWISE[1], DEPTHWISE[5]):
                continue
            title = f"{str(dtype).removeprefix('torch.')}, {layer}"
            for operator in calls(layer, dtype):
                differentiable = (0, 1, 2) if operator == "exact_convolution" else ()
                make = lambda o=operator, layer=layer, d=dtype: calls(layer, d)[o]  # noqa: E731
                yield Case(operator, title, make, differentiable)
