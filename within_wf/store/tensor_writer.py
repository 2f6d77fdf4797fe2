"""Tensors written piece by piece into one safetensors file, without holding any of them whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from math import prod
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
import numpy.typing as npt

NAMES = {"float32": "F32", "float64": "F64", "int32": "I32", "int64": "I64", "uint8": "U8"}
"""What the format calls each dtype."""


class TensorWriter:
    """A safetensors file whose tensors grow along their first axis; the bytes are those of ``write_tensors``.

    Each tensor waits in a file of its own beside ``path`` until the writer is closed; after an error none stays behind.

    Args:
        path: The file to write.
        tensors: Name to the dtype and the shape of one row.
    """

    def __init__(self, path: Path, tensors: Mapping[str, tuple[npt.DTypeLike, tuple[int, ...]]]) -> None:
        self._path = path
        self._kinds = {name: (np.dtype(dtype), shape) for name, (dtype, shape) in tensors.items()}
        self._rows = dict.fromkeys(tensors, 0)
        self._files: dict[str, IO[bytes]] = {}

    def __enter__(self) -> TensorWriter:
        self._files = {name: self._waiting(name).open("w+b") for name in self._kinds}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._assemble()
        finally:
            for name, file in self._files.items():
                file.close()
                self._waiting(name).unlink()

    def append(self, name: str, rows: npt.NDArray[np.generic]) -> None:
        """Append rows to a tensor.

        Raises:
            ValueError: Dtype or shape of a row is not what the tensor holds.
        """
        dtype, shape = self._kinds[name]
        if rows.dtype != dtype or rows.shape[1:] != shape:
            raise ValueError(f"tensor {name} takes {dtype} rows of shape {shape}, got {rows.dtype} of {rows.shape[1:]}")
        self._files[name].write(np.ascontiguousarray(rows).data)
        self._rows[name] += len(rows)

    def _waiting(self, name: str) -> Path:
        return self._path.with_name(f"{self._path.name}.{name}.part")

    def _assemble(self) -> None:
        """The format orders tensors by the size of their elements, largest first, then by name."""
        order = sorted(self._kinds, key=lambda name: (-self._kinds[name][0].itemsize, name))
        header: dict[str, object] = {}
        begin = 0
        for name in order:
            dtype, shape = self._kinds[name]
            whole = [self._rows[name], *shape]
            end = begin + prod(whole) * dtype.itemsize
            header[name] = {"dtype": NAMES[dtype.name], "shape": whole, "data_offsets": [begin, end]}
            begin = end
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with self._path.open("wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for name in order:
                self._files[name].seek(0)
                shutil.copyfileobj(self._files[name], file, 1 << 22)
