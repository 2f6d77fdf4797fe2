"""The settings of a DVC project: where its cache is, and its remotes.

Format: https://dvc.org/doc/user-guide/project-structure/configuration. ``.dvc/config.local`` stands above ``.dvc/config``;
settings of the user and the system are not read.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from within_wf.errors import DatasetError, Problem

_REMOTE = re.compile(r"""^'?remote\s+"(?P<name>[^"]+)"'?$""")


@dataclass(frozen=True)
class Remote:
    """Where DVC keeps what was pushed.

    Attributes:
        name: What the project calls it.
        url: A path, or an address fsspec knows.
        options: What the project says of it besides.
    """

    name: str
    url: str
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Project:
    """A DVC project.

    Attributes:
        root: The folder that holds ``.dvc``.
        cache: The folder of its cache.
        remotes: Name to remote.
        default: The name of the remote that is meant where none is named.
    """

    root: Path
    cache: Path
    remotes: Mapping[str, Remote]
    default: str | None


def find_project(pointer: Path) -> Project:
    """The project that a pointer belongs to: the nearest folder above it with a ``.dvc`` folder.

    Raises:
        DatasetError: There is none, or its settings cannot be read.
    """
    for folder in pointer.absolute().parents:
        if (folder / ".dvc").is_dir():
            return _read(folder)
    problem = Problem(
        pointer.name, "no folder .dvc beside it or above", "the project it belongs to", "Copy .dvc/config with it."
    )
    raise DatasetError(f"{pointer.name} cannot be followed", [problem])


def _read(root: Path) -> Project:
    home = root / ".dvc"
    settings: dict[str, dict[str, str]] = {}
    for path in (home / "config", home / "config.local"):
        if path.is_file():
            for section, values in _sections(path).items():
                settings.setdefault(section, {}).update(values)
    remotes = {
        match["name"]: Remote(match["name"], _resolved(home, values.get("url", "")), values)
        for section, values in settings.items()
        if (match := _REMOTE.match(section))
    }
    cache = settings.get("cache", {}).get("dir")
    place = home / "cache" if not cache else Path(_resolved(home, cache))
    return Project(root, place, remotes, settings.get("core", {}).get("remote"))


def _sections(path: Path) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",), default_section="")
    try:
        parser.read_string("\n".join(line.strip() for line in path.read_text(encoding="utf-8").splitlines()))
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        found = str(error).replace("\n", " ")
        raise DatasetError(
            "settings of DVC cannot be read", [Problem(str(path), found, "settings as DVC writes them")]
        ) from error
    return {name: {key: _plain(value) for key, value in parser[name].items()} for name in parser.sections()}


def _plain(value: str) -> str:
    """A value without the quotes around it."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _resolved(home: Path, url: str) -> str:
    """A path of the settings, which are relative to their own folder; an address as it is."""
    return url if "://" in url or not url else str((home / url).resolve())
