"""Loads the compiled core, and refuses one that is not made of the sources beside it."""

from __future__ import annotations

from functools import cache

import torch

from within_wf.errors import StaleCodeError
from within_wf.ops.fingerprint import PACKAGE, core_digest


@cache
def load_core() -> None:
    """Load the extension; its operators are then ``torch.ops.within``.

    Raises:
        StaleCodeError: It is not built, or of other sources.
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
