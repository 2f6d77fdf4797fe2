"""Texts, varied: what may change and what may not."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from within_wf.augment import TextAugmenter
from within_wf.augment.protected import ProtectedTokens
from within_wf.augment.text import METHODS
from within_wf.errors import DatasetError

WORDS = ["Start", "buy", "QUICK", "the", "now!", "shop", "a", "(offers)", "children,", "don't", "we"]
HELD = [
    "50%",
    "$9.99",
    "20 %",
    "EUR 1,299.00",
    "5 dollars",
    "3x",
    "https://shop.example/now?a=b",
    "www.buy.it",
    "shoes.com",
    "you@buy.it",
]
HELD += [
    "#BuyNow",
    "@start",
    "{keyword}",
    "{{ first name }}",
    "[[shop name]]",
    "[buy now]",
    "%s",
    "%(name)s",
    "<b>",
    "${buy}",
    "New  Shop",
    "START",
]
"""What must come out as it went in; the last two are brands."""
BRANDS = ("new shop", "Start")
TEXTS = st.text(st.sampled_from("abBS 5%$.,!\n'{}[]-"), max_size=40) | st.lists(
    st.sampled_from([*WORDS, *HELD, "\n"]), max_size=9
).map(" ".join)


def vary(text, method, share=0.3, identity=1, protected=()):
    return TextAugmenter([method], word_share=share, protected=protected).vary([text], np.array([identity]))[0]


def test_a_synonym_takes_the_place_the_capitals_and_the_punctuation_of_its_word():
    assert vary("Buy", "synonym_replacement") == "Purchase"
    assert vary("(BUY!)", "synonym_replacement") == "(PURCHASE!)"


def test_an_inserted_word_is_a_synonym_of_a_word_that_is_there():
    for identity in range(20):
        varied = vary("buy a home", "random_insertion", identity=identity).split()
        assert sorted(set(varied) - {"purchase", "place"}) == ["a", "buy", "home"]
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


@given(
    st.lists(
        st.sampled_from([word for word in WORDS if word != "Start"]) | st.sampled_from(HELD).map(lambda held: (held,)),
        max_size=9,
    ),
    st.sampled_from(sorted(METHODS)),
    st.floats(0.05, 1),
    st.integers(0, 99),
)
def test_what_is_protected_comes_out_as_it_went_in_and_in_its_order(pieces, method, share, identity):
    text = " ".join(piece if isinstance(piece, str) else piece[0] for piece in pieces)
    varied = f" {vary(text, method, share, identity, BRANDS)} "
    at = 0
    for held in (piece[0] for piece in pieces if not isinstance(piece, str)):
        found = varied.find(f" {held} ", at)
        assert found >= 0, (text, varied, held)
        at = found + len(held) + 1


@given(TEXTS, st.sampled_from(sorted(METHODS)), st.floats(0.05, 1), st.integers(0, 99))
def test_lines_and_the_last_word_stay(text, method, share, identity):
    varied = vary(text, method, share, identity)
    assert varied.count("\n") == text.count("\n")
    assert bool(varied.strip()) == bool(text.strip())


@given(TEXTS)
def test_tokens_are_the_text(text):
    assert "".join(token.text for token in ProtectedTokens(BRANDS).tokens(text)) == text


@pytest.mark.parametrize("held", HELD)
def test_each_kind_is_protected_with_punctuation_beside_it(held):
    tokens = ProtectedTokens(BRANDS)
    assert tokens.protected(f"Buy {held}, today") == [f"{held},"]
    assert tokens.protected(f"Buy ({held}!) today") == [f"({held}!)"]


def test_a_name_is_protected_in_any_case_with_what_hangs_on_it_and_not_inside_others():
    tokens = ProtectedTokens(["Acme", "Acme Prime", "so.nice"])
    assert tokens.protected("ACME's acme prime, Acmes so nice so.nice!") == ["ACME's", "acme prime,", "so.nice!"]
    with pytest.raises(DatasetError, match="protected, item 2: found ' ', expected a name"):
        TextAugmenter(protected=["Acme", " "])


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


def test_texts_are_translated_at_once_each_by_itself_where_that_is_drawn():
    asked = []

    def backwards(texts):
        asked.append(list(texts))
        return [text[::-1] for text in texts]

    texts = [f"start shop and home word{'s' * n}" for n in range(200)]
    augmenter = TextAugmenter(["word_swap", "back_translation"], back_translation=backwards)
    varied = augmenter.vary(texts, np.arange(200))
    reversed_texts = [text for text, new in zip(texts, varied, strict=True) if new == text[::-1]]
    assert asked == [reversed_texts]
    assert 70 < len(reversed_texts) < 130
    assert augmenter.vary(texts[7:9], np.arange(7, 9)) == varied[7:9]
    unchanged = TextAugmenter(["back_translation", "word_swap"], back_translation=list).vary(texts, np.arange(200))
    assert all(new != text for new, text in zip(unchanged, texts, strict=True))


def test_copies_and_seeds_differ():
    texts, ids = ["buy quick start and shop for a home today"], np.array([5])
    augmenter = TextAugmenter()
    assert len({augmenter.vary(texts, ids, copy)[0] for copy in range(1, 20)}) > 8
    assert len({TextAugmenter(seed=seed).vary(texts, ids)[0] for seed in range(20)}) > 8


def test_unknown_methods_are_named_and_no_methods_change_nothing():
    with pytest.raises(DatasetError, match=r"'rhyme', expected one of synonym_replacement"):
        TextAugmenter(["rhyme"])
    with pytest.raises(DatasetError, match=r"'back_translation', expected a translator for it. Name a translator"):
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
    with pytest.raises(DatasetError, match=r"row 0: found 5"):
        TextAugmenter().vary([5], np.array([1]))
