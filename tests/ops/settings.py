"""What operators run with, in tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from within_wf.ops.instruction_set import instruction_set

INSTRUCTION_SETS = ("baseline", "avx2", "avx512")[: 1 + ("baseline", "avx2", "avx512").index(instruction_set())]
"""Those that this processor has."""


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads for what is inside."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
