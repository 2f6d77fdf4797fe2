import hashlib

import numpy as np
import pytest
from scipy import stats

from within_wf.runtime.streams import Stream, ids_of, philox

# Known answers of Random123 (kat_vectors, philox4x32 10): counter, key, result.
KNOWN = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "want"), KNOWN, ids=["zeros", "ones", "pi"])
def test_philox_gives_the_known_answers(counter, key, want):
    words = philox(tuple(np.array([word], dtype=np.uint32) for word in counter), tuple(key))
    assert [int(word[0]) for word in words] == want


def test_a_samples_draws_do_not_depend_on_its_batch():
    stream = Stream(7, "test", epoch=3)
    ids = np.array([5, -1, 2**40, 0, 17])
    together = stream.uniform(ids, 5)
    alone = np.concatenate([stream.uniform([i], 5) for i in ids])
    assert np.array_equal(together, alone)
    assert np.array_equal(stream.uniform(ids[::-1], 5), together[::-1])
    assert np.array_equal(stream.uniform(ids, 2), together[:, :2])


@pytest.mark.parametrize("other", [Stream(8, "test"), Stream(7, "tests"), Stream(7, "test", epoch=1)])
def test_seed_purpose_and_epoch_each_change_the_draws(other):
    ids = np.arange(1000)
    assert not np.any(Stream(7, "test").words(ids, 2) == other.words(ids, 2))


def test_no_word_comes_twice():
    words = Stream(0, "test").words(np.arange(20_000), 4)
    assert np.unique(words).size == words.size


def test_uniform_draws_are_uniform_and_independent():
    draws = Stream(1, "test").uniform(np.arange(100_000), 2)
    assert 0 < draws.min() < draws.max() < 1
    assert stats.kstest(draws[:, 0], "uniform").pvalue > 0.01
    assert stats.kstest(draws[:, 1], "uniform").pvalue > 0.01
    assert abs(stats.pearsonr(draws[:, 0], draws[:, 1]).statistic) < 0.01
    assert abs(stats.pearsonr(draws[1:, 0], draws[:-1, 0]).statistic) < 0.01


def test_normal_draws_are_normal():
    # one stream in a hundred is below 0.01, so many are judged together: their p-values are uniform
    found = [stats.kstest(Stream(seed, "normal").normal(np.arange(2000))[:, 0], "norm").pvalue for seed in range(200)]
    assert stats.kstest(found, "uniform").pvalue > 0.01


def test_integers_are_uniform():
    draws = Stream(3, "test").integers(np.arange(70_000), 7)
    assert draws.dtype == np.int64
    assert stats.chisquare(np.bincount(draws[:, 0], minlength=7)).pvalue > 0.01


def test_a_permutation_holds_each_once_and_moves():
    order = Stream(4, "test").permutation(1000)
    assert np.array_equal(np.sort(order), np.arange(1000))
    assert np.count_nonzero(order == np.arange(1000)) < 10


def test_ids_are_the_first_bytes_of_sha256():
    names = ["", "ad_1", "münchen"]
    want = [int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little", signed=True) for name in names]
    ids = ids_of(names)
    assert ids.dtype == np.int64
    assert ids.tolist() == want
    assert ids_of([]).shape == (0,)


def test_many_ids_are_drawn_for_as_few():
    ids = np.arange(300_000)
    words = Stream(3, "test").words(ids, 2)
    assert np.array_equal(words, np.concatenate([Stream(3, "test").words(some, 2) for some in np.array_split(ids, 7)]))
