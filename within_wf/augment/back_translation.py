"""Texts translated into another language and back (Sennrich, Haddow and Birch, ACL 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from within_wf.augment.apertium import SCHEME, ApertiumTranslator
from within_wf.augment.protected import ProtectedTokens
from within_wf.config.reproducibility import Arithmetic
from within_wf.errors import DatasetError, Problem

_EDGE = "\"'“”‘’.,!?;:()…"


class Translator(Protocol):
    """Translates texts in one direction."""

    def translate(self, texts: Sequence[str]) -> list[str]:
        """Each text in the other language, as if it were alone."""


class BackTranslator:
    """Translates texts there and back.

    What is protected goes as a word that no language has. A text from which one of these does not come back, or whose lines
    are other in number, stays as it was; so does one that comes back empty.

    Args:
        there: Into the other language.
        back: From it.
        protected: Names that are never touched, beside numbers, links and placeholders.
    """

    def __init__(self, there: Translator, back: Translator, protected: Sequence[str] = ()) -> None:
        self._there, self._back = there, back
        self._protected = ProtectedTokens(protected)
        self._known: dict[str, str] = {}

    def __call__(self, texts: Sequence[str]) -> list[str]:
        """Each text, translated; equal texts are translated once, whenever they come."""
        new = set(texts) - self._known.keys()
        different = sorted(text for text in new if any(token.word for token in self._protected.tokens(text)))
        masked = [self._masked(text) for text in different]
        returned = self._back.translate(self._there.translate([mask for mask, _ in masked]))
        self._known.update(
            (text, _unmasked(translated, held, text))
            for text, (_, held), translated in zip(different, masked, returned, strict=True)
        )
        return [self._known.get(text, text) for text in texts]

    def _masked(self, text: str) -> tuple[str, dict[str, str]]:
        letter = next((letter for letter in "qxzkvjw" if f"Z{letter}" not in text), "")
        parts: list[str] = []
        held: dict[str, str] = {}
        for token in self._protected.tokens(text):
            core = token.text.strip(_EDGE) if token.text.strip() and not token.word else ""
            if any(character.isalnum() for character in core):
                mask = f"Z{letter}{len(held)}z"
                held[mask] = core
                parts.append(token.text.replace(core, mask, 1))
            else:
                parts.append(token.text)
        return "".join(parts), held


def load_translator(name: str, arithmetic: Arithmetic = "exact", threads: int = 1) -> Translator:
    """The translator that a configuration names.

    Args:
        name: ``apertium:`` and a direction, as in ``apertium:eng-spa``, or the folder of a Marian model.
        arithmetic: What a model computes in.
        threads: Texts that a program translates at the same time.

    Raises:
        DatasetError: There is no such program or folder, or it is not whole.
    """
    if name.startswith(SCHEME):
        return ApertiumTranslator(name.removeprefix(SCHEME), threads)
    if not Path(name).is_dir():
        cure = "Give the folder of a Marian model, or apertium: and a direction as in apertium:eng-spa."
        raise DatasetError(
            "texts cannot be translated", [Problem("data.augmentation.text.back_translation", repr(name), "a translator", cure)]
        )
    from within_wf.augment.marian import MarianTranslator

    return MarianTranslator(Path(name), arithmetic)


def _unmasked(translated: str, held: dict[str, str], text: str) -> str:
    lines = [" ".join(line.split()) for line in translated.strip().splitlines()]
    at, whole = 0, "\n".join(lines)
    for mask in held:
        at = whole.find(mask, at)
        if at < 0 or whole.count(mask) != 1:
            return text
    if not whole or whole.count("\n") != text.count("\n"):
        return text
    for mask, core in held.items():
        whole = whole.replace(mask, core, 1)
    return whole
