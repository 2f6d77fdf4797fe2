"""Calls of the operator of resamples; torch alone, as tests/ops/cases.py."""

from __future__ import annotations

from collections.abc import Iterator

import torch

import within_wf.ops.bootstrap  # noqa: F401 - registers its operators
from tests.ops.case import Case


def bootstrap_cases() -> Iterator[Case]:
    """Units that fill blocks of draws and do not, some held by many rows and some by none, with and without weights."""
    for size in (0, 1, 2, 5, 255, 256, 258, 3001):
        yield Case("resample_weights", f"{size} rows", lambda n=size: (torch.arange(n), None, n, 12345, 0, 3))
    weights = torch.rand(1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    units = torch.arange(1000) * 7919 % 37
    yield Case("resample_weights", "units with weights", lambda: (units, weights, 41, -1, 1 << 33, 5))
    yield Case("resample_weights", "no resample", lambda: (units, None, 37, 1, 4, 0))
