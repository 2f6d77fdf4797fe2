"""How far predicted numbers are from true ones: for the whole and for every group at once.

Sums are exact before they are rounded once: results depend on no order of rows, number of threads, instruction set or device.

| key | definition | where it is undefined |
|---|---|---|
| rmse, mae | root of the mean squared error, mean absolute error | no rows: NaN |
| r2 | 1 - squared errors / squared deviations of the targets (scikit-learn) | targets constant: 1 where every error is 0, else 0; fewer than 2 rows: NaN |
| mape | mean of abs(error) / max(abs(target), 2^-52), a share (scikit-learn) | no rows: NaN |
| explained_variance | 1 - variance of the errors / variance of the targets (scikit-learn) | targets constant: 1 where the error is constant too, else 0 |
| pearson | correlation of values (scipy), within [-1, 1] | either column constant: NaN |
| spearman | correlation of mean ranks (scipy), within [-1, 1] | either column constant: NaN |
| quantiles | of the signed error, prediction - target | no rows: NaN |

A row of weight 0 counts as if it were not there. A weighted rank is the weight before a row's value and half of (the value's own
weight + 1); a weighted quantile is the least error up to which the share of the weights reaches it (numpy's ``inverted_cdf``),
one without weights is interpolated (numpy's ``linear``).
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Sequence

import torch

from within_wf.ops.library import load_core, register_fake

load_core()

KEYS = ("rmse", "mae", "r2", "mape", "explained_variance", "pearson", "spearman")
"""Metrics of one number each, in the operator's order; the quantiles follow."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def regression_metrics(
    predictions: torch.Tensor,
    targets: torch.Tensor,
    *,
    weights: torch.Tensor | None = None,
    groups: torch.Tensor | None = None,
    num_groups: int | None = None,
    quantiles: Sequence[float] = QUANTILES,
) -> dict[str, torch.Tensor]:
    """Metrics of predictions; the table above defines them.

    Args:
        predictions: float64 or float32, shape [N], finite.
        targets: The same dtype and shape, finite.
        weights: float64 or float32, shape [N], each from 0 to 2^400; every row counts as 1 by default. Ranks and
            weighted quantiles take a weight below 2^-42 of the largest in steps of 2^-95 of that.
        groups: The group of each row, int64, shape [N], in [0, num_groups).
        num_groups: How many groups; one more than the largest in ``groups`` by default.
        quantiles: Shares in [0, 1], of the signed error ``prediction - target``.

    Returns:
        Key to float64: shape [] without groups, [num_groups + 1] with them, the last of which is the whole; ``quantiles`` has
        a last dimension more, one number for each share.

    Raises:
        ValueError: A dtype, shape, device or share is none of the above, or a value is not finite or a weight negative; the
            first such row is named.
        IndexError: A group is outside [0, num_groups); the first such row is named.
    """
    count = 0
    if groups is None and num_groups is not None:
        raise ValueError(f"regression_metrics: num_groups is {num_groups}, expected groups with it")
    if groups is not None:
        count = num_groups if num_groups is not None else int(groups.max()) + 1 if groups.numel() else 0
    table: torch.Tensor = torch.ops.within.regression_metrics(
        predictions.detach(),
        targets.detach(),
        None if weights is None else weights.detach(),
        groups,
        count,
        [float(q) for q in quantiles],
    )
    if groups is None:
        table = table[0]
    return {**{key: table[..., i] for i, key in enumerate(KEYS)}, "quantiles": table[..., len(KEYS) :]}


@register_fake("within::regression_metrics")
def _like_table(
    predictions: torch.Tensor,
    targets: torch.Tensor,
    weights: torch.Tensor | None,
    groups: torch.Tensor | None,
    num_groups: int,
    quantiles: Sequence[float],
) -> torch.Tensor:
    rows = 1 if groups is None else num_groups + 1
    return predictions.new_empty((rows, len(KEYS) + len(quantiles)), dtype=torch.float64)
