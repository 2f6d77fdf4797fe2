"""The steps of scatter_cuda.cpp, on the CPU: memory by torch, kernels by the emulator."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from tests.emulated.build import Emulated, Reading

REACH = {"float64": 68, "square": 24, "other": 15}
"""Limbs of a sum, as csrc/scatter/window.h has them."""
WORDS = {"sum": 0, "mean": 1, "moments": 3}


def kind_of(values: torch.Tensor) -> str:
    return str(values.dtype).removeprefix("torch.")


@dataclass
class EmulatedScatter:
    """Operators of the family by the emulator; ``run(operator, *arguments)`` gives what the operator would."""

    unit: Emulated
    seed: int
    misfits: int = field(default=0, init=False)

    def run(self, operator: str, *arguments: object) -> torch.Tensor:
        return getattr(self, operator)(*arguments)

    def scatter_sum(self, values, index, groups, is_wide=False):
        return self._reduce("sum", values, index, groups, is_wide=is_wide)

    def scatter_mean(self, values, index, groups):
        return self._reduce("mean", values, index, groups)

    def scatter_moments(self, values, index, groups, ddof, is_std):
        return self._reduce("moments", values, index, groups, ddof, is_std)

    def _reduce(self, work, values, index, groups, ddof=0, is_std=False, *, is_wide=False):
        kind, (rows, columns) = kind_of(values), values.shape
        cells, words = groups * columns, (2 if kind == "float64" else 1) + WORDS[work]
        exponents = torch.zeros(columns, dtype=torch.int32)
        sums = torch.zeros(cells * words, dtype=torch.int64)
        misfits = torch.zeros(2 * rows * columns, dtype=torch.int64)
        found = torch.tensor([0, -1])
        parts = (rows, columns, groups, exponents, sums, misfits, found)
        values, index = Reading(values), Reading(index)
        self._call(f"scatter_add_{work}_{kind}", values, index, *parts)
        count, outside = found.tolist()
        assert outside == -1
        self.misfits = count
        more = (None, 0, None, None, None, None)
        if count:
            cells_of = torch.zeros(count, dtype=torch.int64)
            self._call("scatter_misfit_cells", index, count, cells_of, *parts)
            distinct = cells_of.unique()
            slots = torch.full((cells,), -1, dtype=torch.int32)
            of_values, of_squares = REACH["float64" if kind == "float64" else "other"], REACH["square"]
            limbs = [torch.zeros((reach + 1) * len(distinct), dtype=torch.int64) for reach in (of_values, of_squares)]
            specials = [torch.zeros(len(distinct), dtype=torch.int32) for _ in range(2)]
            more = (slots, len(distinct), limbs[0], specials[0], limbs[1], specials[1])
            self._call(f"scatter_add_misfits_{kind}", values, Reading(cells_of), count, Reading(distinct), *parts, *more)
        out = torch.empty(groups, columns, dtype=torch.float64 if is_wide else values.array.dtype)
        if is_wide:
            self._call(f"scatter_finish_wide_{kind}", out, *parts, *more)
        else:
            self._call(f"scatter_finish_{work}_{kind}", out, ddof, is_std, *parts, *more)
        return out

    def scatter_extreme(self, values, index, groups, is_max):
        rows, columns = values.shape
        key = torch.int64 if values.dtype == torch.float64 else torch.int32
        keys = torch.full((groups * columns,), torch.iinfo(key).min, dtype=key)
        outside, out = torch.tensor([-1]), torch.empty(groups, columns, dtype=values.dtype)
        name = f"scatter_extreme_{kind_of(values)}"
        self._call(name, Reading(values), Reading(index), rows, columns, groups, is_max, keys, outside, out)
        assert outside.item() == -1
        return out

    def scatter_count(self, index, groups):
        counts, outside = torch.zeros(groups, dtype=torch.int64), torch.tensor([-1])
        self._call("scatter_count", Reading(index), len(index), groups, counts, outside)
        assert outside.item() == -1
        return counts

    def _exponentials(self, values, index, groups):
        tops = self.scatter_extreme(values, index, groups, True)
        powers = torch.empty(values.shape, dtype=torch.float64 if values.dtype == torch.float64 else torch.float32)
        name = f"scatter_exponentials_{kind_of(values)}"
        self._call(name, Reading(values), Reading(index), values.numel(), values.shape[1], Reading(tops), powers)
        return tops, powers, self.scatter_sum(powers, index, groups, is_wide=True)

    def scatter_softmax(self, values, index, groups):
        _, powers, sums = self._exponentials(values, index, groups)
        out, name = torch.empty_like(values), f"scatter_shares_{kind_of(values)}"
        self._call(name, Reading(powers), Reading(index), values.numel(), values.shape[1], Reading(sums), out)
        return out

    def scatter_logsumexp(self, values, index, groups):
        tops, _, sums = self._exponentials(values, index, groups)
        counts = self.scatter_count(index, groups)
        out, name = torch.empty_like(tops), f"scatter_log_of_sums_{kind_of(values)}"
        self._call(name, Reading(tops), Reading(sums), Reading(counts), out.numel(), out.shape[1], out)
        return out

    def _call(self, name, *arguments):
        self.unit.run(name, *arguments, seed=self.seed)
