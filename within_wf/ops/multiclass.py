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

from within_wf.ops.library import load_core, register_fake
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
        weights: How much a row counts, from 0 to 2^960, float64 or float32, shape [N]; or shape [R, N], R weightings at
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
    if not isinstance(top_k, Sequence) or not top_k or not all(hasattr(k, "__index__") and k >= 1 for k in top_k):
        raise ValueError(f"multiclass_metrics: top_k is {top_k}, expected at least one whole number, each 1 or more, as (1, 5)")
    if groups is not None and num_groups is None:
        num_groups = int(groups.max()) + 1 if groups.numel() else 0
    if groups is None and num_groups is not None:
        raise ValueError(f"multiclass_metrics: num_groups is {num_groups}, expected groups with it")
    if weights is not None and weights.dtype not in (torch.float64, torch.float32):
        raise ValueError(f"multiclass_metrics: weights is {weights.dtype}, expected float64 or float32")
    if weights is not None and weights.dim() == 2 and not len(weights):
        raise ValueError(f"multiclass_metrics: weights has shape {list(weights.shape)}, expected at least one weighting")
    probabilities = probabilities.detach()
    decisions, places, losses = _OPS.multiclass_rows(probabilities, labels)
    is_one = weights is None or weights.dim() == 1
    weightings = None if weights is None else weights.detach().to(torch.float64)
    weightings = weightings[None] if weightings is not None and is_one else weightings
    areas = _OPS.multiclass_ovr_areas(probabilities, labels, weightings, groups, num_groups or 0)
    sums = _Sums(losses, weightings, groups, num_groups or 0)
    classes = probabilities.shape[1]
    total = sums.of_all()
    confusion = sums.of_cells((labels * classes).add_(decisions), classes * classes)
    hit = confusion[:, :, :: classes + 1]
    there, decided = sums.of_cells(labels, classes), sums.of_cells(decisions, classes)
    f1 = torch.where(there + decided > 0, 2 * hit / (there + decided), 0.0)
    known = ((there > 0) | (decided > 0)).to(torch.float64)
    found = {
        "accuracy": _share(sums.where(decisions == labels), total),
        "log_loss": _share(sums.of_values(), total),
        "macro_f1": _share(_over_classes(f1), _over_classes(known)),
        "weighted_f1": _share(_over_classes(f1 * there), total),
        "top_k": torch.stack([_share(sums.where(places < min(int(k), classes)), total) for k in top_k], dim=-1),
        "confusion": confusion.reshape(*confusion.shape[:2], classes, classes),
        "roc_auc_ovr": _over_classes(areas) / classes,
    }
    found["roc_auc_ovr"] = torch.where(areas.isnan().any(dim=-1), torch.nan, found["roc_auc_ovr"])
    if groups is None:
        found = {name: value[:, 0] for name, value in found.items()}
    return {name: value[0] for name, value in found.items()} if is_one else found


class _Sums:
    """Exact sums under each weighting, of each group and of all rows: shape [R, sets].

    Args:
        values: float64, shape [N].
        weightings: float64, shape [R, N]; none counts each row once, R = 1.
        groups: int64, shape [N], or none.
        num_groups: How many.
    """

    def __init__(
        self, values: torch.Tensor, weightings: torch.Tensor | None, groups: torch.Tensor | None, num_groups: int
    ) -> None:
        self._values, self._groups, self._count = values, groups, num_groups
        self._weights = None if weightings is None else weightings.T.contiguous()
        self._zeros = torch.zeros_like(values, dtype=torch.int64)

    def of_all(self) -> torch.Tensor:
        """Of the weights."""
        return self.of_cells(self._zeros, 1)[..., 0]

    def of_values(self) -> torch.Tensor:
        """Of weight times value."""
        values = self._values[:, None]
        return self._sums(values if self._weights is None else self._weights * values, self._zeros, 1)[..., 0]

    def where(self, mask: torch.Tensor) -> torch.Tensor:
        """Of the weights of the rows in a mask, bool, shape [N]."""
        return self.of_cells(mask.to(torch.int64), 2)[..., 1]

    def of_cells(self, cells: torch.Tensor, size: int) -> torch.Tensor:
        """Of the weights of the rows in each of ``size`` cells; shape [R, sets, size]."""
        return self._sums(self._weights, cells, size)

    def _sums(self, terms: torch.Tensor | None, cells: torch.Tensor, size: int) -> torch.Tensor:
        sums = _sums_by(terms, cells, size)[None]
        if self._groups is not None:
            of_groups = _sums_by(terms, self._groups * size + cells, self._count * size)
            sums = torch.cat([of_groups.reshape(self._count, size, -1), sums])
        return sums.permute(2, 0, 1)


def _sums_by(terms: torch.Tensor | None, index: torch.Tensor, size: int) -> torch.Tensor:
    """The terms of each index, [N, R], added up; counts where there are none."""
    if terms is None:
        counts: torch.Tensor = _OPS.scatter_count(index, size)
        return counts.to(torch.float64)[:, None]
    return scatter(terms, index, size)


def _share(part: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
    return torch.where(total > 0, part / total, torch.nan)


def _over_classes(values: torch.Tensor) -> torch.Tensor:
    """The exact sum over the last dimension."""
    columns = values.reshape(-1, values.shape[-1]).T.contiguous()
    zeros = torch.zeros_like(columns[:, 0], dtype=torch.int64)
    return scatter(columns, zeros, 1)[0].reshape(values.shape[:-1])


@register_fake("within::multiclass_rows")
def _like_rows(probabilities: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rows = (probabilities.shape[0],)
    return labels.new_empty(rows), labels.new_empty(rows), probabilities.new_empty(rows, dtype=torch.float64)


@register_fake("within::multiclass_ovr_areas")
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
