"""What code a step is made of.

The fingerprint of a step covers its module and every module of the package it can reach, by syntax tree: comments,
docstrings and layout do not count. Imports inside functions count; those for type checkers alone do not. A name that a room
exports lazily leads to the module that defines it, and the table of exports itself does not count, so that a step depends
on the modules it uses and not on the whole room. A data file counts for a module that names it and stands in a folder above it.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

PACKAGE = "within_wf"
_TEMPLATES = (".html", ".css")
"""Data files that can name others."""


@dataclass(frozen=True)
class Module:
    """One source file.

    Attributes:
        digest: SHA-256 of its syntax tree, without docstrings.
        imports: Dotted names it imports; ``a.b.c`` may be the name ``c`` of the module ``a.b``.
        exports: Names it exports lazily, and the modules they stand in.
        words: Strings in it that look like the name of a file.
    """

    digest: str
    imports: tuple[str, ...]
    exports: dict[str, str]
    words: tuple[str, ...]


class Sources:
    """The package's source files, each parsed once.

    Args:
        root: The folder that holds ``within_wf``.
        memory: A file that remembers what was parsed, by inode, size and times; none for no memory.
    """

    def __init__(self, root: Path, memory: Path | None = None) -> None:
        self.root = root
        self._memory = memory
        self._known: dict[str, dict[str, object]] = {}
        self._fresh = False
        if memory is not None:
            try:
                remembered = json.loads(memory.read_bytes())
                self._known = remembered["files"] if remembered["by"] == _by() else {}
            except (OSError, ValueError, KeyError, TypeError):
                self._known = {}
        self._modules: dict[str, Module | None] = {}
        self._data: dict[str, str] = {}

    def fingerprint(self, module: str) -> dict[str, str]:
        """The digest of every module and data file that ``module`` reaches, by name, sorted."""
        waiting, found = [module], dict[str, str]()
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            parsed = self._parse(name)
            if parsed is None:
                continue
            found[name] = parsed.digest
            waiting.extend(self._parents(name))
            for target in parsed.imports:
                waiting.extend(self._resolve(target))
            found.update(self._data_files(name, parsed))
        return dict(sorted(found.items()))

    def save(self) -> None:
        """Remember what was parsed."""
        if self._memory is None or not self._fresh:
            return
        self._memory.parent.mkdir(parents=True, exist_ok=True)
        draft = self._memory.with_name(f"{self._memory.name}.{os.getpid()}")
        draft.write_text(json.dumps({"by": _by(), "files": self._known}))
        draft.replace(self._memory)
        self._fresh = False

    def _parents(self, name: str) -> list[str]:
        parts = name.split(".")
        return [".".join(parts[:depth]) for depth in range(1, len(parts))]

    def _resolve(self, target: str) -> list[str]:
        """The modules a dotted name leads to."""
        if self._path(target) is not None:
            return [target]
        room, _, name = target.rpartition(".")
        parsed = self._parse(room) if room else None
        if parsed is not None and name in parsed.exports:
            return [room, f"{room}.{parsed.exports[name]}"]
        return [room] if room else []

    def _path(self, name: str) -> Path | None:
        base = self.root.joinpath(*name.split("."))
        for path in (base.with_name(base.name + ".py"), base / "__init__.py"):
            if path.is_file():
                return path
        return None

    def _parse(self, name: str) -> Module | None:
        if name not in self._modules:
            path = self._path(name)
            self._modules[name] = None if path is None else self._remembered(path)
        return self._modules[name]

    def _remembered(self, path: Path) -> Module:
        stamp = _stamp(path)
        entry = self._known.get(str(path))
        if entry is None or entry["stamp"] != stamp:
            module = parse_module(path.read_bytes(), path.stem == "__init__")
            self._known[str(path)] = {"stamp": stamp, **vars(module)}
            self._fresh = True
            return module
        values = {name: entry[name] for name in ("digest", "imports", "exports", "words")}
        return Module(**values)  # type: ignore[arg-type]

    @cached_property
    def _all_data(self) -> dict[str, list[Path]]:
        """Data files of the package by name."""
        found: dict[str, list[Path]] = {}
        for folder, folders, files in os.walk(self.root / PACKAGE):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in files:
                if not name.endswith((".py", ".pyc", ".so", ".pyi")) and name != "_core_build.json":
                    found.setdefault(name, []).append(Path(folder) / name)
        return found

    def _data_files(self, name: str, module: Module) -> dict[str, str]:
        path = self._path(name)
        assert path is not None  # noqa: S101
        waiting = [
            file
            for word in module.words
            for file in self._all_data.get(word.rpartition("/")[2], ())
            if path.parent in file.parents
        ]
        found: dict[str, str] = {}
        while waiting:
            file = waiting.pop()
            if str(file.relative_to(self.root)) not in found:
                found[str(file.relative_to(self.root))] = self._digest(file)
                waiting += self._named_in(file)
        return found

    def _named_in(self, file: Path) -> list[Path]:
        """Data files beside or below a template that it names."""
        if file.suffix not in _TEMPLATES:
            return []
        text = file.read_text(encoding="utf-8")
        beside = (other for others in self._all_data.values() for other in others if file.parent in other.parents)
        return [other for other in beside if other.name in text]

    def _digest(self, path: Path) -> str:
        stamp = _stamp(path)
        entry = self._known.get(str(path))
        if entry is None or entry["stamp"] != stamp:
            entry = {"stamp": stamp, "digest": hashlib.sha256(path.read_bytes()).hexdigest()}
            self._known[str(path)] = entry
            self._fresh = True
        return str(entry["digest"])


def parse_module(text: bytes, is_room: bool = False) -> Module:
    """What counts of a source file."""
    tree = ast.parse(text)
    imports: dict[str, None] = {}
    exports: dict[str, str] = {}
    words: dict[str, None] = {}
    _drop_docstrings(tree)
    _drop_type_checking(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports.update((alias.name, None) for alias in node.names if alias.name.split(".")[0] == PACKAGE)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            imports.update((f"{node.module}.{alias.name}", None) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "." in node.value and len(node.value) < 200:
            words[node.value] = None
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "lazy_exports" and is_room:
            exports = ast.literal_eval(node.args[1])
            node.args[1] = ast.Constant(None)
    digest = hashlib.sha256(ast.dump(tree, include_attributes=False).encode()).hexdigest()
    return Module(digest, tuple(imports), exports, tuple(words))


def _drop_docstrings(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            # A string on a line of its own says something to people alone, after an attribute too.
            node.body = [
                line
                for line in node.body
                if not (
                    isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)
                )
            ]


def _drop_type_checking(tree: ast.AST) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.If):
            test = node.test
            name = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else ""
            if name == "TYPE_CHECKING":
                node.body = []


@cache
def _by() -> str:
    """What a memory was written by: another Python or other code here may see other syntax trees."""
    return f"{sys.version} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}"


def _stamp(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
