import numpy as np
import pytest

from within_wf.store.canonical import read_tensors, write_tensors
from within_wf.store.tensor_writer import TensorWriter


@pytest.mark.parametrize("pieces", [1, 3, 7])
def test_the_bytes_of_tensors_written_whole(tmp_path, pieces):
    random = np.random.default_rng(0)
    tensors = {
        "x": random.normal(size=(7, 3, 2)).astype(np.float32),
        "features": random.normal(size=(7, 5)).astype(np.float32),
        "label": np.arange(7),
        "small": np.arange(7, dtype=np.uint8),
    }
    write_tensors(tmp_path / "whole", tensors)
    with TensorWriter(tmp_path / "pieces", {name: (value.dtype, value.shape[1:]) for name, value in tensors.items()}) as writer:
        for name, value in tensors.items():
            for rows in np.array_split(value, pieces):
                writer.append(name, rows)
    assert (tmp_path / "pieces").read_bytes() == (tmp_path / "whole").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pieces", "whole"]


def test_tensors_without_rows(tmp_path):
    with TensorWriter(tmp_path / "none", {"x": (np.float32, (4, 2))}):
        pass
    assert read_tensors(tmp_path / "none")["x"].shape == (0, 4, 2)


def test_refuses_rows_of_another_kind_and_leaves_nothing_behind(tmp_path):
    with (
        pytest.raises(ValueError, match=r"tensor x takes float32 rows of shape \(2,\), got float64 of \(2,\)"),
        TensorWriter(tmp_path / "bad", {"x": (np.float32, (2,))}) as writer,
    ):
        writer.append("x", np.zeros((1, 2)))
    assert list(tmp_path.iterdir()) == []
