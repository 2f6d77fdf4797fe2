"""Sums over rows, in the one order of sums: the gradient of whatever is added to every row.

docs/exact.md says what that order is.
"""

from __future__ import annotations

import torch

from within_wf.ops.library import load_core, register_fake

load_core()

_SUM_ROWS = torch.ops.within.exact_sum_rows.default


def sum_rows(x: torch.Tensor) -> torch.Tensor:
    """The sum of each column.

    Args:
        x: float32, float64, float16 or bfloat16, shape [rows, columns], of any strides.

    Returns:
        Of the same dtype, shape [columns]; of 16-bit formats summed in float32 and rounded once. A NaN is the one.

    Raises:
        ValueError: x is none of that.
    """
    return _SUM_ROWS(x)  # type: ignore[no-any-return]


# What follows tells torch of shapes.


@register_fake("within::exact_sum_rows")
def _like_sums(x: torch.Tensor) -> torch.Tensor:
    return x.new_empty((x.shape[1],))
