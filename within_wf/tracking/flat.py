"""Nested configuration as the flat, bounded texts that MLflow keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

LONGEST_NAME = 250
LONGEST_VALUE = 6000
_FORBIDDEN = re.compile(r"[^\w\-. /:]")


def flatten(values: Mapping[str, object]) -> dict[str, str]:
    """Dotted path to text: texts as they are, everything else as JSON; too long a value ends in ``…``."""
    return dict(_walk(values, ""))


def name_of(text: str) -> str:
    """``text`` as a name that MLflow takes."""
    return _FORBIDDEN.sub("_", text)[:LONGEST_NAME]


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of ``size``: MLflow takes 100 parameters and 1000 metrics at once."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def _walk(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _walk(inner, f"{path}.{key}" if path else str(key))
        return
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    yield name_of(path), text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
