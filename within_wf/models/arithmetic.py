"""In what arithmetic a network computes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from torch import nn

from within_wf.config.reproducibility import Arithmetic
from within_wf.errors import OperatorError, TrainingError

_CURE = "Choose another model, or reproducibility.arithmetic=native."
Model = TypeVar("Model", bound=nn.Module)


def in_arithmetic(model: Model, arithmetic: Arithmetic) -> Model:
    """The model itself, whose layers are made exact where that is asked for.

    Raises:
        TrainingError: It holds layers that have no exact form; all are named.
    """
    if arithmetic == "native":
        return model
    from within_wf.ops.exact.convert import convert

    try:
        return convert(model)
    except OperatorError as error:
        raise _with_cure(error) from error


@contextmanager
def computing(arithmetic: Arithmetic) -> Iterator[None]:
    """Functions of torch that are called inside are of this arithmetic.

    Raises:
        TrainingError: One of them has no exact form.
    """
    if arithmetic == "native":
        yield
        return
    from within_wf.ops.exact.mode import ExactFunctions, NotExactError

    try:
        with ExactFunctions():
            yield
    except NotExactError as error:
        raise _with_cure(error) from error


def _with_cure(error: OperatorError) -> TrainingError:
    problems = [replace(problem, cure=_CURE) for problem in error.problems]
    return TrainingError("the model cannot be computed in exact arithmetic", problems)
