"""Values as files and back: tables, arrays, tensors, JSON values, paths, and dicts, lists and tuples of these. No pickle.

``value.json`` holds the shape; what is no JSON stands in files of their own beside it. The same value makes the same bytes.
What would come back as something else is refused, by the name of its type.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePath
from typing import Any, Protocol

from within_wf.errors import StoreError, StoreTypeError
from within_wf.store.canonical import to_json, write_parquet
from within_wf.store.disk import digest_file

SHAPE = "value.json"
_FINITE = (type(None), bool, int, str)


class Sink(Protocol):
    """Where the files of a value go."""

    def write(self, name: str, write: Callable[[Path], object]) -> None:
        """Take a file that ``write`` makes at the path it is given."""

    def copy(self, name: str, source: Path) -> None:
        """Take a file that is there."""


@dataclass(frozen=True)
class Folder:
    """Keeps the files of a value below a directory."""

    root: Path

    def write(self, name: str, write: Callable[[Path], object]) -> None:
        """See `Sink`."""
        write(self._path(name))

    def copy(self, name: str, source: Path) -> None:
        """See `Sink`."""
        shutil.copyfile(source, self._path(name))

    def _path(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@dataclass(frozen=True)
class Digests:
    """Keeps the digests of a value's files alone; ``root`` is where each is drafted."""

    root: Path
    digests: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, write: Callable[[Path], object]) -> None:
        """See `Sink`."""
        draft = self.root / "draft"
        write(draft)
        self.digests[name] = digest_file(draft)
        draft.unlink()

    def copy(self, name: str, source: Path) -> None:
        """See `Sink`."""
        self.digests[name] = digest_file(source)


def encode(value: object, sink: Sink) -> object:
    """Send the files of a value to a sink.

    Returns:
        The value's shape, a JSON value: what `decode` needs beside the files.

    Raises:
        StoreTypeError: Something in it is of a type that would not come back as it is; a TypeError as well.
        StoreError: A path in it leads to nothing, or to an empty folder.
    """
    return _Encoder(sink).node(value, ())


def save(value: object, directory: Path) -> None:
    """Write a value into an empty directory. Raises what `encode` raises."""
    shape = encode(value, Folder(directory))
    (directory / SHAPE).write_text(to_json(shape), encoding="utf-8")


def load(locate: Callable[[str], Path], layout: Callable[[], Path]) -> Any:
    """The value that `save` wrote.

    Args:
        locate: Where a file of it is, by its name.
        layout: Makes a directory with all its files under their names, for the paths in the value; called if there are any.
    """
    return _decode(json.loads(locate(SHAPE).read_bytes()), locate, layout)


def _type_name(value: object) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _refuse(value: object, why: str = "") -> StoreTypeError:
    return StoreTypeError(
        f"a value of type {_type_name(value)} cannot be kept{why}. What can: polars, pandas and pyarrow tables, numpy arrays, "
        "torch tensors, None, booleans, numbers, text, paths, and dicts, lists and tuples of these"
    )


class _Encoder:
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._files = 0

    def node(self, value: object, above: tuple[int, ...]) -> object:
        if type(value) in _FINITE:
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"is": "float", "value": repr(value)}
        if id(value) in above:
            raise _refuse(value, " that holds itself")
        inside = (*above, id(value))
        if type(value) in (list, tuple):
            return {"is": type(value).__name__, "items": [self.node(item, inside) for item in value]}  # type: ignore[attr-defined]
        if type(value) is dict:
            return {"is": "dict", "items": [[self._key(key), self.node(item, inside)] for key, item in value.items()]}
        if isinstance(value, PurePath):
            return self._path(value)
        family = type(value).__module__.split(".")[0]
        for kind, (suffix, write) in _WRITERS.get(family, {}).items():
            if _is(value, kind):
                name = self._name(suffix)
                self._sink.write(name, partial(write, value))
                return {"is": f"{family} {kind}", "file": name}
        raise _refuse(value)

    def _key(self, key: object) -> object:
        if type(key) not in (*_FINITE, float, tuple):
            raise _refuse(key, " as the key of a dict")
        return self.node(key, ())

    def _name(self, suffix: str) -> str:
        self._files += 1
        return f"{self._files:04d}{suffix}"

    def _path(self, value: PurePath) -> object:
        path = Path(value)
        if not path.exists():
            raise StoreError(
                f"{path} does not exist: of a path, what it leads to is kept. Give an existing one, or its name as text"
            )
        name = f"{self._name('')}/{path.name or 'root'}"
        if path.is_dir():
            for source in _plain_files(path):
                self._sink.copy(f"{name}/{source.relative_to(path).as_posix()}", source)
        else:
            self._sink.copy(name, path)
        return {"is": "path", "file": name}


