"""Near-duplicates against all pairs compared by plain sets."""

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from within_wf.data.quality.near_duplicates import row_clusters, text_clusters
from within_wf.data.quality.shingles import jaccard, sets_of, shingles
from within_wf.errors import DatasetError

WORDS = ["buy", "shoes", "now", "free", "coats", "today", "sale"]


def plain_clusters(texts, threshold, size):
    sets = [set(shingles(text or "", size, "words")) for text in texts]
    groups = [{row} for row in range(len(texts)) if sets[row]]
    for a, b in itertools.combinations(range(len(texts)), 2):
        if sets[a] and sets[b] and len(sets[a] & sets[b]) / len(sets[a] | sets[b]) >= threshold:
            one = next(group for group in groups if a in group)
            two = next(group for group in groups if b in group)
            if one is not two:
                groups.remove(two)
                one |= two
    return sorted(sorted(group) for group in groups if len(group) > 1)


@given(st.lists(st.none() | st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join), max_size=25))
@settings(max_examples=40, derandomize=True)
def test_clusters_of_texts_are_those_of_all_pairs(texts):
    assert sorted(text_clusters(texts, 0.7, size=1)) == plain_clusters(texts, 0.7, 1)


@given(st.lists(st.sets(st.sampled_from("abcdef")), min_size=2, max_size=12))
@settings(max_examples=30, derandomize=True)
def test_jaccard_is_that_of_sets(rows):
    pairs = list(itertools.combinations(range(len(rows)), 2))
    left, right = np.array(pairs).T
    expected = [len(rows[a] & rows[b]) / max(1, len(rows[a] | rows[b])) for a, b in pairs]
    assert jaccard(sets_of(rows).matrix(), left, right, at_once=5).tolist() == expected


def test_case_width_and_blanks_do_not_matter_and_short_texts_are_whole():
    assert shingles("  Buy　NOW  ", 3, "words") == ["buy now"]
    assert shingles("a b c d", 3, "words") == ["a b c", "b c d"]
    assert shingles("abcd", 3, "characters") == ["abc", "bcd"]
    assert shingles(" ", 3, "words") == []
    assert text_clusters(["Buy now", "buy  NOW", "", None, "sell"], 1.0) == [[0, 1]]


def test_a_long_text_with_one_other_word_is_found():
    draws = np.random.default_rng(0)
    texts = [" ".join(f"w{n}" for n in draws.integers(1000, size=60)) for _ in range(300)]
    texts[50] = texts[200].replace(texts[200].split()[30], "other", 1)
    assert text_clusters(texts, 0.8) == [[50, 200]]
    order = draws.permutation(300).tolist()
    assert text_clusters([texts[row] for row in order], 0.8) == [sorted([order.index(50), order.index(200)])]


def test_rows_that_differ_by_a_rounding_are_found():
    draws = np.random.default_rng(1)
    table = pl.DataFrame({"a": draws.normal(size=50), "b": draws.normal(size=50) * 1e6, "c": ["x", "y"] * 25, "n": range(50)})
    twin = table[[7]].with_columns(pl.col("a") * 1.00001)
    assert row_clusters(pl.concat([table, twin]), ["a", "b", "c"], 0.6) == [[7, 50]]
    assert row_clusters(table, ["a", "b", "c"], 0.6) == []
    assert row_clusters(table, []) == []


@pytest.mark.parametrize("threshold", [0.0, 1.1])
def test_a_threshold_out_of_range_is_refused(threshold):
    with pytest.raises(DatasetError, match="above 0, at most 1"):
        text_clusters(["a", "a"], threshold)


def test_a_size_out_of_range_is_refused():
    with pytest.raises(DatasetError, match="at least 1"):
        text_clusters(["a", "a"], size=0)
