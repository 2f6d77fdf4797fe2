"""Values set on the command line: ``model.head.dropout=0.2``."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from within_wf.config.reader import Document, Key, Place, parse_yaml
from within_wf.errors import ConfigError, Problem

MODELS = ("ad_score", "account_health")


def split_overrides(given: object) -> list[str]:
    """What stands behind ``--config set=``: one override or a list of them, as text.

    Raises:
        ConfigError: It is neither.
    """
    if given is None:
        return []
    values = given if isinstance(given, list) else [given]
    bad = [value for value in values if not isinstance(value, str)]
    if bad:
        problems = [Problem("--config set", repr(value), "path.to.key=value") for value in bad]
        raise ConfigError("what to set cannot be read", problems)
    return [str(value).strip() for value in values]


def apply_overrides(document: Document, overrides: Sequence[str], model: type[BaseModel]) -> Document:
    """Set values in a document.

    A path is one of the run (``tracking.enabled``), of a model (``ad_score.training.epochs``), or is set in every model that
    has it (``training.epochs``).

    Args:
        document: A run; changed in place.
        overrides: ``path.to.key=value``; the value is read as YAML.
        model: What the document will be checked against.

    Raises:
        ConfigError: An override is no ``path=value``, or its path is unknown; all of them are named.
    """
    problems: list[Problem] = []
    for text in overrides:
        where = f"--config set={text}"
        path, separator, value = text.partition("=")
        path = path.strip()
        if not separator or not path:
            problems.append(Problem(where, "no = in it" if not separator else "no path before =", "path.to.key=value"))
            continue
        targets = list(_targets(document.value, model, path))
        if not targets:
            problems.append(_unknown(where, path, document.value, model))
            continue
        try:
            parsed = parse_yaml(value, where).value
        except ConfigError as error:
            problems.extend(error.problems)
            continue
        for target in targets:
            _set(document, target, parsed, Place(where, 1, len(path) + 2))
    if problems:
        raise ConfigError("what to set on the command line cannot be used", problems)
    return document


def _targets(value: Any, model: type[BaseModel], path: str) -> Iterator[Key]:
    """Where in a run a path of the command line leads."""
    parts: Key = tuple(path.split("."))
    planned = [name for name in MODELS if isinstance(value.get("models"), dict) and isinstance(value["models"].get(name), dict)]
    if _known(model, parts, value):
        yield parts
    elif parts[0] in planned and len(parts) > 1 and _known(model, ("models", *parts), value):
        yield ("models", *parts)
    else:
        for name in planned:
            if _known(model, ("models", name, *parts), value):
                yield ("models", name, *parts)


def _known(model: type[BaseModel], path: Key, value: Any) -> bool:
    from within_wf.config.load import known_keys

    return all(path[depth] in known_keys(model, path[:depth], value) for depth in range(len(path)))


def _all_paths(model: type[BaseModel], value: Any, path: Key = ()) -> Iterator[str]:
    from within_wf.config.load import known_keys

    for key in known_keys(model, path, value):
        inner = (*path, key)
        yield ".".join(str(part) for part in inner)
        if len(inner) < 7:
            yield from _all_paths(model, value, inner)


def _unknown(where: str, path: str, value: Any, model: type[BaseModel]) -> Problem:
    known = set(_all_paths(model, value))
    short = {name.removeprefix(f"models.{m}.") for name in known for m in MODELS if name.startswith(f"models.{m}.")}
    candidates = sorted(short | {name for name in known if not name.startswith("models.")})
    near = difflib.get_close_matches(path, candidates, 1, cutoff=0.4)
    cure = f"Did you mean {near[0]}?" if near else "`within-wf config show` prints all keys."
    return Problem(where, f"unknown path {path}", "a path of the run or of one of its models", cure)


def _set(document: Document, path: Key, value: Any, place: Place) -> None:
    holder = document.value
    for part in path[:-1]:
        if not isinstance(holder.get(part), dict):
            holder[part] = {}
        holder = holder[part]
    holder[path[-1]] = value
    for known in [known for known in document.places if known[: len(path)] == path]:
        del document.places[known]
    document.places[path] = place
