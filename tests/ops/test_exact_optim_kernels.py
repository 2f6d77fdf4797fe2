"""The CUDA sources of optimizers, run on the CPU, give the bits of the CPU's kernels."""

import math

import pytest
import torch

from tests.emulated.build import Reading
from tests.ops.cases import Case, digest, run
from tests.ops.optim_cases import optim_cases
from within_wf.ops.reference.exact_optim import power

NORMS = {1.0: 0, 2.0: 1, math.inf: 2}


def name_of(of: torch.Tensor) -> str:
    return str(of.dtype).removeprefix("torch.")


def flat(of):
    return None if of is None else of.contiguous()


def adam(unit, seed, parameters, gradients, means, squares, largest, steps, lr, beta1, beta2, eps, decay, decoupled, maximize):
    results = []
    for i, _ in enumerate(parameters):
        own = [flat(of[i]) if of else None for of in (parameters, means, squares, largest)]
        step = steps[i] + 1
        if own[0].numel():
            unit.run(
                f"adam_{name_of(own[0])}", own[0], Reading(flat(gradients[i])), *own[1:], own[0].numel(), 1 - lr * decay,
                decay, 1 - beta1, beta2, 1 - beta2, 1 / math.sqrt(1 - power(beta2, int(step))), eps,
                lr / (1 - power(beta1, int(step))), decoupled, decay != 0, maximize, seed=seed,
            )  # fmt: skip
        results.append((*(of for of in own if of is not None), step))
    return [result for kind in zip(*results, strict=True) for result in kind]


def sgd(unit, seed, parameters, gradients, momenta, lr, momentum, dampening, decay, nesterov, maximize, is_first):
    results = []
    for i, _ in enumerate(parameters):
        own = [flat(of[i]) if of else None for of in (parameters, momenta)]
        if own[0].numel():
            unit.run(
                f"sgd_{name_of(own[0])}", own[0], Reading(flat(gradients[i])), own[1], own[0].numel(), lr, decay, momentum,
                1 - dampening, decay != 0, maximize, nesterov, is_first, seed=seed,
            )  # fmt: skip
        results.append([of for of in own if of is not None])
    return [result for kind in zip(*results, strict=True) for result in kind]


def total_norm(unit, seed, tensors, norm_type):
    blocks = [-(-of.numel() // 1024) for of in tensors]
    sums, of_tensors = torch.zeros(sum(blocks), dtype=torch.float64), torch.zeros(len(tensors), dtype=torch.float64)
    start = 0
    for tensor, count in zip(tensors, blocks, strict=True):
        if count:
            part = torch.zeros(count, dtype=torch.float64)
            unit.run(f"norm_sums_{name_of(tensor)}", NORMS[norm_type], Reading(flat(tensor)), tensor.numel(), part, seed=seed)
            sums[start : start + count] = part
        start += count
    is_double = any(of.dtype == torch.float64 for of in tensors)
    out = torch.zeros((), dtype=torch.float64 if is_double else torch.float32)
    ends = torch.tensor(blocks).cumsum(0)
    unit.run(f"norm_{name_of(out)}", NORMS[norm_type], sums, Reading(ends), len(tensors), of_tensors, out, seed=seed)
    return [out]


def clip(unit, seed, tensors, norm, limit):
    results = [flat(of).clone() for of in tensors]
    for of in results:
        if of.numel():
            norms = [
                Reading(norm) if norm is not None and norm.dtype == kind else None for kind in (torch.float32, torch.float64)
            ]
            unit.run(f"clip_{name_of(of)}", of, of.numel(), *norms, limit, seed=seed)
    return results


EMULATED = {
    "exact_adam_": adam,
    "exact_sgd_": sgd,
    "exact_total_norm": total_norm,
    "exact_clip_norm_": clip,
    "exact_clip_value_": lambda unit, seed, tensors, limit: clip(unit, seed, tensors, None, limit),
}


@pytest.mark.parametrize("case", optim_cases(), ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case, gradients=False))
    results = EMULATED[case.operator](emulated("exact_optim"), len(str(case)), *case.make())
    assert digest({f"result {i}": result for i, result in enumerate(results)}) == want
