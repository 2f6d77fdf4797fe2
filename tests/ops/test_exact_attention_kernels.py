"""The CUDA sources of exact attention, run on the CPU, give the bits of the CPU's kernels."""

import math

import pytest
import torch

from tests.emulated.build import Reading
from tests.ops.cases import Case, digest, run
from tests.ops.exact_attention_cases import attention_cases

KINDS = {torch.float64: 0, torch.float32: 1, torch.float16: 2, torch.bfloat16: 3}


def memory(of):
    """What a tensor of heads lies in."""
    if of is None:
        return None
    return Reading(of if of.is_contiguous() else of.transpose(1, 2))


def shared_steps(of):
    return [0 if size == 1 else step for size, step in zip(of.shape, of.stride(), strict=True)]


def described(query, key, value, mask, options, more=()):
    """Sizes, steps, scale and the scale of dropout, as the unit reads them."""
    is_causal, scale, dropout_p, seed, offset = options
    is_all = dropout_p >= 1
    kind = 0 if mask is None else 1 if mask.dtype == torch.bool else 2
    sizes = [
        *query.shape[:2], query.shape[1] // key.shape[1], query.shape[2], key.shape[2], query.shape[3], value.shape[3],
        is_causal, kind, KINDS[mask.dtype] if kind == 2 else 0, dropout_p > 0, is_all,
        0 if is_all else math.floor(dropout_p * 2**32), seed, offset, *(mask.shape if mask is not None else (0,) * 4),
    ]  # fmt: skip
    steps = [*query.stride(), *key.stride(), *value.stride(), *([0] * 4 if mask is None else shared_steps(mask))]
    for of in more:
        steps += of.stride()
    scale = 1 / math.sqrt(max(1, query.shape[3])) if scale is None else scale
    described_by = (Reading(torch.tensor(sizes)), Reading(torch.tensor(steps)))
    return *described_by, scale, 0.0 if is_all else 1 / (1 - dropout_p)


def forward(unit, seed, query, key, value, mask, *options):
    out = torch.empty(query.shape[0], query.shape[2], query.shape[1], value.shape[3], dtype=query.dtype)
    wide = torch.float64 if query.dtype == torch.float64 else torch.float32
    highest, reciprocal = (torch.empty(query.shape[:3], dtype=wide) for _ in range(2))
    rows = out.transpose(1, 2)
    unit.run(
        f"exact_attention_{str(query.dtype).removeprefix('torch.')}",
        *map(memory, (query, key, value, mask)), out, highest, reciprocal,
        *described(query, key, value, mask, options, (rows, rows)), seed=seed,
    )  # fmt: skip
    return rows, highest, reciprocal


def backward(unit, seed, gradient, query, key, value, mask, out, highest, reciprocal, *options):
    *options, is_mask_wanted = options
    gradients = [torch.empty(of.shape, dtype=of.dtype) for of in (query, key, value)]
    of_mask = torch.empty(mask.shape, dtype=highest.dtype) if is_mask_wanted else None
    unit.run(
        f"exact_attention_backward_{str(query.dtype).removeprefix('torch.')}",
        *map(memory, (gradient, query, key, value, mask, out)), Reading(highest), Reading(reciprocal), *gradients, of_mask,
        torch.empty_like(highest), *described(query, key, value, mask, options, (gradient, out, *gradients)), seed=seed,
    )  # fmt: skip
    of_mask = torch.empty(0, dtype=query.dtype) if of_mask is None else of_mask.to(mask.dtype)
    return *gradients, of_mask


EMULATED = {"exact_attention": forward, "exact_attention_backward": backward}


@pytest.mark.parametrize("case", list(attention_cases()), ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case, gradients=False))
    got = EMULATED[case.operator](emulated("exact_attention"), 1, *case.make())
    assert digest({f"result {i}": result for i, result in enumerate(got)}) == want
