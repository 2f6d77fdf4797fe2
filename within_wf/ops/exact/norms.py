"""Layer, RMS, group and batch normalisation in one order.

Means and variances are those of :mod:`within_wf.ops.exact.reductions`, of a population and in two passes; the scale is
1 / sqrt(variance + eps). What comes out is fma((x - mean) scale, weight, bias), for batch normalisation fma(x - mean, scale
weight, bias). docs/exact/norms.md has gradients, errors and cost. 16-bit formats are read as float32 and rounded to their
format once; weights may be float32 beside them. A NaN that comes out is the positive quiet one without payload.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from within_wf.ops.library import load_core, register_fake

load_core()

_Three = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
_OPS = torch.ops.within


def layer_norm(
    input: torch.Tensor,  # noqa: A002 - torch's name
    normalized_shape: Sequence[int],
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    eps: float = 1e-5,
) -> torch.Tensor:
    """Each row of the last dimensions, less its mean and over its deviation, times weight plus bias.

    Args:
        input: float32, float64, float16 or bfloat16, shape [..., *normalized_shape].
        normalized_shape: The last dimensions, a row.
        weight: Of the same dtype or float32, that shape.
        bias: As ``weight``.
        eps: What is added to the variance.

    Returns:
        Of the dtype and shape of ``input``, contiguous.

    Raises:
        ValueError: A shape, dtype or device is not one above.

    Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
    """
    dims = _rows("layer_norm", input, normalized_shape)
    result: torch.Tensor = _OPS.exact_norm(input, dims, weight, bias, eps, True)[0]
    return result


def rms_norm(
    input: torch.Tensor,  # noqa: A002
    normalized_shape: Sequence[int],
    weight: torch.Tensor | None = None,
    eps: float | None = None,
) -> torch.Tensor:
    """Each row of the last dimensions over the root of its mean square, times weight.

    Args:
        input: As in :func:`layer_norm`.
        normalized_shape: As in :func:`layer_norm`.
        weight: As in :func:`layer_norm`.
        eps: What is added to the mean square; None for the distance from 1 to the next number of the dtype.

    Returns:
        As :func:`layer_norm`.

    Raises:
        ValueError: As :func:`layer_norm`.

    Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.
    """
    dims = _rows("rms_norm", input, normalized_shape)
    own = eps if eps is not None else torch.finfo(input.dtype).eps if input.is_floating_point() else 0.0
    result: torch.Tensor = _OPS.exact_norm(input, dims, weight, None, own, False)[0]
    return result


def group_norm(
    input: torch.Tensor,  # noqa: A002
    num_groups: int,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    eps: float = 1e-5,
) -> torch.Tensor:
    """Channels of a sample in groups, each a row as in :func:`layer_norm`, with a weight and bias for each channel.

    Args:
        input: As in :func:`layer_norm`, shape [N, C, ...].
        num_groups: Of neighbouring channels; divides C.
        weight: Of the same dtype or float32, shape [C].
        bias: As ``weight``.
        eps: What is added to the variance.

    Returns:
        As :func:`layer_norm`.

    Raises:
        ValueError: A shape, dtype or device is not one above.

    Source: Wu and He, "Group normalization", 2018.
    """
    result: torch.Tensor = _OPS.exact_group_norm(input, num_groups, weight, bias, eps)[0]
    return result


def batch_norm(
    input: torch.Tensor,  # noqa: A002
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> torch.Tensor:
    """Each channel less its mean and over its deviation: the batch's in training, the running ones otherwise.

    Args:
        input: As in :func:`layer_norm`, shape [N, C, ...]. Where it lies with its channels last, so does what comes out; the
            bits are the same.
        running_mean: Of the same dtype or float32, shape [C]; in training it becomes
            fma(momentum, mean, (1 - momentum) running_mean).
        running_var: As ``running_mean``, of the variance over n - 1.
        weight: Of the same dtype or float32, shape [C].
        bias: As ``weight``.
        training: Whether the batch's own statistics are used and the running ones, where given, follow them.
        momentum: Their weight.
        eps: What is added to the variance.

    Returns:
        Of the dtype and shape of ``input``.

    Raises:
        ValueError: A shape, dtype or device is not one above, running statistics are missing outside of training, or a channel
            has one number in training.

    Source: Ioffe and Szegedy, "Batch normalization", 2015.
    """
    if training and input.dim() >= 2 and input.numel() == input.shape[1]:
        raise ValueError(
            f"exact.batch_norm: input has shape {list(input.shape)}, expected more than one number a channel in training"
        )
    found = _OPS.exact_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps)
    result: torch.Tensor = found[0]
    if training and running_mean is not None and running_var is not None:
        with torch.no_grad():
            running_mean.copy_(found[3])
            running_var.copy_(found[4])
    return result


def _rows(name: str, x: torch.Tensor, shape: Sequence[int]) -> int:
    """How many dimensions a row has."""
    dims = len(shape)
    if not 1 <= dims <= x.dim() or tuple(x.shape[x.dim() - dims :]) != tuple(shape):
        raise ValueError(f"exact.{name}: normalized_shape is {list(shape)}, expected the last dimensions of {list(x.shape)}")
    return dims


# What follows tells torch of shapes.


def _wide(x: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    return x.new_empty(shape, dtype=torch.float64 if x.dtype == torch.float64 else torch.float32)


@register_fake("within::exact_norm")
def _like_norm(
    x: torch.Tensor, dims: int, weight: torch.Tensor | None, bias: torch.Tensor | None, eps: float, is_centred: bool
) -> _Three:
    rows = x.shape[: x.dim() - dims]
    return torch.empty_like(x, memory_format=torch.contiguous_format), _wide(x, rows if is_centred else [0]), _wide(x, rows)


@register_fake("within::exact_norm_backward")
def _like_norm_backward(
    gradient: torch.Tensor,
    x: torch.Tensor,
    dims: int,
    weight: torch.Tensor | None,
    mean: torch.Tensor,
    scale: torch.Tensor,
    is_centred: bool,
    of_x: bool,
    of_weights: bool,
) -> _Three:
    shape = x.shape[x.dim() - dims :] if of_weights else [0]
    return _of_x(x, of_x), _wide(x, shape), _wide(x, shape)


@register_fake("within::exact_group_norm")
def _like_group_norm(
    x: torch.Tensor, groups: int, weight: torch.Tensor | None, bias: torch.Tensor | None, eps: float
) -> _Three:
    statistics = [x.shape[0], groups]
    return torch.empty_like(x, memory_format=torch.contiguous_format), _wide(x, statistics), _wide(x, statistics)


@register_fake("within::exact_group_norm_backward")
def _like_group_norm_backward(
    gradient: torch.Tensor,
    x: torch.Tensor,
    groups: int,
    weight: torch.Tensor | None,
    mean: torch.Tensor,
    scale: torch.Tensor,
    of_x: bool,
    of_weights: bool,
) -> _Three:
    shape = [x.shape[1] if of_weights else 0]
    return _of_x(x, of_x), _wide(x, shape), _wide(x, shape)


@register_fake("within::exact_batch_norm")
def _like_batch_norm(
    x: torch.Tensor,
    weight: torch.Tensor | None,
    bias: torch.Tensor | None,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    training: bool,
    momentum: float,
    eps: float,
) -> tuple[torch.Tensor, ...]:
    channels = x.shape[1]
    updated = training and running_mean is not None
    like = x if running_mean is None else running_mean
    new = like.new_empty([channels if updated else 0]) if running_mean is not None else _wide(x, [0])
    return _like_images(x), _wide(x, [channels]), _wide(x, [channels]), new, torch.empty_like(new)


@register_fake("within::exact_batch_norm_backward")
def _like_batch_norm_backward(
    gradient: torch.Tensor,
    x: torch.Tensor,
    weight: torch.Tensor | None,
    mean: torch.Tensor,
    scale: torch.Tensor,
    training: bool,
    of_x: bool,
    of_weights: bool,
) -> _Three:
    shape = [x.shape[1] if of_weights else 0]
    return _like_images(x) if of_x else x.new_empty([0]), _wide(x, shape), _wide(x, shape)


def _of_x(x: torch.Tensor, wanted: bool) -> torch.Tensor:
    return torch.empty_like(x, memory_format=torch.contiguous_format) if wanted else x.new_empty([0])


def _like_images(x: torch.Tensor) -> torch.Tensor:
    """Contiguous, with channels last where they are."""
    last = {4: torch.channels_last, 5: torch.channels_last_3d}.get(x.dim())
    is_last = last is not None and not x.is_contiguous() and x.is_contiguous(memory_format=last) and x[0, 0].numel() > 1
    return torch.empty_like(x, memory_format=last if is_last and last is not None else torch.contiguous_format)
