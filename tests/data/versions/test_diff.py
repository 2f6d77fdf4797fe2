"""What differs between versions, against plain loops, scipy and a formula written out."""

import json
import math
from collections import Counter
from dataclasses import asdict

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from within_wf.data.versions.catalog import find_version
from within_wf.data.versions.comparison import print_difference
from within_wf.data.versions.diff import _by_key, _whole, diff
from within_wf.data.versions.drift import column_drift
from within_wf.errors import DatasetError, StoreError
from within_wf.store.local import Store

SCHEMA = {"k": pl.String, "a": pl.Int64, "b": pl.Float64}
VALUES = st.tuples(st.none() | st.integers(0, 2), st.sampled_from([None, 0.5, math.nan, math.inf]))
TABLES = st.dictionaries(st.none() | st.sampled_from("pqrst"), VALUES, max_size=5)


def frame(rows):
    return pl.DataFrame([{"k": key, "a": a, "b": b} for key, (a, b) in rows.items()], schema=SCHEMA)


def same(one, other):
    return one == other or (isinstance(one, float) and isinstance(other, float) and one != one and other != other)


@given(old=TABLES, new=TABLES)
def test_rows_by_key(old, new):
    found = _by_key(frame(old), frame(new), ["k"], ["k", "a", "b"], 9)
    differing = {
        key: {name for name, x, y in zip("ab", old[key], new[key], strict=True) if not same(x, y)} for key in old if key in new
    }
    assert [row["k"] for row in found["examples"]["added"]] == [key for key in new if key not in old]
    assert [row["k"] for row in found["examples"]["removed"]] == [key for key in old if key not in new]
    assert [row["key"]["k"] for row in found["examples"]["changed"]] == [key for key, names in differing.items() if names]
    assert [set(row["values"]) for row in found["examples"]["changed"]] == [names for names in differing.values() if names]
    assert found["changes"] == {name: count for name in "ab" if (count := sum(name in names for names in differing.values()))}
    assert (found["added"], found["removed"], found["changed"]) == tuple(len(found["examples"][kind]) for kind in KINDS)


KINDS = ("added", "removed", "changed")
ROW = st.tuples(st.none() | st.sampled_from("pq"), st.sampled_from([None, 1]), st.sampled_from([0.5, None]))
ROWS = st.lists(ROW, max_size=8)


@given(old=ROWS, new=ROWS)
def test_whole_rows(old, new):
    tables = [pl.DataFrame(rows, schema=SCHEMA, orient="row") for rows in (old, new)]
    found = _whole(*tables, list(SCHEMA), 99)
    for kind, want in (("added", Counter(new) - Counter(old)), ("removed", Counter(old) - Counter(new))):
        assert Counter(tuple(row.values()) for row in found["examples"][kind]) == want
        assert found[kind] == want.total()


def test_columns_that_come_go_and_change_their_type(take, store):
    one = take(pl.DataFrame({"k": ["p"], "gone": [1], "typed": [1], "stays": [1.5]}))
    two = take(pl.DataFrame({"k": ["p"], "new": [True], "typed": ["1"], "stays": [1.5]}))
    found = diff(store, one, two, ["k"])
    assert (found.columns_added, found.columns_removed) == ({"new": "flag"}, {"gone": "whole"})
    assert found.columns_retyped == {"typed": ("whole", "text")}
    assert (found.added, found.removed, found.changed) == (0, 0, 0)
    assert list(found.drift) == ["stays"]


def test_the_key_of_the_contract_is_the_key(take, store, ads):
    one = take(ads, contract="ad_performance")
    two = take(ads.with_columns(clicks=pl.col("clicks") + 1).tail(3), contract="ad_performance")
    found = diff(store, one, two, examples=1)
    assert found.key == ("ad_id",)
    assert (found.added, found.removed, found.changed, found.changes) == (0, 1, 3, {"clicks": 3})
    assert found.examples["changed"] == [{"key": {"ad_id": "a2"}, "values": {"clicks": [2, 3]}}]
    assert diff(store, one, take(ads, name="b")).key == ()


def test_the_same_rows_in_any_order(take, store, ads, capsys):
    one, turned, again = take(ads), take(ads.reverse()), take(ads, name="again")
    assert (diff(store, one, turned).same_content, diff(store, one, turned).same_rows) == (False, True)
    print_difference(diff(store, one, turned))
    assert capsys.readouterr().out.endswith("The rows are the same, in another order.\n")
    print_difference(diff(store, one, again))
    assert capsys.readouterr().out.endswith("The rows are the same, in the same order.\n")


