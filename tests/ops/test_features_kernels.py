"""The CUDA source that varies tables, run on the CPU, gives the bits of the CPU's kernels."""

import pytest
import torch

from tests.emulated.build import Reading
from tests.ops.cases import Case, digest, run
from tests.ops.feature_cases import feature_cases

EMULATED = [case for case in feature_cases() if case.operator != "feature_keys" and 0 not in case.make()[0].shape]
"""Where there is nothing, nothing is launched."""


class EmulatedFeatures:
    """The steps of features_cuda.cpp: memory by torch, kernels by the emulator."""

    def __init__(self, unit, seed):
        self.unit, self.seed = unit, seed

    def run(self, operator, *arguments):
        return getattr(self, operator)(*arguments)

    def augment_features(self, x, bank, scale, fill, partners, weights, ids, keys, epoch, dropout, swap):
        tensors = [
            None if tensor is None else Reading(tensor) for tensor in (x, bank, scale, fill, partners, weights, ids, keys)
        ]
        out = torch.empty_like(x)
        sizes = (*x.shape, 0 if bank is None else len(bank))
        self._call(f"features_vary_{_kind(x)}", *tensors, epoch, _chance(dropout), _chance(swap), *sizes, out)
        return out

    def augment_features_backward(self, gradient, weights, ids, keys, epoch, dropout, swap):
        tensors = [None if tensor is None else Reading(tensor) for tensor in (gradient, weights, ids, keys)]
        out = torch.empty_like(gradient)
        chances = (_chance(dropout), _chance(swap))
        self._call(f"features_pass_back_{_kind(gradient)}", *tensors, epoch, *chances, *gradient.shape, out)
        return out

    def feature_mixup(self, ids, keys, epoch, bank_rows, chance, alpha):
        partners, weights = torch.empty_like(ids), torch.empty(len(ids), dtype=torch.float64)
        arguments = (Reading(ids), Reading(keys), epoch, bank_rows, _chance(chance), alpha, len(ids), partners, weights)
        self._call("features_mixup", *arguments)
        return partners, weights

    def _call(self, name, *arguments):
        self.unit.run(name, *arguments, seed=self.seed)


def _kind(tensor):
    return str(tensor.dtype).removeprefix("torch.")


def _chance(share):
    return int(share * 2**32 + 0.5)


@pytest.mark.parametrize("case", EMULATED, ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case, gradients=False))
    for seed in range(2):
        got = EmulatedFeatures(emulated("features"), seed).run(case.operator, *case.make())
        results = got if isinstance(got, tuple) else (got,)
        assert digest({f"result {i}": result for i, result in enumerate(results)}) == want


def test_a_partner_outside_is_found(emulated):
    partners, outside = torch.arange(2000) % 50, torch.tensor([-1])
    for wrong, first in ((None, -1), (1700, 1700), (300, 300)):
        if wrong is not None:
            partners[wrong] = 50 if wrong == 300 else -1
        emulated("features").run("features_partners_outside", Reading(partners), 2000, 50, outside)
        assert outside.item() == first
