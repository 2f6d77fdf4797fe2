"""Calls of exact attention; torch alone, as tests/ops/cases.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch

import within_wf.ops.exact.attention  # noqa: F401 - registers its operators
from tests.ops.case import Case
from tests.ops.exact_cases import FLOATS


@dataclass(frozen=True)
class Call:
    """A call of exact_attention, drawn by its numbers.

    Attributes:
        shape: Batch, heads, heads of keys, queries, keys, width, width of values.
        mask: What a mask's shape has of batch, heads, queries and keys (0: one for all), or None.
        is_added: The mask is of numbers, not of yes and no.
        is_turned: In memory, heads lie within rows, as a projection of all heads gives them.
    """

    shape: tuple[int, int, int, int, int, int, int]
    dtype: torch.dtype = torch.float32
    mask: tuple[int, int, int, int] | None = None
    is_added: bool = True
    is_causal: bool = False
    dropout_p: float = 0.0
    scale: float | None = None
    is_turned: bool = False

    def __str__(self) -> str:
        mask = "" if self.mask is None else f", {'added' if self.is_added else 'yes and no'} {self.mask}"
        more = [f", dropout {self.dropout_p}"] * (self.dropout_p > 0) + [f", scale {self.scale}"] * (self.scale is not None)
        more += [", causal"] * self.is_causal + [", turned"] * self.is_turned
        return f"{str(self.dtype).removeprefix('torch.')}, {' '.join(map(str, self.shape))}{mask}{''.join(more)}"

    def arguments(self) -> tuple[object, ...]:
        """Of torch.ops.within.exact_attention."""
        batch, heads, groups, queries, keys, width, value_width = self.shape
        draws = torch.Generator().manual_seed(sum(size * 31**i for i, size in enumerate(self.shape)) % 2**31)

        def normal(*shape: int) -> torch.Tensor:
            number = torch.randn(*shape, generator=draws, dtype=torch.float64).to(self.dtype)
            return number.transpose(1, 2).contiguous().transpose(1, 2) if self.is_turned else number

        query, key = normal(batch, heads, queries, width) * 2, normal(batch, groups, keys, width)
        value, mask = normal(batch, groups, keys, value_width), None
        if self.mask is not None:
            whole = (batch, heads, queries, keys)
            mask = torch.randn([n if has else 1 for has, n in zip(self.mask, whole, strict=True)], generator=draws)
            mask = mask.to(self.dtype).masked_fill(mask > 1.5, -torch.inf) if self.is_added else mask > -0.5
        options = (self.is_causal, self.scale, self.dropout_p, (1 << 40) + 7, 3)
        return query, key, value, mask, *options

    def backward_arguments(self) -> tuple[object, ...]:
        """Of torch.ops.within.exact_attention_backward."""
        query, key, value, mask, *options = self.arguments()
        out, highest, reciprocal = torch.ops.within.exact_attention(query, key, value, mask, *options)
        gradient = torch.randn(out.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64).to(self.dtype)
        is_mask_wanted = mask is not None and mask.dtype != torch.bool
        return gradient, query, key, value, mask, out, highest, reciprocal, *options, is_mask_wanted


SMALL = (
    Call((1, 1, 1, 1, 1, 1, 1)),
    Call((2, 2, 2, 30, 30, 16, 16), is_turned=True),
    Call((1, 2, 2, 67, 131, 20, 9)),
    Call((1, 2, 1, 5, 70, 33, 8), scale=0.3),
    Call((2, 4, 2, 17, 9, 8, 24), mask=(1, 0, 0, 1), is_added=False),
    Call((2, 2, 2, 20, 66, 5, 3), mask=(1, 1, 1, 1)),
    Call((2, 2, 2, 20, 66, 5, 3), mask=(0, 1, 1, 0)),
    Call((2, 2, 2, 9, 12, 5, 3), mask=(0, 0, 0, 1)),
    Call((2, 2, 2, 9, 12, 5, 3), mask=(0, 0, 0, 0)),
    Call((1, 2, 1, 75, 70, 12, 7), is_causal=True),
    Call((1, 1, 1, 66, 130, 4, 4), is_causal=True, mask=(1, 1, 1, 1), is_added=False),
    Call((1, 2, 2, 18, 67, 8, 8), dropout_p=0.25),
    Call((1, 2, 2, 18, 20, 8, 8), dropout_p=1.0),
    Call((2, 2, 2, 3, 0, 4, 5)),
    Call((2, 2, 2, 0, 3, 4, 5)),
    Call((0, 2, 2, 3, 3, 4, 5)),
    Call((1, 1, 1, 3, 4, 0, 5)),
    Call((1, 1, 1, 3, 4, 5, 0)),
)


def calls() -> Iterator[Call]:
    """Of every dtype, and turned."""
    yield from SMALL
    for dtype in FLOATS:
        if dtype != torch.float32:
            yield Call((1, 2, 2, 35, 70, 11, 6), dtype, mask=(1, 0, 1, 1))
            yield replace(Call((1, 2, 1, 70, 66, 8, 6), dtype, is_causal=True), is_turned=True)


def specials(dtype: torch.dtype = torch.float32) -> tuple[object, ...]:
    """Infinities, NaN, zeros of both signs, the largest and subnormal numbers among keys, values and the mask."""
    info = torch.finfo(dtype)
    values = [float("inf"), -float("inf"), float("nan"), 0.0, -0.0, info.max, -info.max, info.smallest_normal / 4, 1.0]
    numbers = torch.tensor(values, dtype=torch.float64).to(dtype)
    query = torch.ones(1, 9, 70, 4, dtype=dtype)
    query[..., ::3, 2] = numbers[:, None]
    key, value = torch.ones(1, 9, 70, 4, dtype=dtype) * 0.5, torch.ones(1, 9, 70, 3, dtype=dtype)
    key[0, :, 60, 1], value[0, :, 66, 2] = numbers, numbers.roll(2)
    mask = torch.zeros(1, 9, 70, 70, dtype=dtype)
    mask[0, :, 5, 65], mask[0, :, 6] = numbers.roll(1), -torch.inf
    return query, key, value, mask, False, None, 0.0, 0, 0


def attention_cases() -> Iterator[Case]:
    """Forward and backward; ragged tiles, masks of every shape, nothing to attend."""
    for call in calls():
        yield Case("exact_attention", str(call), call.arguments)
        yield Case("exact_attention_backward", str(call), call.backward_arguments)
    yield Case("exact_attention", "specials", specials)
