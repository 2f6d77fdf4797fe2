"""How well one of several classes is told from the others: for all rows, for each group of them, under one weighting or many.

Sums are exact before they are rounded once, and ranks are counted in integers, so results depend on no order of the rows,
number of threads, instruction set or device. Definitions and ties follow scikit-learn. Where a definition has no answer:

| metric | no answer when | then |
|---|---|---|
| macro_f1, weighted_f1 | a class is neither there nor decided on | left out of the mean |
| … | a class is there and never decided on, or the other way | 0 for that class |
| roc_auc_ovr | a class is not there, or no other is | NaN |
| all but confusion | the weights sum to 0, or there are no rows | NaN |
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from within_wf.ops.library import load_core
from within_wf.ops.scatter import scatter

load_core()

_OPS = torch.ops.within


def multiclass_metrics(
    probabilities: torch.Tensor,
    labels: torch.Tensor,
    *,
    weights: torch.Tensor | None = None,
    groups: torch.Tensor | None = None,
    num_groups: int | None = None,
    top_k: Sequence[int] = (2,),
) -> dict[str, torch.Tensor]:
    """Accuracy, log loss, F1, top-k accuracy, confusion and one-against-rest ROC AUC.

    Args:
        probabilities: Of each class, each in [0, 1], float64 or float32, shape [N, C], C at least 2; they are not made to sum
            to 1.
        labels: The true class, int64, shape [N], in [0, C).
        weights: How much a row counts, finite and at least 0, float64 or float32, shape [N]; or shape [R, N], R weightings at
            once. A row with weight 0 is as if it were not there.
        groups: The group of each row, int64, shape [N], in [0, num_groups).
        num_groups: How many groups; one more than the largest in ``groups`` by default.
        top_k: The k of each ``top_k``, at least 1.

    Returns:
        float64, each of shape […] below; with groups [num_groups + 1, …], the last being all rows; with R weightings a first
        dimension R before that.

        - ``accuracy``, []: share of rows whose highest probability is that of their label; of equal ones the lowest class is
          taken.
        - ``log_loss``, []: mean of -log of the label's probability, kept from 0 and 1 by the epsilon of the dtype.
        - ``macro_f1``, ``weighted_f1``, []: mean of the classes' F1, all alike or by their weight.
        - ``top_k``, [len(top_k)]: share of rows whose label is among the k of highest probability; of equal ones the higher
          class comes first.
        - ``confusion``, [C, C]: weight of each pair of label (rows) and decision (columns).
        - ``roc_auc_ovr``, []: mean over the classes of the area under the ROC curve of the class against the rest.

    Raises:
        ValueError: A shape, dtype or number is not one above; the first wrong row, and its class, are named.
        IndexError: A label or a group is outside; the first such row is named.
    """
    if not top_k or min(top_k) < 1:
        raise ValueError(f"multiclass_metrics: top_k is {tuple(top_k)}, expected at least one number, each 1 or more")
    if groups is not None and num_groups is None:
        num_groups = int(groups.max()) + 1 if groups.numel() else 0
    if groups is None and num_groups is not None:
        raise ValueError(f"multiclass_metrics: num_groups is {num_groups}, expected groups with it")
    decisions, places, losses = _OPS.multiclass_rows(probabilities, labels)
    is_one = weights is None or weights.dim() == 1
    weightings = None if weights is None else weights.to(torch.float64)
    weightings = weightings[None] if weightings is not None and is_one else weightings
    areas = _OPS.multiclass_ovr_areas(probabilities, labels, weightings, groups, num_groups or 0)
    if weightings is None:
        weightings = torch.ones_like(losses)[None]
    sums = _Sums(weightings, groups, num_groups or 0)
    classes = probabilities.shape[1]
    total = sums.of()
    confusion = sums.of(labels * classes + decisions, classes * classes)
    hit = confusion[:, :, :: classes + 1]
    there, decided = sums.of(labels, classes), sums.of(decisions, classes)
    f1 = torch.where(there + decided > 0, 2 * hit / (there + decided), 0.0)
    known = ((there > 0) | (decided > 0)).to(torch.float64)
    right = (decisions == labels).to(torch.float64)
    found = {
        "accuracy": _share(sums.of(values=right), total),
        "log_loss": _share(sums.of(values=losses), total),
        "macro_f1": _share(_over_classes(f1), _over_classes(known)),
        "weighted_f1": _share(_over_classes(f1 * there), total),
        "top_k": torch.stack([_share(sums.of(values=(places < k).to(torch.float64)), total) for k in top_k], dim=-1),
        "confusion": confusion.reshape(*confusion.shape[:2], classes, classes),
        "roc_auc_ovr": _over_classes(areas) / classes,
    }
    found["roc_auc_ovr"] = torch.where(areas.isnan().any(dim=-1), torch.nan, found["roc_auc_ovr"])
    if groups is None:
        found = {name: value[:, 0] for name, value in found.items()}
    return {name: value[0] for name, value in found.items()} if is_one else found


class _Sums:
    """Exact sums under each weighting, of each group and of all rows.

    Args:
        weightings: float64, shape [R, N].
        groups: int64, shape [N], or none.
        num_groups: How many.
    """

    def __init__(self, weightings: torch.Tensor, groups: torch.Tensor | None, num_groups: int) -> None:
        self._weights = weightings.T.contiguous()
        self._groups, self._count = groups, num_groups

    def of(self, cells: torch.Tensor | None = None, size: int = 0, *, values: torch.Tensor | None = None) -> torch.Tensor:
        """Of weights times ``values``; of each of ``size`` cells where there are ``cells``; shape [R, sets(, size)]."""
        terms = self._weights if values is None else self._weights * values[:, None]
        index = torch.zeros_like(terms[:, 0], dtype=torch.int64) if cells is None else cells
        width = 1 if cells is None else size
        sums = scatter(terms, index, width)[None]
        if self._groups is not None:
            of_groups = scatter(terms, self._groups * width + index, self._count * width)
            sums = torch.cat([of_groups.reshape(self._count, width, -1), sums])
        sums = sums.permute(2, 0, 1)
        return sums[..., 0] if cells is None else sums


def _share(part: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
    return torch.where(total > 0, part / total, torch.nan)


def _over_classes(values: torch.Tensor) -> torch.Tensor:
    """The exact sum over the last dimension."""
    columns = values.reshape(-1, values.shape[-1]).T.contiguous()
    zeros = torch.zeros_like(columns[:, 0], dtype=torch.int64)
    return scatter(columns, zeros, 1)[0].reshape(values.shape[:-1])


@torch.library.register_fake("within::multiclass_rows")  # type: ignore[untyped-decorator]
def _like_rows(probabilities: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rows = (probabilities.shape[0],)
    return labels.new_empty(rows), labels.new_empty(rows), probabilities.new_empty(rows, dtype=torch.float64)


@torch.library.register_fake("within::multiclass_ovr_areas")  # type: ignore[untyped-decorator]
def _like_areas(
    probabilities: torch.Tensor,
    labels: torch.Tensor,
    weights: torch.Tensor | None,
    groups: torch.Tensor | None,
    num_groups: int,
) -> torch.Tensor:
    sets = 1 if groups is None else num_groups + 1
    weightings = 1 if weights is None else weights.shape[0]
    return probabilities.new_empty((weightings, sets, probabilities.shape[1]), dtype=torch.float64)
