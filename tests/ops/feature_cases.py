"""Calls of the operators that vary a table's rows; torch alone, as tests/ops/cases.py."""

from __future__ import annotations

from collections.abc import Iterator

import torch

import within_wf.ops.features  # noqa: F401 - registers the gradients of its operators
from tests.ops.case import Case

KEYS = [[(word * 0x9E3779B9 + 1) & 0xFFFFFFFF for word in (2 * purpose, 2 * purpose + 1)] for purpose in range(5)]
SHAPES = ((1, 1), (7, 3), (300, 13), (5, 1030), (3, 2600), (0, 4), (4, 0))
"""Fewer features than a block, rows side by side in a tile, rows of several tiles."""
STEPS = {
    "noise": (True, 0.0, 0.0, False),
    "dropout": (False, 0.3, 0.0, False),
    "swap": (False, 0.0, 0.3, False),
    "mixup": (False, 0.0, 0.0, True),
    "all": (True, 0.1, 0.2, True),
    "none": (False, 0.0, 0.0, False),
    "always": (False, 0.5, 1.0, False),
}
"""Name to whether there is noise, the chances of dropout and swap, whether there is mixup."""


def feature_cases() -> Iterator[Case]:
    """Each step alone, all, and none; of few and of many features."""
    for dtype in (torch.float32, torch.float64):
        for rows, columns in SHAPES:
            for steps in STEPS if (rows, columns) == (300, 13) else ("all",):
                title = f"{str(dtype).removeprefix('torch.')}, {rows} x {columns}, {steps}"
                forward = lambda n=rows, d=columns, t=dtype, s=steps: _forward(n, d, t, s)  # noqa: E731
                backward = lambda n=rows, d=columns, t=dtype, s=steps: _backward(n, d, t, s)  # noqa: E731
                yield Case("augment_features", title, forward, (0,))
                yield Case("augment_features_backward", title, backward, (0,))
    yield Case("augment_features", "float32, not numbers", _not_numbers)
    yield Case("feature_keys", "a seed of 64 bits", lambda: (2**32 - 1, 7))
    for alpha in (0.01, 0.2, 1.0, 30.0):
        yield Case("feature_mixup", f"alpha {alpha}", lambda a=alpha: (_ids(500), torch.tensor(KEYS), 2**32 - 1, 2**32, 0.8, a))


def _draws() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def _ids(rows: int) -> torch.Tensor:
    return torch.randint(-(2**62), 2**62, (rows,), generator=_draws())


def _mixture(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    weights = torch.rand(rows, generator=_draws(), dtype=torch.float64)
    return torch.randint(0, 50, (rows,), generator=_draws()), torch.where(weights < 0.3, 0.0, weights)


def _forward(rows: int, columns: int, dtype: torch.dtype, steps: str) -> tuple[object, ...]:
    is_noisy, dropout, swap, is_mixed = STEPS[steps]
    x, bank = (torch.randn(count, columns, generator=_draws(), dtype=torch.float64).to(dtype) for count in (rows, 50))
    scale, fill = (torch.rand(columns, generator=_draws(), dtype=torch.float64).to(dtype) for _ in range(2))
    partners, weights = _mixture(rows) if is_mixed else (None, None)
    has_bank = is_mixed or swap > 0
    tensors = (x, bank if has_bank else None, scale if is_noisy else None, fill if dropout > 0 else None, partners, weights)
    return *tensors, _ids(rows), torch.tensor(KEYS), 7, dropout, swap


def _backward(rows: int, columns: int, dtype: torch.dtype, steps: str) -> tuple[object, ...]:
    x, *_, weights, ids, keys, epoch, dropout, swap = _forward(rows, columns, dtype, steps)
    return x, weights, ids, keys, epoch, dropout, swap


def _not_numbers() -> tuple[object, ...]:
    x, bank, *rest = _forward(300, 13, torch.float32, "all")
    x[::7], bank[3, ::2] = torch.nan, torch.inf
    return x, bank, *rest
