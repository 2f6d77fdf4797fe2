"""Which instruction set the kernels run with: a choice of speed, never of bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from within_wf.ops.library import load_core

load_core()

InstructionSet = Literal["baseline", "avx2", "avx512"]


def instruction_set() -> InstructionSet:
    """The one in use: the widest that this processor has, unless another was chosen."""
    name: InstructionSet = torch.ops.within.instruction_set()
    return name


@contextmanager
def use_instruction_set(name: InstructionSet | Literal["widest"]) -> Iterator[None]:
    """Run what is inside with another one; for tests and benchmarks, for the whole process.

    Raises:
        ValueError: There is no such one, or this processor does not have it.
    """
    before = instruction_set()
    torch.ops.within.choose_instruction_set(name)
    try:
        yield
    finally:
        torch.ops.within.choose_instruction_set(before)
