"""Rows of the tensors of a safetensors file, read without holding any tensor whole."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from within_wf.store.tensor_writer import NAMES

_TYPES = {name: np.dtype(dtype).newbyteorder("<") for dtype, name in NAMES.items()}


class TensorReader:
    """Reads what :class:`within_wf.store.tensor_writer.TensorWriter` or ``write_tensors`` wrote.

    The file is read and not mapped: mapped pages count as the process's memory until the machine has a better use for them.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        size = int.from_bytes(self._file.read(8), "little")
        self._header: dict[str, Any] = json.loads(self._file.read(size))
        self._begin = 8 + size

    def __enter__(self) -> TensorReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a tensor; its rows are counted along the first axis."""
        return tuple(self._header[name]["shape"])

    def dtype(self, name: str) -> np.dtype[Any]:
        """The dtype of a tensor."""
        return _TYPES[self._header[name]["dtype"]]

    def take(self, name: str, rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
        """Some rows of a tensor, in the order given.

        Args:
            name: The tensor.
            rows: Their numbers from 0, shape [n].

        Raises:
            IndexError: A row is not there.
            EOFError: The file ends before it.
        """
        count, *shape = self.shape(name)
        if rows.size and not 0 <= rows.min() <= rows.max() < count:
            raise IndexError(f"tensor {name} has rows 0 to {count - 1}, asked for {rows.min()} to {rows.max()}")
        taken = np.empty((rows.size, *shape), self.dtype(name))
        size = prod(shape) * taken.dtype.itemsize
        begin = self._begin + self._header[name]["data_offsets"][0]
        flat = taken.reshape(-1).view(np.uint8).data
        # rows that follow each other in the file are read at once
        first = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
        for place, end in zip(first.tolist(), np.append(first, rows.size)[1:].tolist(), strict=True):
            self._file.seek(begin + int(rows[place]) * size)
            done, whole = place * size, end * size
            while done < whole:
                count = self._file.readinto(flat[done:whole])
                if not count:
                    raise EOFError(f"{self._file.name} ends within row {int(rows[done // size])} of tensor {name}")
                done += count
        return taken
