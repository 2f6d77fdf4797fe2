"""The CUDA sources of reductions, softmax and normalisation, run on the CPU, give the bits of the CPU's kernels."""

import math

import pytest
import torch

from tests.emulated.build import Reading
from tests.ops.cases import Case, digest, run
from tests.ops.exact_norm_cases import REDUCTIONS, exact_norm_cases, kind

BLOCK = 1024


def wide_of(x):
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def reading(of, dtype=None):
    return None if of is None else Reading(of if dtype is None else of.to(dtype).contiguous())


def rows_layout(rows, n):
    """Numbers of a SumLayout: outer, inner, their steps, segments, length, their steps."""
    return rows, 1, n, 0, 1, n, 0, 1


def empty(count, dtype):
    return torch.empty(count, dtype=dtype)


def reduce(unit, seed, x, dim, keepdim, name, correction):
    shape = torch.ops.within.exact_reduce(x, dim, keepdim, name, correction).shape
    dims = sorted(d % max(x.dim(), 1) for d in dim) if dim else list(range(x.dim()))
    kept = [d for d in range(x.dim()) if d not in dims]
    out = torch.empty(shape, dtype=x.dtype)
    if not x.numel():
        return (torch.ops.within.exact_reduce(x, dim, keepdim, name, correction),)
    n, sums = x.numel() // out.numel(), out.numel()
    if x.is_contiguous() and len(dims) == 1 and dims[0] < x.dim() - 1:
        inner = math.prod(x.shape[dims[0] + 1 :])
        layout = (sums // inner, inner, n * inner, 1, 1, n, 0, inner)
        given = x
    elif x.is_contiguous() and x.dim() == 4 and dims == [0, 2, 3]:
        length = x.shape[2] * x.shape[3]
        layout = (sums, 1, length, 0, x.shape[0], length, sums * length, 1)
        given = x
    else:
        given = x.permute(*kept, *dims).contiguous() if x.dim() else x
        layout = rows_layout(sums, n)
    partial, centre = (empty(count, wide_of(x)) for count in (-(-n // BLOCK) * sums, sums))
    arguments = (Reading(given), *layout, REDUCTIONS.index(name), max(0.0, n - correction), partial, centre, out)
    unit.run(f"exact_reduce_{kind(x.dtype)}", *arguments, seed=seed)
    return (out,)


def shape_along(x, dim):
    at = dim % max(x.dim(), 1)
    n, inner = (x.shape[at], math.prod(x.shape[at + 1 :])) if x.dim() else (1, 1)
    return x.numel() // max(n, 1), n, inner


def softmax(unit, seed, x, dim, is_log):
    out = torch.empty(x.shape, dtype=x.dtype)
    if x.numel():
        unit.run(f"exact_softmax_{kind(x.dtype)}", Reading(x.contiguous()), *shape_along(x, dim), is_log, out, seed=seed)
    return (out,)


def softmax_backward(unit, seed, gradient, result, dim, is_log):
    out = torch.empty(result.shape, dtype=result.dtype)
    given = (Reading(result), Reading(gradient), *shape_along(result, dim), is_log, out)
    if result.numel():
        unit.run(f"exact_softmax_backward_{kind(result.dtype)}", *given, seed=seed)
    return (out,)


def norm(unit, seed, x, dims, weight, bias, eps, is_centred):
    shape = x.shape[: x.dim() - dims]
    n, wide = math.prod(x.shape[x.dim() - dims :]), wide_of(x)
    out, mean, scale = empty(x.shape, x.dtype), empty(shape if is_centred else 0, wide), empty(shape, wide)
    if x.numel():
        affine = (reading(weight, wide), reading(bias, wide), 1, n, 1, eps)
        unit.run(f"exact_norm_{kind(x.dtype)}", Reading(x), x.numel() // n, n, is_centred, *affine, out, mean, scale, seed=seed)
    return out, mean, scale


def pair(unit, seed, x, gradient, layout, mean, scale, statistic, shares=(None, None)):
    sums, n = layout[0] * layout[1], layout[4] * layout[5]
    partial = empty(2 * sums * -(-n // BLOCK), wide_of(x))
    of_weight, of_bias = empty(sums, wide_of(x)), empty(sums, wide_of(x))
    given = (
        Reading(x),
        Reading(gradient),
        *layout,
        reading(mean),
        reading(scale),
        *statistic,
        partial,
        of_weight,
        of_bias,
        *shares,
    )
    unit.run(f"exact_pair_{kind(x.dtype)}", *given, seed=seed)
    return of_weight, of_bias


def norm_backward(unit, seed, gradient, x, dims, weight, mean, scale, is_centred, of_x, of_weights):
    n, wide = math.prod(x.shape[x.dim() - dims :]), wide_of(x)
    rows, out = x.numel() // n, torch.empty(x.shape if of_x else 0, dtype=x.dtype)
    shape = x.shape[x.dim() - dims :] if of_weights else (0,)
    of = (torch.zeros(shape, dtype=wide),) * 2
    middle = mean if is_centred else None
    if of_x and rows:
        given = (
            Reading(gradient),
            Reading(x),
            rows,
            n,
            is_centred,
            reading(weight, wide),
            1,
            n,
            1,
            reading(middle),
            Reading(scale),
        )
        unit.run(f"exact_norm_backward_{kind(x.dtype)}", *given, out, seed=seed)
    if of_weights and rows:
        of = pair(unit, seed, x, gradient, (1, n, 0, 1, rows, 1, n, n), middle, scale, (1, n))
    return out, *(one.reshape(shape) for one in of)


def group_norm(unit, seed, x, groups, weight, bias, eps):
    wide, rows = wide_of(x), x.shape[0] * groups
    out, mean, scale = (
        empty(s, d) for s, d in ((x.shape, x.dtype), ((x.shape[0], groups), wide), ((x.shape[0], groups), wide))
    )
    if x.numel():
        of = (groups, x.shape[1] // groups, math.prod(x.shape[2:]))
        given = (Reading(x), rows, x.numel() // rows, 1, reading(weight, wide), reading(bias, wide), *of, eps, out, mean, scale)
        unit.run(f"exact_norm_{kind(x.dtype)}", *given, seed=seed)
    return out, mean, scale


def group_norm_backward(unit, seed, gradient, x, groups, weight, mean, scale, of_x, of_weights):
    samples, channels, length = x.shape[0], x.shape[1], math.prod(x.shape[2:])
    rows, out = samples * groups, torch.empty(x.shape, dtype=x.dtype)
    if not x.numel():
        return (out, *(torch.zeros(channels, dtype=wide_of(x)),) * 2)
    of = (groups, channels // groups, length)
    given = (
        Reading(gradient),
        Reading(x),
        rows,
        x.numel() // rows,
        1,
        reading(weight, wide_of(x)),
        *of,
        Reading(mean),
        Reading(scale),
        out,
    )
    unit.run(f"exact_norm_backward_{kind(x.dtype)}", *given, seed=seed)
    layout = (channels, 1, length, 0, samples, length, channels * length, 1)
    return out, *pair(unit, seed, x, gradient, layout, mean, scale, (groups, channels // groups))


def channel_layout(x):
    """As it lies, its channels' layout, count of numbers and how many of a channel lie side by side."""
    samples, channels, length = x.shape[0], x.shape[1], math.prod(x.shape[2:])
    if length == 1 or not x.is_contiguous():
        given = x.movedim(1, -1).contiguous()
        return given, (1, channels, 0, 1, 1, samples * length, 0, channels), samples * length, 1
    return x, (channels, 1, length, 0, samples, length, channels * length, 1), samples * length, length


def as_given(out, x):
    return out.reshape(x.movedim(1, -1).shape).movedim(-1, 1) if out.shape != x.shape or not x.is_contiguous() else out


def batch_norm(unit, seed, x, weight, bias, running_mean, running_var, training, momentum, eps):
    wide, channels = wide_of(x), x.shape[1]
    given, layout, n, in_channel = channel_layout(x)
    updated = training and running_mean is not None
    mean = empty(channels, wide) if training else running_mean.to(wide).clone()
    squares, scale, factor = (empty(channels, wide) for _ in range(3))
    new = [empty(channels if updated else 0, wide) for _ in range(2)]
    out = torch.empty(given.shape, dtype=x.dtype)
    if not x.numel():
        return torch.ops.within.exact_batch_norm(x, weight, bias, running_mean, running_var, training, momentum, eps)
    old = (reading(running_mean, wide), reading(running_var, wide))
    found = (scale, factor, *(new if updated else (None, None)))
    affine = (reading(weight, wide), reading(bias, wide))
    arguments = (n, eps, momentum, old[1], squares if training else None, mean, *affine, *old, *found, channels, in_channel)
    partial = empty(channels * -(-n // BLOCK), wide)
    unit.run(f"exact_batch_norm_{kind(x.dtype)}", Reading(given), *layout, *arguments, partial, out, seed=seed)
    own = wide if running_mean is None else running_mean.dtype
    return as_given(out, x), mean, scale, *(one.to(own).masked_fill(one.isnan(), math.nan) for one in new)


def batch_norm_backward(unit, seed, gradient, x, weight, mean, scale, training, of_x, of_weights):
    wide, channels = wide_of(x), x.shape[1]
    if not x.numel():
        return (torch.empty(x.shape, dtype=x.dtype), *torch.zeros(2, channels, dtype=wide))
    given, layout, _, in_channel = channel_layout(x)
    gradients = channel_layout(gradient)[0]
    shares = empty(channels, wide), empty(channels, wide)
    of_weight, of_bias = pair(unit, seed, given, gradients, layout, mean, scale, (0, 1), shares)
    factor = scale if weight is None else scale * weight.to(wide)
    out = torch.empty(given.shape, dtype=x.dtype)
    arguments = (x.numel(), channels, in_channel, not training, *map(Reading, (mean, scale, factor, *shares)), out)
    unit.run(f"exact_batch_norm_backward_{kind(x.dtype)}", Reading(given), Reading(gradients), *arguments, seed=seed)
    return as_given(out, x), of_weight, of_bias


EMULATED = {
    "exact_reduce": reduce,
    "exact_softmax": softmax,
    "exact_softmax_backward": softmax_backward,
    "exact_norm": norm,
    "exact_norm_backward": norm_backward,
    "exact_group_norm": group_norm,
    "exact_group_norm_backward": group_norm_backward,
    "exact_batch_norm": batch_norm,
    "exact_batch_norm_backward": batch_norm_backward,
}


@pytest.mark.parametrize("case", exact_norm_cases(), ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case, gradients=False))
    got = EMULATED[case.operator](emulated("exact_norms"), 1, *case.make())
    assert digest({f"result {i}": one for i, one in enumerate(got)}) == want
