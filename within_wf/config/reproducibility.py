"""What makes a run's bytes the same elsewhere."""

from __future__ import annotations

from typing import Literal

from within_wf.config.section import Section

Arithmetic = Literal["exact", "native"]
"""``exact``: the compiled core's layers, one order of operations; ``native``: torch's own kernels."""


class ReproducibilityConfig(Section):
    """In what arithmetic networks are trained and score."""

    arithmetic: Arithmetic = "exact"
    """``exact``: layers of one order of operations, the same weights and scores on every processor; ``native``: torch's
    kernels, whose bits are pinned to one thread and AVX2 and may still differ between processors."""
