"""What must not be known is found; what is honest is not."""

import numpy as np
import polars as pl
import pytest

from within_wf.data.quality.leakage import leaking_features
from within_wf.errors import DatasetError


def table(rows=200):
    draws = np.random.default_rng(0)
    y = draws.normal(size=rows)
    kind = np.array(["a", "b", "c"])[(y > 0.5).astype(int) + (y > -0.5)]
    return pl.DataFrame(
        {
            "target": y,
            "kind": kind,
            "copy": y**3 + 0.001 * draws.normal(size=rows),
            "code": [f"k-{k}" for k in kind],
            "honest": y + draws.normal(size=rows),
            "id": [f"r{row}" for row in range(rows)],
            "constant": 1,
        }
    )


def test_a_copy_of_a_number_is_found():
    found = leaking_features(table(), "target", is_class=False, columns=["copy", "honest", "id", "constant"])
    assert [each["column"] for each in found] == ["copy"]
    assert 0.95 <= found[0]["score"] <= 1


def test_a_copy_of_a_class_is_found_in_text_and_in_numbers():
    found = leaking_features(table(), "kind", is_class=True)
    assert {each["column"] for each in found} == {"code", "target", "copy"}


def test_a_rare_class_that_is_told_weighs_as_much_as_a_frequent_one():
    told = ["no"] * 175 + ["yes"] * 25
    rows = pl.DataFrame({"y": [0] * 190 + [1] * 10, "told": told, "noise": [str(n % 7) for n in range(200)]})
    (found,) = leaking_features(rows, "y", is_class=True, threshold=0.9)
    assert (found["column"], found["score"]) == ("told", round(175 / 190, 6))


@pytest.mark.parametrize(("target", "said"), [("none", "no such column"), ("gap", "1 missing values")])
def test_a_target_that_is_not_there_is_refused(target, said):
    with pytest.raises(DatasetError, match=said):
        leaking_features(pl.DataFrame({"gap": [1.0, None], "x": [1, 2]}), target, is_class=False)
