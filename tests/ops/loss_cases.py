"""Calls of the operators of losses; torch alone, as tests/ops/cases.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

import within_wf.ops.exact.losses  # noqa: F401 - registers its operators
from tests.ops.case import Case

FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
SPECIALS = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1e-40,
    -1e-40,
    1e38,
    -1e38,
    float("inf"),
    -float("inf"),
    float("nan"),
    90.0,
    -105.0,
    17.0,
)

PARAMETERS = {"mse": 0.0, "l1": 0.0, "huber": 0.75, "smooth_l1": 0.6, "logistic": 0.0, "quantile": 0.3, "margin": 0.25}
SHAPES: tuple[tuple[int, ...], ...] = ((1,), (7, 5), (33,), (2, 3, 171), (1024,), (5000,))


def draws(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def elements(loss: str, shape: tuple[int, ...], dtype: torch.dtype, *, has_factor: bool = False):
    """input, target, factor and weight, as a loss wants them."""
    random = draws(sum(shape) * 7 + len(loss))
    x = torch.randn(shape, generator=random, dtype=torch.float64) * 3
    t = torch.randn(shape, generator=random, dtype=torch.float64)
    if loss == "logistic":
        t = torch.rand(shape, generator=random, dtype=torch.float64)
        t[..., ::2] = t[..., ::2].round()
    t.flatten()[::5] = x.flatten()[::5]
    factor = None
    if loss == "margin":
        factor = torch.rand(shape, generator=random).round().double() * 2 - 1
    elif has_factor:
        factor = torch.rand(shape[-1:], generator=random, dtype=torch.float64) * 0.98 + 0.01
    weight = torch.rand(shape, generator=random, dtype=torch.float64)
    return [None if of is None else of.to(dtype) for of in (x, t, factor, weight)]


def special_elements(dtype: torch.dtype):
    """Each special number with each; signs of pairs, and weights."""
    column = torch.tensor(SPECIALS, dtype=torch.float64).to(dtype)
    x, t = column.repeat(len(column)), column.repeat_interleave(len(column))
    return x, t, torch.ones_like(x), column.flip(0).repeat(len(column))


def pointwise_calls() -> Iterator[tuple[str, Callable[[], tuple[object, ...]]]]:
    """A name and the operator's arguments."""
    for loss, parameter in PARAMETERS.items():
        for dtype in FLOATS:
            kind = f"{loss}, {str(dtype).removeprefix('torch.')}"
            for number, shape in enumerate(SHAPES):
                for has_factor in (False, True):
                    if has_factor != (loss == "margin") and not (
                        has_factor and loss in ("logistic", "quantile") and number > 0
                    ):
                        continue

                    def make(loss=loss, shape=shape, dtype=dtype, f=has_factor, p=parameter, number=number):
                        x, t, factor, weight = elements(loss, shape, dtype, has_factor=f)
                        return (
                            x,
                            t,
                            factor,
                            weight if number % 2 else None,
                            loss,
                            p,
                            number % 4 if number % 2 else number // 2 % 3,
                        )

                    yield f"{kind}, {' x '.join(map(str, shape))}{', factor' if has_factor else ''}", make
            for reduction in (0, 2):

                def special(loss=loss, dtype=dtype, p=parameter, reduction=reduction):
                    x, t, factor, weight = special_elements(dtype)
                    return x, t, factor if loss == "margin" else None, weight if reduction else None, loss, p, reduction

                yield f"{kind}, specials by {reduction}", special


def classes(shape: tuple[int, ...], dtype: torch.dtype, *, is_shares: bool, has_weight: bool):
    """input, target and weight; every fifth label is ignored."""
    random = draws(sum(shape) + is_shares)
    x = (torch.randn(shape, generator=random, dtype=torch.float64) * 4).to(dtype)
    count = shape[0] if len(shape) == 1 else shape[1]
    rows = () if len(shape) == 1 else (shape[0], *shape[2:])
    labels = torch.randint(0, count, rows, generator=random)
    if rows:
        labels.view(-1)[3::5] = -100
    target = (torch.rand(shape, generator=random, dtype=torch.float64) * (2 / count)).to(dtype) if is_shares else labels
    weight = torch.rand(count, generator=random, dtype=torch.float64).to(dtype) if has_weight else None
    return x, target, weight


