"""What of a text is never touched, and the words around it that may be."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from within_wf.errors import DatasetError, Problem

_WORD = re.compile(r"\W*([A-Za-z]+(?:['’][A-Za-z]+)?)\W*")
_HELD = re.compile(r"[{}\[\]<>$€£¥₹%@#/\\_\d]")
_GAP = re.compile(r"\s+")
_MONEY = r"(?:USD|EUR|GBP|JPY|CHF|CAD|AUD|INR|US\$|[$€£¥₹])"
_UNIT = r"(?:%|percent|dollars?|euros?|pounds?|cents?|k|million|billion|" + _MONEY + r")(?!\w)"
_KINDS = (
    r"(?:https?://|www\.)\S+",
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    r"(?<!\w)(?:[\w-]+\.)+[A-Za-z]{2,}(?:/\S*)?",
    r"[#@]\w+",
    r"\{\{.*?\}\}|\$?\{[^{}\n]*\}|\[\[.*?\]\]|\[[^\[\]\n]*\]|<[^<>\n]*>|%\(\w+\)[a-z]|%[a-z](?!\w)",
    rf"(?:(?<!\w){_MONEY}\s?)?\d(?:[\d.,:]*\d)?(?:\s?{_UNIT})*",
)
"""Links, addresses, hosts, hashtags and mentions, placeholders, numbers with what they count."""


@dataclass(frozen=True, slots=True)
class Token:
    """A run of characters that are no spaces, or the spaces between two.

    Attributes:
        text: All of it.
        word: The word in it, without the punctuation around; empty where nothing of it may be touched.
    """

    text: str
    word: str = ""

    def with_word(self, word: str) -> Token:
        """The token with another word inside the same punctuation."""
        return Token(self.text.replace(self.word, word, 1), word)


class ProtectedTokens:
    """Finds what is never touched: links, addresses, hashtags, mentions, placeholders, numbers, prices, and given names.

    A token that touches one of these is protected whole: ``20-piece`` as well as ``Acme's``.

    Args:
        names: Names that are protected in any case of letters, of one word or several: brands, products.

    Raises:
        DatasetError: A name is empty.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        problems = [
            Problem(f"protected, item {number}", repr(name), "a name")
            for number, name in enumerate(names, 1)
            if not name.strip()
        ]
        if problems:
            raise DatasetError("names cannot be protected so", problems)
        longest_first = sorted(set(names), key=lambda name: (-len(name), name))
        brands = [r"\s+".join(map(re.escape, name.split())) for name in longest_first]
        kinds = [rf"(?<!\w)(?i:{'|'.join(brands)})(?!\w)"] if brands else []
        self._pattern = re.compile("|".join(f"(?:{kind})" for kind in (*kinds, *_KINDS)))

    def tokens(self, text: str) -> list[Token]:
        """The tokens and the spaces between them, in turn; their texts together are ``text``."""
        spans = [found.span() for found in self._pattern.finditer(text)]
        found, start = [], 0
        for gap in _GAP.finditer(text):
            if not _touches(spans, *gap.span()):
                found += [self._token(text, spans, start, gap.start()), Token(gap.group())]
                start = gap.end()
        return [*found, self._token(text, spans, start, len(text))]

    def protected(self, text: str) -> list[str]:
        """The tokens that are protected, in their order; those of punctuation alone are left out."""
        return [token.text for token in self.tokens(text) if not token.word and re.search(r"\w", token.text)]

    def _token(self, text: str, spans: list[tuple[int, int]], start: int, stop: int) -> Token:
        piece = text[start:stop]
        word = _WORD.fullmatch(piece)
        is_held = word is None or _HELD.search(piece) is not None or _touches(spans, start, stop)
        return Token(piece, "" if is_held or word is None else word.group(1))


def _touches(spans: list[tuple[int, int]], start: int, stop: int) -> bool:
    return any(start < end and begin < stop for begin, end in spans)
