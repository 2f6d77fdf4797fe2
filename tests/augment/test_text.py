"""Texts, varied: what may change and what may not."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from within_wf.augment import TextAugmenter
from within_wf.augment.text import METHODS, is_word, synonyms_of
from within_wf.errors import DatasetError

TEXTS = st.text(st.sampled_from("abBS 5%$.,!\n'{}-"), max_size=40) | st.lists(
    st.sampled_from(["Start", "buy", "QUICK", "the", "50%", "{name}", "$9.99", "now!", "\n", "shop"]), max_size=9
).map(" ".join)


def vary(text, method, share=0.3, identity=1):
    return TextAugmenter([method], word_share=share).vary([text], np.array([identity]))[0]


def test_a_synonym_takes_the_place_the_capitals_and_the_punctuation_of_its_word():
    assert vary("Buy", "synonym_replacement") == "Purchase"
    assert vary("(BUY!)", "synonym_replacement") == "(PURCHASE!)"
    assert synonyms_of("the") == ()
    assert "begin" in synonyms_of("start,")


def test_an_inserted_word_is_a_synonym_of_a_word_that_is_there():
    for identity in range(20):
        varied = vary("quick offers wait", "random_insertion", identity=identity).split()
        assert sorted(set(varied) - {"speedy"}) == ["offers", "quick", "wait"]
        assert len(varied) == 4


def test_deletion_leaves_a_word_and_the_order():
    for identity in range(20):
        varied = vary("one two three four five six", "random_deletion", share=0.5, identity=identity).split()
        assert len(varied) == 3
        assert varied == [word for word in ["one", "two", "three", "four", "five", "six"] if word in varied]
    assert vary("alone", "random_deletion", share=1.0) == "alone"


def test_swapping_keeps_the_words():
    varied = {vary("one two, three!", "word_swap", identity=identity) for identity in range(30)}
    assert varied == {"two one, three!", "three two, one!", "one three, two!"}


@given(TEXTS, st.sampled_from(sorted(METHODS)), st.floats(0.05, 1), st.integers(0, 99))
def test_what_is_no_plain_word_stays_where_it_was(text, method, share, identity):
    varied = vary(text, method, share, identity)
    held = [token for token in text.split() if not is_word(token)]
    assert [token for token in varied.split() if not is_word(token) and re.search(r"\w", token)] == [
        token for token in held if re.search(r"\w", token)
    ]
    assert varied.count("\n") == text.count("\n")
    assert bool(varied.strip()) == bool(text.strip())


@given(st.lists(TEXTS, min_size=2, max_size=6), st.randoms())
def test_neither_order_nor_company_changes_what_comes_out(texts, order):
    ids = np.arange(len(texts))
    shuffled = order.sample(range(len(texts)), len(texts))
    augmenter = TextAugmenter()
    varied = augmenter.vary(texts, ids)
    assert augmenter.vary([texts[i] for i in shuffled], ids[shuffled]) == [varied[i] for i in shuffled]
    assert augmenter.vary(texts[:1], ids[:1]) == varied[:1]


def test_the_chance_is_the_one_that_was_asked_for():
    texts = [f"buy quick start number{n} words" for n in range(2000)]
    for prob in (0.0, 0.3, 1.0):
        varied = TextAugmenter(augmentation_prob=prob).augment(texts)
        changed = np.mean([new != old for new, old in zip(varied, texts, strict=True)])
        assert changed == pytest.approx(prob, abs=0.04)


def test_every_method_is_drawn_about_equally_often():
    texts = [f"buy quick start and shop word{n}" for n in range(800)]
    lengths = Counter(len(varied.split()) - 6 for varied in TextAugmenter(augmentation_prob=1).augment(texts))
    assert lengths[1] == pytest.approx(200, abs=50)
    assert lengths[-1] == pytest.approx(200, abs=50)


def test_copies_and_seeds_differ():
    texts, ids = ["buy quick start and shop for a home today"], np.array([5])
    augmenter = TextAugmenter()
    assert len({augmenter.vary(texts, ids, copy)[0] for copy in range(1, 20)}) > 8
    assert len({TextAugmenter(seed=seed).vary(texts, ids)[0] for seed in range(20)}) > 8


def test_unknown_methods_are_named_and_no_methods_change_nothing():
    with pytest.raises(DatasetError, match=r"'back_translation', expected one of synonym_replacement"):
        TextAugmenter(["back_translation"])
    assert TextAugmenter([], 1.0).augment(["buy now"]) == ["buy now"]


def test_everything_wrong_with_the_arguments_is_named_at_once():
    with pytest.raises(DatasetError) as caught:
        TextAugmenter(["word_swap", "rhyme"], augmentation_prob=2, word_share=float("nan"))
    assert [problem.where for problem in caught.value.problems] == ["augmentation_methods", "augmentation_prob", "word_share"]
    with pytest.raises(DatasetError, match="found 'word_swap', expected a list of names"):
        TextAugmenter("word_swap")


def test_what_is_no_text_is_named_with_its_row():
    with pytest.raises(
        DatasetError, match=r"row 1: found None[\s\S]*row 2: found 5[\s\S]*ids: found 1 ids, expected one a text, 3"
    ):
        TextAugmenter().augment(["good", None, 5], np.array([1]))
