"""Values set on the command line: ``model.head.dropout=0.2``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from within_wf.config.merge import merge
from within_wf.config.problems import known_keys, nearest
from within_wf.config.reader import Document, Key, Place, parse_yaml
from within_wf.errors import ConfigError, Problem

MODELS = ("ad_score", "account_health")
_FORM = "path.to.key=value"
_CREDENTIALS = re.compile(r"(?<=://)[^@\s]+(?=@)")


def split_overrides(given: object) -> list[str]:
    """What Snakemake hands over for ``--config set=…``: one override or a list of them, as text.

    Raises:
        ConfigError: It is neither; everything that is no text is named.
    """
    if given is None or given == "":
        return []
    if isinstance(given, dict):  # `--config set={a.b: 1}` arrives so
        given = [f"{path}={value}" if isinstance(value, str) else value for path, value in given.items()]
    values = given if isinstance(given, list | tuple) else [given]
    bad = [value for value in values if not isinstance(value, str)]
    if bad:
        cure = "Several stand in a list: --config 'set=[a.b=1, c.d=2]'."
        raise ConfigError("what to set cannot be read", [Problem("set", repr(value), _FORM, cure) for value in bad])
    return [str(value).strip() for value in values]


def apply_overrides(document: Document, overrides: Sequence[str], model: type[BaseModel]) -> Document:
    """Set values on a document; what cannot be set joins its problems.

    A path is one of the run (``tracking.enabled``), of a model (``ad_score.training.epochs``), or is set in every model that
    has it (``training.epochs``). A mapping is merged key by key, as ``base_config`` does it.

    Args:
        document: A run.
        overrides: ``path.to.key=value``, each; the value is read as YAML. A later one wins.
        model: What the document will be checked against.
    """
    for text in overrides:
        place = Place(f"set {_CREDENTIALS.sub('***', text)}")
        path, separator, value = text.partition("=")
        path = path.strip()
        if not separator or not path:
            found = "no path before =" if separator else "no = in it"
            document.problems.append(Problem(str(place), found, _FORM))
            continue
        targets = list(_targets(document.value, model, path))
        if not targets:
            document.problems.append(_unknown(place, path, document.value, model))
            continue
        try:
            parsed = parse_yaml(value, place)
        except ConfigError as error:
            document.problems.extend(error.problems)
            continue
        for target in targets:
            document = merge(document, _nested(parsed, target, place), document.source)
    return document


def _nested(parsed: Document, path: Key, place: Place) -> Document:
    """A document that says nothing but the value at ``path``."""
    value = parsed.value
    for part in reversed(path):
        value = {part: value}
    return Document(value, place.source, {path: place, **{(*path, *inner): place for inner in parsed.places}})


def _targets(value: Any, model: type[BaseModel], path: str) -> Iterator[Key]:
    """Where in a run a path of the command line leads."""
    parts: Key = tuple(path.split("."))
    models = value.get("models")
    planned = [name for name in MODELS if isinstance(models, dict) and isinstance(models.get(name), dict)]
    if _known(model, parts, value):
        yield parts
    elif parts[0] in planned and len(parts) > 1 and _known(model, ("models", *parts), value):
        yield ("models", *parts)
    else:
        for name in planned:
            if _known(model, ("models", name, *parts), value):
                yield ("models", name, *parts)


def _known(model: type[BaseModel], path: Key, value: Any) -> bool:
    depths = range(len(path))
    return all(path[depth] in known_keys(model, path[:depth], value) or _is_free(model, path[:depth]) for depth in depths)


def _is_free(model: type[BaseModel], path: Key) -> bool:
    """Whether ``path`` is a mapping whose keys are a person's own, as tags and columns are."""
    if not path or path[-1] not in known_keys(model, path[:-1]):
        return False
    return path == ("tracking", "tags") or path[-2:] == ("features", "columns")


def _all_paths(model: type[BaseModel], value: Any, path: Key = ()) -> Iterator[str]:
    for key in known_keys(model, path, value):
        inner = (*path, key)
        yield ".".join(str(part) for part in inner)
        yield from _all_paths(model, value, inner)


def _unknown(place: Place, path: str, value: Any, model: type[BaseModel]) -> Problem:
    known = set(_all_paths(model, value))
    short = {name.removeprefix(f"models.{m}.") for name in known for m in MODELS if name.startswith(f"models.{m}.")}
    models = {name.removeprefix("models.") for name in known if name.startswith("models.")}
    prefixed = path.startswith(tuple(f"{name}." for name in MODELS))
    candidates = sorted((models if prefixed else short) | {name for name in known if not name.startswith("models.")})
    cure = nearest(path, candidates, 0.4) or "`within-wf config show` prints every path."
    return Problem(str(place), f"unknown path {path}", "a path of the run or of one of its models", cure)
