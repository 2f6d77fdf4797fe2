"""In what arithmetic a network computes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace

from within_wf.config.reproducibility import Arithmetic
from within_wf.errors import OperatorError, TrainingError
from within_wf.ops.exact import arithmetic as chosen
from within_wf.ops.exact.arithmetic import Model

_CURE = "Choose another model, or reproducibility.arithmetic=native."


def in_arithmetic(model: Model, arithmetic: Arithmetic) -> Model:
    """The model itself, whose layers are made exact where that is asked for.

    Raises:
        TrainingError: It holds layers that have no exact form; all are named.
    """
    return chosen.in_arithmetic(model, arithmetic, _refused)


def computing(arithmetic: Arithmetic) -> AbstractContextManager[None]:
    """Functions of torch that are called inside are of this arithmetic.

    Raises:
        TrainingError: One of them has no exact form.
    """
    return chosen.computing(arithmetic, _refused)


def _refused(error: OperatorError) -> TrainingError:
    problems = [replace(problem, cure=_CURE) for problem in error.problems]
    return TrainingError("the model cannot be computed in exact arithmetic", problems)
