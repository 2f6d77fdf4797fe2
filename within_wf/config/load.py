"""From files and overrides to a typed configuration; every problem at once, each with its place."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from within_wf.config.dataset import DatasetConfig
from within_wf.config.models import AccountHealthConfig, AdScoreConfig
from within_wf.config.overrides import apply_overrides
from within_wf.config.reader import Document, Key, read_yaml
from within_wf.config.run import RunConfig
from within_wf.errors import ConfigError, Problem

M = TypeVar("M", bound=BaseModel)

REFERENCES: dict[Key, type[BaseModel]] = {
    ("dataset",): DatasetConfig,
    ("models", "ad_score"): AdScoreConfig,
    ("models", "account_health"): AccountHealthConfig,
}
"""Where a run's file can name another file instead of saying it itself, and what that file holds."""


def experiment_path(dataset: str, configs: Path) -> Path:
    """The file of the run of a dataset.

    Raises:
        ConfigError: There is none; those there are, are named.
    """
    folder = configs / "experiment"
    path = folder / f"{dataset}.yaml"
    if not path.is_file():
        known = sorted(entry.stem for entry in folder.glob("*.yaml"))
        near = difflib.get_close_matches(dataset, known, 1)
        hint = f"Did you mean {near[0]}?" if near else "Write one, or choose one of these."
        problem = Problem("dataset", repr(dataset), f"a file in {folder}: {', '.join(known) or 'there is none'}", hint)
        raise ConfigError(f"there is no dataset {dataset!r}", [problem])
    return path


