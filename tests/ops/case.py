"""What a case of an operator is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One call of an operator.

    Attributes:
        operator: Its name in ``torch.ops.within``.
        name: What is particular about the call.
        make: Gives the arguments, tensors of the CPU among them; the same whenever it is called.
        differentiable: Positions of the arguments whose gradients are compared too.
    """

    operator: str
    name: str
    make: Callable[[], tuple[object, ...]]
    differentiable: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.operator}-{self.name}"
