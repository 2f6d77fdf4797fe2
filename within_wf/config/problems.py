"""What pydantic finds wrong, in a person's words, at the place where it stands."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from within_wf.config.reader import Document, Key, Place
from within_wf.errors import Problem

LONGEST = 80
"""Letters of a value that a message shows."""

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_attributes_type": "a mapping",
    "model_type": "a mapping",
    "string_type": "text",
}


def problems_of(document: Document, model: type[BaseModel], errors: Iterable[Any]) -> list[Problem]:
    """Pydantic's errors as problems, in the order of the places where they stand.

    Args:
        document: What was checked.
        model: What it was checked against.
        errors: ``ValidationError.errors()``.
    """
    found: dict[tuple[Place, str], list[Problem]] = {}
    for error in errors:
        path = _existing(document.value, model, error["loc"])
        if error["type"] in ("missing", "value_error", "union_tag_not_found") and any(
            path[: len(broken)] == broken for broken in document.broken
        ):
            continue
        place, problem = _problem(document, model, path, error)
        found.setdefault((place, problem.found), []).append(problem)
    sources = list(dict.fromkeys([document.source, *(place.source for place in document.places.values())]))
    ordered = sorted(found, key=lambda key: (sources.index(key[0].source), key[0].line, key[0].column))
    return [_joined(found[key]) for key in ordered]


def nearest(word: str, known: Sequence[str], cutoff: float = 0.5) -> str:
    """A question that names the known word most like ``word``; empty where none is like it."""
    near = difflib.get_close_matches(word, known, 1, cutoff)
    return f"Did you mean {near[0]}?" if near else ""


def known_keys(model: type[BaseModel], path: Key, value: Any = None) -> list[str]:
    """The keys a section knows at ``path``; of a union, those of the member that ``value`` says it is."""
    found: list[Any] = [model]
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
        found = [inner for outer in found for inner in _below(outer, part, value)]
    sections: list[type[BaseModel]] = [outer for outer in found if isinstance(outer, type)]
    return sorted({name for section in sections for name in section.model_fields})


def shown(value: Any) -> str:
    """A value as a message shows it."""
    if isinstance(value, dict | list):
        what = "a mapping" if isinstance(value, dict) else "a list"
        return f"{what} of {len(value)}" if value else f"{what} that is empty"
    text = {None: "nothing", True: "true", False: "false"}.get(value) if value is None or isinstance(value, bool) else None
    text = text or repr(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _problem(document: Document, model: type[BaseModel], path: Key, error: Any) -> tuple[Place, Problem]:
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    dotted = ".".join(str(part) for part in path)
    place, cure = document.place(path), ""
    if kind == "extra_forbidden":
        known = known_keys(model, path[:-1], document.value)
        return place, Problem(str(place), f"unknown key {dotted}", f"one of {', '.join(known)}", nearest(str(path[-1]), known))
    if kind == "missing":
        name = str(error["loc"][-1])
        return place, Problem(str(place), f"no {name}" + (f" in {dotted}" if dotted else ""), f"the key {name}")
    expected = _EXPECTED.get(kind, error["msg"].removeprefix("Value error, ").removeprefix("Input should be "))
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        name = context["discriminator"].strip("'")
        expected = f"{name}: one of {context['expected_tags']}" if "expected_tags" in context else f"the key {name}"
        if kind == "union_tag_invalid":
            path, value = (*path, name), context["tag"]
            place, dotted, expected = document.place(path), f"{dotted}.{name}", f"one of {context['expected_tags']}"
            cure = nearest(str(value), [tag.strip(" '") for tag in context["expected_tags"].split(",")])
    elif kind == "literal_error" and isinstance(value, str):
        cure = nearest(value, [word.strip("'") for word in context["expected"].replace(" or ", ", ").split(", ")])
    elif kind == "value_error":
        return place, Problem(str(place), f"a contradiction in {dotted or 'it'}", expected)
    return place, Problem(str(place), f"{dotted} = {shown(value)}" if dotted else shown(value), expected, cure)


def _joined(problems: Sequence[Problem]) -> Problem:
    """The members of a union each say what they expect of one value."""
    first = problems[0]
    expected = " or ".join(dict.fromkeys(problem.expected for problem in problems))
    return Problem(first.where, first.found, expected, first.cure)


def _existing(value: Any, model: type[BaseModel], location: Iterable[str | int]) -> Key:
    """The part of pydantic's location that stands in the file; the names of a union's members do not."""
    path: list[str | int] = []
    annotation: Any = model
    for part in location:
        members = _members(annotation, None)
        if len(members) > 1:
            annotation = next((one for one in members if part in _tags(one)), annotation)
        elif isinstance(value, dict) and part in value:
            path.append(part)
            value = value[part]
            fields = members[0].model_fields if members else {}
            annotation = fields[part].annotation if isinstance(part, str) and part in fields else None
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            path.append(part)
            value, annotation = value[part], None
        else:
            break
    return tuple(path)


def _below(annotation: Any, part: str | int, value: Any) -> list[Any]:
    """The sections, and the mappings and lists of sections, that an annotation allows at a key or place."""
    if get_origin(annotation) in (dict, list):
        inner = get_args(annotation)[-1]
    elif isinstance(part, str) and part in annotation.model_fields:
        inner = annotation.model_fields[part].annotation
    else:
        return []
    return [inner] if get_origin(inner) in (dict, list) else list(_members(inner, value))


def _members(annotation: Any, value: Any) -> list[type[BaseModel]]:
    """The sections an annotation allows; where ``value`` says of which kind it is, that one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) not in (Union, types.UnionType, Annotated):
        return []
    models = [model for part in get_args(annotation) for model in _members(part, None)]
    if isinstance(value, dict) and "kind" in value and len(models) > 1:
        models = [model for model in models if value["kind"] in _tags(model)] or models
    return models


def _tags(model: type[BaseModel]) -> tuple[Any, ...]:
    return get_args(model.model_fields["kind"].annotation) if "kind" in model.model_fields else ()
