"""Calls of reductions, softmax and normalisation; torch alone, as tests/ops/cases.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import torch

import within_wf.ops.exact.norms
import within_wf.ops.exact.reductions
import within_wf.ops.exact.softmax  # noqa: F401 - registers their operators
from tests.ops.case import Case

FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
REDUCTIONS = ("sum", "mean", "var", "std", "logsumexp", "amax", "amin")
Shape = tuple[int, ...]


def draw(shape: Shape, dtype: torch.dtype, seed: int = 0, *, spread: float = 3, shift: float = 0.5) -> torch.Tensor:
    """Normal numbers."""
    draws = torch.Generator().manual_seed(seed * 1000 + sum(shape))
    return (torch.randn(shape, generator=draws, dtype=torch.float64) * spread + shift).to(dtype)


def special_rows(dtype: torch.dtype) -> torch.Tensor:
    """Rows of 35 numbers: infinities, NaN, zeros of both signs, the largest and subnormal ones among them, or alone."""
    info = torch.finfo(dtype)
    ends = [float("inf"), -float("inf"), float("nan"), 0.0, -0.0, info.max, -info.max, info.smallest_normal / 4]
    filled = [torch.full((35,), end, dtype=torch.float64) for end in ends]
    mixed = [draw((35,), torch.float64, i).index_fill(0, torch.tensor([i, 34 - i]), end) for i, end in enumerate(ends)]
    zeros = torch.tensor([0.0, -0.0], dtype=torch.float64).repeat(18)[:35]
    return torch.stack([*filled, *mixed, zeros, -zeros]).to(dtype)


def kind(dtype: torch.dtype) -> str:
    """float32, without torch's name."""
    return str(dtype).removeprefix("torch.")


def two_of(i: int) -> tuple[torch.dtype, ...]:
    """float32, and another in turn."""
    return tuple(dict.fromkeys((torch.float32, FLOATS[i % 4])))


def as_it_is(x: torch.Tensor) -> torch.Tensor:
    return x


LAYOUTS: dict[str, tuple[Shape, list[int], Callable[[torch.Tensor], torch.Tensor]]] = {
    "rows": ((5, 77), [1], as_it_is),
    "a few": ((3, 4, 5), [-1], as_it_is),
    "blocks": ((2, 3100), [1], as_it_is),
    "columns": ((70, 37), [0], as_it_is),
    "long columns": ((1100, 5), [0], as_it_is),
    "middle": ((2, 33, 19), [1], as_it_is),
    "channels": ((3, 4, 5, 7), [0, 2, 3], as_it_is),
    "both ends": ((6, 4, 300), [0, 2], as_it_is),
    "between": ((3, 4, 5, 6), [0, 2], as_it_is),
    "turned": ((40, 50), [0], lambda x: x.T.contiguous().T),
    "slices": ((9, 40), [1], lambda x: x[:, ::2]),
    "all": ((7, 11, 13), [], as_it_is),
    "one": ((4, 1), [1], as_it_is),
    "scalar": ((), [], as_it_is),
}


def reduce_call(layout: str, dtype: torch.dtype, name: str, keepdim: bool) -> tuple[object, ...]:
    shape, dims, view = LAYOUTS[layout]
    return view(draw(shape, dtype)), dims, keepdim, name, 1.0 if name in ("var", "std") else 0.0


def reduce_specials(dtype: torch.dtype, name: str, dim: int) -> tuple[object, ...]:
    x = special_rows(dtype)
    return x if dim else x.T.contiguous(), [dim], False, name, 0.0


def reduce_nothing(shape: Shape, name: str) -> tuple[object, ...]:
    return torch.empty(shape), [1], True, name, 0.0


