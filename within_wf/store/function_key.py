"""What a function would do, as a digest: its code and all that its code can reach, without comments and docstrings.

Of a function this is its syntax tree, its defaults, what it closes over, and the globals it names: functions and classes
likewise, values by their content, modules of one's own with all modules they import, installed ones by version. The loaded
byte code is in it too, so that a file that was edited and not loaded again is not mistaken for the code that runs.
"""

from __future__ import annotations

import ast
import dis
import functools
import hashlib
import importlib.util
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from within_wf.errors import StoreTypeError
from within_wf.store.canonical import to_json

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_HAS_DOCSTRING = 0x4000000  # the code flag of Python 3.13


def function_key(function: Callable[..., Any], value_key: Callable[[object], object]) -> str:
    """The digest of a function.

    Args:
        function: A function, method, partial, or one of an installed library.
        value_key: Makes something of JSON out of the content of a default, a global or a closed-over value; raises
            StoreTypeError for what it cannot.

    Returns:
        SHA-256 in hex.

    Raises:
        StoreTypeError: Something it stands on has no source or no content that can be compared.
    """
    try:
        description = _Describer(value_key).of(function, "the function")
    except RecursionError:
        raise StoreTypeError("the function stands on a list or dict that holds itself, so it cannot be keyed") from None
    version = list(sys.version_info[:2])
    return hashlib.sha256(to_json({"function": description, "python": version}).encode()).hexdigest()


class _Describer:
    def __init__(self, value_key: Callable[[object], object]) -> None:
        self._value_key = value_key
        self._seen: dict[object, int] = {}

    def of(self, value: Any, what: str) -> object:
        """Describe anything a function can name."""
        if isinstance(value, types.ModuleType):
            return self._module(value.__name__)
        if isinstance(value, functools.partial):
            return {"partial": [self.of(part, what) for part in (value.func, list(value.args), dict(value.keywords))]}
        if isinstance(value, types.MethodType):
            return {"method": self.of(value.__func__, what), "self": self.of(value.__self__, f"the object of {what}")}
        if isinstance(value, staticmethod | classmethod | functools._lru_cache_wrapper):
            return {"wrapped": self.of(value.__wrapped__, what)}
        if isinstance(value, property):
            return {"property": [self.of(part, what) for part in (value.fget, value.fset, value.fdel) if part]}
        if type(value) in (list, tuple):
            return {type(value).__name__: [self.of(item, what) for item in value]}
        if type(value) is dict:
            return {"dict": [[self._value(key, what), self.of(item, what)] for key, item in value.items()]}
        if type(value).__module__ == "numpy" and callable(value) and not isinstance(value, type):
            return {"library": _library("numpy"), "name": value.__name__}  # ufuncs
        if isinstance(value, types.FunctionType | types.BuiltinFunctionType | type) or inspect.isroutine(value):
            return self._once(value, what)
        return {"value": self._value(value, what)}

    def _value(self, value: object, what: str) -> object:
        try:
            return self._value_key(value)
        except StoreTypeError as error:
            raise StoreTypeError(f"{what} cannot be part of a key: {error}") from error

    def _once(self, value: Any, what: str) -> object:
        if value in self._seen:
            return {"again": self._seen[value]}
        self._seen[value] = len(self._seen)
        library = _library(getattr(value, "__module__", None) or "builtins")
        if library is not None:
            return {"library": library, "name": getattr(value, "__qualname__", repr(type(value)))}
        if isinstance(value, types.FunctionType):
            return self._function(value, what)
        if isinstance(value, type):
            return self._class(value, what)
        raise StoreTypeError(
            f"{what} is a {type(value).__qualname__} whose source cannot be read. Write it as a plain function"
        )

    def _function(self, function: types.FunctionType, what: str) -> object:
        code = function.__code__
        trees = _find(code, what)
        closure = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
        names = sorted(set(_global_names(code)) & set(function.__globals__))
        return {
            "tree": [ast.dump(_stripped(tree)) for tree in trees],
            "code": _code(code),
            "defaults": self.of(list(function.__defaults__ or ()), f"a default of {what}"),
            "keyword defaults": self.of(dict(function.__kwdefaults__ or {}), f"a default of {what}"),
            "closure": {name: self._cell(cell, f"{name}, which {what} closes over,") for name, cell in closure.items()},
            "globals": {name: self.of(function.__globals__[name], f"the global {name} of {what}") for name in names},
            "imports": [self._module(name) for tree in trees for name in _imports(tree, function.__module__)],
        }

    def _cell(self, cell: types.CellType, what: str) -> object:
        try:
            return self.of(cell.cell_contents, what)
        except ValueError:
            return "empty"

    def _class(self, kind: type, what: str) -> object:
        members = {
            name: self.of(member, f"{name} of {what}")
            for name, member in sorted(vars(kind).items())
            if isinstance(member, types.FunctionType | staticmethod | classmethod | property)
            and getattr(member, "__module__", kind.__module__) == kind.__module__
            and not _is_generated(member)
        }
        tree = _find_class(kind, what)
        bases = [self.of(base, f"a base of {what}") for base in kind.__bases__]
        return {"tree": ast.dump(_stripped(tree)), "members": members, "bases": bases}

    def _module(self, name: str) -> object:
        """A module by its syntax tree and those of the modules it imports, or by its version."""
        library = _library(name)
        if library is not None:
            return {"library": library}
        if name in self._seen:
            return {"again": self._seen[name]}
        self._seen[name] = len(self._seen)
        source = _module_file(name)
        if source is None or source.suffix != ".py":
            raise StoreTypeError(f"the module {name} has no Python source, so what it does cannot be part of a key")
        tree = ast.parse(source.read_bytes())
        imports = [self._module(imported) for imported in _imports(tree, name, is_package=source.name == "__init__.py")]
        return {"module": name, "tree": ast.dump(_stripped(tree)), "imports": imports}


