"""In what arithmetic a network computes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from torch import nn

from within_wf.config.reproducibility import Arithmetic

Model = TypeVar("Model", bound=nn.Module)


def in_arithmetic(model: Model, arithmetic: Arithmetic) -> Model:
    """The model itself, whose layers are made exact where that is asked for.

    Raises:
        OperatorError: It holds layers that have no exact form.
    """
    if arithmetic == "native":
        return model
    from within_wf.ops.exact.convert import convert

    return convert(model)


def computing(arithmetic: Arithmetic) -> AbstractContextManager[object]:
    """Functions of torch that are called inside are of this arithmetic."""
    if arithmetic == "native":
        return nullcontext()
    from within_wf.ops.exact.mode import ExactFunctions

    return ExactFunctions()
