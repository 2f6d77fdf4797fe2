"""The steps of binary_cuda.cpp, on the CPU: memory, sorts and cumulative sums by torch, kernels by the emulator."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from tests.emulated.build import Emulated, Reading

SUMS, LIMBS, WORDS = 4, 68, 4
"""Sums of a slice, limbs of a sum and words of a weight, as csrc/metrics/binary.cuh has them."""


@dataclass
class EmulatedBinary:
    """binary_metrics by the emulator; weights must fit into words."""

    unit: Emulated
    seed: int

    def run(self, scores, labels, weights, groups, num_groups, threshold, bins):
        kind, rows = str(scores.dtype).removeprefix("torch."), len(scores)
        keys = torch.zeros(rows, dtype=torch.int32 if kind == "float32" else torch.int64)
        found = torch.tensor([-1, -1, -1, 0, 0x7FF0000000000000])
        if rows:
            self._call(
                f"binary_encode_{kind}", Reading(scores.contiguous()), Reading(labels.double().contiguous()), rows, keys, found
            )
        largest, base, words = 1.0, 0, 1
        if weights is not None:
            self._call(f"binary_measure_{str(weights.dtype).removeprefix('torch.')}", Reading(weights), rows, found)
            largest, finest = found[3:].view(torch.float64).tolist()
            base, words = math.frexp(finest)[1] - 1, WORDS
        assert found[:3].tolist() == [-1, -1, -1], f"refused: {found[:3].tolist()}"
        order = keys.argsort(stable=True)
        start = torch.tensor([0, rows])
        if groups is not None:
            grouped = order[groups[order].argsort(stable=True)]
            start = torch.cat(
                [torch.zeros(1, dtype=torch.int64), groups.bincount(minlength=num_groups).cumsum(0), torch.tensor([2 * rows])]
            )
            order = torch.cat([grouped, order])
        keys, count, slices = keys[order], len(order), len(start) - 1
        ordered = None if weights is None else Reading(weights[order].double())
        sums = torch.zeros(2, words, count, dtype=torch.int64)
        if count:
            self._call(f"binary_words_{kind}", Reading(keys), ordered, count, base, words, sums)
        sums = sums.cumsum(-1)
        masses = torch.zeros(slices, 7, dtype=torch.float64)
        limbs = torch.zeros(slices, SUMS + bins, LIMBS, dtype=torch.int64)
        tops = torch.zeros(slices, 2, dtype=torch.int64)
        out = torch.zeros(slices, 14, dtype=torch.float64)
        parts = (count, slices, bins, threshold, largest, base, words, Reading(start), Reading(sums), masses, limbs, tops, out)
        self._call(f"binary_slices_{kind}", Reading(keys), ordered, *parts)
        return out

    def _call(self, name, *arguments):
        self.unit.run(name, *arguments, seed=self.seed)
