"""What every torch network here has: weights by name, predictions for rows, and one thread to compute in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

_ROWS_AT_ONCE = 4096


def predict(model: nn.Module, inputs: Mapping[str, npt.NDArray[np.generic]]) -> npt.NDArray[np.float32]:
    """What ``model`` says of each row, in evaluation mode.

    Args:
        model: Called with the inputs' names as keywords.
        inputs: At least one array, each of shape [n, …].

    Returns:
        float32, shape [n, …].
    """
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in inputs.items()}
    count = len(next(iter(tensors.values())))
    model.eval()
    with torch.inference_mode():
        parts = [
            model(**{name: value[start : start + _ROWS_AT_ONCE] for name, value in tensors.items()})
            for start in range(0, count, _ROWS_AT_ONCE)
        ]
    result: npt.NDArray[np.float32] = torch.cat(parts).numpy()
    return result


def trainable(model: nn.Module) -> dict[str, npt.NDArray[np.float32]]:
    """Copies of the trainable parameters by name."""
    return {name: p.detach().numpy().copy() for name, p in model.named_parameters() if p.requires_grad}


def load_trainable(model: nn.Module, weights: dict[str, npt.NDArray[np.float32]]) -> None:
    """Put copies of ``weights`` into the parameters of the same names."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name in weights:
                p.copy_(torch.from_numpy(weights[name]))


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread and with deterministic algorithms alone; both are put back at the end."""
    threads = torch.get_num_threads()
    deterministic = torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)