def test_keys_that_cannot_be_are_refused(take, store):
    one = take(pl.DataFrame({"k": ["p", "p", None], "a": [1, 2, 3]}))
    two = take(pl.DataFrame({"k": ["p", "q", None], "a": [1.0, 2.0, 3.0], "c": [1, 1, 1]}))
    with pytest.raises(DatasetError, match=r"cannot be compared row by row\n.*column c: found no such column.*\Z"):
        diff(store, one, two, ["c"])
    with pytest.raises(DatasetError, match=r"column a: found number, expected whole, as in ads@"):
        diff(store, one, two, ["k", "a"])
    with pytest.raises(DatasetError, match=r"k: found 1 rows whose key another row has, expected one row a key"):
        diff(store, one, two, ["k"])


def test_tables_without_rows(take, store):
    one = take(pl.DataFrame({"k": ["p"]}))
    none = take(pl.DataFrame({"k": []}, schema={"k": pl.String}))
    assert (diff(store, one, none).removed, diff(store, none, one).added) == (1, 1)
    assert diff(store, one, none, ["k"]).removed == 1
    assert diff(store, one, none).drift == {"k": {"nulls": [0.0, 0.0], "compared": "categories"}}


def test_a_damaged_version_is_told(take, store):
    one, two = take(pl.DataFrame({"k": ["p"]})), take(pl.DataFrame({"k": ["q"]}))
    blob = store.blob(two.content)
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError, match="damaged files of the version ads@"):
        diff(Store.open(store.root), one, two)


def test_numbers_drift_as_scipy_says():
    before = pl.Series([((i * 37) % 101) / 7 for i in range(300)])
    after = pl.Series([((i * 41) % 97) / 5 for i in range(250)])
    said = column_drift(before, after.extend_constant(None, 10).extend_constant(math.nan, 3))
    want = ks_2samp(before, after.drop_nulls().drop_nans())
    assert (said["ks"], said["ks_pvalue"]) == pytest.approx((want.statistic, want.pvalue))
    assert said["nulls"] == [0.0, 10 / 263]
    assert said["compared"] == "values"
    assert said["psi"] > 0.1


def test_categories_drift_by_the_formula():
    said = column_drift(pl.Series(["a"] * 6 + ["b"] * 4), pl.Series(["a"] * 2 + ["b"] * 6 + ["c"] * 2))
    want = (0.2 - 0.6) * math.log(0.2 / 0.6) + (0.6 - 0.4) * math.log(0.6 / 0.4) + (0.2 - 1e-6) * math.log(0.2 / 1e-6)
    assert said["psi"] == pytest.approx(want)
    assert said["distance"] == pytest.approx(0.4)
    assert (said["new"], said["gone"], said["compared"]) == (1, 0, "categories")
    flags = column_drift(pl.Series([True, False]), pl.Series([True, True]))
    assert (flags["distance"], flags["gone"]) == (0.5, 1)


def test_prose_drifts_by_its_length():
    before = pl.Series([f"{'x' * (i % 9)} {i}" for i in range(200)])
    after = pl.Series([f"{'x' * (i % 9)} longer {i}" for i in range(200)])
    said = column_drift(before, after)
    assert said["compared"] == "lengths"
    assert said["ks"] == pytest.approx(ks_2samp(before.str.len_chars(), after.str.len_chars()).statistic)


def test_days_drift_as_numbers():
    days = pl.Series(range(100)).cast(pl.Date)
    assert column_drift(days, days)["ks"] == 0
    assert column_drift(days.head(50), days.tail(50))["ks"] == 1
    assert "ks" not in column_drift(pl.Series([math.nan]), pl.Series([1.0]))


def test_the_command_line(call, ads):
    ads.write_csv("ads.csv")
    call("snapshot", "ads.csv", "--tag", "old")
    more = ads.with_columns(spend=pl.col("spend") * 3, note=pl.lit("x"))
    pl.concat([more.slice(1), more.head(1).with_columns(ad_id=pl.lit("a9"))]).write_csv("ads.csv")
    call("snapshot", "ads.csv", "--parent", "ads")
    code, text = call("diff", "ads@old", "ads")
    assert code == 0
    lines = text.splitlines()
    assert lines[1:6] == [
        "+ column note: text",
        "rows: 4 -> 4 (by ad_id): 1 added, 1 removed, 2 changed",
        "  + ad_id 'a9'",
        "  - ad_id 'a1'",
        "  ~ ad_id 'a2': spend: 0.1 -> 0.30000000000000004",
    ]
    assert any(line.startswith("spend ") and "shifted" in line for line in lines)
    code, text = call("diff", "ads@old", "ads", "--json", "--examples", "0")
    store = Store.open("store")
    found = diff(store, find_version(store, "ads@old"), find_version(store, "ads"), (), 0)
    assert json.loads(text) == json.loads(json.dumps(asdict(found)))
    assert "… and 1 more" in call("diff", "ads@old", "ads", "--examples", "1")[1]
    assert call("diff", "ads@old", "nothing")[0] == 5
    assert call("diff", "ads@old", "ads", "--key", "platform")[0] == 3
