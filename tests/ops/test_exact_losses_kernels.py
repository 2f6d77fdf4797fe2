"""The CUDA sources of losses, run on the CPU, give the bits of the CPU's kernels."""

import pytest
import torch

from tests.emulated.build import Reading
from tests.ops.cases import Case, digest, run
from tests.ops.loss_cases import PARAMETERS, loss_cases

BLOCK = 1024


def wide(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


def name_of(of: torch.Tensor) -> str:
    return str(of.dtype).removeprefix("torch.")


def reading(of):
    return None if of is None else Reading(of.contiguous())


def narrowed(of: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return of.to(dtype).masked_fill(of.isnan(), torch.nan)


def sums_of(count: int, of: torch.Tensor) -> torch.Tensor:
    return torch.empty(max(1, -(-count // BLOCK)), dtype=wide(of.dtype))


def spread(weight, x):
    return None if weight is None else weight.expand(x.shape).contiguous()


def point(unit, seed, x, t, factor, weight, loss, parameter, reduction):
    out = torch.empty(x.shape if reduction == 0 else (), dtype=x.dtype)
    sums = sums_of(x.numel(), x) if reduction else None
    divisor = torch.empty((), dtype=wide(x.dtype)) if reduction == 3 else None
    counted = float(x.numel()) if reduction == 1 else 1.0
    unit.run(
        f"point_loss_{name_of(x)}", list(PARAMETERS).index(loss), reading(x), reading(t), reading(spread(factor, x)),
        reading(spread(weight, x)), parameter, x.numel(), sums, divisor, counted, out, seed=seed,
    )  # fmt: skip
    return [out]


def point_backward(unit, seed, incoming, x, t, factor, weight, loss, parameter, reduction):
    out = torch.empty_like(x)
    divisor = None
    if reduction == 3:
        divisor, sums = torch.empty((), dtype=wide(x.dtype)), sums_of(x.numel(), x)
        unit.run(f"number_sum_{name_of(x)}", reading(spread(weight, x)), x.numel(), sums, divisor, seed=seed)
    counted = float(x.numel()) if reduction == 1 else 1.0
    unit.run(
        f"point_gradient_{name_of(x)}", list(PARAMETERS).index(loss), reading(incoming), reduction != 0, reading(x),
        reading(t), reading(spread(factor, x)), reading(spread(weight, x)), parameter, x.numel(), divisor, counted, out,
        seed=seed,
    )  # fmt: skip
    return [out]


def class_shape(x):
    outer, classes = (1, x.shape[0]) if x.dim() == 1 else x.shape[:2]
    return x.numel() // classes, classes, x.numel() // classes // outer if outer else 1


def by_class(unit, seed, x, target, weight, is_log, reduction, ignore_index, smoothing):
    rows, classes, depth = class_shape(x)
    has_labels = target.dtype == torch.int64
    weight = None if weight is None else weight.to(wide(x.dtype))
    options = {"dtype": wide(x.dtype)}
    losses, weights = torch.empty(rows, **options), torch.empty(rows, **options)
    of_rows = torch.empty((0 if is_log else 2 if has_labels else 3, rows), **options)
    divisor = torch.tensor(float(rows) if reduction == 1 else 1.0, **options)
    out, sums = torch.empty((), dtype=x.dtype), sums_of(rows, x)
    if rows == 0:
        losses, weights = torch.zeros(1, **options), torch.zeros(1, **options)
    unit.run(
        f"class_loss_{name_of(x)}", is_log, reading(x), reading(target) if has_labels else None,
        None if has_labels else reading(target), reading(weight), rows, classes, depth, ignore_index, smoothing, losses,
        weights, of_rows, reduction == 1, sums, divisor, None if reduction == 0 else out, seed=seed,
    )  # fmt: skip
    if reduction == 0:
        shape = x.shape[:1] + x.shape[2:] if x.dim() > 1 else ()
        out = narrowed(losses[:rows].reshape(shape), x.dtype)
    return [out, of_rows, divisor]


def by_class_backward(unit, seed, incoming, x, target, weight, rows, divisor, is_log, reduction, ignore_index, smoothing):
    count, classes, depth = class_shape(x)
    has_labels = target.dtype == torch.int64
    out = torch.zeros_like(x)
    weight = None if weight is None else weight.to(wide(x.dtype))
    of_weights = None
    if weight is not None and smoothing != 0:
        of_weights, sums = torch.empty((), dtype=wide(x.dtype)), sums_of(classes, x)
        unit.run(f"number_sum_{name_of(weight)}", reading(weight), classes, sums, of_weights, seed=seed)
    if count:
        unit.run(
            f"class_gradient_{name_of(x)}", reading(incoming.to(wide(x.dtype))), reduction != 0, is_log, reading(x),
            reading(target) if has_labels else None, None if has_labels else reading(target), reading(weight), count,
            classes, depth, ignore_index, smoothing, reading(rows), reading(divisor), of_weights, out, seed=seed,
        )  # fmt: skip
    return [out]


def grouped(x, t, group):
    order = torch.arange(len(x))
    groups = torch.zeros(len(x), dtype=torch.int64)
    if group is not None:
        groups, order = group.sort(stable=True)
    return order, torch.searchsorted(groups, groups), torch.searchsorted(groups, groups, right=True)


def by_pair(unit, seed, x, t, group, reduction):
    order, begin, end = grouped(x, t, group)
    scores, targets = (of.to(wide(x.dtype))[order] for of in (x, t))
    losses, pairs = torch.zeros_like(scores), torch.zeros(len(x), dtype=torch.int64)
    if len(x):
        unit.run(
            f"pair_loss_{name_of(scores)}", reading(scores), reading(targets), reading(begin), reading(end), len(x), losses,
            pairs, seed=seed,
        )  # fmt: skip
    rows = torch.empty_like(losses).index_copy_(0, order, losses)
    if reduction == 0:
        return [narrowed(rows, x.dtype), pairs.sum()]
    total, sums = torch.empty((), dtype=scores.dtype), sums_of(len(x), x)
    unit.run(f"number_sum_{name_of(rows)}", reading(rows), len(x), sums, total, seed=seed)
    divisor = torch.tensor(max(1, int(pairs.sum())) if reduction == 1 else 1, dtype=scores.dtype)
    return [narrowed(total / divisor, x.dtype), pairs.sum()]


def by_pair_backward(unit, seed, incoming, x, t, group, pairs, reduction):
    order, begin, end = grouped(x, t, group)
    scores, targets = (of.to(wide(x.dtype))[order] for of in (x, t))
    divisor = torch.tensor(max(1, int(pairs)) if reduction == 1 else 1, dtype=scores.dtype)
    scales = (incoming.to(scores.dtype) / divisor).expand(len(x))[order].contiguous()
    out = torch.zeros_like(scores)
    if len(x):
        unit.run(
            f"pair_gradient_{name_of(scores)}", reading(scores), reading(targets), reading(begin), reading(end), len(x),
            reading(scales), out, seed=seed,
        )  # fmt: skip
    return [narrowed(torch.empty_like(out).index_copy_(0, order, out), x.dtype)]


EMULATED = {
    "exact_pointwise_loss": point,
    "exact_pointwise_loss_backward": point_backward,
    "exact_class_loss": by_class,
    "exact_class_loss_backward": by_class_backward,
    "exact_pairwise_loss": by_pair,
    "exact_pairwise_loss_backward": by_pair_backward,
}


@pytest.mark.parametrize("case", loss_cases(), ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case, gradients=False))
    results = EMULATED[case.operator](emulated("exact_losses"), len(str(case)), *case.make())
    assert digest({f"result {i}": result for i, result in enumerate(results)}) == want
