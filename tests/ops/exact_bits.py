"""Comparisons of bits that tests of exact layers share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops import use_instruction_set


def bits(tensor: torch.Tensor) -> bytes:
    """Of a tensor's numbers, row by row."""
    return tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def all_bits(of: torch.Tensor | tuple[torch.Tensor, ...]) -> list[tuple[object, ...]]:
    """Shapes, dtypes and bits of what an operator gives."""
    given = of if isinstance(of, tuple) else (of,)
    return [(one.dtype, tuple(one.shape), bits(one)) for one in given]


def everywhere(call: Callable[[], torch.Tensor | tuple[torch.Tensor, ...]]) -> Iterator[list[tuple[object, ...]]]:
    """What a call gives with each instruction set and 1, 2, 3 and 7 threads."""
    for chosen in INSTRUCTION_SETS:
        for count in (1, 2, 3, 7):
            with use_instruction_set(chosen), threads(count):
                yield all_bits(call())
