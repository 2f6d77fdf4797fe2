"""Rows read one by one, beside safetensors' own reader."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from within_wf.store.canonical import read_tensors, write_tensors
from within_wf.store.tensor_reader import TensorReader

TENSORS = {
    "x": np.random.default_rng(0).normal(size=(9, 3, 2)).astype(np.float32),
    "double": np.random.default_rng(1).normal(size=(9, 4)),
    "label": np.arange(9),
    "small": np.arange(9, dtype=np.uint8),
    "hollow": np.zeros((9, 0), np.float32),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("tensors") / "all.safetensors"
    write_tensors(path, TENSORS, about={"key": 1})
    return path


@given(rows=st.lists(st.integers(0, 8), max_size=20))
def test_any_rows_in_any_order(path, rows):
    places = np.array(rows, dtype=np.int64)
    with TensorReader(path) as reader:
        for name, whole in read_tensors(path).items():
            taken = reader.take(name, places)
            assert taken.dtype == whole.dtype == reader.dtype(name)
            assert reader.shape(name) == whole.shape
            np.testing.assert_array_equal(taken, whole[places])


@pytest.mark.parametrize("row", [-1, 9])
def test_rows_that_are_not_there(path, row):
    with TensorReader(path) as reader, pytest.raises(IndexError, match=rf"label has rows 0 to 8, asked for {row} to {row}"):
        reader.take("label", np.array([row]))


def test_a_file_that_was_cut(path, tmp_path):
    cut = tmp_path / "cut"
    cut.write_bytes(path.read_bytes()[:-20])
    with TensorReader(cut) as reader, pytest.raises(EOFError, match="ends within row 0 of tensor small"):
        reader.take("small", np.arange(9))