def _plain_files(folder: Path) -> Iterator[Path]:
    """All files below a folder in a fixed order, through links."""
    entries = sorted(folder.iterdir())
    if not entries:
        raise StoreError(f"{folder} is an empty folder, which a store cannot keep. Put a file into it, or leave it out")
    for path in entries:
        if path.is_dir():
            yield from _plain_files(path)
        elif path.is_file():
            yield path
        else:
            raise StoreError(f"{path} is neither a file nor a folder, so it cannot be kept")


def _is(value: object, kind: str) -> bool:
    if kind == "scalar":
        import numpy as np

        return isinstance(value, np.generic)
    return type(value).__name__ == kind


def _write_polars(value: Any, path: Path) -> None:
    import polars as pl

    try:
        write_parquet(path, value.rechunk())
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _refuse(value, f" with these columns ({error})") from error
    if pl.read_parquet_schema(path) != value.schema:
        raise _refuse(value, " with columns that Parquet does not give back")


def _write_table(value: Any, path: Path) -> None:
    from pyarrow import parquet

    parquet.write_table(value.combine_chunks(), path, compression="zstd", compression_level=3, row_group_size=100_000)


def _write_arrow(value: Any, path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        _write_table(value, path)
    except pa.ArrowException as error:
        raise _refuse(value, f" with these columns ({error})") from error
    if not parquet.read_schema(path).equals(value.schema, check_metadata=True):
        raise _refuse(value, " with columns that Parquet does not give back")


def _write_pandas(value: Any, path: Path) -> None:
    import pyarrow as pa

    try:
        _write_table(pa.Table.from_pandas(value), path)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise _refuse(value, f" with these columns ({error})") from error
    back = _read_pandas(path)
    same = (
        list(back.dtypes) == list(value.dtypes)
        and back.columns.equals(value.columns)
        and back.columns.names == value.columns.names
        and type(back.index) is type(value.index)
        and back.index.equals(value.index)
        and back.index.names == value.index.names
        and not value.attrs
    )
    if not same:
        raise _refuse(value, " with an index, attributes or types of columns that Parquet does not give back")


def _write_numpy(value: Any, path: Path) -> None:
    import numpy as np

    if value.dtype.hasobject or isinstance(value, np.record):
        raise _refuse(value, f" with elements of type {value.dtype}")
    with path.open("wb") as file:
        np.save(file, np.asarray(value), allow_pickle=False)


def _write_torch(value: Any, path: Path) -> None:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    if value.device.type != "cpu" or value.requires_grad or value.layout != torch.strided or value.is_quantized:
        raise _refuse(value, " unless it is dense, on the CPU and without a gradient (`.detach().cpu()`)")
    try:
        save_file({"value": value.contiguous().clone()}, path)
    except (SafetensorError, KeyError, ValueError) as error:
        raise _refuse(value, f" with elements of type {value.dtype}") from error


_WRITERS: dict[str, dict[str, tuple[str, Callable[[Any, Path], None]]]] = {
    "polars": {"DataFrame": (".parquet", _write_polars)},
    "pandas": {"DataFrame": (".parquet", _write_pandas)},
    "pyarrow": {"Table": (".parquet", _write_arrow)},
    "numpy": {"ndarray": (".npy", _write_numpy), "scalar": (".npy", _write_numpy)},
    "torch": {"Tensor": (".safetensors", _write_torch)},
}


def _read_polars(path: Path) -> Any:
    import polars as pl

    return pl.read_parquet(path)


def _read_arrow(path: Path) -> Any:
    from pyarrow import parquet

    return parquet.read_table(path, memory_map=False)


def _read_pandas(path: Path) -> Any:
    return _read_arrow(path).to_pandas()


def _read_numpy(path: Path) -> Any:
    import numpy as np

    return np.load(path, allow_pickle=False)


def _read_torch(path: Path) -> Any:
    from safetensors.torch import load

    return load(path.read_bytes())["value"]


_READERS: dict[str, Callable[[Path], Any]] = {
    "polars DataFrame": _read_polars,
    "pandas DataFrame": _read_pandas,
    "pyarrow Table": _read_arrow,
    "numpy ndarray": _read_numpy,
    "numpy scalar": lambda path: _read_numpy(path)[()],
    "torch Tensor": _read_torch,
}


def _decode(node: Any, locate: Callable[[str], Path], layout: Callable[[], Path]) -> Any:
    if not isinstance(node, dict):
        return node
    kind = node["is"]
    if kind == "float":
        return float(node["value"])
    if kind in ("list", "tuple"):
        items = [_decode(item, locate, layout) for item in node["items"]]
        return tuple(items) if kind == "tuple" else items
    if kind == "dict":
        return {_decode(key, locate, layout): _decode(item, locate, layout) for key, item in node["items"]}
    if kind == "path":
        return layout() / node["file"]
    return _READERS[kind](locate(node["file"]))
