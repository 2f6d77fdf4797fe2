"""Calls of the operators of optimizers; torch alone, as tests/ops/cases.py."""

from __future__ import annotations

from collections.abc import Iterator

import torch

import within_wf.ops.exact.optim  # noqa: F401 - registers its operators
from tests.ops.case import Case
from tests.ops.loss_cases import FLOATS, SPECIALS, draws

SIZES: tuple[tuple[int, ...], ...] = ((3,), (1,), (0,), (7, 19), (1025,), (40, 64))


def tensors(seed: int, dtype: torch.dtype, *, scale: float = 1.0) -> list[torch.Tensor]:
    """One of each shape; the fourth lies in memory the other way round."""
    random = draws(seed)
    made = [(torch.randn(shape, generator=random, dtype=torch.float64) * scale).to(dtype) for shape in SIZES]
    made[3] = made[3].T.contiguous().T if seed % 2 else made[3]
    return made


def special_tensors(dtype: torch.dtype) -> list[torch.Tensor]:
    return [torch.tensor(SPECIALS, dtype=torch.float64).to(dtype).roll(k) for k in range(4)]


ADAM = {
    "plain": (False, 1, 0.0, True, False),
    "decoupled": (False, 3, 0.01, True, False),
    "coupled, largest": (True, 1000, 0.1, False, False),
    "maximize, largest": (True, 7, 0.02, True, True),
}
SGD = {
    "plain": (0.0, 0.0, 0.0, False, False, False),
    "first": (0.9, 0.1, 0.01, False, False, True),
    "nesterov": (0.9, 0.0, 0.1, True, True, False),
    "dampened": (0.5, 0.25, 0.0, False, False, False),
}


def adam_arguments(name: str, dtype: torch.dtype, *, specials: bool = False) -> tuple[object, ...]:
    has_largest, step, decay, is_decoupled, maximize = ADAM[name]
    if specials:
        parameters, gradients, means, largest = ([of] for of in special_tensors(dtype))
        squares = [of.abs() for of in special_tensors(dtype)[2:3]]
    else:
        parameters, gradients, means = (tensors(seed, dtype) for seed in (1, 2, 3))
        squares, largest = ([of.abs() for of in tensors(seed, dtype, scale=0.5)] for seed in (4, 5))
    steps = [torch.tensor(float(step - 1)) for _ in parameters]
    return (parameters, gradients, means, squares, largest if has_largest else [], steps, 1e-2, 0.9, 0.999, 1e-8, decay,
            is_decoupled, maximize)  # fmt: skip


def sgd_arguments(name: str, dtype: torch.dtype, *, specials: bool = False) -> tuple[object, ...]:
    momentum, dampening, decay, nesterov, maximize, is_first = SGD[name]
    given = [[of] for of in special_tensors(dtype)] if specials else [tensors(seed, dtype) for seed in (1, 2, 3)]
    return (given[0], given[1], given[2] if momentum else [], 0.05, momentum, dampening, decay, nesterov, maximize, is_first)


def optim_cases() -> Iterator[Case]:
    """Of every step, norm and clip."""
    for dtype in FLOATS:
        kind = str(dtype).removeprefix("torch.")
        for specials in (False, True):
            title = f"{kind}{', specials' if specials else ''}"
            for name in ADAM:
                yield Case(
                    "exact_adam_", f"{name}, {title}", lambda n=name, d=dtype, s=specials: adam_arguments(n, d, specials=s)
                )
            for name in SGD:
                yield Case(
                    "exact_sgd_", f"{name}, {title}", lambda n=name, d=dtype, s=specials: sgd_arguments(n, d, specials=s)
                )
            make = special_tensors if specials else lambda d: tensors(6, d)
            for norm in (1.0, 2.0, float("inf")):
                yield Case("exact_total_norm", f"{norm}, {title}", lambda n=norm, d=dtype, m=make: (m(d), n))
            for norm in (0.5, 80.0):
                for of_norm in (torch.float32, torch.float64):
                    yield Case(
                        "exact_clip_norm_",
                        f"{norm} {of_norm}, {title}",
                        lambda n=norm, o=of_norm, d=dtype, m=make: (m(d), torch.tensor(20.0, dtype=o), n),
                    )
            yield Case("exact_clip_value_", title, lambda d=dtype, m=make: (m(d), 0.3))
    yield Case("exact_total_norm", "mixed", lambda: ([*tensors(1, torch.bfloat16), *tensors(2, torch.float64)], 2.0))
    yield Case("exact_total_norm", "many", lambda: ([torch.full((5,), float(i)) for i in range(1100)], 2.0))