CLASS_SHAPES: tuple[tuple[int, ...], ...] = (
    (5,),
    (1, 1),
    (13, 3),
    (41, 33),
    (9, 100),
    (3, 1500),
    (2, 21, 5, 7),
    (2, 70, 19),
    (0, 4),
)


def class_calls() -> Iterator[tuple[str, Callable[[], tuple[object, ...]]]]:
    """A name and the operator's arguments."""
    for dtype in FLOATS:
        for number, shape in enumerate(CLASS_SHAPES):
            for kind in ("nll", "labels", "smoothed", "shares", "smoothed shares"):
                for has_weight in (False, True):

                    def make(shape=shape, dtype=dtype, kind=kind, w=has_weight, number=number):
                        x, target, weight = classes(shape, dtype, is_shares="shares" in kind, has_weight=w)
                        smoothing = 0.1 if "smoothed" in kind else 0.0
                        return x, target, weight, kind == "nll", (number + w) % 3, -100, smoothing

                    title = f"{kind}, {str(dtype).removeprefix('torch.')}, {' x '.join(map(str, shape))}"
                    yield f"{title}{', weights' if has_weight else ''}", make

        for depth in (False, True):

            def special(dtype=dtype, depth=depth):
                column = torch.tensor(SPECIALS, dtype=torch.float64).to(dtype)
                x = torch.stack([column.roll(k)[: 3 + k % 5].repeat(3)[:9] for k in range(15)])
                x = x.repeat(1, 11) if depth else x
                return x, torch.arange(15) % 9, None, False, 0, 3, 0.0

            yield f"specials, {str(dtype).removeprefix('torch.')}{', long' if depth else ''}", special


def ranked(rows: int, groups: int, dtype: torch.dtype):
    """Scores, targets of a few levels, and groups in no order."""
    random = draws(rows)
    scores = torch.randn(rows, generator=random, dtype=torch.float64).to(dtype)
    targets = torch.randint(0, 4, (rows,), generator=random).to(dtype)
    return scores, targets, torch.randint(-3, groups, (rows,), generator=random) if groups else None


def pairwise_calls() -> Iterator[tuple[str, Callable[[], tuple[object, ...]]]]:
    """A name and the operator's arguments."""
    for dtype in FLOATS:
        for rows, groups in ((1, 0), (9, 0), (77, 0), (150, 12), (40, 900), (0, 3)):
            for reduction in range(3):
                title = f"{str(dtype).removeprefix('torch.')}, {rows} in {groups} by {reduction}"
                yield title, lambda r=rows, g=groups, d=dtype, by=reduction: (*ranked(r, g, d), by)


def loss_cases() -> Iterator[Case]:
    """Of every loss, and of the operators of their gradients."""
    for name, make in pointwise_calls():
        yield Case("exact_pointwise_loss", name, make, () if "specials" in name else (0,))
    for name, make in class_calls():
        yield Case("exact_class_loss", name, make, () if "specials" in name else (0,))
    for name, make in pairwise_calls():
        yield Case("exact_pairwise_loss", name, make, (0,))

    def incoming(given: tuple[object, ...], shape: torch.Size, reduction: int):
        dtype = given[0].dtype
        return (
            torch.linspace(-1, 1, shape.numel(), dtype=torch.float64).to(dtype).reshape(shape)
            if reduction == 0
            else torch.tensor(0.75, dtype=dtype)
        )

    def point(make):
        given = make()
        return incoming(given, given[0].shape, given[6]), *given

    def row(make):
        given = make()
        _, rows, divisor = torch.ops.within.exact_class_loss(*given)
        shape = given[0].shape[:1] + given[0].shape[2:] if given[0].dim() > 1 else torch.Size()
        return incoming(given, shape, given[4]), *given[:3], rows, divisor, *given[3:]

    def pair(make):
        given = make()
        _, pairs = torch.ops.within.exact_pairwise_loss(*given)
        return incoming(given, given[0].shape, given[3]), *given[:3], pairs, given[3]

    for name, make in pointwise_calls():
        yield Case("exact_pointwise_loss_backward", name, lambda m=make: point(m))
    for name, make in class_calls():
        yield Case("exact_class_loss_backward", name, lambda m=make: row(m))
    for name, make in pairwise_calls():
        yield Case("exact_pairwise_loss_backward", name, lambda m=make: pair(m))
