"""The steps of drift_cuda.cpp, on the CPU: memory, sorts and cumulative sums by torch, kernels by the emulator."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tests.emulated.build import Emulated, Reading

LIMBS, WORDS, METRICS = 68, 3, 5
"""Limbs of a sum and words of a weight, as csrc/metrics/drift.cuh has them."""


class Sample:
    """One sample: its columns one after the other, its slices, its weights."""

    def __init__(self, run, values, is_current, weights, is_weighted, groups, num_groups, found):
        self.run, self.groups = run, groups
        self.kind, (self.rows, columns) = str(values.dtype).removeprefix("torch."), values.shape
        self.keys = torch.zeros(columns, self.rows, dtype=torch.int32 if self.kind == "float32" else torch.int64)
        run(f"drift_read_{self.kind}", Reading(values.t().contiguous()), self.rows, columns, is_current, self.keys, found[:1])
        self.weights = self.effective = None
        if is_weighted:
            self.weights = torch.ones(self.rows, dtype=torch.float64) if weights is None else weights.double().contiguous()
            run("drift_read_weights", Reading(self.weights), self.rows, found[1 + is_current :][:1])
        self.start = torch.tensor([0, self.rows])
        if groups is not None:
            ends = groups.bincount(minlength=num_groups).cumsum(0)
            self.start = torch.cat([torch.zeros(1, dtype=torch.int64), ends, torch.tensor([2 * self.rows])])
        self.slices = len(self.start) - 1

    def part(self):
        if self.weights is None:
            return
        self.largest = torch.zeros(self.slices, dtype=torch.int64)
        self.effective = torch.zeros(self.slices, dtype=torch.float64)
        limbs = torch.zeros(self.slices, 2, LIMBS, dtype=torch.int64)
        self.run("drift_weigh", *self._weights(self._by_slice(torch.arange(self.rows))), limbs, self.effective)

    def sort(self, column):
        order = self._by_slice(self.keys[column].argsort(stable=True))
        shares = None
        if self.weights is not None:
            words = torch.zeros(WORDS, len(order), dtype=torch.int64)
            self.run("drift_weight_words", *self._weights(order), words)
            shares = torch.zeros(len(order), dtype=torch.float64)
            self.run("drift_shares", *self._weights(order), Reading(words.cumsum(-1)), shares)
            shares = Reading(shares)
        return Reading(self.keys[column][order]), shares, Reading(self.start), len(order)

    def _by_slice(self, order):
        return order if self.groups is None else torch.cat([order[self.groups[order].argsort(stable=True)], order])

    def _weights(self, order):
        return Reading(self.weights), Reading(order), Reading(self.start), self.slices, len(order), self.largest


@dataclass
class EmulatedDrift:
    """drift_metrics by the emulator."""

    unit: Emulated
    seed: int

    def run(self, reference, current, bins, weights, other_weights, groups, other_groups, num_groups):
        is_weighted = weights is not None or other_weights is not None
        found = torch.full((3,), -1)
        r = Sample(self._call, reference, False, weights, is_weighted, groups, num_groups, found)
        c = Sample(self._call, current, True, other_weights, is_weighted, other_groups, num_groups, found)
        assert (found == -1).all(), f"refused: {found.tolist()}"
        r.part()
        c.part()
        columns, slices = reference.shape[1], r.slices
        limbs = torch.zeros(slices, LIMBS, dtype=torch.int64)
        out = torch.zeros(slices, columns, METRICS, dtype=torch.float64)
        for column in range(columns):
            farthest = torch.zeros(slices, dtype=torch.int64)
            distance = torch.zeros(slices, dtype=torch.float64)
            up_to = torch.zeros(slices, bins, 2, dtype=torch.float64)
            sides = (*r.sort(column), *c.sort(column))
            self._call(f"drift_column_{r.kind}", *sides, slices, bins, limbs, farthest, distance, up_to)
            assert not limbs.any(), "the next column's sums begin at 0"
            for s in range(slices):
                rows, others = (int(sample.start[s + 1] - sample.start[s]) for sample in (r, c))
                sizes = [0.0 if sample.effective is None else sample.effective[s].item() for sample in (r, c)]
                facts = (rows, others, is_weighted, *sizes, farthest[s].item(), distance[s].item(), Reading(up_to[s]), bins)
                self._call("drift_finish", *facts, out[s, column])
        return out

    def _call(self, name, *arguments):
        self.unit.run(name, *arguments, seed=self.seed)
