"""Reads the files of SentencePiece (Kudo and Richardson, EMNLP 2018) that Marian models split their texts by.

A file is a protocol buffer; the three fields that matter are read here, and the splitting is that of the tokenizers library.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from within_wf.errors import DatasetError, Problem

SPACE = "▁"
_UNKNOWN_KIND = 2
_UNIGRAM = 1


@dataclass(frozen=True)
class PieceModel:
    """Pieces of words and how texts are brought to one form before they are split.

    Attributes:
        pieces: Each with the logarithm of its probability.
        unknown: The place of the piece that stands for what is not known.
        charsmap: The compiled table of characters that are written otherwise; empty for none.
    """

    pieces: list[tuple[str, float]]
    unknown: int
    charsmap: bytes

    def splitter(self) -> Any:
        """A tokenizer of the tokenizers library that splits as SentencePiece does."""
        from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

        tokenizer = Tokenizer(models.Unigram(self.pieces, self.unknown, byte_fallback=False))
        forms: list[Any] = [normalizers.Precompiled(self.charsmap)] if self.charsmap else []
        forms += [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
        tokenizer.normalizer = normalizers.Sequence(forms)
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="always")
        return tokenizer


def read_pieces(path: Path) -> PieceModel:
    """Read a ``.spm`` file.

    Raises:
        DatasetError: It is no such file, or its model is not a unigram one.
    """
    pieces: list[tuple[str, float]] = []
    unknown, charsmap, kind = 0, b"", _UNIGRAM
    try:
        for field, value in _fields(path.read_bytes()):
            if field == 1:
                piece = dict(_fields(value))
                unknown = len(pieces) if piece.get(3, 1) == _UNKNOWN_KIND else unknown
                pieces.append((piece[1].decode(), struct.unpack("<f", piece.get(2, bytes(4)))[0]))
            elif field == 2:
                kind = dict(_fields(value)).get(3, _UNIGRAM)
            elif field == 3:
                charsmap = dict(_fields(value)).get(2, b"")
    except (IndexError, KeyError, ValueError, TypeError, AttributeError, struct.error) as error:
        pieces = []
        reason = str(error) or type(error).__name__
    else:
        reason = "no pieces"
    if not pieces or kind != _UNIGRAM:
        found = f"a model of kind {kind}" if pieces else reason
        raise DatasetError(
            "the pieces of words cannot be read", [Problem(str(path), found, "a unigram model of SentencePiece")]
        )
    return PieceModel(pieces, unknown, charsmap)


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message: a number, or bytes."""
    at = 0
    while at < len(data):
        tag, at = _number(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _number(data, at)
            yield tag >> 3, value
            continue
        if wire == 2:
            size, at = _number(data, at)
        else:
            size = {1: 8, 5: 4}[wire]
        if at + size > len(data):
            raise ValueError("it ends in the middle")
        yield tag >> 3, data[at : at + size]
        at += size


def _number(data: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
