"""The one reader of YAML: version 1.2, its core schema, and it remembers where everything stands.

What YAML offers beyond mappings, lists and plain values is refused: tags, anchors and aliases, several documents in a file,
keys that are no text. A value then stands in one place, and a problem with it can name that place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from within_wf.errors import ConfigError, Problem

Key = tuple[str | int, ...]
DEEPEST = 50
"""Mappings and lists inside each other."""

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_SLIPS = {
    "\\t": "Indent with spaces.",
    "mapping values are not allowed": "A value that holds ': ' needs quotes; keys beside each other have the same indentation.",
    "could not find expected ':'": "A key is followed by a colon and a space.",
}


@dataclass(frozen=True)
class Place:
    """Where something stands.

    Attributes:
        source: The file, or what else was read.
        line: Counted from 1; 0 where there are no lines, as on the command line.
        column: Counted from 1.
    """

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass
class Document:
    """What a file says.

    Attributes:
        value: Plain dicts, lists, strings, numbers, booleans and None.
        source: The file as it is named in messages.
        places: Where the value at a path stands: the key of a mapping, the item of a list.
        problems: What is wrong with it already.
        broken: Paths below which values are missing because of these problems.
    """

    value: Any
    source: str
    places: dict[Key, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken: set[Key] = field(default_factory=set)

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
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        problem = Problem(name, "no file", "a configuration file", f"In its folder: {_beside(path)}.")
        raise ConfigError("a configuration file is missing", [problem]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        column = error.start - error.object.rfind(b"\n", 0, error.start)
        found = f"the byte {error.object[error.start]:#04x}"
        cure = "Save the file as UTF-8."
        raise ConfigError(
            "a configuration file cannot be read", [Problem(str(Place(name, line, column)), found, "UTF-8 text", cure)]
        ) from error
    except OSError as error:
        problem = Problem(name, error.strerror or str(error), "a file that can be read")
        raise ConfigError("a configuration file cannot be read", [problem]) from error
    document = parse_yaml(text, Place(name, 1, 1))
    if document.value is None:
        document.value = {}
    if not isinstance(document.value, dict):
        problem = Problem(f"{name}:1:1", _kind(document.value), "a mapping: `key: value` lines")
        raise ConfigError("a configuration file holds no mapping", [problem])
    return document


def parse_yaml(text: str, start: Place) -> Document:
    """Parse YAML 1.2.

    Args:
        text: The text.
        start: What is read, for the places; where its ``line`` is 0, all of it stands at this one place.

    Raises:
        ConfigError: The text is no YAML, says a key twice, or holds what a configuration cannot; all that is said twice or
            cannot be held is named.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    builder = _Builder(start, iter(YAML(typ="safe", pure=True).parse(text)))
    try:
        value = builder.document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        found = (error.problem or "something else").split("\n")[0]
        cure = next((cure for slip, cure in _SLIPS.items() if slip in found), "Look at indentation, quotes and brackets there.")
        problem = Problem(str(builder.place(mark) if mark else start), found, "YAML 1.2", cure)
        raise ConfigError("a configuration cannot be parsed", [*builder.problems, problem]) from error
    except YAMLError as error:  # a character that no YAML holds
        found, offset = str(error).split("\n")[0], getattr(error, "position", 0)
        column = offset - text.rfind("\n", 0, offset)
        place = Place(start.source, text.count("\n", 0, offset) + 1, column) if start.line else start
        raise ConfigError("a configuration cannot be parsed", [Problem(str(place), found, "YAML 1.2")]) from error
    if builder.problems:
        raise ConfigError("a configuration cannot be used", builder.problems)
    return Document(value, start.source, builder.places)


class _Builder:
    """Makes values of the parser's events."""

    def __init__(self, start: Place, events: Iterator[Any]) -> None:
        self.start, self.events = start, events
        self.places: dict[Key, Place] = {}
        self.problems: list[Problem] = []

    def place(self, mark: Any) -> Place:
        return Place(self.start.source, mark.line + 1, mark.column + 1) if self.start.line else self.start

    def document(self) -> Any:
        """The value of the only document."""
        value, documents = None, 0
        for event in self.events:
            kind = _event(event)
            if kind == "DocumentStart":
                documents += 1
                if documents == 2:
                    self._refuse(event, "a second document", "one document in a file", "Remove what follows `---`.")
            elif kind not in ("StreamStart", "StreamEnd", "DocumentEnd"):
                value = self._value(event, (), 0)
        return value

    def _value(self, event: Any, path: Key, depth: int) -> Any:
        kind = _event(event)
        if kind == "Alias":
            self._refuse(event, f"the alias *{event.anchor}", "a value", "Write it out, or share it through base_config.")
            return None
        if event.anchor is not None:
            self._refuse(event, f"the anchor &{event.anchor}", "a value", "Write it out, or share it through base_config.")
        if event.tag is not None:
            self._refuse(event, f"the tag {event.tag}", "a value with no tag", "Put text in quotes.")
        if depth > DEEPEST:
            problem = Problem(str(self.place(event.start_mark)), "deeper nesting", f"at most {DEEPEST} levels")
            raise ConfigError("a configuration cannot be used", [problem])
        if kind == "MappingStart":
            return self._mapping(path, depth)
        if kind == "SequenceStart":
            return self._list(path, depth)
        return self._scalar(event) if event.implicit[0] else event.value

    def _mapping(self, path: Key, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while _event(event := next(self.events)) != "MappingEnd":
            key, place = self._value(event, path, depth + 1), self.place(event.start_mark)
            inner = (*path, key) if isinstance(key, str) else path
            if not isinstance(key, str):
                shown = _kind(key) if isinstance(key, dict | list) else event.value
                self._refuse(event, f"the key {shown}", "a word", "Put it in quotes.")
            elif key in result:
                self._refuse(event, f"the key {key} again", f"it once: it stands at {self.places[inner]}", "Remove one.")
            elif key == "<<":
                self._refuse(event, "the merge key <<", "a word", "Share values through base_config.")
            else:
                self.places[inner] = place
            value = self._value(next(self.events), inner, depth + 1)
            if isinstance(key, str):
                result[key] = value
        return result

    def _list(self, path: Key, depth: int) -> list[Any]:
        result: list[Any] = []
        while _event(event := next(self.events)) != "SequenceEnd":
            inner = (*path, len(result))
            self.places[inner] = self.place(event.start_mark)
            result.append(self._value(event, inner, depth + 1))
        return result

    def _scalar(self, event: Any) -> Any:
        """A plain value, by the core schema (YAML 1.2.2, section 10.3.2)."""
        text = event.value
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            if len(text) > 100:
                self._refuse(event, f"a number of {len(text)} digits", "fewer digits", "Put text in quotes.")
                return 0
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        return float(text) if _FLOAT.fullmatch(text) else text

    def _refuse(self, event: Any, found: str, expected: str, cure: str) -> None:
        self.problems.append(Problem(str(self.place(event.start_mark)), found, expected, cure))


def _event(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")


def _kind(value: Any) -> str:
    return {dict: "a mapping", list: "a list", str: "text", bool: "a boolean"}.get(type(value), f"a {type(value).__name__}")


def _beside(path: Path) -> str:
    names = sorted(entry.name for entry in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
    return ", ".join(names) or "nothing"
