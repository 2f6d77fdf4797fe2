"""Losses of one order, each with its gradient in one pass: the same bits on every processor, device and number of threads.

The loss of an element or row is made of single IEEE operations and of the functions of ``elementwise``; losses are added up in
the order of docs/exact.md, and a mean is that sum divided by the count, rounded once. float32 and float64; float16 and bfloat16
are read as float32, and rounded to their format once at the end. docs/exact/losses.md has every formula. Where a loss has no
second derivative of ours, asking for one raises.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch.compiler import is_compiling

from within_wf.ops.library import load_core, register_fake

load_core()

from within_wf import _C  # type: ignore[attr-defined]  # noqa: E402 - the core has to be loaded

_POINTWISE = torch.ops.within.exact_pointwise_loss.default
_CLASS = torch.ops.within.exact_class_loss.default
_PAIRWISE = torch.ops.within.exact_pairwise_loss.default

Reduction = Literal["none", "mean", "sum"]
_REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}
_MEAN_BY_WEIGHTS = 3


def mse_loss(
    input: torch.Tensor,  # noqa: A002 - torch's name
    target: torch.Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
    weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """The squared difference.

    Args:
        input: float32, float64, float16 or bfloat16, of any shape.
        target: Of the same dtype and shape; it has a gradient too.
        size_average: Refused, as ``reduce``: torch gave both up.
        reduce: Refused.
        reduction: ``none`` gives the losses, ``sum`` their sum, ``mean`` that divided by their number.
        weight: Of the same dtype, of a shape that broadcasts to that of ``input``; losses are multiplied by it, and a mean is
            divided by the sum of weights instead. It has no gradient.

    Returns:
        Of the same dtype: the shape of ``input``, or a scalar; NaN as the mean of none.

    Raises:
        ValueError: A dtype, shape, device or option is none of those.
    """
    return _of_gap("mse", input, target, 0.0, _reduction("mse_loss", reduction, size_average, reduce), weight)


def l1_loss(
    input: torch.Tensor,  # noqa: A002 - torch's name
    target: torch.Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
    weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """The size of the difference; otherwise as :func:`mse_loss`. Where there is none, the gradient is 0."""
    return _of_gap("l1", input, target, 0.0, _reduction("l1_loss", reduction, size_average, reduce), weight)


def huber_loss(
    input: torch.Tensor,  # noqa: A002 - torch's name
    target: torch.Tensor,
    reduction: Reduction = "mean",
    delta: float = 1.0,
    weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """Half the squared difference up to ``delta``, from there on linear (Huber, 1964).

    Otherwise as :func:`mse_loss`, but a weighted mean is divided by the number of losses, as torch's.

    Raises:
        ValueError: ``delta`` is not above 0, or what :func:`mse_loss` says.
    """
    if not delta > 0:
        raise ValueError(f"exact.huber_loss: delta is {delta}, expected more than 0")
    of = _reduction("huber_loss", reduction)
    loss: torch.Tensor = _pointwise(input, target, None, weight, "huber", float(delta), of)
    return loss


def smooth_l1_loss(
    input: torch.Tensor,  # noqa: A002 - torch's name
    target: torch.Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
    beta: float = 1.0,
) -> torch.Tensor:
    """Half the squared difference over ``beta`` below it, from there on linear; otherwise as :func:`mse_loss`.

    Source: Girshick, "Fast R-CNN", ICCV 2015.

    Raises:
        ValueError: ``beta`` is below 0, or what :func:`mse_loss` says.
    """
    if not beta >= 0:
        raise ValueError(f"exact.smooth_l1_loss: beta is {beta}, expected 0 or more")
    return _of_gap("smooth_l1", input, target, beta, _reduction("smooth_l1_loss", reduction, size_average, reduce), None)


def binary_cross_entropy_with_logits(
    input: torch.Tensor,  # noqa: A002 - torch's name
    target: torch.Tensor,
    weight: torch.Tensor | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
    pos_weight: torch.Tensor | None = None,
) -> torch.Tensor:
    """The log loss of logits.

    Args:
        input: Logits, as in :func:`mse_loss`.
        target: Shares in [0, 1], of the same dtype and shape; without a gradient.
        weight: As in :func:`mse_loss`, but a mean is divided by the number of losses.
        size_average: Refused, as ``reduce``.
        reduce: Refused.
        reduction: As in :func:`mse_loss`.
        pos_weight: What the positives' part of a loss is multiplied by, of the same dtype, of a shape that broadcasts to
            that of ``input``; without a gradient.

    Returns:
        As :func:`mse_loss`.

    Raises:
        ValueError: A dtype, shape, device or option is none of those, or a gradient of another than ``input`` is asked for.
    """
    of = _reduction("binary_cross_entropy_with_logits", reduction, size_average, reduce)
    loss: torch.Tensor = _pointwise(input, target, pos_weight, weight, "logistic", 0.0, of)
    return loss


def quantile_loss(
    input: torch.Tensor,  # noqa: A002 - as torch's losses
    target: torch.Tensor,
    quantile: float | Sequence[float] | torch.Tensor = 0.5,
    reduction: Reduction = "mean",
) -> torch.Tensor:
    """The pinball loss, which the quantile of the target's distribution makes smallest.

    Args:
        input: Predicted quantiles, as in :func:`mse_loss`.
        target: Of the same dtype and shape; it has a gradient too. With several quantiles, also [...] for an input [..., Q].
        quantile: Of all elements, or one for each place of the last dimension, shape [Q]; in (0, 1).
        reduction: As in :func:`mse_loss`.

    Returns:
        As :func:`mse_loss`. Where the difference is 0, the gradient is.

    Raises:
        ValueError: A quantile is not in (0, 1), or what :func:`mse_loss` says.

    Source: Koenker and Bassett, "Regression Quantiles", Econometrica 1978.
    """
    of = _reduction("quantile_loss", reduction)
    if isinstance(quantile, (int, float)):
        if not 0 < quantile < 1:
            raise ValueError(f"exact.quantile_loss: quantile is {quantile}, expected a number in (0, 1)")
        loss: torch.Tensor = _pointwise(input, target, None, None, "quantile", float(quantile), of)
        return loss
    levels = torch.as_tensor(quantile, dtype=torch.float64, device="cpu")
    if levels.dim() != 1 or not ((levels > 0) & (levels < 1)).all():
        raise ValueError(f"exact.quantile_loss: quantile is {levels.tolist()}, expected a number in (0, 1) or a list of such")
    if input.dim() == 0 or input.shape[-1] != len(levels):
        raise ValueError(f"exact.quantile_loss: input has shape {list(input.shape)}, expected [..., {len(levels)}]")
    if target.dim() == input.dim() - 1:
        target = target[..., None].expand(*target.shape, len(levels))
    of_places: torch.Tensor = _pointwise(input, target, levels.to(input), None, "quantile", 0.0, of)
    return of_places


def margin_ranking_loss(
    input1: torch.Tensor,
    input2: torch.Tensor,
    target: torch.Tensor,
    margin: float = 0,
    size_average: None = None,
    reduce: None = None,
    reduction: Reduction = "mean",
) -> torch.Tensor:
    """What is missing for the higher of two scores to be higher by a margin.

    Args:
        input1: Scores, as ``input`` in :func:`mse_loss`.
        input2: Scores that they are compared with, of the same dtype and shape; they have a gradient too.
        target: 1 where ``input1`` is to be the higher, -1 where ``input2`` is, of the same dtype and shape.
        margin: By how much.
        size_average: Refused, as ``reduce``.
        reduce: Refused.
        reduction: As in :func:`mse_loss`.

    Returns:
        As :func:`mse_loss`. Where exactly nothing is missing, the gradient is as where something is, as torch's.

    Raises:
        ValueError: What :func:`mse_loss` says.
    """
    of = _reduction("margin_ranking_loss", reduction, size_average, reduce)
    if target.shape != input1.shape:
        raise ValueError(
            f"exact.margin_ranking_loss: target has shape {list(target.shape)}, expected {list(input1.shape)} as input1"
        )
    loss: torch.Tensor = _pointwise(input1, input2, target, None, "margin", float(margin), of)
    return loss


def cross_entropy(
    input: torch.Tensor,  # noqa: A002 - torch's name
    target: torch.Tensor,
    weight: torch.Tensor | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> torch.Tensor:
    """The negative log likelihood of a class whose logits are given.

    Args:
        input: Logits, float32, float64, float16 or bfloat16, shape [C], [N, C] or [N, C, d1, …].
        target: Labels, int64, shape [], [N] or [N, d1, …]; or shares of classes, of the dtype and shape of ``input``, without a
            gradient.
        weight: Of classes, of the same dtype, shape [C]; without a gradient. A mean over labels is divided by the sum of their
            weights, one over shares by the number of rows.
        ignore_index: A label whose row has no loss, and does not count in a mean.
        size_average: Refused, as ``reduce``.
        reduce: Refused.
        reduction: As in :func:`mse_loss`.
        label_smoothing: How much of a row's share is spread over all classes, in [0, 1]; Szegedy et al., "Rethinking the
            Inception Architecture", CVPR 2016.

    Returns:
        Of the dtype of ``input``: the shape of labels, or a scalar; NaN as the mean of none.

    Raises:
        ValueError: A dtype, shape, device or option is none of those, or a gradient of another than ``input`` is asked for.
        IndexError: A label is neither a class nor ``ignore_index``.
    """
    of = _reduction("cross_entropy", reduction, size_average, reduce)
    loss: torch.Tensor = _class_loss(input, target, weight, False, of, ignore_index, label_smoothing)
    return loss


def nll_loss(
    input: torch.Tensor,  # noqa: A002 - torch's name
    target: torch.Tensor,
    weight: torch.Tensor | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: Reduction = "mean",
) -> torch.Tensor:
    """The negative log likelihood of labels; ``input`` holds logarithms of shares, otherwise as :func:`cross_entropy`."""
    of = _reduction("nll_loss", reduction, size_average, reduce)
    loss: torch.Tensor = _class_loss(input, target, weight, True, of, ignore_index, 0.0)
    return loss


def pairwise_logistic_loss(
    input: torch.Tensor,  # noqa: A002 - as torch's losses
    target: torch.Tensor,
    group: torch.Tensor | None = None,
    reduction: Reduction = "mean",
) -> torch.Tensor:
    """The log loss of the order of pairs: softplus(input[j] - input[i]) where target[i] > target[j], within groups.

    Args:
        input: Scores, float32, float64, float16 or bfloat16, shape [N].
        target: What rows are to be ordered by, of the same dtype and shape; without a gradient.
        group: Rows of one number are compared with each other, int64, shape [N], in any order; None: all.
        reduction: ``none`` gives for each row the sum over its pairs in which it is to be the higher, ``sum`` the sum of these,
            ``mean`` that divided by the number of pairs, or 0 where there is none.

    Returns:
        Of the same dtype: shape [N], or a scalar. Time is quadratic in the size of a group.

    Raises:
        ValueError: A dtype, shape, device or option is none of those, or a gradient of another than ``input`` is asked for.

    Source: Burges et al., "Learning to Rank using Gradient Descent" (RankNet), ICML 2005, with sigma 1.
    """
    loss: torch.Tensor = _PAIRWISE(input, target, group, _reduction("pairwise_logistic_loss", reduction))[0]
    return loss


def _reduction(name: str, reduction: str, size_average: object = None, reduce: object = None) -> int:
    if size_average is not None or reduce is not None:
        raise ValueError(f"exact.{name}: size_average and reduce, which torch gave up, are refused; say it by reduction")
    try:
        return _REDUCTIONS[reduction]
    except KeyError:
        raise ValueError(f"exact.{name}: reduction is {reduction!r}, expected 'none', 'mean' or 'sum'") from None


def _of_gap(
    kind: str,
    input: torch.Tensor,  # noqa: A002
    target: torch.Tensor,
    parameter: float,
    reduction: int,
    weight: torch.Tensor | None,
) -> torch.Tensor:
    if weight is not None and reduction == 1:
        reduction = _MEAN_BY_WEIGHTS
    loss: torch.Tensor = _pointwise(input, target, None, weight, kind, float(parameter), reduction)
    return loss


def _pointwise(
    input: torch.Tensor,  # noqa: A002
    target: torch.Tensor,
    factor: torch.Tensor | None,
    weight: torch.Tensor | None,
    kind: str,
    parameter: float,
    reduction: int,
) -> torch.Tensor:
    given = (input, target, factor, weight, kind, parameter, reduction)
    loss: torch.Tensor = NotImplemented if is_compiling() else _C.pointwise_loss(*given)
    return _POINTWISE(*given) if loss is NotImplemented else loss


def _class_loss(
    input: torch.Tensor,  # noqa: A002
    target: torch.Tensor,
    weight: torch.Tensor | None,
    is_log: bool,
    reduction: int,
    ignore_index: int,
    label_smoothing: float,
) -> torch.Tensor:
    given = (input, target, weight, is_log, reduction, ignore_index, label_smoothing)
    loss: torch.Tensor = NotImplemented if is_compiling() else _C.class_loss(*given)
    return _CLASS(*given)[0] if loss is NotImplemented else loss


# What follows tells torch of shapes.


@register_fake("within::exact_pointwise_loss")
def _like_pointwise_loss(
    input: torch.Tensor,  # noqa: A002
    target: torch.Tensor,
    factor: torch.Tensor | None,
    weight: torch.Tensor | None,
    loss: str,
    parameter: float,
    reduction: int,
) -> torch.Tensor:
    return input.new_empty(input.shape if reduction == 0 else ())


@register_fake("within::exact_pointwise_loss_backward")
def _like_pointwise_gradient(
    gradient: torch.Tensor,
    input: torch.Tensor,  # noqa: A002
    target: torch.Tensor,
    factor: torch.Tensor | None,
    weight: torch.Tensor | None,
    loss: str,
    parameter: float,
    reduction: int,
) -> torch.Tensor:
    return input.new_empty(input.shape)


def _wide(dtype: torch.dtype) -> torch.dtype:
    return torch.float64 if dtype == torch.float64 else torch.float32


@register_fake("within::exact_class_loss")
def _like_class_loss(
    input: torch.Tensor,  # noqa: A002
    target: torch.Tensor,
    weight: torch.Tensor | None,
    is_log: bool,
    reduction: int,
    ignore_index: int,
    label_smoothing: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rows = input.shape[:1] + input.shape[2:] if input.dim() > 1 else input.shape[:0]
    kinds = 0 if is_log else 2 if target.dtype == torch.int64 else 3
    wide = _wide(input.dtype)
    return (
        input.new_empty(rows if reduction == 0 else ()),
        input.new_empty((kinds, rows.numel()), dtype=wide),
        input.new_empty((), dtype=wide),
    )


@register_fake("within::exact_class_loss_backward")
def _like_class_gradient(
    gradient: torch.Tensor,
    input: torch.Tensor,  # noqa: A002
    target: torch.Tensor,
    weight: torch.Tensor | None,
    rows: torch.Tensor,
    divisor: torch.Tensor,
    is_log: bool,
    reduction: int,
    ignore_index: int,
    label_smoothing: float,
) -> torch.Tensor:
    return input.new_empty(input.shape)


@register_fake("within::exact_pairwise_loss")
def _like_pairwise_loss(
    input: torch.Tensor,  # noqa: A002
    target: torch.Tensor,
    group: torch.Tensor | None,
    reduction: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    return input.new_empty(input.shape if reduction == 0 else ()), input.new_empty((), dtype=torch.int64)


@register_fake("within::exact_pairwise_loss_backward")
def _like_pairwise_gradient(
    gradient: torch.Tensor,
    input: torch.Tensor,  # noqa: A002
    target: torch.Tensor,
    group: torch.Tensor | None,
    pairs: torch.Tensor,
    reduction: int,
) -> torch.Tensor:
    return input.new_empty(input.shape)
