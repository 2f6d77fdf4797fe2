"""Synonyms fit where they stand."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.place import ROOT
from within_wf.augment.protected import ProtectedTokens
from within_wf.augment.synonyms import _SYNONYMS, readings_of, synonyms_at

WORDNET = Path("/usr/share/wordnet")
TAGS = {"NN", "NNS", "VB", "VBZ", "VBD", "VBG", "JJ", "RB"}


def of(text, word):
    """The synonyms of a word of a text."""
    tokens = ProtectedTokens().tokens(text)
    return synonyms_at(tokens, next(place for place, token in enumerate(tokens) if token.word == word))


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("Buy", "Buy", ("purchase",)),
        ("they bought two", "bought", ("purchased",)),
        ("our hospitals", "hospitals", ("infirmaries",)),
        ("our hospital", "hospital", ("infirmary",)),
        ("the", "the", ()),
        ("your shop", "shop", ("store",)),
        ("we shop here", "shop", ()),
        ("shop", "shop", ()),
        ("it comments", "comments", ("remarks",)),
        ("every comment", "comment", ("input", "remark")),
        ("save", "save", ()),  # money: the sense that is meant most often is another
        ("we state it", "state", ("say", "tell")),
        ("state, it", "state", ()),
        ("a {x} state", "state", ()),
        ("the quick fox", "quick", ("speedy",)),
        ("gauges it", "gauges", ("approximates", "estimates")),
    ],
)
def test_part_of_speech_number_and_tense_are_kept(text, word, expected):
    assert of(text, word) == expected


def test_an_article_goes_with_what_follows():
    assert of("the agency", "agency") == ("bureau", "office")
    assert of("an agency", "agency") == ("office",)
    assert of("the comment", "comment") == ("input", "remark")
    assert of("a comment", "comment") == ("remark",)


def test_the_table_is_sorted_and_of_known_tags():
    lines = _SYNONYMS.read_text(encoding="ascii").splitlines()
    forms = [line.split("\t")[0] for line in lines]
    assert forms == sorted(set(forms))
    for form in forms:
        readings = readings_of(form)
        assert set(readings) <= TAGS
        assert any(readings.values())
        assert all(re.fullmatch("[a-z]{3,}", word) and word != form for words in readings.values() for word in words)


def test_plurals_have_plurals_and_progressives_progressives():
    for line in _SYNONYMS.read_text(encoding="ascii").splitlines():
        form, *_ = line.split("\t")
        readings = readings_of(form)
        assert all(word.endswith("ing") for word in readings.get("VBG", ()))
        assert all(word.endswith("s") for word in readings.get("VBZ", ()))
        plural = re.compile("(s|men|children|feet|teeth|geese|mice|lice|oxen|criteria)$")
        assert all(plural.search(word) for word in readings.get("NNS", ()))


@pytest.mark.skipif(not (WORDNET / "verb.exc").exists(), reason="WordNet's files (Debian's wordnet-base) are not installed")
def test_the_table_is_what_the_script_makes():
    done = subprocess.run(
        [sys.executable, ROOT / "envs/derive_synonyms.py", WORDNET], capture_output=True, text=True, check=True
    )
    assert done.stdout == _SYNONYMS.read_text(encoding="ascii")
