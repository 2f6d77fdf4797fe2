"""Texts of training rows, varied word by word.

The four methods are those of "easy data augmentation" (Wei and Zou, 2019). Only plain words are touched: numbers, prices,
placeholders, links and punctuation stay what and where they are, and so do line breaks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from within_wf.errors import DatasetError, Problem
from within_wf.runtime.streams import Stream, ids_of

I64 = npt.NDArray[np.int64]
_SYNONYMS = Path(__file__).with_name("synonyms.tsv")
_WORD = re.compile(r"(\W*)([A-Za-z]+(?:['’][A-Za-z]+)?)(\W*)")
_HELD = re.compile(r"[{}<>$€£%@#/\\_\d]")
Draws = Iterator[float]
Words = list[str]


class TextAugmenter:
    """Varies texts.

    A text's draws depend on the seed, its id and the copy alone, so that neither order nor company changes what comes out.

    Args:
        augmentation_methods: Any of ``synonym_replacement``, ``random_insertion``, ``random_deletion`` and ``word_swap``, all
            by default; one is drawn for each text, another takes its place where it finds nothing to do.
        augmentation_prob: The chance that :meth:`augment` varies a text.
        word_share: Share of a text's words that is touched, at least one.
        seed: Seed of the draws.

    Raises:
        DatasetError: There is no such method, or a share is none.
    """

    def __init__(
        self,
        augmentation_methods: Sequence[str] | None = None,
        augmentation_prob: float = 0.3,
        *,
        word_share: float = 0.15,
        seed: int = 42,
    ) -> None:
        self.methods = tuple(augmentation_methods if augmentation_methods is not None else METHODS)
        known = f"one of {', '.join(METHODS)}"
        problems = [Problem("augmentation_methods", repr(name), known) for name in self.methods if name not in METHODS]
        if isinstance(augmentation_methods, str):
            problems = [Problem("augmentation_methods", repr(augmentation_methods), "a list of names")]
        for name, share in (("augmentation_prob", augmentation_prob), ("word_share", word_share)):
            if not isinstance(share, int | float) or not 0 <= share <= 1:
                problems.append(Problem(name, repr(share), "a share, 0 to 1"))
        if problems:
            raise DatasetError("texts cannot be varied so", problems)
        self.augmentation_prob = augmentation_prob
        self.word_share = word_share
        self.seed = seed

    def augment(self, texts: Sequence[str], ids: I64 | None = None) -> list[str]:
        """Vary each text with the chance ``augmentation_prob``.

        Args:
            texts: The texts.
            ids: What names each, shape [n]; by default the text itself does.
        """
        _check_texts(texts, ids)
        ids = ids_of(texts) if ids is None else ids
        is_varied = Stream(self.seed, "whether a text is varied").uniform(ids)[:, 0] < self.augmentation_prob
        varied = self.vary(texts, ids)
        return [new if is_new else old for old, new, is_new in zip(texts, varied, is_varied, strict=True)]

    def vary(self, texts: Sequence[str], ids: I64, copy: int = 1) -> list[str]:
        """Vary every text that has words to vary.

        Args:
            texts: The texts.
            ids: What names each, shape [n].
            copy: Which copy of each this is, from 1.
        """
        if not self.methods:
            return list(texts)
        stream = Stream(self.seed, "how a text is varied", copy)
        return [self._vary(text, stream, ids[row : row + 1]) for row, text in enumerate(texts)]

    def _vary(self, text: str, stream: Stream, identity: I64) -> str:
        words = re.split(r"(\s+)", text)
        count = sum(is_word(word) for word in words)
        touched = max(1, round(self.word_share * count))
        draws = iter(stream.uniform(identity, 1 + len(self.methods) * (3 * touched + 1))[0].tolist())
        first = int(next(draws) * len(self.methods))
        for name in (*self.methods[first:], *self.methods[:first]):
            varied = "".join(METHODS[name](list(words), touched, draws))
            if varied != text:
                return varied
        return text


def _check_texts(texts: Sequence[str], ids: I64 | None) -> None:
    problems = [
        Problem(f"texts, row {row}", repr(text), "a text; an empty one where there is none")
        for row, text in enumerate(texts)
        if not isinstance(text, str)
    ]
    if ids is not None and len(ids) != len(texts):
        problems.append(Problem("ids", f"{len(ids)} ids", f"one a text, {len(texts)}"))
    if problems:
        raise DatasetError("texts cannot be varied", problems)


def is_word(token: str) -> bool:
    """Whether a token is a word that may be touched, punctuation around it allowed."""
    return _WORD.fullmatch(token) is not None and _HELD.search(token) is None


def _places(words: Words) -> list[int]:
    return [place for place, token in enumerate(words) if is_word(token)]


def _take(places: list[int], count: int, draws: Draws) -> list[int]:
    """Some places, each once."""
    left = list(places)
    return [left.pop(int(next(draws) * len(left))) for _ in range(min(count, len(left)))]


def _replace_synonyms(words: Words, count: int, draws: Draws) -> Words:
    for place in _take([place for place in _places(words) if synonyms_of(words[place])], count, draws):
        choices = synonyms_of(words[place])
        words[place] = _in_the_manner_of(words[place], choices[int(next(draws) * len(choices))])
    return words


def _insert(words: Words, count: int, draws: Draws) -> Words:
    sources = _take([place for place in _places(words) if synonyms_of(words[place])], count, draws)
    new = []
    for place in sources:
        choices = synonyms_of(words[place])
        new.append(choices[int(next(draws) * len(choices))])
    for word in new:
        places = _places(words)
        before = places[int(next(draws) * len(places))]
        words[before:before] = [word, " "]
    return words


def _delete(words: Words, count: int, draws: Draws) -> Words:
    places = _places(words)
    for place in _take(places, min(count, len(places) - 1), draws):
        core = _WORD.fullmatch(words[place]).group(2)  # type: ignore[union-attr]
        words[place] = words[place].replace(core, "", 1)
        gap = place - 1 if place else place + 1
        if not words[place] and "\n" not in words[gap]:
            words[gap] = ""
    return words


def _swap(words: Words, count: int, draws: Draws) -> Words:
    places = _places(words)
    if len(places) < 2:
        return words
    for _ in range(count):
        one, two = _take(places, 2, draws)
        left, right = (_WORD.fullmatch(words[place]).group(2) for place in (one, two))  # type: ignore[union-attr]
        words[one], words[two] = words[one].replace(left, right, 1), words[two].replace(right, left, 1)
    return words


METHODS: Mapping[str, Callable[[Words, int, Draws], Words]] = {
    "synonym_replacement": _replace_synonyms,
    "random_insertion": _insert,
    "random_deletion": _delete,
    "word_swap": _swap,
}


def synonyms_of(token: str) -> tuple[str, ...]:
    """The synonyms of a word with punctuation around it."""
    found = _WORD.fullmatch(token)
    return _table().get(found.group(2).lower(), ()) if found else ()


@cache
def _table() -> dict[str, tuple[str, ...]]:
    lines = _SYNONYMS.read_text(encoding="ascii").splitlines()
    return {word: tuple(synonyms.split()) for word, _, synonyms in (line.partition("\t") for line in lines)}


def _in_the_manner_of(token: str, word: str) -> str:
    """``word`` with the capitals and the punctuation of ``token``."""
    before, core, after = _WORD.fullmatch(token).groups()  # type: ignore[union-attr]
    if core.isupper() and len(core) > 1:
        word = word.upper()
    elif core[0].isupper():
        word = word.capitalize()
    return f"{before}{word}{after}"