def reduce_cases() -> Iterator[Case]:
    """Each reduction of every way that numbers lie; formats in turn."""
    for i, name in enumerate(REDUCTIONS):
        for j, layout in enumerate(LAYOUTS):
            for dtype in FLOATS if layout in ("blocks", "middle") else two_of(i + j):
                make = partial(reduce_call, layout, dtype, name, bool(j % 2))
                yield Case("exact_reduce", f"{name}, {kind(dtype)}, {layout}", make, (0,) if layout != "scalar" else ())
        for dtype in FLOATS:
            yield Case("exact_reduce", f"{name}, {kind(dtype)}, specials", partial(reduce_specials, dtype, name, 1))
        yield Case("exact_reduce", f"{name}, specials down", partial(reduce_specials, torch.float32, name, 0))
        yield Case("exact_reduce", f"{name}, no sums", partial(reduce_nothing, (0, 3), name))
        if name[0] != "a":
            yield Case("exact_reduce", f"{name}, no numbers", partial(reduce_nothing, (2, 0), name))


SOFTMAX = (
    ((9, 10), 1), ((40, 3), -1), ((5, 16), 1), ((3, 17), 1), ((4, 64), 1), ((3, 101), 1), ((2, 2100), 1),
    ((10, 30), 0), ((2, 7, 70), 1), ((2, 1040, 3), 1), ((3, 1, 2), 1), ((0, 4), 1), ((2, 0, 3), 0), ((), 0),
)  # fmt: skip


def softmax_call(shape: Shape, dim: int, dtype: torch.dtype, is_log: bool) -> tuple[object, ...]:
    return draw(shape, dtype), dim, is_log


def softmax_backward_call(shape: Shape, dim: int, dtype: torch.dtype, is_log: bool) -> tuple[object, ...]:
    result = draw(shape, torch.float64).softmax(dim)
    return draw(shape, dtype, 1), (result.log() if is_log else result).to(dtype), dim, is_log


def softmax_specials(dim: int, dtype: torch.dtype, is_log: bool) -> tuple[object, ...]:
    return special_rows(dtype), dim, is_log


def softmax_backward_specials(dim: int, dtype: torch.dtype, is_log: bool) -> tuple[object, ...]:
    return draw((18, 35), dtype), special_rows(dtype), dim, is_log


def softmax_cases() -> Iterator[Case]:
    """Along rows, short and long, down columns, and of what is no number."""
    for is_log in (False, True):
        log = ", log" if is_log else ""
        for i, (shape, dim) in enumerate(SOFTMAX):
            for dtype in dict.fromkeys((*two_of(i), *two_of(i + 1))):
                title, given = f"{kind(dtype)}, {list(shape)}, {dim}{log}", (shape, dim, dtype, is_log)
                positions = (0,) if shape and 0 not in shape else ()
                yield Case("exact_softmax", title, partial(softmax_call, *given), positions)
                if shape:
                    yield Case("exact_softmax_backward", title, partial(softmax_backward_call, *given))
        for dtype in FLOATS:
            for dim in (0, 1):
                title = f"{kind(dtype)}, specials, {dim}{log}"
                yield Case("exact_softmax", title, partial(softmax_specials, dim, dtype, is_log))
                yield Case("exact_softmax_backward", title, partial(softmax_backward_specials, dim, dtype, is_log))


