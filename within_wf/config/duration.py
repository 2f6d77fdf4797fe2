"""Lengths of time as text: ``90m``, ``12h``, ``7d``."""

from __future__ import annotations

import re

_NANOSECONDS = {"s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86_400 * 10**9, "w": 7 * 86_400 * 10**9}
EXPECTED = "a whole number of s, m, h, d or w, as in 12h or 7d"


def nanoseconds(text: str) -> int:
    """The nanoseconds of a length of time.

    Args:
        text: A whole number from 0 up and a unit: ``s``, ``m`` (minutes), ``h``, ``d`` or ``w``.

    Raises:
        ValueError: It is none.
    """
    found = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    if found is None:
        raise ValueError(f"{text!r} is no length of time: {EXPECTED}")
    return int(found[1]) * _NANOSECONDS[found[2]]
