"""Turns an existing model into exact layers, in place."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any, TypeVar

import torch

from within_wf.errors import OperatorError, Problem
from within_wf.ops.exact.mode import ExactFunctions, NotExactError
from within_wf.ops.exact.names import words
from within_wf.ops.exact.nn import EXACT_CLASSES

Model = TypeVar("Model", bound=torch.nn.Module)

_UNCHANGED = frozenset(
    getattr(torch.nn, name)
    for name in words(
        "ChannelShuffle ConstantPad1d ConstantPad2d ConstantPad3d Flatten Identity ModuleDict ModuleList ParameterDict",
        "ParameterList PixelShuffle PixelUnshuffle Sequential Unflatten ZeroPad1d ZeroPad2d ZeroPad3d",
    )
)
"""Classes of torch that only move numbers, or hold other modules."""


class _Forward:
    """A module's forward pass inside a mode; it goes where the module goes: copies, threads, files."""

    def __init__(self, module: torch.nn.Module, path: str, mode: ExactFunctions, inner: Any = None) -> None:
        self.module, self.path, self.mode, self.inner = module, path, mode, inner

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._own())

    def _own(self) -> Any:
        return self.inner or type(self.module).forward.__get__(self.module)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if self.mode.is_entered():
                return self._own()(*args, **kwargs)
            with self.mode:
                return self._own()(*args, **kwargs)
        except NotExactError as error:
            if error.path is None:
                raise NotExactError(error.function, self.path) from None
            raise


class _Left(_Forward):
    """A module's forward pass with torch's own functions."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with torch._C.DisableTorchFunction():
            return self._own()(*args, **kwargs)


def convert(model: Model, *, leave: Collection[str] = ()) -> Model:
    """Make a model's arithmetic exact, in place.

    Layers whose class is torch's become the layers of :mod:`within_wf.ops.exact.nn` of the same name: parameters, buffers,
    hooks, shared layers and the state_dict stay. All other modules keep their class; while their forward pass runs, the
    functions, methods and operators of torch that it calls are exact ones, and one that has no exact form raises
    :class:`NotExactError`, which names it and the module. Gradients need nothing more.

    Args:
        model: Any model of torch's, transformers' or a person's own classes.
        leave: Modules by their path in the model, which are then left as they are with all they contain, and functions by the
            names that the errors give them (``torch.fft.fft``).

    Returns:
        The model itself.

    Raises:
        OperatorError: It holds layers that have no exact form, or ``leave`` names what is not there; all are named.
    """
    modules = dict(model.named_modules(remove_duplicate=False))
    functions = frozenset(name for name in leave if name not in modules)
    left = {path for path in modules if any(path == name or name == "" or path.startswith(f"{name}.") for name in leave)}
    problems = [
        Problem(f"leave, {name}", "neither a module of the model nor a function of torch", "one of them")
        for name in sorted(functions)
        if not name.startswith("torch")
    ]
    problems += [
        Problem(
            path or "the model", _class_name(module), "a layer that has an exact form", f"leave=[{path!r}] leaves it as it is."
        )
        for path, module in model.named_modules()
        if path not in left and _is_unknown(module)
    ]
    if problems:
        raise OperatorError("the model cannot be made exact", problems)
    mode = ExactFunctions(functions)
    for path, module in model.named_modules():
        if path in left:
            if path in leave:
                module.forward = _Left(module, path, mode, _inner(module))
        elif type(module) in EXACT_CLASSES:
            module.__class__ = EXACT_CLASSES[type(module)]
        elif type(module) not in EXACT_CLASSES.values():
            module.forward = _Forward(module, path, mode, _inner(module))
    return model


def _inner(module: torch.nn.Module) -> Any:
    """A forward pass that the module itself carries, in place of its class's."""
    own = vars(module).get("forward")
    return own.inner if isinstance(own, _Forward) else own


def _class_name(module: torch.nn.Module) -> str:
    return f"{type(module).__module__}.{type(module).__qualname__}"


def _is_unknown(module: torch.nn.Module) -> bool:
    """Whether it is a layer of torch's with no exact form, or code that does not call torch's functions from Python."""
    kind = type(module)
    if isinstance(module, torch.jit.ScriptModule):
        return True
    if not kind.__module__.startswith(("torch.nn.modules.", "torch.ao.", "torch.nn.quantized", "torch.nn.intrinsic")):
        return False
    known = (*EXACT_CLASSES, *_UNCHANGED)
    return not any(base in known and getattr(base, "forward", None) is kind.forward for base in kind.__mro__)
