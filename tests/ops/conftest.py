"""Nothing here or below it imports more than torch and NumPy: tests of a GPU run where there is nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.emulated.build import Emulated
from tests.emulated.build import emulated as load


@pytest.fixture(scope="session")
def emulated() -> Callable[..., Emulated]:
    """Kernels run on the CPU: ``emulated("scatter").run("scatter_sum_float32", …, seed=3)``."""
    return load