def load_run(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a run, the files it names and what was set on the command line.

    Args:
        path: The file, as in ``configs/experiment``.
        overrides: ``path.to.key=value``, each.

    Raises:
        ConfigError: Something is wrong in the files or the overrides; all of it is named, each with file, line and column.
    """
    document = read_inherited(path)
    for key in REFERENCES:
        _include(document, key, path)
    return load_document(apply_overrides(document, overrides, RunConfig), RunConfig)


def load_file(path: Path, model: type[M]) -> M:
    """Read one file as one section.

    Raises:
        ConfigError: Something in it is wrong; all of it is named.
    """
    return load_document(read_inherited(path), model)


def read_inherited(path: Path, seen: tuple[Path, ...] = ()) -> Document:
    """Read a file on top of the one its ``base_config`` names, relative to itself.

    Mappings are merged key by key; everything else, lists too, is replaced.

    Raises:
        ConfigError: A file cannot be read, or inherits from itself.
    """
    path = path.resolve()
    document = read_yaml(path, _name(path))
    if "base_config" not in document.value:
        return document
    place = document.place(("base_config",))
    base = document.value.pop("base_config")
    if not isinstance(base, str):
        raise ConfigError("base_config names no file", [Problem(str(place), repr(base), "the path of a file")])
    target = (path.parent / base).resolve()
    if target in (*seen, path):
        circle = " -> ".join(_name(step) for step in (*seen, path, target))
        raise ConfigError("a configuration inherits from itself", [Problem(str(place), circle, "an end")])
    if not target.is_file():
        raise ConfigError(
            "base_config names no file", [Problem(str(place), repr(base), "a file", f"Looked for {_name(target)}.")]
        )
    below = read_inherited(target, (*seen, path))
    below.value = _merge(below, document, (), below.value, document.value)
    below.source = document.source
    return below


def load_document(document: Document, model: type[M]) -> M:
    """Check a document against a section.

    Raises:
        ConfigError: It does not fit; all that is wrong is named with its place.
    """
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        problems = [_problem(document, model, details) for details in error.errors()]
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError(f"{count} in the configuration {document.source}", problems) from None


def _include(document: Document, key: Key, path: Path) -> None:
    """Put the content of a file where its name stands."""
    holder = document.value
    for part in key[:-1]:
        holder = holder.get(part) if isinstance(holder, dict) else None
    if not isinstance(holder, dict) or not isinstance(holder.get(key[-1]), str):
        return
    place = document.place(key)
    named = holder[key[-1]]
    target = (Path(_origin(document, key, path)).parent / named).resolve()
    if not target.is_file():
        raise ConfigError(
            "a file is named that does not exist", [Problem(str(place), repr(named), "a file", f"Looked for {_name(target)}.")]
        )
    included = read_inherited(target)
    holder[key[-1]] = included.value
    document.places.update({(*key, *inner): where for inner, where in included.places.items()})


def _origin(document: Document, key: Key, path: Path) -> str:
    """The file in which the value at ``key`` stands: relative names are relative to it."""
    source = Path(document.place(key).source)
    return str(source if source.is_absolute() else Path.cwd() / source) if source.suffix else str(path)


def _name(path: Path) -> str:
    """A file as messages name it: relative to where the person is, if it is below that."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _merge(base: Document, top: Document, path: Key, below: Any, above: Any) -> Any:
    """``above`` on ``below``; the places in ``base`` follow."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        for known in [known for known in base.places if known[: len(path)] == path and len(known) > len(path)]:
            del base.places[known]
        base.places.update({known: place for known, place in top.places.items() if known[: len(path)] == path})
        return above
    merged = dict(below)
    for key, value in above.items():
        inner = (*path, key)
        if key in merged:
            merged[key] = _merge(base, top, inner, merged[key], value)
            if not isinstance(merged[key], dict):
                base.places[inner] = top.places[inner]
        else:
            merged[key] = value
            base.places.update({known: place for known, place in top.places.items() if known[: len(inner)] == inner})
    return merged


_EXPECTED = {
    "missing": "a value",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def _problem(document: Document, model: type[BaseModel], details: Any) -> Problem:
    """One of pydantic's errors, in a person's words."""
    path = _existing(document.value, details["loc"])
    kind, value = details["type"], details["input"]
    dotted = ".".join(str(part) for part in path)
    if kind == "extra_forbidden":
        known = known_keys(model, path[:-1], document.value)
        near = difflib.get_close_matches(str(path[-1]), known, 1, cutoff=0.5)
        cure = f"Did you mean {near[0]}?" if near else ""
        return Problem(str(document.place(path)), f"unknown key {dotted}", f"one of {', '.join(known)}", cure)
    if kind == "missing":
        name = details["loc"][-1]
        return Problem(str(document.place(path)), f"no {name}" + (f" in {dotted}" if dotted else ""), f"the key {name}")
    expected = _EXPECTED.get(kind, details["msg"].removeprefix("Value error, ").removeprefix("Input should be "))
    shown = f"{type(value).__name__} of {len(value)}" if isinstance(value, dict | list) else repr(value)
    return Problem(str(document.place(path)), f"{dotted} = {shown}" if dotted else shown, expected)


def _existing(value: Any, location: Iterable[str | int]) -> Key:
    """The part of pydantic's location that is in the file: the names of a union's members are not."""
    path: list[str | int] = []
    parts = list(location)
    for number, part in enumerate(parts):
        inside_list = isinstance(value, list) and isinstance(part, int) and part < len(value)
        if inside_list or (isinstance(value, dict) and part in value):
            path.append(part)
            value = value[part]
        elif number == len(parts) - 1:
            break
    return tuple(path)


def known_keys(model: type[BaseModel], path: Key, value: Any = None) -> list[str]:
    """The keys a section knows at ``path``; of a union, those of the member that ``value`` says it is."""
    found = _models(model)
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
        found = [
            inner
            for outer in found
            if isinstance(part, str) and part in outer.model_fields
            for inner in _models(outer.model_fields[part].annotation)
            if "kind" not in inner.model_fields
            or not isinstance(value, dict)
            or value.get("kind") in get_args(inner.model_fields["kind"].annotation)
        ]
    return sorted({name for outer in found for name in outer.model_fields})


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return [model for part in get_args(annotation) for model in _models(part)]
    return []
