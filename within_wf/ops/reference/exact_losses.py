"""Losses in plain torch, in the order that docs/exact/losses.md gives; float32, float16 and bfloat16.

exp, log, log1p and softplus are the functions of within_wf.ops.exact, which have a page of their own.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from within_wf.ops.exact import elementwise
from within_wf.ops.reference.exact import fma, stored, sum_in_order


def _f(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float32)


def point_loss(
    loss: str, x: torch.Tensor, t: torch.Tensor, factor: torch.Tensor | None, parameter: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """The losses of elements and their derivatives by x, float32."""
    gap, p = x - t, _f(parameter)
    size, one, zero = gap.abs(), _f(1.0), _f(0.0)

    def sign(above: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
        return torch.where(gap > 0, above, torch.where(gap < 0, below, gap))

    if loss == "mse":
        return gap * gap, gap + gap
    if loss == "l1":
        return size, sign(one, -one)
    if loss == "huber":
        slope = torch.where(gap > p, p, torch.where(gap < -p, -p, gap))
        return torch.where(size <= p, 0.5 * gap * gap, p * (size - p * 0.5)), slope
    if loss == "smooth_l1":
        return (
            torch.where(size < p, 0.5 * gap * gap / p, size - p * 0.5),
            torch.where(size < p, gap / p, sign(one, -one)),
        )
    if loss == "logistic":
        positive, negative = (t if factor is None else factor * t), 1 - t
        power = elementwise.exp(-x.abs())
        rest, share = elementwise.log1p(power), power / (power + 1)
        line = torch.where(x > 0, negative * x, positive * -x)
        if factor is None:
            return line + rest, torch.where(x > 0, negative - share, share - positive)
        both = positive + negative
        return fma(both, rest, line), torch.where(x > 0, fma(-both, share, negative), fma(both, share, -positive))
    if loss == "quantile":
        q = p if factor is None else factor
        above = t - x
        return torch.where(above >= 0, q * above, (q - 1) * above), sign(1 - q, -q)
    assert factor is not None  # noqa: S101
    missing = fma(-factor, gap, p)
    slope = torch.where(missing < 0, zero, torch.where(missing.isnan(), missing, -factor))
    return torch.where(missing < 0, zero, missing), slope


def pointwise_loss(
    x: torch.Tensor,
    t: torch.Tensor,
    factor: torch.Tensor | None,
    weight: torch.Tensor | None,
    loss: str,
    parameter: float,
    reduction: int,
    incoming: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss, and the gradient of x for what comes in for the loss; arguments as the operator's."""
    dtype = x.dtype
    wide = [None if of is None else of.float().expand(x.shape) for of in (x, t, factor, weight)]
    losses, slopes = point_loss(loss, wide[0], wide[1], wide[2], parameter)  # type: ignore[arg-type]
    if wide[3] is not None:
        losses, slopes = losses * wide[3], slopes * wide[3]
    scale = incoming.float()
    if reduction == 0:
        return stored(losses, dtype), stored(slopes * scale, dtype)
    divisor = {1: lambda: _f(x.numel()), 2: lambda: _f(1.0), 3: lambda: sum_in_order(wide[3].flatten())}[reduction]()  # type: ignore[union-attr]
    return stored(sum_in_order(losses.flatten()) / divisor, dtype), stored(slopes * (scale / divisor), dtype)


Row = tuple[torch.Tensor, torch.Tensor, Callable[[torch.Tensor], torch.Tensor]]
"""The loss of a row, its weight, and its gradient of what comes in for the loss."""


