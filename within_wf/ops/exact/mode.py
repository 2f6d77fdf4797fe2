"""Turns calls of torch's functions into exact ones while Python code runs, whoever wrote it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import torch
from torch.overrides import TorchFunctionMode, redispatch_function

from within_wf.errors import OperatorError, Problem

P = ParamSpec("P")
R = TypeVar("R")
Handler = Callable[..., Any]

handlers: dict[Any, Handler] = {}
"""Functions of torch, and what is called in place of each; :mod:`within_wf.ops.exact.table` fills it."""


def WALK(*args: Any, **kwargs: Any) -> Any:  # noqa: N802 - a constant
    """Stands for: run this Python function of torch line by line, and make its own calls exact."""
    raise AssertionError


def _find(function: Any) -> Handler:
    from within_wf.ops.exact.table import handler_of

    handler = handlers[function] = handler_of(function)
    return handler


class NotExactError(OperatorError):
    """A model calls what has no exact form.

    Args:
        function: Its name, as ``leave`` takes it.
        path: The module whose code calls it, where that is known.
    """

    def __init__(self, function: str, path: str | None = None) -> None:
        self.function, self.path = function, path
        where = "the forward pass" if path is None else f"the forward pass of {path or 'the model'}"
        cure = f"leave=[{function!r}] leaves it as it is" + (f", leave=[{path!r}] all of that module" if path else "")
        problem = Problem(where, function, "a function that has an exact form", f"In exact.convert, {cure}.")
        super().__init__("the model calls a function of torch that has no exact form", [problem])


class ExactFunctions(TorchFunctionMode):
    """While it is entered, torch's functions, methods and operators are exact ones; what has no exact form is refused.

    Args:
        left: Names of functions that are called as they are, as :class:`NotExactError` gives them.
    """

    def __init__(self, left: frozenset[str] = frozenset()) -> None:
        super().__init__()
        self.left = left

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Called by torch in place of each of its functions."""
        handler = handlers.get(func) or _find(func)
        try:
            if handler is WALK:
                with self:
                    return redispatch_function(func, types, args, kwargs or {})  # type: ignore[no-untyped-call]
            return handler(*args, **kwargs) if kwargs else handler(*args)
        except NotExactError as error:
            if error.function not in self.left:
                raise
            return func(*args, **(kwargs or {}))

    def is_entered(self) -> bool:
        """Whether the functions that are called now come here first, or to a mode that leaves the same ones at least."""
        depth = torch._C._len_torch_function_stack()
        top = torch._C._get_function_stack_at(depth - 1) if depth else None
        return top is self or (isinstance(top, ExactFunctions) and top.left >= self.left)


EXACT = ExactFunctions()
"""The mode of layers that are exact by themselves."""


def inside(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function's own calls of torch exact."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if EXACT.is_entered():
            return function(*args, **kwargs)
        with EXACT:
            return function(*args, **kwargs)

    return run


def outside(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function that calls nothing but exact operators go around any mode: it is faster by some microseconds a call."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if not torch._C._len_torch_function_stack():
            return function(*args, **kwargs)
        with torch._C.DisableTorchFunction():
            return function(*args, **kwargs)

    return run
