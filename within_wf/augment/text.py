"""Texts of training rows, varied word by word.

The first four methods are those of "easy data augmentation" (Wei and Zou, EMNLP 2019). Only plain words are touched: what
:class:`within_wf.augment.protected.ProtectedTokens` finds stays what and where it is, and so do punctuation and line breaks.
The fifth gives texts translated there and back (Sennrich, Haddow and Birch, ACL 2016).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from within_wf.augment.protected import ProtectedTokens, Token
from within_wf.augment.synonyms import synonyms_at
from within_wf.errors import DatasetError, Problem
from within_wf.runtime.streams import Stream, ids_of

I64 = npt.NDArray[np.int64]
BACK_TRANSLATION = "back_translation"
Draws = Iterator[float]
Tokens = list[Token]
BackTranslation = Callable[[Sequence[str]], list[str]]


class TextAugmenter:
    """Varies texts.

    A text's draws depend on the seed, its id and the copy alone, so that neither order nor company changes what comes out.

    Args:
        augmentation_methods: Any of ``synonym_replacement``, ``random_insertion``, ``random_deletion``, ``word_swap`` (these by
            default) and ``back_translation``; one is drawn for each text, another takes its place where it finds nothing to
            do (``back_translation`` takes nobody's).
        augmentation_prob: The chance that :meth:`augment` varies a text.
        word_share: Share of a text's words that is touched, at least one.
        seed: Seed of the draws.
        protected: Names that are never touched: brands, products.
        back_translation: Translates texts there and back, each as if it were alone:
            :class:`within_wf.augment.back_translation.BackTranslator`; for that method.

    Raises:
        DatasetError: There is no such method, a share is none, a name is empty, or nothing translates.
    """

    def __init__(
        self,
        augmentation_methods: Sequence[str] | None = None,
        augmentation_prob: float = 0.3,
        *,
        word_share: float = 0.15,
        seed: int = 42,
        protected: Sequence[str] = (),
        back_translation: BackTranslation | None = None,
    ) -> None:
        self.methods = tuple(augmentation_methods if augmentation_methods is not None else METHODS)
        known = f"one of {', '.join((*METHODS, BACK_TRANSLATION))}"
        names = (*METHODS, BACK_TRANSLATION)
        problems = [Problem("augmentation_methods", repr(name), known) for name in self.methods if name not in names]
        if isinstance(augmentation_methods, str):
            problems = [Problem("augmentation_methods", repr(augmentation_methods), "a list of names")]
        for name, share in (("augmentation_prob", augmentation_prob), ("word_share", word_share)):
            if not isinstance(share, int | float) or not 0 <= share <= 1:
                problems.append(Problem(name, repr(share), "a share, 0 to 1"))
        if BACK_TRANSLATION in self.methods and back_translation is None:
            cure = "Name a translator: data.augmentation.text.back_translation, or the argument back_translation."
            problems.append(Problem("augmentation_methods", repr(BACK_TRANSLATION), "a translator for it", cure))
        if problems:
            raise DatasetError("texts cannot be varied so", problems)
        self.augmentation_prob = augmentation_prob
        self.word_share = word_share
        self.seed = seed
        self._protected = ProtectedTokens(protected)
        self._translate = back_translation

    def augment(self, texts: Sequence[str], ids: I64 | None = None) -> list[str]:
        """Vary each text with the chance ``augmentation_prob``.

        Args:
            texts: The texts.
            ids: What names each, shape [n]; by default the text itself does.
        """
        _check_texts(texts, ids)
        ids = ids_of(texts) if ids is None else ids
        is_varied = Stream(self.seed, "whether a text is varied").uniform(ids)[:, 0] < self.augmentation_prob
        rows = np.flatnonzero(is_varied).tolist()
        result = list(texts)
        for row, varied in zip(rows, self.vary([texts[row] for row in rows], ids[rows]), strict=True):
            result[row] = varied
        return result

    def vary(self, texts: Sequence[str], ids: I64, copy: int = 1) -> list[str]:
        """Vary every text that has words to vary.

        Args:
            texts: The texts.
            ids: What names each, shape [n].
            copy: Which copy of each this is, from 1.

        Raises:
            DatasetError: One is no text, or ids are missing.
        """
        _check_texts(texts, ids)
        if not self.methods:
            return list(texts)
        first = self._first_methods(ids, copy)
        translated = [row for row, name in enumerate(first) if name == BACK_TRANSLATION]
        known = dict(zip(translated, self._translated([texts[row] for row in translated]), strict=True))
        return [self._vary(text, ids[row : row + 1], copy, first[row], known.get(row, text)) for row, text in enumerate(texts)]

    def to_translate(self, texts: Sequence[str], ids: I64, copy: int = 1) -> list[str]:
        """The texts that :meth:`vary` would have translated: those for which that method is drawn."""
        return [text for text, name in zip(texts, self._first_methods(ids, copy), strict=True) if name == BACK_TRANSLATION]

    def _first_methods(self, ids: I64, copy: int) -> list[str]:
        draws = Stream(self.seed, "how a text is varied", copy).uniform(ids)[:, 0]
        return [self.methods[int(draw * len(self.methods))] for draw in draws.tolist()] if self.methods else []

    def _translated(self, texts: Sequence[str]) -> list[str]:
        return self._translate(texts) if texts and self._translate is not None else list(texts)

    def _vary(self, text: str, identity: I64, copy: int, first: str, translated: str) -> str:
        if translated != text:
            return translated
        tokens = self._protected.tokens(text)
        if not any(token.word for token in tokens):
            return text
        touched = max(1, round(self.word_share * sum(bool(token.word) for token in tokens)))
        count = 1 + len(self.methods) * (3 * touched + 1)
        draws = iter(Stream(self.seed, "how a text is varied", copy).uniform(identity, count)[0, 1:].tolist())
        place = self.methods.index(first)
        for name in (*self.methods[place:], *self.methods[:place]):
            if name in METHODS:
                varied = "".join(token.text for token in METHODS[name](list(tokens), touched, draws))
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


def _places(tokens: Tokens) -> list[int]:
    return [place for place, token in enumerate(tokens) if token.word]


def _take(places: list[int], count: int, draws: Draws) -> list[int]:
    """Some places, each once."""
    left = list(places)
    return [left.pop(int(next(draws) * len(left))) for _ in range(min(count, len(left)))]


def _synonyms(tokens: Tokens, count: int, draws: Draws) -> list[tuple[int, str]]:
    """Places of some words that have synonyms, and a synonym of each, before any of them is touched."""
    choices = {place: found for place in _places(tokens) if (found := synonyms_at(tokens, place))}
    places = _take(list(choices), count, draws)
    return [(place, choices[place][int(next(draws) * len(choices[place]))]) for place in places]


def _replace_synonyms(tokens: Tokens, count: int, draws: Draws) -> Tokens:
    for place, word in _synonyms(tokens, count, draws):
        tokens[place] = tokens[place].with_word(_in_the_manner_of(tokens[place].word, word))
    return tokens


def _insert(tokens: Tokens, count: int, draws: Draws) -> Tokens:
    for _, word in _synonyms(tokens, count, draws):
        places = _places(tokens)
        before = places[int(next(draws) * len(places))]
        tokens[before:before] = [Token(word, word), Token(" ")]
    return tokens


def _delete(tokens: Tokens, count: int, draws: Draws) -> Tokens:
    places = _places(tokens)
    for place in _take(places, min(count, len(places) - 1), draws):
        tokens[place] = Token(tokens[place].text.replace(tokens[place].word, "", 1))
        gap = place - 1 if place else place + 1
        if not tokens[place].text and "\n" not in tokens[gap].text:
            tokens[gap] = Token("")
    return tokens


def _swap(tokens: Tokens, count: int, draws: Draws) -> Tokens:
    places = _places(tokens)
    if len(places) < 2:
        return tokens
    for _ in range(count):
        one, two = _take(places, 2, draws)
        left, right = tokens[one].word, tokens[two].word
        tokens[one], tokens[two] = tokens[one].with_word(right), tokens[two].with_word(left)
    return tokens


METHODS: Mapping[str, Callable[[Tokens, int, Draws], Tokens]] = {
    "synonym_replacement": _replace_synonyms,
    "random_insertion": _insert,
    "random_deletion": _delete,
    "word_swap": _swap,
}


def _in_the_manner_of(old: str, word: str) -> str:
    """``word`` with the capitals of ``old``."""
    if old.isupper() and len(old) > 1:
        return word.upper()
    return word.capitalize() if old[0].isupper() else word
