"""Sums of rows in pieces, beside Python's exact sum of them all."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from within_wf.ops.sums import RunningSums, column_sums

NUMBERS = st.floats(-1e100, 1e100) | st.sampled_from([1e16, 1.0, -1e16, 3.0, 2.0**-1074, 1e-300])


@given(st.lists(st.tuples(NUMBERS, NUMBERS), max_size=40), st.integers(1, 12))
def test_the_sums_of_pieces_are_those_of_the_whole(rows, size):
    x = np.array(rows).reshape(-1, 2)
    sums = RunningSums()
    for begin in range(0, len(x), size):
        sums.add(x[begin : begin + size])
    assert sums.rows == len(x)
    assert sums.sums(2).tolist() == [math.fsum(column) for column in x.T] == column_sums(x).tolist()
