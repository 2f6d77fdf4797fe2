"""How a room of the package exports its public names without importing what holds them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazy_exports(room: str, names: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a room.

    Args:
        room: The room's ``__name__``.
        names: Public name to the module of the room that defines it.

    Returns:
        A pair to be bound as ``__getattr__, __dir__``.
    """

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {room!r} has no attribute {name!r}; it exports {', '.join(sorted(names))}")
        return getattr(importlib.import_module(f"{room}.{names[name]}"), name)

    return get, lambda: sorted(names)