def affine(count: int, dtype: torch.dtype, which: int) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Both, a weight, a bias or neither, in turn."""
    weight = draw((count,), dtype, 7, spread=0.5, shift=1) if which % 4 in (0, 1) else None
    bias = draw((count,), dtype, 8) if which % 4 in (0, 2) else None
    return weight, bias


def of_affine(which: int, first: int) -> tuple[int, ...]:
    """Where a weight and a bias that are given have gradients, the weight being argument ``first``."""
    return tuple(first + k for k in (0, 1) if which % 4 in (0, k + 1))


def statistics(rows: Shape, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    """Means and scales."""
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    return draw(rows, wide, 3), draw(rows, wide, 4).abs() + 0.1


def norm_call(shape: Shape, dtype: torch.dtype, which: int, is_centred: bool) -> tuple[object, ...]:
    weight, bias = affine(shape[-1], dtype, which)
    return draw(shape, dtype), 1, weight, bias if is_centred else None, 1e-5, is_centred


def norm_backward_call(
    shape: Shape, dtype: torch.dtype, which: int, is_centred: bool, of_x: bool = True, of_weights: bool = True
) -> tuple[object, ...]:
    mean, scale = statistics(shape[:-1], dtype)
    given = draw(shape, dtype, 5), draw(shape, dtype), 1, affine(shape[-1], dtype, which)[0]
    return *given, mean if is_centred else mean.new_empty(0), scale, is_centred, of_x, of_weights


def norm_specials(dtype: torch.dtype, is_centred: bool) -> tuple[object, ...]:
    return special_rows(dtype), 1, *affine(35, dtype, 0 if is_centred else 3), 1e-5, is_centred


def norm_backward_specials(dtype: torch.dtype) -> tuple[object, ...]:
    return special_rows(dtype), draw((18, 35), dtype), 1, None, *statistics((18,), dtype), True, True, True


def norm_of_two_dimensions() -> tuple[object, ...]:
    return draw((3, 4, 5), torch.float32), 2, draw((4, 5), torch.float32), None, 1e-3, True


def norm_cases() -> Iterator[Case]:
    """Layer and RMS normalisation: ragged rows, long ones, many of them, with and without weights."""
    for i, shape in enumerate(((5, 77), (2, 3, 64), (70, 8), (3, 1030), (1100, 3), (2, 1), (0, 5))):
        for dtype in two_of(i):
            for is_centred in (True, False):
                which = i if is_centred else i % 2 * 2 + 1
                title = f"{kind(dtype)}, {list(shape)}{'' if is_centred else ', rms'}"
                positions = (0, *of_affine(which, 2)) if shape[0] else ()
                yield Case("exact_norm", title, partial(norm_call, shape, dtype, which, is_centred), positions)
                yield Case("exact_norm_backward", title, partial(norm_backward_call, shape, dtype, which, is_centred))
    yield Case("exact_norm", "two dimensions", norm_of_two_dimensions, (0, 2))
    for of_x in (False, True):
        make = partial(norm_backward_call, (40, 9), torch.float32, 0, True, of_x, not of_x)
        yield Case("exact_norm_backward", f"of {'x' if of_x else 'weights'} alone", make)
    for dtype in FLOATS:
        for is_centred in (True, False):
            title = f"{kind(dtype)}, specials{'' if is_centred else ', rms'}"
            yield Case("exact_norm", title, partial(norm_specials, dtype, is_centred))
        yield Case("exact_norm_backward", f"{kind(dtype)}, specials", partial(norm_backward_specials, dtype))


def group_call(shape: Shape, dtype: torch.dtype, groups: int, which: int) -> tuple[object, ...]:
    return draw(shape, dtype), groups, *affine(shape[1], dtype, which), 1e-5


def group_backward_call(shape: Shape, dtype: torch.dtype, groups: int, which: int) -> tuple[object, ...]:
    given = draw(shape, dtype, 5), draw(shape, dtype), groups, affine(shape[1], dtype, which)[0]
    return *given, *statistics((shape[0], groups), dtype), True, True


GROUPS = (((2, 6, 7), 3), ((3, 4, 5, 6), 1), ((2, 4, 3), 4), ((5, 6), 2), ((2, 4, 700), 2), ((0, 4, 3), 2))


def group_cases() -> Iterator[Case]:
    """Groups of one channel, of some and of all."""
    for i, (shape, groups) in enumerate(GROUPS):
        for dtype in two_of(i):
            title = f"{kind(dtype)}, {list(shape)} in {groups}"
            positions = (0, *of_affine(i, 2)) if shape[0] else ()
            yield Case("exact_group_norm", title, partial(group_call, shape, dtype, groups, i), positions)
            yield Case("exact_group_norm_backward", title, partial(group_backward_call, shape, dtype, groups, i))


def images(shape: Shape, dtype: torch.dtype, is_last: bool, seed: int = 0) -> torch.Tensor:
    """With channels last in memory where that is wanted."""
    x = draw(shape, dtype, seed)
    return x.to(memory_format=torch.channels_last) if is_last else x


def batch_call(shape: Shape, is_last: bool, dtype: torch.dtype, training: bool, which: int) -> tuple[object, ...]:
    running = draw(shape[1:2], dtype, 5), draw(shape[1:2], dtype, 6).abs()
    return images(shape, dtype, is_last), *affine(shape[1], dtype, which), *running, training, 0.1, 1e-5


def batch_backward_call(shape: Shape, is_last: bool, dtype: torch.dtype, training: bool, which: int) -> tuple[object, ...]:
    weight, _ = affine(shape[1], dtype, which)
    both = images(shape, dtype, is_last, 2), images(shape, dtype, is_last)
    return *both, weight, *statistics(shape[1:2], dtype), training, True, True


def batch_specials(dtype: torch.dtype) -> tuple[object, ...]:
    return special_rows(dtype).T.contiguous(), *affine(18, dtype, 0), None, None, True, 0.1, 1e-5


def batch_backward_specials(dtype: torch.dtype) -> tuple[object, ...]:
    return special_rows(dtype).T.contiguous(), draw((35, 18), dtype), None, *statistics((18,), dtype), True, True, True


BATCHES = (((40, 5), False), ((3, 4, 50), False), ((3, 5, 6, 7), False), ((3, 5, 6, 7), True), ((2, 3, 30, 40), False),
           ((1100, 3), False), ((2, 70, 2, 3), True), ((0, 3), False))  # fmt: skip


def batch_cases() -> Iterator[Case]:
    """Batch normalisation, training and frozen, of every way that channels lie."""
    for i, (shape, is_last) in enumerate(BATCHES):
        for dtype in two_of(i):
            for training in (True, False):
                given = (shape, is_last, dtype, training, i)
                title = f"{kind(dtype)}, {list(shape)}{', channels last' if is_last else ''}{'' if training else ', frozen'}"
                positions = (0, *of_affine(i, 1)) if shape[0] else ()
                yield Case("exact_batch_norm", title, partial(batch_call, *given), positions)
                yield Case("exact_batch_norm_backward", title, partial(batch_backward_call, *given))
    for dtype in FLOATS:
        yield Case("exact_batch_norm", f"{kind(dtype)}, specials", partial(batch_specials, dtype))
        yield Case("exact_batch_norm_backward", f"{kind(dtype)}, specials", partial(batch_backward_specials, dtype))


def slope_call(shape: Shape, of: Shape, dtype: torch.dtype, is_power: bool) -> tuple[object, ...]:
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    x, centre, factor = draw(shape, dtype), draw(of, wide, 1), draw(of, wide, 2)
    if centre.numel():
        centre.view(-1)[0] = -torch.inf
    return x, centre, factor, is_power


SLOPES = (((7, 100), (7, 1)), ((100, 7), (1, 7)), ((3, 40, 9), (3, 1, 9)), ((5, 6, 7), (1, 6, 1)), ((), ()), ((0, 3), (0, 1)))


def slope_cases() -> Iterator[Case]:
    """The gradients of reductions that are made in one pass; of a GPU they are torch's operations."""
    for shape, of in SLOPES:
        for dtype in FLOATS:
            for is_power in (False, True):
                title = f"{kind(dtype)}, {list(shape)} of {list(of)}{', powers' if is_power else ''}"
                yield Case("exact_reduce_slope", title, partial(slope_call, shape, of, dtype, is_power))


def exact_norm_cases() -> Iterator[Case]:
    """Of all of these operators that have kernels of their own on a GPU."""
    yield from reduce_cases()
    yield from softmax_cases()
    yield from norm_cases()
    yield from group_cases()
    yield from batch_cases()
