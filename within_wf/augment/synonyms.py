"""Synonyms of a word where it stands: of the same part of speech, number and tense.

The table comes from WordNet by ``envs/derive_synonyms.py``: forms of words, the readings each has as tags of the Penn
Treebank (NN a noun, NNS its plural, VB a verb, VBZ, VBD, VBG its other forms, JJ an adjective, RB an adverb), and the
synonyms of each. A form with one reading has that one. Of several, the words beside it leave one or the word is left alone:
after an article nobody means a verb, before one nobody means a noun.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from within_wf.augment.protected import Token

_SYNONYMS = Path(__file__).with_name("synonyms.tsv")
_VERBS = frozenset({"VB", "VBZ", "VBD", "VBG"})
_ARTICLES = frozenset({"a", "an", "the", "my", "your", "our", "their", "his", "its", "every", "each", "these", "those"})
_PREPOSITIONS = frozenset({"of", "with", "for", "from", "by", "at"})
_MODALS = frozenset(
    {
        "can",
        "could",
        "should",
        "would",
        "will",
        "shall",
        "must",
        "may",
        "might",
        "don't",
        "please",
        "let's",
        "can't",
        "won't",
        "cannot",
    }
)
_PLURAL_SUBJECTS = frozenset({"i", "we", "you", "they"})
_SINGULAR_SUBJECTS = frozenset({"he", "she", "it"})
_OBJECTS = frozenset({"me", "us", "it", "them", "him"})
Readings = dict[str, tuple[str, ...]]


def synonyms_at(tokens: Sequence[Token], place: int) -> tuple[str, ...]:
    """The synonyms of the word at a place, in small letters; none where its reading is in doubt.

    After ``a`` and ``an`` they begin as the word does, with a vowel or without.

    Args:
        tokens: As :meth:`within_wf.augment.protected.ProtectedTokens.tokens` gives them.
        place: The place of a word.
    """
    readings = readings_of(tokens[place].word)
    if not readings:
        return ()
    before, after = _beside(tokens, place, -1), _beside(tokens, place, 1)
    left = set(readings) if len(readings) == 1 else _possible(set(readings), before, after)
    if len(left) != 1:
        return ()
    found = readings[left.pop()]
    if before in ("a", "an"):
        starts_open = tokens[place].word[0].lower() in "aeiou"
        return tuple(word for word in found if (word[0] in "aeiou") == starts_open)
    return found


def readings_of(word: str) -> Readings:
    """The tags a word can have, with the synonyms of each; nothing for a word without synonyms."""
    return _table().get(word.lower(), {})


def _possible(tags: set[str], before: str, after: str) -> set[str]:
    if before in _ARTICLES or before in _PREPOSITIONS:
        tags = tags - {"VB", "VBZ", "RB"} - ({"VBD"} if "JJ" in tags else set())
    elif before in _MODALS:
        tags = tags & {"VB"}
    elif before in _PLURAL_SUBJECTS:
        tags = tags & {"VB", "VBD"}
    elif before in _SINGULAR_SUBJECTS:
        tags = tags & {"VBZ", "VBD"}
    if after in _ARTICLES or after in _OBJECTS:
        tags = tags & _VERBS
    return tags


def _beside(tokens: Sequence[Token], place: int, step: int) -> str:
    """The next word in one direction, in small letters; none across punctuation, lines and what is protected."""
    other, gap = place + 2 * step, place + step
    if not 0 <= other < len(tokens) or "\n" in tokens[gap].text:
        return ""
    first, second = sorted((place, other))
    is_apart = not tokens[first].text.endswith(tokens[first].word) or not tokens[second].text.startswith(tokens[second].word)
    return "" if is_apart else tokens[other].word.lower().replace("’", "'")


@cache
def _table() -> dict[str, Readings]:
    table = {}
    for line in _SYNONYMS.read_text(encoding="ascii").splitlines():
        form, *readings = line.split("\t")
        pairs = (reading.partition(":") for reading in readings)
        table[form] = {tag: tuple(words.split()) for tag, _, words in pairs}
    return table
