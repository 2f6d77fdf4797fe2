"""The tables of docs/configuration.md: every key, what it takes, its default and its meaning, from the sections themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from within_wf.config.dataset import DatasetConfig
from within_wf.config.described import described_schema
from within_wf.config.models import AccountHealthConfig, AdScoreConfig
from within_wf.config.run import RunConfig
from within_wf.config.section import Section
from within_wf.config.validation_strategy import KFoldEvaluationConfig

BEGIN, END = "<!-- keys, from within_wf/config -->", "<!-- end of the keys -->"
MODELS: dict[str, type[Section]] = {"ad_score": AdScoreConfig, "account_health": AccountHealthConfig}
_REQUIRED = object()
_WORDS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false"}

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Entry:
    """What a table says of a key.

    Attributes:
        takes: The values it takes; empty for a section.
        default: What holds where it is not written.
        meaning: What it does.
    """

    takes: str
    default: str
    meaning: str


def entries(model: type[Section]) -> dict[str, Entry]:
    """Every key below a section, in the order of the code; paths are joined by dots."""
    schema = described_schema(model)
    return {".".join(path): entry for path, entry in _walk(schema, schema, (), None)}


def reference() -> str:
    """The tables, as Markdown."""
    run = {key: entry for key, entry in entries(RunConfig).items() if not key.startswith(("dataset", "models"))}
    parts = [
        "### A run: `configs/experiment/<dataset>.yaml`\n",
        "`dataset`, `models.ad_score` and `models.account_health` are the sections below or the path of a file that holds one. "
        "A model that is left out is not made.\n",
        _table(["key", "takes", "default", "meaning"], [[key, e.takes, e.default, e.meaning] for key, e in run.items()]),
        "### A dataset: `configs/data/<dataset>.yaml`\n",
        _table(
            ["key", "takes", "default", "meaning"],
            [[key, e.takes, e.default, e.meaning] for key, e in entries(DatasetConfig).items()],
        ),
        "### A model: `configs/training/<model>.yaml`\n",
        _table(["key", "takes", *(f"default of `{name}`" for name in MODELS), "meaning"], _model_rows()),
        "### A validation by folds: `configs/evaluation/<name>.yaml`\n",
        _table(
            ["key", "takes", "default", "meaning"],
            [[key, e.takes, e.default, e.meaning] for key, e in entries(KFoldEvaluationConfig).items()],
        ),
    ]
    return "\n".join(parts)


def write_reference(page: Path) -> None:
    """Put the tables between the marks of a page.

    Raises:
        ValueError: The page has no marks.
    """
    before, mark, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise ValueError(f"{page} has no place for the keys: {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{reference()}\n{END}{after}", encoding="utf-8")


def _model_rows() -> list[list[str]]:
    """The keys of both models, each once; a section comes before its keys, as the code has them."""
    known = {name: entries(model) for name, model in MODELS.items()}
    ordered: list[str] = []
    for table in known.values():
        place = 0
        for key in table:
            if key not in ordered:
                ordered.insert(place, key)
            place = ordered.index(key) + 1
    rows = []
    for key in ordered:
        having = {name: table[key] for name, table in known.items() if key in table}
        takes, meanings = (list(dict.fromkeys(getattr(e, of) for e in having.values())) for of in ("takes", "meaning"))
        defaults = [having[name].default if name in having else "–" for name in known]
        rows.append([key, " or ".join(takes), *defaults, " / ".join(meanings)])
    return rows


def _walk(
    root: Schema, section: Schema, path: tuple[str, ...], given: Mapping[str, Any] | None
) -> Iterator[tuple[tuple[str, ...], Entry]]:
    """The keys of a section and of those in it.

    Args:
        root: The schema that holds all sections.
        section: The section.
        path: Where it stands.
        given: Its values where nobody writes it, if they are known.
    """
    for name, field in section["properties"].items():
        here = (*path, name)
        own = field.get("default", _REQUIRED)
        default = given.get(name, own) if given is not None else own
        members = _sections(root, field)
        if not members:
            yield here, Entry(_takes(field), _default(default, own, ".".join(path)), _plain(field.get("description", "")))
            continue
        meaning = _plain(field.get("description") or members[0]["description"])
        yield here, Entry("", "none" if default is None else "", meaning)
        if len(members) > 1:
            yield from _union(root, members, here)
        else:
            yield from _walk(root, members[0], here, default if isinstance(default, dict) else None)


def _union(root: Schema, members: list[Schema], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Entry]]:
    """The keys of sections of which one is taken: the one that ``kind`` names."""
    by_kind = {member["properties"]["kind"]["const"]: member for member in members}
    meaning = " ".join(f"`{kind}`: {_plain(member['description'])}" for kind, member in by_kind.items())
    yield (*path, "kind"), Entry(", ".join(f"`{kind}`" for kind in by_kind), "required", meaning)
    for kind, member in by_kind.items():
        for key, entry in _walk(root, member, path, None):
            if key != (*path, "kind"):
                yield key, Entry(entry.takes, entry.default, f"{entry.meaning} For `{kind}`.")


def _sections(root: Schema, field: Schema) -> list[Schema]:
    """The sections a field can be."""
    references = [one["$ref"] for one in (field, *field.get("anyOf", ()), *field.get("oneOf", ())) if "$ref" in one]
    return [root["$defs"][reference.rpartition("/")[2]] for reference in references]


def _takes(field: Schema) -> str:
    """The values of a field, in words."""
    if "$ref" in field:
        return "section"
    if "anyOf" in field:
        return " or ".join(_takes(one) for one in field["anyOf"] if one.get("type") != "null")
    if "enum" in field or "const" in field:
        return ", ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field["type"] == "array":
        items = _takes(field["items"])
        return f"list of {items}{'s' if items.endswith(('number', 'section')) else ''}" + (
            ", not empty" if field.get("minItems") else ""
        )
    if field["type"] == "object":
        return f"mapping to {_takes(field['additionalProperties'])}"
    pattern = f" like `{field['pattern']}`" if "pattern" in field else ", not empty" if field.get("minLength") else ""
    return _WORDS[field["type"]] + _bounds(field) + pattern


def _bounds(field: Schema) -> str:
    """The numbers between which a number must be."""
    sides = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    return "".join(f", {words} {field[side]:,}" for side, words in sides.items() if side in field)


def _default(default: object, own: object, section: str) -> str:
    """What holds where the key is not written; a section that is written in part has its own defaults."""
    if default == own or own is _REQUIRED:
        return _shown(default)
    return f"{_shown(default)}, but {_shown(own)} where `{section}` is written without it"


def _shown(value: object) -> str:
    if value is _REQUIRED:
        return "required"
    if value is None or value in ("", [], {}):
        return "none" if value is None else "empty"
    text = value if isinstance(value, str) else json.dumps(value).replace('"', "")
    return f"`{text}`"


def _plain(text: str) -> str:
    return " ".join(text.replace("``", "`").split())


def _table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; the keys of sections are bold."""
    lines = [head, ["---"] * len(head)]
    lines += [[f"**`{row[0]}`**" if not row[1] else f"`{row[0]}`", *row[1:]] for row in rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)
