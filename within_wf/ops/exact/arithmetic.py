"""A model of torch in the arithmetic that a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from torch import nn

from within_wf.config.reproducibility import Arithmetic
from within_wf.errors import OperatorError, WithinError

Model = TypeVar("Model", bound=nn.Module)
Refuse = Callable[[OperatorError], WithinError]
"""What is raised in place of an operator's error: whoever asks knows what a person can choose instead."""


def in_arithmetic(model: Model, arithmetic: Arithmetic, refuse: Refuse) -> Model:
    """The model itself, whose layers are made exact where that is asked for.

    Raises:
        WithinError: What ``refuse`` makes of layers that have no exact form; all are named.
    """
    if arithmetic == "native":
        return model
    from within_wf.ops.exact.convert import convert

    try:
        return convert(model)
    except OperatorError as error:
        raise refuse(error) from error


@contextmanager
def computing(arithmetic: Arithmetic, refuse: Refuse) -> Iterator[None]:
    """Functions of torch that are called inside are of this arithmetic.

    Raises:
        WithinError: What ``refuse`` makes of one that has no exact form.
    """
    if arithmetic == "native":
        yield
        return
    from within_wf.ops.exact.mode import ExactFunctions, NotExactError

    try:
        with ExactFunctions():
            yield
    except NotExactError as error:
        raise refuse(error) from error
