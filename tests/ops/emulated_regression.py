"""The steps of regression_cuda.cpp, on the CPU: memory, sorts and cumulative sums by torch, kernels by the emulator."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tests.emulated.build import Emulated, Reading

SUMS, SUMS_OF_SLICE, LIMBS, MARKS, WORDS, METRICS = 7, 17, 68, 16, 3, 7
"""Sums of a pass and of a slice, limbs of a sum, marks and words of a weight, as csrc/metrics/regression.cuh has them."""


@dataclass
class EmulatedRegression:
    """regression_metrics by the emulator."""

    unit: Emulated
    seed: int

    def run(self, predictions, targets, weights, groups, num_groups, shares):
        kind, rows = str(predictions.dtype).removeprefix("torch."), len(predictions)
        columns = (Reading(predictions.contiguous()), Reading(targets.contiguous()))
        weights = None if weights is None else Reading(weights.double().contiguous())
        column_keys = torch.int32 if kind == "float32" else torch.int64
        keys = [torch.zeros(rows, dtype=dtype) for dtype in (column_keys, column_keys, torch.int64)]
        found = torch.tensor([-1, 0])
        self._call(f"regression_read_{kind}", *columns, weights, rows, *keys, found)
        assert found[0] == -1, f"refused: {found[0].item()}"
        member, start = torch.arange(rows), torch.tensor([0, rows])
        if groups is not None:
            member = torch.cat([groups.argsort(stable=True), member])
            ends = groups.bincount(minlength=num_groups).cumsum(0)
            start = torch.cat([torch.zeros(1, dtype=torch.int64), ends, torch.tensor([2 * rows])])
        places, slices = len(member), len(start) - 1
        limbs = torch.zeros(slices, SUMS, LIMBS, dtype=torch.int64)
        marks = torch.zeros(slices, MARKS, dtype=torch.int64)
        sums = torch.zeros(slices, SUMS_OF_SLICE, dtype=torch.float64)
        ranks = torch.zeros(2, places, dtype=torch.float64)
        given = (kind == "float64", *columns, weights, rows, places, slices, Reading(start), Reading(member))
        self.all = (*given, limbs, marks, sums, ranks)
        self._call("regression_passes", *self.all)
        out = torch.zeros(slices, METRICS + len(shares), dtype=torch.float64)
        for column in range(2):
            sorted_column = self._sorted(keys[column], groups, weights is not None)
            self._call(f"regression_ranks_{kind}", *self.all, *sorted_column, column)
        quantiles = torch.tensor(shares, dtype=torch.float64)
        errors = self._sorted(keys[2], groups, weights is not None)
        self._call("regression_quantiles", *self.all, *errors, Reading(quantiles), len(shares), out)
        self._call("regression_finish", *self.all, len(shares), out)
        return out

    def _sorted(self, keys, groups, is_weighted):
        order = keys.argsort(stable=True)
        if groups is not None:
            order = torch.cat([order[groups[order].argsort(stable=True)], order])
        units = None
        if is_weighted:
            words = torch.zeros(WORDS, len(order), dtype=torch.int64)
            self._call("regression_units", *self.all, Reading(order), words)
            units = Reading(words.cumsum(-1))
        return Reading(keys[order]), Reading(order), units

    def _call(self, name, *arguments):
        self.unit.run(name, *arguments, seed=self.seed)
