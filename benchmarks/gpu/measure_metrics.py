"""Metrics of 10,000,000 rows beside the same in plain torch, which sorts and adds up on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch

from benchmarks.gpu.timing import Comparison
from within_wf.ops.binary import binary_metrics
from within_wf.ops.drift import drift_metrics
from within_wf.ops.multiclass import multiclass_metrics
from within_wf.ops.reference.binary import binary_metrics as binary_in_torch
from within_wf.ops.reference.drift import drift_metrics as drift_in_torch
from within_wf.ops.reference.regression import regression_metrics as regression_in_torch
from within_wf.ops.regression import regression_metrics

ROWS = 10_000_000  # torch.quantile takes up to 2^24
CLASSES = 10
GROUPS = 1000
Table = dict[str, torch.Tensor]


def comparisons(device: torch.device, scale: float = 1.0) -> Iterator[Comparison]:
    """Each family in float32, the whole, by groups, and with weights; ``scale`` makes rows and groups fewer."""
    rows, groups = max(100, int(ROWS * scale)), max(2, int(GROUPS * scale))
    yield from of_binary(device, rows, groups)
    yield from of_multiclass(device, rows // CLASSES)
    yield from of_regression(device, rows, groups)
    yield from of_drift(device, rows // 2, groups)


def of_binary(device: torch.device, rows: int, groups: int) -> Iterator[Comparison]:
    """Scores of which those of class 1 are larger."""
    draws = torch.Generator(device).manual_seed(0)
    labels = torch.randint(0, 2, (rows,), device=device, generator=draws)
    scores = (torch.randn(rows, device=device, generator=draws) + labels).sigmoid()
    weights = torch.rand(rows, device=device, generator=draws)
    group_of = torch.randint(0, groups, (rows,), device=device, generator=draws)
    given = (scores, labels)
    yield entry("binary", rows, given, lambda: binary_metrics(*given), lambda: binary_in_torch(*given))
    yield entry(
        "binary, weighted",
        rows,
        (*given, weights),
        lambda: binary_metrics(*given, weights=weights),
        lambda: binary_in_torch(*given, weights=weights),
    )
    name = f"binary in {groups} groups"
    yield entry(name, rows, (*given, group_of), lambda: binary_metrics(*given, groups=group_of, num_groups=groups))


def of_multiclass(device: torch.device, rows: int) -> Iterator[Comparison]:
    """Probabilities of which that of the true class is larger."""
    draws = torch.Generator(device).manual_seed(0)
    labels = torch.randint(0, CLASSES, (rows,), device=device, generator=draws)
    logits = torch.randn(rows, CLASSES, device=device, generator=draws)
    given = (logits.scatter_add(1, labels[:, None], torch.ones_like(logits)).softmax(dim=1), labels)
    name = f"multiclass, {CLASSES} classes"
    yield entry(name, rows, given, lambda: multiclass_metrics(*given), lambda: multiclass_in_torch(*given))


def of_regression(device: torch.device, rows: int, groups: int) -> Iterator[Comparison]:
    """Targets, and predictions near them."""
    draws = torch.Generator(device).manual_seed(0)
    targets = torch.randn(rows, device=device, generator=draws)
    predictions = targets + 0.3 * torch.randn(rows, device=device, generator=draws)
    weights = torch.rand(rows, device=device, generator=draws)
    group_of = torch.randint(0, groups, (rows,), device=device, generator=draws)
    given = (predictions, targets)
    yield entry("regression", rows, given, lambda: regression_metrics(*given), lambda: regression_in_torch(*given))
    yield entry("regression, weighted", rows, (*given, weights), lambda: regression_metrics(*given, weights=weights))
    name = f"regression in {groups} groups"
    yield entry(name, rows, (*given, group_of), lambda: regression_metrics(*given, groups=group_of, num_groups=groups))


def of_drift(device: torch.device, rows: int, groups: int) -> Iterator[Comparison]:
    """Two samples of as many rows each."""
    draws = torch.Generator(device).manual_seed(0)
    reference = torch.randn(rows, device=device, generator=draws)
    current = 1.1 * torch.randn(rows, device=device, generator=draws) + 0.02
    weights = torch.rand(rows, device=device, generator=draws)
    of, other_of = (torch.randint(0, groups, (rows,), device=device, generator=draws) for _ in range(2))
    given = (reference, current)
    yield entry("drift, both samples", rows, given, lambda: drift_metrics(*given), lambda: drift_in_torch(*given))
    yield entry(
        "drift, both samples, weighted",
        rows,
        (*given, weights, weights),
        lambda: drift_metrics(*given, reference_weights=weights, current_weights=weights),
    )
    yield entry(
        f"drift, both samples, in {groups} groups",
        rows,
        (*given, of, other_of),
        lambda: drift_metrics(*given, reference_groups=of, current_groups=other_of, num_groups=groups),
    )


def entry(
    name: str,
    rows: int,
    read: tuple[torch.Tensor, ...],
    ours: Callable[[], Table],
    in_torch: Callable[[], Table] | None = None,
) -> Comparison:
    """All is read once; the table that is written is small."""
    moved = sum(tensor.numel() * tensor.element_size() for tensor in read)
    peers = {} if in_torch is None else {"torch, direct": in_torch}
    return Comparison(f"{name}, float32, {rows} rows", ours, peers, moved)


def multiclass_in_torch(probabilities: torch.Tensor, labels: torch.Tensor) -> Table:
    """The same by torch's own operations, each class sorted; ties of decisions go to the first class."""
    rows, classes = probabilities.shape
    decided = probabilities.argmax(dim=1)
    confusion = torch.bincount(labels * classes + decided, minlength=classes * classes).reshape(classes, classes).double()
    hit, there, called = confusion.diagonal(), confusion.sum(dim=1), confusion.sum(dim=0)
    f1 = torch.where(there + called > 0, 2 * hit / (there + called), 0.0)
    epsilon = torch.finfo(probabilities.dtype).eps
    own = probabilities.clamp(epsilon, 1 - epsilon).double().gather(1, labels[:, None])
    areas = []
    for label in range(classes):
        scores, is_label = probabilities[:, label].contiguous(), labels == label
        ordered = scores.sort().values
        ranks = torch.searchsorted(ordered, scores) + torch.searchsorted(ordered, scores, right=True) + 1
        positives = is_label.sum()
        doubled = ranks[is_label].sum() - positives * (positives + 1)
        areas.append(doubled.double() / 2 / (positives.double() * (rows - positives)))
    return {
        "accuracy": hit.sum() / rows,
        "log_loss": -own.log().mean(),
        "macro_f1": f1.sum() / ((there > 0) | (called > 0)).sum(),
        "weighted_f1": (f1 * there).sum() / rows,
        "top_k": (probabilities.topk(2, dim=1).indices == labels[:, None]).any(dim=1).double().mean()[None],
        "confusion": confusion,
        "roc_auc_ovr": torch.stack(areas).mean(),
    }
