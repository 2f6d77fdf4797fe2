"""The CUDA sources of exact convolutions and pooling, run on the CPU, give the bits of the CPU's kernels."""

import pytest
import torch

from tests.emulated.build import Reading
from tests.ops.cases import Case, digest, run
from tests.ops.exact_convolution_cases import convolution_cases
from tests.ops.exact_pooling_cases import pooling_cases


def kind_of(x):
    return str(x.dtype).removeprefix("torch.")


def summed(x):
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def sizes(shape, weight, stride, padding, dilation, groups):
    """within::Convolution, and the shape of its output."""
    found = [shape[0], groups, weight[1], weight[0] // groups]
    out = [shape[0], weight[0]]
    for size, kernel, s, p, d in zip(shape[2:], weight[2:], stride, padding, dilation, strict=True):
        out.append((size + 2 * p - d * (kernel - 1) - 1) // s + 1)
        found += [size, out[-1], kernel, s, p, d]
    return Reading(torch.tensor(found)), out


def convolution(unit, seed, x, weight, bias, *steps):
    of, shape = sizes(x.shape, weight.shape, *steps)
    out = torch.empty(shape, dtype=x.dtype)
    if out.numel():
        unit.run(
            f"exact_convolution_{kind_of(x)}", of, Reading(x), Reading(weight), Reading(bias.to(summed(x))), out, seed=seed
        )
    return out


def backward_input(unit, seed, gradient, weight, shape, *steps):
    out = torch.empty(shape, dtype=gradient.dtype)
    if out.numel():
        of, _ = sizes(shape, weight.shape, *steps)
        name = f"exact_convolution_backward_input_{kind_of(gradient)}"
        unit.run(name, of, Reading(gradient), Reading(weight), out, seed=seed)
    return out


def backward_weight(unit, seed, gradient, x, kernel, *steps):
    weight = (gradient.shape[1], x.shape[1] // steps[-1], *kernel)
    out = torch.zeros(weight, dtype=x.dtype)
    if len(x):
        of, _ = sizes(x.shape, weight, *steps)
        together = 1 + seed
        count = out.numel() * (8 if weight[1] == 1 else 1)
        sums, totals = torch.empty(together, count, dtype=summed(x)), torch.empty(count, dtype=summed(x))
        name = f"exact_convolution_backward_weight_{kind_of(x)}"
        unit.run(name, of, Reading(gradient), Reading(x), together, sums, totals, out, seed=seed)
    return out


def backward_bias(unit, seed, gradient):
    batch, channels = gradient.shape[:2]
    out, sums = torch.empty(channels, dtype=gradient.dtype), torch.empty(batch, channels, dtype=summed(gradient))
    positions = gradient.shape[2] * gradient.shape[3]
    name = f"exact_convolution_backward_bias_{kind_of(gradient)}"
    unit.run(name, Reading(gradient), batch, channels, positions, sums, out, seed=seed)
    return out


def pool(shape, output, kernel=(0, 0), stride=(1, 1), padding=(0, 0), dilation=(1, 1), counted=False, divisor=None):
    """within::Pool."""
    axes = zip(shape[2:], output, kernel, stride, padding, dilation, strict=True)
    return Reading(torch.tensor([number for axis in axes for number in axis] + [counted, divisor or 0]))


def max_pool(unit, seed, x, *steps):
    want, _ = torch.ops.within.exact_max_pool(x, *steps)
    return _largest(unit, seed, x, pool(x.shape, want.shape[2:], *steps[:4]), want.shape)


def adaptive_max_pool(unit, seed, x, output):
    return _largest(unit, seed, x, pool(x.shape, output), (*x.shape[:2], *output))


def _largest(unit, seed, x, of, shape):
    out, places = torch.empty(shape, dtype=x.dtype), torch.empty(shape, dtype=torch.int64)
    unit.run(f"exact_max_pool_{kind_of(x)}", of, x.shape[0] * x.shape[1], Reading(x), out, places, seed=seed)
    return out, places


def average_pool(unit, seed, x, kernel, stride, padding, ceil_mode, counted, divisor):
    shape = torch.ops.within.exact_average_pool(x, kernel, stride, padding, ceil_mode, counted, divisor).shape
    return _average(unit, seed, x, pool(x.shape, shape[2:], kernel, stride, padding, (1, 1), counted, divisor), shape)


def adaptive_average_pool(unit, seed, x, output):
    return _average(unit, seed, x, pool(x.shape, output), (*x.shape[:2], *output))


def _average(unit, seed, x, of, shape):
    out = torch.empty(shape, dtype=x.dtype)
    unit.run(f"exact_average_pool_{kind_of(x)}", of, x.shape[0] * x.shape[1], Reading(x), out, seed=seed)
    return out


def max_pool_backward(unit, seed, gradient, places, shape, *steps):
    return _spread(unit, seed, gradient, places, shape, pool(shape, gradient.shape[2:], *steps[:4]))


def adaptive_max_pool_backward(unit, seed, gradient, places, shape):
    return _spread(unit, seed, gradient, places, shape, pool(shape, gradient.shape[2:]))


def average_pool_backward(unit, seed, gradient, shape, kernel, stride, padding, ceil_mode, counted, divisor):
    of = pool(shape, gradient.shape[2:], kernel, stride, padding, (1, 1), counted, divisor)
    return _spread(unit, seed, gradient, None, shape, of)


def adaptive_average_pool_backward(unit, seed, gradient, shape):
    return _spread(unit, seed, gradient, None, shape, pool(shape, gradient.shape[2:]))


def _spread(unit, seed, gradient, places, shape, of):
    out = torch.empty(shape, dtype=gradient.dtype)
    own = None if places is None else Reading(places)
    name = f"exact_pool_backward_{kind_of(gradient)}"
    unit.run(name, of, shape[0] * shape[1], Reading(gradient), own, out, seed=seed)
    return out


EMULATED = {
    "exact_convolution": convolution,
    "exact_convolution_backward_input": backward_input,
    "exact_convolution_backward_weight": backward_weight,
    "exact_convolution_backward_bias": backward_bias,
    "exact_max_pool": max_pool,
    "exact_max_pool_backward": max_pool_backward,
    "exact_average_pool": average_pool,
    "exact_average_pool_backward": average_pool_backward,
    "exact_adaptive_max_pool": adaptive_max_pool,
    "exact_adaptive_max_pool_backward": adaptive_max_pool_backward,
    "exact_adaptive_average_pool": adaptive_average_pool,
    "exact_adaptive_average_pool_backward": adaptive_average_pool_backward,
}


@pytest.mark.parametrize("case", [*convolution_cases(), *pooling_cases()], ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case, gradients=False))
    for seed in range(2):
        found = EMULATED[case.operator](emulated("exact_convolution"), seed, *case.make())
        results = found if isinstance(found, tuple) else (found,)
        assert digest({f"result {i}": result for i, result in enumerate(results)}) == want
