"""One document on top of another."""

from __future__ import annotations

from typing import Any

from within_wf.config.reader import Document, Key


def merge(base: Document, top: Document, source: str | None = None) -> Document:
    """``top`` on ``base``: mappings are merged key by key; everything else, lists too, is replaced.

    What stands in the result keeps the place where it was said.

    Args:
        base: What is built on; not changed.
        top: What is said on top of it; not changed.
        source: The result's name; that of ``top`` by default.
    """
    places = dict(base.places)
    value = _merge(places, top, (), base.value, top.value)
    return Document(value, source or top.source, places, [*base.problems, *top.problems], base.broken | top.broken)


def _merge(places: dict[Key, Any], top: Document, path: Key, below: Any, above: Any) -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        merged = dict(below)
        for key, value in above.items():
            inner = (*path, key)
            merged[key] = _merge(places, top, inner, merged.get(key), value)
        if path in top.places:
            places[path] = top.places[path]
        return merged
    for known in [known for known in places if known[: len(path)] == path]:
        del places[known]
    places.update({known: place for known, place in top.places.items() if known[: len(path)] == path})
    return above
