"""Dropout whose masks depend on what they are for, never on where in a batch or on what machine.

Whether a number is kept is a function of (seed, layer, step, sample id, place in the sample): the Philox words that
:class:`within_wf.runtime.streams.Stream` draws for the purpose ``dropout <layer>``, the step as its epoch, and the sample's
id. The backward draws them again, so that no mask is stored. docs/exact/dropout.md has the definition.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cache
from typing import Literal

import torch

from within_wf.ops.library import load_core, register_fake

load_core()

_DROPOUT = torch.ops.within.exact_dropout.default


@dataclass
class DropoutStream:
    """Where the masks of a dropout layer come from, as a state that can be written down.

    A layer without a step or ids of its own asks its stream: ``dropout(x, p, seed=s.seed, layer=s.layer, step=s.take())``.

    Attributes:
        seed: In [0, 2**64).
        layer: Name of the layer in its model: two layers of one seed never share a mask.
        step: How many masks were taken; in [0, 2**32).
    """

    seed: int
    layer: str = "dropout"
    step: int = 0

    def take(self) -> int:
        """The step of the next mask; the one after has the next."""
        self.step += 1
        return self.step - 1

    def state_dict(self) -> dict[str, int | str]:
        """Seed, layer and step."""
        return asdict(self)

    def load_state_dict(self, state: dict[str, int | str]) -> None:
        """What :meth:`state_dict` gave.

        Raises:
            ValueError: It has other keys.
        """
        if set(state) != {"seed", "layer", "step"}:
            raise ValueError(f"DropoutStream: state has {sorted(state)}, expected layer, seed and step")
        self.seed, self.layer, self.step = int(state["seed"]), str(state["layer"]), int(state["step"])


def dropout(
    input: torch.Tensor,  # noqa: A002 - torch's name
    p: float = 0.5,
    training: bool = True,
    *,
    seed: int,
    step: int,
    sample_ids: torch.Tensor | None = None,
    layer: str = "dropout",
    dim: int = 0,
) -> torch.Tensor:
    """Zero with probability ``p``, numbers over 1 - p otherwise.

    Args:
        input: float64, float32, float16 or bfloat16, of any shape.
        p: Share that is dropped, in [0, 1]; taken as the nearest multiple of 2^-32.
        training: Otherwise ``input`` itself comes back.
        seed: In [0, 2**64).
        step: Which draw, in [0, 2**32): of an optimizer's step, say, or what :meth:`DropoutStream.take` gives.
        sample_ids: int64, the size of dimension ``dim``, on the input's device; their numbers from 0 by default, and then a
            mask depends on where in the batch its sample is.
        layer: What the draws are for: two layers never share a mask.
        dim: The dimension of samples. Places in a sample are counted in the order of the others.

    Returns:
        Of the input's dtype and shape. What is kept is multiplied by 1 / (1 - p) rounded to float32 (of float64 to float64);
        what is dropped is +0, whatever it was.

    Raises:
        ValueError: ``p``, ``step``, or the ids' shape, dtype or device is not one above.
    """
    return _dropped(input, p, training, seed, step, sample_ids, layer, dim, 0)


def dropout1d(
    input: torch.Tensor,  # noqa: A002 - torch's name
    p: float = 0.5,
    training: bool = True,
    *,
    seed: int,
    step: int,
    sample_ids: torch.Tensor | None = None,
    layer: str = "dropout",
) -> torch.Tensor:
    """:func:`dropout` of whole channels of [N, C, L]."""
    return _of_channels("dropout1d", 1, input, p, training, seed, step, sample_ids, layer)


def dropout2d(
    input: torch.Tensor,  # noqa: A002 - torch's name
    p: float = 0.5,
    training: bool = True,
    *,
    seed: int,
    step: int,
    sample_ids: torch.Tensor | None = None,
    layer: str = "dropout",
) -> torch.Tensor:
    """:func:`dropout` of whole channels of [N, C, H, W]."""
    return _of_channels("dropout2d", 2, input, p, training, seed, step, sample_ids, layer)


def dropout3d(
    input: torch.Tensor,  # noqa: A002 - torch's name
    p: float = 0.5,
    training: bool = True,
    *,
    seed: int,
    step: int,
    sample_ids: torch.Tensor | None = None,
    layer: str = "dropout",
) -> torch.Tensor:
    """:func:`dropout` of whole channels of [N, C, D, H, W]."""
    return _of_channels("dropout3d", 3, input, p, training, seed, step, sample_ids, layer)


def stochastic_depth(
    input: torch.Tensor,  # noqa: A002 - torch's name
    p: float,
    mode: Literal["row", "batch"],
    training: bool = True,
    *,
    seed: int,
    step: int,
    sample_ids: torch.Tensor | None = None,
    layer: str = "dropout",
) -> torch.Tensor:
    """:func:`dropout` of whole samples, or of the whole batch (Huang et al., "Deep Networks with Stochastic Depth", 2016).

    Raises:
        ValueError: ``mode`` is neither, or ids are given for a whole batch.
    """
    if mode not in ("row", "batch"):
        raise ValueError(f"exact.stochastic_depth: mode is {mode!r}, expected 'row' or 'batch'")
    if mode == "row":
        return _dropped(input, p, training, seed, step, sample_ids, layer, 0, input.dim() - 1)
    if sample_ids is not None:
        raise ValueError("exact.stochastic_depth: sample_ids are given for a mask of the whole batch, expected none")
    return _dropped(input[None], p, training, seed, step, None, layer, 0, input.dim())[0]


def _of_channels(
    name: str,
    places: int,
    input: torch.Tensor,  # noqa: A002 - torch's name
    p: float,
    training: bool,
    seed: int,
    step: int,
    sample_ids: torch.Tensor | None,
    layer: str,
) -> torch.Tensor:
    if input.dim() != places + 2:
        raise ValueError(f"exact.{name}: input has shape {list(input.shape)}, expected {places + 2} dimensions")
    return _dropped(input, p, training, seed, step, sample_ids, layer, 0, places)


def _dropped(
    input: torch.Tensor,  # noqa: A002 - torch's name
    p: float,
    training: bool,
    seed: int,
    step: int,
    sample_ids: torch.Tensor | None,
    layer: str,
    dim: int,
    shared_dimensions: int,
) -> torch.Tensor:
    if not training:
        return input
    samples_first = input.movedim(dim, 0) if dim != 0 and input.dim() else input
    shared = samples_first.shape[input.dim() - shared_dimensions :].numel()
    dropped: torch.Tensor = _DROPOUT(samples_first, sample_ids, p, _key(seed, layer), step, max(1, shared))
    return dropped.movedim(0, dim) if dim != 0 and input.dim() else dropped


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _key(seed: int, layer: str) -> int:
    """The key of the stream for ``dropout <layer>``, its first word in the lower half; as int64 has it."""
    return _digest(seed, layer)


@cache
def _digest(seed: int, layer: str) -> int:
    digest = hashlib.sha256(f"{seed}\0dropout {layer}".encode()).digest()
    return int.from_bytes(digest[:8], "little", signed=True)


@register_fake("within::exact_dropout")
def _like(x: torch.Tensor, sample_ids: torch.Tensor | None, p: float, key: int, step: int, shared: int = 1) -> torch.Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format)