def _cost(row: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Of logits the costs of classes, their powers, and 1 over the sum of these."""
    most = row.nan_to_num(nan=-torch.inf, neginf=-torch.inf, posinf=torch.inf).max() + 0.0
    powers = elementwise.exp(row - most)
    total = sum_in_order(powers)
    return elementwise.log(total) - (row - most), powers, 1 / total


def _labelled_row(row: torch.Tensor, label: torch.Tensor, w: torch.Tensor | None, *, is_log: bool, smoothing: float) -> Row:
    classes = len(row)
    is_label = torch.arange(classes) == label
    own = _f(1.0) if w is None else w[label]
    cost, powers, inverse = (-row, row, row) if is_log else _cost(row)
    loss = cost[label] if w is None else own * cost[label]
    if is_log:
        return loss, own, lambda scale: torch.where(is_label, -(own * scale), _f(0.0))
    if smoothing == 0:

        def plain(scale: torch.Tensor) -> torch.Tensor:
            factor = inverse * (own * scale)
            return torch.where(is_label, fma(powers, factor, -(own * scale)), powers * factor)

        return loss, own, plain
    kept, spread = _f(1 - smoothing), _f(smoothing / classes)
    loss = fma(spread, sum_in_order(cost if w is None else w * cost), kept * loss)
    part = torch.where(is_label, fma(kept, own, spread * own), spread.expand(classes) if w is None else w * spread)
    share = own if w is None else fma(kept, own, spread * sum_in_order(w))
    return loss, own, lambda scale: fma(powers, inverse * (share * scale), -(part * scale))


def _shared_row(row: torch.Tensor, shares: torch.Tensor, w: torch.Tensor | None, *, smoothing: float) -> Row:
    cost, powers, inverse = _cost(row)
    part = shares if smoothing == 0 else _f(1 - smoothing) * shares + _f(smoothing / len(row))
    part = part if w is None else w * part
    share = sum_in_order(part)
    loss = sum_in_order(part * cost)
    return loss, _f(1.0), lambda scale: fma(powers, inverse * (share * scale), -(part * scale))


def _rows(x: torch.Tensor) -> torch.Tensor:
    """[C], [N, C] or [N, C, ...] as [rows, C] of float32."""
    wide = x.float()[None] if x.dim() == 1 else x.float()
    return wide.movedim(1, -1).reshape(-1, wide.shape[1])


def class_loss(
    x: torch.Tensor,
    target: torch.Tensor,
    weight: torch.Tensor | None,
    is_log: bool,
    reduction: int,
    ignore_index: int,
    label_smoothing: float,
    incoming: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss, and the gradient of x for what comes in for the loss; arguments as the operator's."""
    has_labels = target.dtype == torch.int64
    w = None if weight is None else weight.float()
    rows, classes = _rows(x), x.shape[0 if x.dim() == 1 else 1]
    found: list[Row] = []
    for row, wanted in zip(rows, target.flatten() if has_labels else _rows(target), strict=True):
        if not has_labels:
            found.append(_shared_row(row, wanted, w, smoothing=label_smoothing))
        elif wanted == ignore_index:
            found.append((_f(0.0), _f(0.0), lambda _: torch.zeros(classes)))
        else:
            found.append(_labelled_row(row, wanted, w, is_log=is_log, smoothing=label_smoothing))
    losses = torch.stack([loss for loss, _, _ in found]) if found else torch.zeros(0)
    divisor = _f(1.0)
    if reduction == 1:
        divisor = sum_in_order(torch.stack([own for _, own, _ in found])) if has_labels and found else _f(len(found))
    scales = incoming.float().flatten() if reduction == 0 else (incoming.float() / divisor).expand(len(found))
    gradients = [gradient(scale) for (_, _, gradient), scale in zip(found, scales, strict=True)]
    out = torch.stack(gradients) if gradients else torch.zeros(0, classes)
    outer = x.shape[:1] if x.dim() > 1 else torch.Size()
    gradient = out.reshape(*outer, *x.shape[2:], classes).movedim(-1, 1 if x.dim() > 1 else 0)
    if reduction == 0:
        return stored(losses.reshape((*outer, *x.shape[2:])), x.dtype), stored(gradient, x.dtype)
    return stored(sum_in_order(losses) / divisor, x.dtype), stored(gradient, x.dtype)


def pairwise_loss(
    x: torch.Tensor, t: torch.Tensor, group: torch.Tensor | None, reduction: int, incoming: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss, and the gradient of x for what comes in for the loss; arguments as the operator's."""
    scores, targets = x.float(), t.float()
    groups = torch.zeros(len(x), dtype=torch.int64) if group is None else group
    members = [torch.nonzero(groups == of).flatten() for of in groups]
    zero, pairs, losses = _f(0.0), 0, []
    for i, others in enumerate(members):
        is_higher = targets[others] < targets[i]
        pairs += int(is_higher.sum())
        losses.append(sum_in_order(torch.where(is_higher, elementwise.softplus(scores[others] - scores[i]), zero)))
    all_losses = torch.stack(losses) if losses else torch.zeros(0)
    divisor = _f(max(1, pairs) if reduction == 1 else 1)
    scales = incoming.float() if reduction == 0 else (incoming.float() / divisor).expand(len(x))
    gradients = []
    for i, others in enumerate(members):
        is_higher, is_lower = targets[others] < targets[i], targets[others] > targets[i]
        gap = scores[others] - scores[i]
        share = elementwise.sigmoid(torch.where(is_higher, gap, scores[i] - scores[others]))
        of_lower = torch.where(is_lower, share * scales[others], zero)
        gradients.append(sum_in_order(torch.where(is_higher, -(share * scales[i]), of_lower)))
    gradient = torch.stack(gradients) if gradients else torch.zeros(0)
    if reduction == 0:
        return stored(all_losses, x.dtype), stored(gradient, x.dtype)
    return stored(sum_in_order(all_losses) / divisor, x.dtype), stored(gradient, x.dtype)
