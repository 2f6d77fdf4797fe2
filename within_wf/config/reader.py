"""The one reader of YAML: version 1.2, strict, and it remembers where everything stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from within_wf.errors import ConfigError, Problem

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """Where something stands.

    Attributes:
        source: The file, or what else was read.
        line: Counted from 1.
        column: Counted from 1.
    """

    source: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}"


@dataclass
class Document:
    """What a file says.

    Attributes:
        value: Plain dicts, lists, strings, numbers, booleans and None.
        places: Where the value at a path stands; the key of a mapping, the item of a list.
        source: The file as it is named in messages.
    """

    value: Any
    source: str
    places: dict[Key, Place] = field(default_factory=dict)

    def place(self, path: Key) -> Place:
        """Where the value at ``path`` stands, or else the nearest thing that holds it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.source, 1, 1))


def read_yaml(path: Path, name: str | None = None) -> Document:
    """Read a file that holds a mapping.

    Args:
        path: The file.
        name: What to call it in messages; its path by default.

    Raises:
        ConfigError: It is missing, is no UTF-8, is no YAML, or holds no mapping.
    """
    name = name or str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        problem = Problem(name, "no file", "a configuration file", f"In its folder: {_beside(path)}.")
        raise ConfigError("a configuration file is missing", [problem]) from error
    except UnicodeDecodeError as error:
        problem = Problem(name, f"byte {error.object[error.start]:#04x} at offset {error.start}", "UTF-8 text")
        raise ConfigError("a configuration file cannot be read", [problem]) from error
    except OSError as error:
        problem = Problem(name, error.strerror or str(error), "a readable file")
        raise ConfigError("a configuration file cannot be read", [problem]) from error
    document = parse_yaml(text, name)
    if document.value is None:
        document.value = {}
    if not isinstance(document.value, dict):
        problem = Problem(f"{name}:1:1", f"a {type(document.value).__name__}", "a mapping: `key: value` lines")
        raise ConfigError("a configuration file holds no mapping", [problem])
    return document


def parse_yaml(text: str, source: str) -> Document:
    """Parse YAML 1.2.

    Raises:
        ConfigError: The text is no YAML, a key stands twice, or a key is no string.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    yaml = YAML(typ="rt", pure=True)
    try:
        raw = yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = str(Place(source, mark.line + 1, mark.column + 1)) if mark else source
        found = (error.problem or "something else").split("\n")[0]
        cure = "Remove one of the two." if "duplicate key" in found else "Look at indentation, quotes and brackets there."
        raise ConfigError("a configuration cannot be parsed", [Problem(where, found, "YAML 1.2", cure)]) from error
    except YAMLError as error:
        raise ConfigError("a configuration cannot be parsed", [Problem(source, str(error), "YAML 1.2")]) from error
    document = Document(None, source)
    problems: list[Problem] = []
    document.value = _plain(raw, (), document, problems)
    if problems:
        raise ConfigError("a configuration cannot be used", problems)
    return document


def _plain(raw: Any, path: Key, document: Document, problems: list[Problem]) -> Any:
    """``raw`` without ruamel's types; its places are noted in ``document``."""
    if isinstance(raw, Mapping):
        result = {}
        for key, value in raw.items():
            line, column = raw.lc.key(key)  # type: ignore[attr-defined]
            place = Place(document.source, line + 1, column + 1)
            if not isinstance(key, str):
                problems.append(Problem(str(place), f"the key {key!r}", "a word", "Put it in quotes."))
                continue
            inner = (*path, str(key))
            document.places[inner] = place
            result[str(key)] = _plain(value, inner, document, problems)
        return result
    if isinstance(raw, list):
        for index in range(len(raw)):
            line, column = raw.lc.item(index)  # type: ignore[attr-defined]
            document.places[(*path, index)] = Place(document.source, line + 1, column + 1)
        return [_plain(value, (*path, index), document, problems) for index, value in enumerate(raw)]
    if raw is None or isinstance(raw, bool):
        return raw
    for kind in (int, float, str):
        if isinstance(raw, kind):
            return kind(raw)
    if type(raw).__name__ == "ScalarBoolean":
        return bool(raw)
    problems.append(
        Problem(
            str(document.place(path)),
            f"a {type(raw).__name__}",
            "text, a number, yes or no as true or false",
            "Put it in quotes.",
        )
    )
    return None


def _beside(path: Path) -> str:
    names = sorted(entry.name for entry in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
    return ", ".join(names) or "nothing"
