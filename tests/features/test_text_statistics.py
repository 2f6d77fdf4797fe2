"""Counts of texts beside plain loops over characters."""

import re
import unicodedata

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from within_wf.features.text_statistics import text_statistics

EVERY = [
    "characters",
    "words",
    "word_length",
    "capitals",
    "punctuation",
    "digits",
    "emoji",
    "questions",
    "exclamations",
    "readability",
]


def of(text):
    return {name: values[0] for name, values in text_statistics(pl.Series([text], dtype=pl.String), EVERY).items()}


def test_a_headline_counted_by_hand():
    found = of("SAVE 50% on Anna's shoes today! Why wait? 🔥🔥")
    assert found["characters"] == 44
    assert found["words"] == 8  # SAVE 50 on Anna's shoes today Why wait
    assert found["word_length"] == (4 + 2 + 2 + 6 + 5 + 5 + 3 + 4) / 8
    assert found["capitals"] == 6 / 28
    assert found["punctuation"] == 4 / 44  # % ' ! ?
    assert (found["digits"], found["emoji"], found["questions"], found["exclamations"]) == (2, 2, 1, 1)


def test_reading_ease_is_that_of_flesch():
    # 12 words, 2 sentences, 14 syllables: hap-py and ap-ple have two
    found = of("The cat sat on the mat. It was a happy big apple.")
    assert found["readability"] == pytest.approx(206.835 - 1.015 * 12 / 2 - 84.6 * 14 / 12)


@pytest.mark.parametrize(
    ("word", "syllables"),
    [("time", 1), ("sale", 1), ("table", 2), ("be", 1), ("happy", 2), ("banana", 3), ("free", 1), ("strengths", 1), ("50", 1)],
)
def test_syllables_are_groups_of_vowels_without_a_silent_e(word, syllables):
    assert of(word)["readability"] == pytest.approx(206.835 - 1.015 - 84.6 * syllables)


@pytest.mark.parametrize(
    ("text", "emoji"),
    [("❤️", 1), ("👨‍👩‍👧", 1), ("🇩🇪🇫🇷", 2), ("👍🏽 👍", 2), ("Acme™ © 2024 #1", 0), ("❤", 0), ("🏳️‍🌈!", 1), ("👩‍❤️‍👩🔥", 2)],
)
def test_emoji_are_counted_as_they_are_seen(text, emoji):
    assert of(text)["emoji"] == emoji


def test_nothing_to_divide_by_is_missing():
    for text in (None, "", "   ", "🔥"):
        found = of(text)
        assert np.isnan([found["word_length"], found["capitals"], found["readability"]]).all()
    assert np.isnan(of(None)["punctuation"])
    assert of(None)["characters"] == 0


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cn"]), max_size=12), min_size=1, max_size=4))
def test_counts_are_those_of_a_loop_and_a_row_alone_is_counted_alike(texts):
    texts = [text for text in texts if (text.isascii()) or text.isprintable()]
    found = text_statistics(pl.Series(texts, dtype=pl.String), EVERY)
    for row, text in enumerate(texts):
        kinds = [unicodedata.category(character) for character in text]
        assert found["characters"][row] == len(text)
        assert found["digits"][row] == kinds.count("Nd")
        assert found["questions"][row] == sum(character in "?¿？" for character in text)
        assert found["exclamations"][row] == sum(character in "!¡！" for character in text)
        marks = sum(kind.startswith("P") for kind in kinds)
        np.testing.assert_equal(found["punctuation"][row], marks / len(text) if text else np.nan)
        alone = of(text)
        for name in EVERY:
            np.testing.assert_equal(alone[name], found[name][row])


@given(st.text(alphabet="abcXYZ 12.,'!-", max_size=30))
def test_words_are_runs_of_letters_and_digits(text):
    words = re.findall(r"[a-zA-Z0-9]+(?:['-][a-zA-Z0-9]+)*", text)
    found = of(text)
    assert found["words"] == len(words)
    np.testing.assert_equal(found["word_length"], np.mean([len(word) for word in words]) if words else np.nan)
    letters = [character for character in text if character.isalpha()]
    share = sum(letter.isupper() for letter in letters) / len(letters) if letters else np.nan
    np.testing.assert_equal(found["capitals"], share)
