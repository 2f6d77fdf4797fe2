import hashlib
import math
import subprocess
import sys
from collections import OrderedDict, namedtuple
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch

from within_wf.errors import StoreError, StoreTypeError
from within_wf.store import values

Point = namedtuple("Point", "x y")


def round_trip(value, folder):
    folder.mkdir()
    values.save(value, folder)
    return values.load(lambda name: folder / name, lambda: folder)


def same(one, two):
    """Equal in type and content, by each library's own comparison."""
    if type(one) is not type(two):
        return False
    if isinstance(one, pl.DataFrame):
        return one.schema == two.schema and one.equals(two, null_equal=True)
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, two, check_exact=True, check_freq=False)
        return True
    if isinstance(one, pa.Table):
        return one.equals(two, check_metadata=True)
    if isinstance(one, np.ndarray | np.generic):
        return one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes()
    if isinstance(one, torch.Tensor):
        return one.dtype == two.dtype and one.shape == two.shape and bool((one == two).all())
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, dict):
        return list(one) == list(two) and all(map(same, one, two)) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(two)
    return one == two and math.copysign(1, one) == math.copysign(1, two) if isinstance(one, float) else one == two


VALUES = {
    "json": {"a": [1, 2.5, -0.0, None, True, "ü\n"], "b": {"c": []}, "big": 2**200},
    "floats": [math.inf, -math.inf, math.nan, 1e-320],
    "tuples": ((), (1, (2, [3, (4,)]))),
    "keys": {1: "int", "1": "text", None: "none", (1, "a"): "tuple", 2.5: "float"},
    "order": {"z": 1, "a": 2},
    "polars": pl.DataFrame(
        {
            "i": [1, None],
            "f": [0.1, math.nan],
            "s": ["a", None],
            "d": [date(2026, 1, 1), None],
            "t": [datetime(2026, 1, 1, 12), None],
            "l": [[1, 2], None],
            "c": pl.Series(["x", "y"], dtype=pl.Categorical),
            "e": pl.Series(["x", "y"], dtype=pl.Enum(["y", "x"])),
            "u": pl.Series([1, 2], dtype=pl.UInt8),
        }
    ),
    "empty polars": pl.DataFrame({"a": pl.Series([], dtype=pl.Int64)}),
    "pandas": pd.DataFrame(
        {"i": [1, 2], "f": [0.1, math.nan], "s": ["a", None], "t": pd.to_datetime(["2026-01-01", None])},
        index=pd.Index(["r1", "r2"], name="row"),
    ),
    "categories": pd.DataFrame({"c": pd.Categorical(["a", "b"], categories=["b", "a"], ordered=True)}),
    "arrow": pa.table({"a": pa.array([1, None], pa.int16()), "d": pa.array(["x", "x"]).dictionary_encode()}),
    "arrow metadata": pa.table({"a": [1]}).replace_schema_metadata({"who": "me"}),
    "arrays": [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.array(5),
        np.array(["a", "bc"]),
        np.array([("a", 1)], dtype=[("n", "U4"), ("v", "<i8")]),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        np.array([], dtype=">f4"),
    ],
    "numpy scalars": [np.float64(0.1), np.int8(3), np.bool_(True)],
    "tensors": [
        torch.arange(6).reshape(2, 3).T,
        torch.tensor(1.5, dtype=torch.bfloat16),
        torch.zeros(0, 3),
        torch.tensor([True, False]),
    ],
}


@pytest.mark.parametrize("name", VALUES)
def test_values_come_back_as_they_were(name, tmp_path):
    back = round_trip(VALUES[name], tmp_path / "kept")
    assert same(VALUES[name], back), back


def test_same_sees_what_differs():
    assert not same([1], (1,))
    assert not same({"a": 0.0}, {"a": -0.0})
    assert not same(np.float64(1), 1.0)


def test_a_negative_zero_and_a_large_number_stay(tmp_path):
    back = round_trip([-0.0, 2**64 + 1], tmp_path / "kept")
    assert math.copysign(1, back[0]) == -1
    assert back[1] == 2**64 + 1


def test_paths_come_back_as_files_with_the_same_content(tmp_path):
    folder = tmp_path / "source"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "x.bin").write_bytes(b"\0x")
    (tmp_path / "one.txt").write_text("one")
    (folder / "link").symlink_to(tmp_path / "one.txt")
    back = round_trip({"file": tmp_path / "one.txt", "folder": folder}, tmp_path / "kept")
    assert back["file"].name == "one.txt"
    assert back["file"].read_text() == "one"
    assert {path.relative_to(back["folder"]).as_posix() for path in back["folder"].rglob("*") if path.is_file()} == {
        "deep/x.bin",
        "link",
    }
    assert (back["folder"] / "link").read_text() == "one"


