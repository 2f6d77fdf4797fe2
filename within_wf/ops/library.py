"""Loads the compiled core, and refuses one that is not made of the sources beside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

import torch

from within_wf.errors import StaleCodeError
from within_wf.ops.fingerprint import PACKAGE, core_digest

P = ParamSpec("P")
R = TypeVar("R")


@cache
def load_core() -> None:
    """Load the extension; its operators are then ``torch.ops.within``.

    ``WITHIN_INSTRUCTION_SET`` in the environment names the kernels to run, baseline, avx2 or avx512, for tests.

    Raises:
        StaleCodeError: It is not built, or of other sources.
        ValueError: There are no kernels of that name, or this processor cannot run them.
    """
    paths = sorted(PACKAGE.glob("_C*.so"))
    if not paths:
        raise StaleCodeError("the compiled core is not built; run `make env`")
    torch.ops.load_library(paths[0])  # type: ignore[no-untyped-call]
    built = torch.ops.within.build_digest()
    if built != core_digest():
        raise StaleCodeError(
            f"the compiled core was built from other sources ({built[:12]}) than those in csrc/ ({core_digest()[:12]}); "
            "run `make env`"
        )
    wanted = os.environ.get("WITHIN_INSTRUCTION_SET")
    if wanted is not None:
        torch.ops.within.choose_instruction_set(wanted)


def register_fake(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Tells torch of what shape and dtype an operator's results are.

    torch asks that of calls with some tensor on ``meta``, whatever the others are on, and would return memory that nobody
    wrote: such calls are refused.

    Args:
        name: The operator's, with its namespace.

    Returns:
        A decorator of the function that gives empty tensors.
    """

    def register(shape: Callable[P, R]) -> Callable[P, R]:
        @wraps(shape)
        def checked(*arguments: P.args, **keywords: P.kwargs) -> R:
            devices = {str(device) for device in _devices([*arguments, *keywords.values()])}
            if "meta" in devices and len(devices) > 1:
                raise ValueError(f"{name}: tensors are on {', '.join(sorted(devices))}, expected one device")
            return shape(*arguments, **keywords)

        torch.library.register_fake(name, checked)
        return shape

    return register


def _devices(arguments: list[Any]) -> list[torch.device]:
    found = []
    for argument in arguments:
        if isinstance(argument, torch.Tensor):
            found.append(argument.device)
        elif isinstance(argument, list | tuple):
            found += _devices(list(argument))
    return found
