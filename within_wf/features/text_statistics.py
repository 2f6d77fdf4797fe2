"""What can be counted in a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from within_wf.config.features import TextStatistic
from within_wf.features.numeric import Floats

_WORD = r"[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]+)*"
_VOWELS = r"(?i)[aeiouy]+"
_SILENT = r"(?i)(?:[^aeiouy\W\d_l]|[aeiouy]l)e\b"
"""An e at a word's end that is not spoken, as in ``time`` and ``sale``; that of ``table`` is."""
_PICTURE = r"(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\x{FE0F})\p{Emoji_Modifier}?"
_EMOJI = rf"\p{{Regional_Indicator}}{{2}}|{_PICTURE}(?:\x{{200D}}(?:{_PICTURE}|\p{{Extended_Pictographic}}))*"
"""What is seen as one: a flag is of two characters, a family of several; a trade mark is none."""
_COUNTED = {
    "letters": r"\p{L}",
    "capitals": r"\p{Lu}",
    "punctuation": r"\p{P}",
    "digits": r"\p{Nd}",
    "emoji": _EMOJI,
    "questions": r"[?¿？]",
    "exclamations": r"[!¡！]",
    "words": _WORD,
    "sentences": r"[.!?…。！？]+(?:\s|$)",
}


def text_statistics(texts: pl.Series, wanted: Sequence[TextStatistic]) -> dict[str, Floats]:
    """Statistics of texts by name.

    ``characters``, ``words``, ``digits``, ``emoji``, ``questions`` and ``exclamations`` are counts. ``word_length`` is the mean
    length of words, ``capitals`` the share of capital letters among letters, ``punctuation`` the share of punctuation among
    characters. ``readability`` is reading ease, 206.835 - 1.015 words a sentence - 84.6 syllables a word (Flesch, "A new
    readability yardstick", Journal of Applied Psychology 32, 1948), with groups of vowels for syllables, without a silent e, at
    least one a word: a measure of English.

    Args:
        texts: Texts; a missing one is empty.
        wanted: Which statistics.

    Returns:
        Each of shape [n], in the order of ``wanted``; shares, lengths and readability are NaN where there is none.
    """
    full = texts.cast(pl.String).fill_null("")
    counts = {name: full.str.count_matches(pattern).to_numpy().astype(np.float64) for name, pattern in _COUNTED.items()}
    counts["characters"] = full.str.len_chars().to_numpy().astype(np.float64)
    made: dict[str, Floats] = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name in wanted:
            if name == "word_length":
                inside = full.str.extract_all(_WORD).list.join("").str.len_chars().to_numpy()
                made[name] = inside / counts["words"]
            elif name == "capitals":
                made[name] = counts["capitals"] / counts["letters"]
            elif name == "punctuation":
                made[name] = counts["punctuation"] / counts["characters"]
            elif name == "readability":
                sentences = np.maximum(counts["sentences"], 1)
                ease = 206.835 - 1.015 * counts["words"] / sentences - 84.6 * _syllables(full) / counts["words"]
                made[name] = np.where(counts["words"] > 0, ease, np.nan)
            else:
                made[name] = counts[name]
    return made


def _syllables(texts: pl.Series) -> Floats:
    """Syllables of each text, by the groups of vowels of each word."""
    words = pl.DataFrame({"row": np.arange(len(texts)), "word": texts.str.extract_all(_WORD)}).explode("word").drop_nulls()
    groups = words["word"].str.count_matches(_VOWELS).cast(pl.Int64)
    silent = words["word"].str.contains(_SILENT).cast(pl.Int64)
    spoken = np.maximum((groups - silent).to_numpy(), 1)
    return np.bincount(words["row"].to_numpy(), weights=spoken, minlength=len(texts)).astype(np.float64)