def test_a_tensor_that_was_read_is_ones_own(tmp_path):
    back = round_trip(torch.zeros(3), tmp_path / "kept")
    back += 1
    assert values.load(lambda name: tmp_path / "kept" / name, lambda: tmp_path).sum() == 0


class Mine:
    pass


def itself():
    value = []
    value.append(value)
    return value


def attributed():
    frame = pd.DataFrame({"a": [1]})
    frame.attrs["x"] = 1
    return frame


REFUSED = {
    "object": (Mine(), r"type .*\.Mine cannot be kept"),
    "set": ({1}, "type set cannot be kept"),
    "bytes": (b"x", "type bytes cannot be kept"),
    "complex": (1j, "type complex"),
    "decimal": (Decimal(1), r"type decimal\.Decimal"),
    "date": (date(2026, 1, 1), r"type datetime\.date"),
    "function": (len, "type builtin_function_or_method"),
    "named tuple": (Point(1, 2), r"type .*\.Point"),
    "ordered": (OrderedDict(a=1), "OrderedDict"),
    "key": ({b"x": 1}, "type bytes cannot be kept as the key of a dict"),
    "nested key": ({(b"x",): 1}, "type bytes"),
    "itself": (itself(), "type list cannot be kept that holds itself"),
    "deep": ([{"a": (Mine(),)}], r"\.Mine"),
    "series": (pl.Series([1]), "polars.*Series"),
    "polars objects": (
        pl.DataFrame({"a": pl.Series([Mine()], dtype=pl.Object)}),
        "polars.*DataFrame cannot be kept with these columns",
    ),
    "pandas objects": (
        pd.DataFrame({"a": pd.Series([Mine()], dtype=object)}),
        "pandas.*DataFrame cannot be kept with these columns",
    ),
    "pandas text as objects": (pd.DataFrame({"a": pd.Series(["x"], dtype=object)}), "Parquet does not give back"),
    "pandas attributes": (attributed(), "attributes"),
    "arrow union": (
        pa.table({"a": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])}),
        "pyarrow.*Table cannot be kept with these columns",
    ),
    "arrays of objects": (np.array([Mine()], dtype=object), "elements of type object"),
    "masked": (np.ma.masked_array([1], [True]), "MaskedArray"),
    "gradient": (torch.zeros(1, requires_grad=True), "without a gradient"),
    "parameter": (torch.nn.Parameter(torch.zeros(1)), "Parameter"),
    "sparse": (torch.zeros(2, 2).to_sparse(), "dense"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_by_the_name_of_its_type(name, tmp_path):
    value, message = REFUSED[name]
    for kind in (TypeError, StoreTypeError):
        folder = tmp_path / kind.__name__
        folder.mkdir()
        with pytest.raises(kind, match=message):
            values.save(value, folder)


def test_paths_that_lead_nowhere_are_refused(tmp_path):
    with pytest.raises(StoreError, match="does not exist"):
        values.save(tmp_path / "missing", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match="is an empty folder"):
        values.save(tmp_path / "empty", tmp_path)
    (tmp_path / "dangling").mkdir()
    (tmp_path / "dangling" / "link").symlink_to("nowhere")
    with pytest.raises(StoreError, match="is neither a file nor a folder"):
        values.save(tmp_path / "dangling", tmp_path)


SAVE = """
import sys
from pathlib import Path
import numpy as np, pandas as pd, polars as pl, pyarrow as pa, torch
from within_wf.store import values
rng = np.random.default_rng(0)
columns = {"a": rng.normal(size=5000), "s": [f"row {i % 17}" for i in range(5000)]}
chunked = pl.concat([pl.DataFrame(columns)] * 2, rechunk=False)
value = {"polars": chunked, "pandas": pd.DataFrame(columns), "arrow": pa.table(columns),
         "numpy": columns["a"], "torch": torch.from_numpy(columns["a"]), "json": {"x": [1, 2.5]}}
values.save(value, Path(sys.argv[1]))
"""


def test_bytes_are_the_same_in_every_process(tmp_path, tree):
    for name, threads in (("one", "1"), ("two", "4")):
        (tmp_path / name).mkdir()
        environment = {"POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads, "PYTHONHASHSEED": threads, "PYTHONPATH": "."}
        subprocess.run([sys.executable, "-c", SAVE, tmp_path / name], check=True, env=environment)
    assert len(tree(tmp_path / "one")) == 6
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_digests_are_those_of_the_files(tmp_path):
    source = tmp_path / "x.txt"
    source.write_text("x")
    value = {"array": np.arange(3), "path": source}
    (tmp_path / "kept").mkdir()
    (tmp_path / "drafts").mkdir()
    sink = values.Digests(tmp_path / "drafts")
    shape = values.encode(value, sink)
    assert shape == values.encode(value, values.Folder(tmp_path / "kept"))
    assert sink.digests == {
        path.relative_to(tmp_path / "kept").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in Path(tmp_path / "kept").rglob("*")
        if path.is_file()
    }