# Source


def _find(code: types.CodeType, what: str) -> list[_Definition]:
    """The definitions that a code object can come from: one, or the lambdas of one line."""
    try:
        lines, _ = inspect.findsource(code)
        module = ast.parse("".join(lines))
    except (OSError, SyntaxError) as error:
        raise StoreTypeError(f"{what} ({code.co_name}) has no source that can be read. Define it in a file") from error
    wanted = ast.Lambda if code.co_name == "<lambda>" else (ast.FunctionDef, ast.AsyncFunctionDef)
    found = [
        node
        for node in ast.walk(module)
        if isinstance(node, wanted)
        and _first_line(node) == code.co_firstlineno
        and getattr(node, "name", "<lambda>") == code.co_name
    ]
    if not found:
        raise StoreTypeError(f"{what} ({code.co_name}) is not where its source should be: was the file edited? Load it again")
    return found


def _find_class(kind: type, what: str) -> ast.ClassDef:
    try:
        lines, line = inspect.findsource(kind)
        module = ast.parse("".join(lines))
    except (OSError, TypeError, SyntaxError) as error:
        raise StoreTypeError(f"{what} ({kind.__qualname__}) has no source that can be read. Define it in a file") from error
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__ and _first_line(node) <= line + 1 <= node.lineno:
            return node
    raise StoreTypeError(f"{what} ({kind.__qualname__}) is not where its source should be: was the file edited? Load it again")


def _first_line(node: Any) -> int:
    lines: list[int] = [node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))]
    return min(lines)


def _is_generated(member: object) -> bool:
    """Whether a method was made by a decorator (a dataclass's), so that the class's tree says it all."""
    code = getattr(member, "__code__", None)
    return code is not None and code.co_filename.startswith("<")


class _WithoutDocstrings(ast.NodeTransformer):
    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        body = getattr(node, "body", None)
        if isinstance(body, list) and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = body[0] if body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
                node.body = body[1:] or [ast.Pass()]
        return node


def _stripped(tree: ast.AST) -> ast.AST:
    stripped: ast.AST = _WithoutDocstrings().visit(tree)
    return stripped


def _imports(tree: ast.AST, module: str, *, is_package: bool = False) -> list[str]:
    """The modules that code imports, absolute, those that are there."""
    names: set[str] = set()
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
                base = f"{parent}.{base}".strip(".")
            names.add(base)
            if _library(base) is None:
                names.update(name for alias in node.names if _module_file(name := f"{base}.{alias.name}") is not None)
    return sorted(name for name in names if _library(name) is not None or _module_file(name) is not None)


# Modules


@functools.cache
def _library(module: str) -> str | None:
    """Name and version of the installed library a module belongs to; none for one's own code."""
    top = module.partition(".")[0]
    if top in sys.builtin_module_names or top in sys.stdlib_module_names:
        return "python"
    source = _module_file(module) or _module_file(top)
    if source is None or not {"site-packages", "dist-packages"} & set(source.parts):
        return None
    version = getattr(sys.modules.get(top), "__version__", None)
    if not isinstance(version, str):
        names = metadata.packages_distributions().get(top, [top])
        version = ",".join(f"{name} {metadata.version(name)}" for name in sorted(set(names)))
    return f"{top} {version}"


def _module_file(module: str) -> Path | None:
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    if loaded is not None and file is None and not hasattr(loaded, "__path__"):
        return None
    if file is None:
        try:
            spec = importlib.util.find_spec(module)
        except (ImportError, ValueError, AttributeError):
            return None
        file = spec.origin if spec is not None and spec.has_location else None
    return Path(file).resolve() if file else None


# Byte code


def _global_names(code: types.CodeType) -> Iterator[str]:
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield instruction.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)


def _code(code: types.CodeType) -> object:
    constants = [_constant(constant) for constant in code.co_consts]
    if code.co_name != "<lambda>" and constants and (sys.version_info < (3, 13) or code.co_flags & _HAS_DOCSTRING):
        constants[0] = "docstring" if isinstance(code.co_consts[0], str | None) else constants[0]
    names = [*code.co_names, "", *code.co_varnames, "", *code.co_freevars, "", *code.co_cellvars]
    return {"bytes": hashlib.sha256(code.co_code).hexdigest(), "constants": constants, "names": names}


def _constant(constant: object) -> object:
    if isinstance(constant, types.CodeType):
        return _code(constant)
    if isinstance(constant, frozenset):
        return {"frozenset": sorted(to_json(_constant(item)) for item in constant)}
    if isinstance(constant, tuple):
        return {"tuple": [_constant(item) for item in constant]}
    return [type(constant).__name__, repr(constant)]
