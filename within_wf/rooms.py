"""How a room of the package exports its public names without importing what holds them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any


def lazy_exports(room: str, names: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a room.

    Args:
        room: The room's ``__name__``.
        names: Public name to the module of the room that defines it.

    Returns:
        A pair to be bound as ``__getattr__, __dir__``.
    """

    @cache
    def public(name: str) -> Any:
        return getattr(importlib.import_module(f"{room}.{names[name]}"), name)

    def of_room(name: str) -> property:
        return property(lambda _: public(name), _ignore)

    # The import of a module binds it to its name in the room; where a public name is the same, the name wins.
    shadowed = {name: of_room(name) for name in names if names[name] == name}
    if shadowed:
        sys.modules[room].__class__ = type("Room", (ModuleType,), shadowed)

    def get(name: str) -> Any:
        if name not in names:
            raise AttributeError(f"module {room!r} has no attribute {name!r}; it exports {', '.join(sorted(names))}")
        found = public(name)
        vars(sys.modules[room])[name] = found  # so that it is not asked for again
        return found

    return get, lambda: sorted(names)


def _ignore(room: ModuleType, module: object) -> None:
    """What the import of the module of the same name would bind."""
