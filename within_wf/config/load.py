"""From files and overrides to a typed configuration; every problem at once, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from within_wf.config.dataset import DatasetConfig
from within_wf.config.merge import merge
from within_wf.config.models import AccountHealthConfig, AdScoreConfig
from within_wf.config.overrides import apply_overrides
from within_wf.config.problems import nearest, problems_of, shown
from within_wf.config.reader import Document, Key, Place, read_yaml
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
    known = sorted(entry.stem for entry in folder.glob("*.yaml"))
    if dataset not in known:
        expected = f"a file in {_name(folder)}: {', '.join(known) or 'there is none'}"
        cure = nearest(dataset, known) or "Write one, or choose one of these."
        raise ConfigError(f"there is no dataset {dataset!r}", [Problem("dataset", repr(dataset), expected, cure)])
    return folder / f"{dataset}.yaml"


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


def read_inherited(path: Path, below: tuple[Path, ...] = ()) -> Document:
    """Read a file on top of the one its ``base_config`` names, relative to itself.

    What is wrong with ``base_config`` joins the document's problems.

    Args:
        path: The file.
        below: The files that stand on it.

    Raises:
        ConfigError: The file itself cannot be read.
    """
    path = _resolved(Path(), str(path)) or path
    document = read_yaml(path, _name(path))
    if "base_config" not in document.value:
        return document
    place = document.place(("base_config",))
    base = document.value.pop("base_config")
    chain = (*below, path)
    target = _resolved(path.parent, base) if isinstance(base, str) and base else None
    if target is None:
        problems = [Problem(str(place), f"base_config = {shown(base)}", "the path of a file")]
    elif target in chain:
        circle = " -> ".join(_name(step) for step in (*chain, target))
        problems = [Problem(str(place), circle, "files that do not stand on themselves")]
    elif not target.is_file():
        problems = [_missing(place, "base_config", str(base), target)]
    else:
        try:
            return merge(read_inherited(target, chain), document)
        except ConfigError as error:
            problems = list(error.problems)
    document.problems.extend(problems)
    document.broken.add(())
    return document


def load_document(document: Document, model: type[M]) -> M:
    """Check a document against a section.

    Raises:
        ConfigError: It does not fit; all that is wrong is named with its place.
    """
    problems, checked = list(document.problems), None
    try:
        checked = model.model_validate(document.value)
    except ValidationError as error:
        problems += problems_of(document, model, error.errors())
    if checked is None or problems:
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ConfigError(f"{count} in the configuration {document.source}", problems)
    return checked


def _resolved(folder: Path, name: str) -> Path | None:
    """The path a name leads to from a folder; none where it can be no path."""
    try:
        target = (folder / name).resolve()
        target.is_file()
    except (OSError, ValueError, RuntimeError):
        return None
    return target


def _include(document: Document, key: Key, path: Path) -> None:
    """Put the content of a file where its name stands."""
    holder = document.value
    for part in key[:-1]:
        holder = holder.get(part) if isinstance(holder, dict) else None
    named = holder.get(key[-1]) if isinstance(holder, dict) else None
    if not isinstance(named, str):
        return
    place = document.place(key)
    target = _resolved(_folder(place, path), named)
    holder[key[-1]] = {}
    if target is None:
        document.problems.append(Problem(str(place), f"{'.'.join(map(str, key))} = {shown(named)}", "the path of a file"))
        document.broken.add(key)
        return
    if not target.is_file():
        document.problems.append(_missing(place, ".".join(map(str, key)), named, target))
        document.broken.add(key)
        return
    try:
        included = read_inherited(target)
    except ConfigError as error:
        document.problems.extend(error.problems)
        document.broken.add(key)
        return
    holder[key[-1]] = included.value
    document.places.update({(*key, *inner): where for inner, where in included.places.items()})
    document.problems.extend(included.problems)
    document.broken.update((*key, *inner) for inner in included.broken)


def _folder(place: Place, path: Path) -> Path:
    """The folder that a name in a file is relative to: that of the file it stands in."""
    return (Path.cwd() / place.source).parent if place.line else path.resolve().parent


def _missing(place: Place, key: str, named: str, target: Path) -> Problem:
    beside = sorted(entry.name for entry in target.parent.glob("*.yaml")) if target.parent.is_dir() else []
    cure = nearest(target.name, beside) or f"There is no {_name(target)}."
    return Problem(str(place), f"{key} = {named!r}", "a file that is there", cure)


def _name(path: Path) -> str:
    """A file as messages name it: relative to where the person is, if it is below that."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
