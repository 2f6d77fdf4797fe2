"""What stands below each key in the source, as descriptions in JSON Schemas.

pydantic can do this by itself, each time the sections are imported: a tenth of a second of every start, for what only
editors and documentation read.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

from within_wf.config.section import Section

Schema = dict[str, Any]


def described_schema(section: type[Section]) -> Schema:
    """The JSON Schema of a section, each key with its description."""
    schema: Schema = section.model_json_schema()
    texts = {kind.__name__: _descriptions(kind) for kind in _kinds(Section)}
    for name, part in {section.__name__: schema, **schema.get("$defs", {})}.items():
        for key, text in texts.get(name, {}).items():
            if key in part.get("properties", {}):
                part["properties"][key].setdefault("description", text)
    return schema


def _kinds(kind: type[Section]) -> Iterator[type[Section]]:
    for below in kind.__subclasses__():
        yield below
        yield from _kinds(below)


def _descriptions(kind: type[Section]) -> dict[str, str]:
    """Key to the text below it, those of the sections it stands on too."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        found |= _of_module(base.__module__).get(base.__name__, {}) if issubclass(base, Section) else {}
    return found


@cache
def _of_module(module: str) -> dict[str, dict[str, str]]:
    """Class to key to the text below it."""
    classes = [node for node in ast.parse(inspect.getsource(sys.modules[module])).body if isinstance(node, ast.ClassDef)]
    return {node.name: dict(_of_class(node)) for node in classes}


def _of_class(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for line, below in zip(node.body, node.body[1:], strict=False):
        is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and is_text:
            yield line.target.id, inspect.cleandoc(below.value.value)  # type: ignore[attr-defined]
