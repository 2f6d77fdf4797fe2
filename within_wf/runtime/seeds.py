"""Seeds for third-party code that draws from global state.

The package itself draws from ``within_wf.runtime.streams``, which no seed set here can move.
"""

from __future__ import annotations

import importlib
import os
import random
import sys
from collections.abc import Sequence

LIBRARIES = ("numpy", "torch")


def set_seed(seed: int = 42, deterministic: bool = True, libraries: Sequence[str] | None = None) -> None:
    """Seed the global generators of Python, NumPy and PyTorch.

    ``PYTHONHASHSEED`` is set for processes started from here; this one chose its own when it started.

    Args:
        seed: In [0, 2**32), as NumPy's global generator has it.
        deterministic: Whether PyTorch must refuse operators whose result depends on the order of threads; if not, cuDNN may
            choose its algorithms by their speed.
        libraries: Which of ``numpy`` and ``torch`` to seed, imported if need be; by default those that are imported already.

    Raises:
        ValueError: The seed is out of range, or a library is not one of the two.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed is {seed}, expected 0 to 4294967295")
    unknown = sorted(set(libraries or ()) - set(LIBRARIES))
    if unknown:
        raise ValueError(f"libraries holds {', '.join(unknown)}, expected {' or '.join(LIBRARIES)}")
    wanted = [name for name in LIBRARIES if name in sys.modules] if libraries is None else libraries
    random.seed(seed)
    os.environ["PYTHONHASHSEED"] = str(seed)
    for name in wanted:
        importlib.import_module(name)
    if "numpy" in wanted:
        import numpy as np

        np.random.seed(seed)  # noqa: NPY002 - the global generator is the point
    if "torch" in wanted:
        _seed_torch(seed, deterministic)


def _seed_torch(seed: int, deterministic: bool) -> None:
    import torch

    torch.manual_seed(seed)  # every GPU's generator as well
    torch.backends.cudnn.deterministic = deterministic
    torch.backends.cudnn.benchmark = not deterministic
    torch.use_deterministic_algorithms(deterministic)
    if deterministic:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # read when cuBLAS starts
