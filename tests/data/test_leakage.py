"""What crosses the sides of a split is found, all of it, and nothing else."""

from datetime import date
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from within_wf.data import check_split, leakage
from within_wf.data.leakage import crossings, normalised, said
from within_wf.errors import DatasetError
from within_wf.store.pieces import pieces

TABLE = pl.DataFrame(
    {
        "id": ["a", "b", "c", "d", "e", "a"],
        "team": ["x", "x", "y", "y", "z", None],
        "day": [date(2024, 1, day) for day in (1, 2, 2, 3, 4, 5)],
        "headline": ["Save 20 % now", "other", "SAVE  5 % now ", "third", "more", "last"],
        "body": [None, "text", "", "text", "text", None],
        "cluster": ["p", None, None, "q", None, "p"],
    }
)
SIDES = [0, 0, 1, 1, 2, 2]
ALL = {
    "id_column": "id",
    "group_column": "team",
    "time_column": "day",
    "text_columns": ["headline", "body"],
    "cluster_column": "cluster",
}


def test_each_kind_is_found():
    assert [(c.kind, c.values, c.rows, c.first) for c in crossings(TABLE, SIDES, **ALL)] == [
        ("id", 1, 1, ("a",)),
        ("cluster", 1, 1, ("p",)),
        ("text", 1, 1, ("save 0 % now",)),
        ("time", 1, 1, ("2024-01-02",)),
    ]
    problems = [str(problem) for problem in check_split(TABLE, np.array(SIDES, np.int8), **ALL)]
    assert problems[0] == (
        "column id: found 1 on more than one side, 1 rows that an earlier side knows ('a'), expected each id on one side. "
        "Keep one row of each, or name the id as the group."
    )
    assert problems[3] == (
        "column day: found 1 rows that do not come before the next side ('2024-01-02'), expected each side before the next. "
        "Take strategy 'time', or 'group_time' with an embargo."
    )
    assert check_split(TABLE, SIDES) == []


def test_groups_and_rows_without_a_side():
    (team,) = check_split(TABLE, [0, 1, 0, 2, 2, 2], group_column="team")
    assert team.found == "2 on more than one side, 2 rows that an earlier side knows ('x', 'y')"
    assert check_split(TABLE, [0, -1, 1, 1, 2, -1], **ALL) == check_split(TABLE[[0, 2, 3, 4]], [0, 1, 1, 2], **ALL)
    assert check_split(TABLE[[0, 1, 3, 4]], [0, 0, 1, 2], **ALL) == []


def test_of_many_values_the_first_are_named():
    table = pl.DataFrame({"id": [f"{row % 20:02}" for row in range(40)]})
    (problem,) = check_split(table, [0] * 20 + [1] * 20, id_column="id")
    assert problem.found.endswith("('00', '01', '02', '03', '04' and 15 more)")


def test_texts_without_case_space_and_numbers():
    table = pl.DataFrame({"text": ["  Straße 12,5\n", "STRASSE\t9,99", "\u00a0 ", None, "a\u20031"]})
    assert normalised(table, ["text"]).to_list() == ["strasse 0,0", "strasse 0,0", None, None, "a 0"]


def test_a_crossing_in_one_line():
    said_of = [said(crossing) for crossing in crossings(TABLE, SIDES, **ALL)]
    assert said_of[2:] == [
        "1 rows share a text with an earlier side (headline, body)",
        "1 rows are not before the side that follows (day)",
    ]


values = st.lists(st.tuples(st.integers(0, 8), st.integers(-1, 2)), min_size=1, max_size=40)


@settings(max_examples=50)
@given(values)
def test_values_and_moments_are_those_of_a_loop(rows):
    table = pl.DataFrame({"value": [value for value, _ in rows]})
    found = {c.kind: c for c in crossings(table, [s for _, s in rows], id_column="value", time_column="value")}
    on = [(value, side) for value, side in rows if side >= 0]
    crossing = {value for value, side in on if any(v == value and s != side for v, s in on)}
    later = [value for value, side in on if any(v == value and s < side for v, s in on)]
    late = [value for value, side in on if any(s > side and v <= value for v, s in on)]
    assert (found["id"].values, found["id"].rows) == (len(crossing), len(later)) if crossing else "id" not in found
    assert (found["time"].values, found["time"].rows) == (len(set(late)), len(late)) if late else "time" not in found


@settings(max_examples=25, deadline=None)
@given(values, st.integers(1, 9))
def test_a_file_in_any_pieces_crosses_as_its_table_does(tmp_path_factory, rows, size):
    path = tmp_path_factory.mktemp("split") / "x.parquet"
    table = pl.DataFrame({"id": [f"id {value // 2}" for value, _ in rows], "text": [f"Save {v} % {v // 3}" for v, _ in rows]})
    table.write_parquet(path, row_group_size=size)
    columns = {"id_column": "id", "text_columns": ["text"]}
    sides = [side for _, side in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leakage, "pieces", partial(pieces, rows=size))
        found = crossings(pl.scan_parquet(path), sides, **columns)
    assert found == crossings(table, sides, **columns)


def test_wrong_arguments_are_named_together():
    with pytest.raises(DatasetError, match=r"(?s)cannot be checked.*column key: found no such column.*sides: found 3 sides"):
        check_split(TABLE, [0, 1, 2], id_column="key")
