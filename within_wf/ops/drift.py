"""How far a column's distribution has moved from a reference's: every column at once, for the whole and for every group.

| key | definition | source |
|---|---|---|
| psi | sum over bins of (c - r) ln(c / r), r and c the shares of the reference and of the current sample | population stability index |
| kl | sum over bins of c ln(c / r): the divergence of the current sample from the reference, in nats | Kullback and Leibler (1951) |
| ks | the largest distance between both distribution functions | scipy ``ks_2samp`` |
| ks_pvalue | exact where neither sample has more than 10000 rows, as scipy's ``auto``; else Kolmogorov's limit | see below |
| wasserstein | the area between both distribution functions, in the column's unit | scipy ``wasserstein_distance`` |

Bins end at quantiles of the reference (numpy's ``linear``, ``inverted_cdf`` with weights), the upper end belonging to the bin; the
first and the last are open. A share below 1e-6 counts as 1e-6, so that an empty bin has a logarithm. Where ends coincide the bins
between are empty in both samples and add nothing. The limit of ``ks_pvalue`` has Vrbik's correction for few rows: with n m / (n +
m) = e and z = ks sqrt(e) it is ``scipy.stats.kstwobign.sf(z + 1 / (6 sqrt(e)) + (z - 1) / (4 e))``, near scipy's ``asymp`` (within
0.2 % where e is 300, 1e-5 where it is 3e4, for p-values from 0.02). With weights n and m are Kish's, (sum w)^2 / sum w^2, and the
p-value is the limit at every size. A sample without rows, or whose weights are all 0, gives NaN throughout.

Sums are exact before they are rounded once: results depend on no order of rows, number of threads, instruction set or device.
"""  # noqa: E501

from __future__ import annotations

import torch

from within_wf.ops.library import load_core, register_fake

load_core()

KEYS = ("psi", "kl", "ks", "ks_pvalue", "wasserstein")


def drift_metrics(
    reference: torch.Tensor,
    current: torch.Tensor,
    *,
    bins: int = 10,
    reference_weights: torch.Tensor | None = None,
    current_weights: torch.Tensor | None = None,
    reference_groups: torch.Tensor | None = None,
    current_groups: torch.Tensor | None = None,
    num_groups: int | None = None,
) -> dict[str, torch.Tensor]:
    """Metrics of drift; the table above defines them.

    Args:
        reference: float64 or float32, shape [N] or [N, columns], finite.
        current: The same dtype, shape [M] or [M, columns], finite.
        bins: How many bins ``psi`` and ``kl`` have, at least 1.
        reference_weights: float64 or float32, shape [N], each finite and at least 0; ones by default.
        current_weights: The same of ``current``, shape [M]. Weights are summed in steps of 2^-95 of the largest's power of 2.
        reference_groups: The group of each row, int64, shape [N], in [0, num_groups); none without ``current_groups``.
        current_groups: The same of ``current``, shape [M].
        num_groups: How many groups; one more than the largest in either by default.

    Returns:
        Key to float64, shape [columns], or [] where the samples have one dimension. With groups there is a first dimension of
        num_groups + 1 more, the last of which is the whole. A group is what its rows alone give, with bins of its own, and NaN
        where one sample has none of its rows.

    Raises:
        ValueError: A dtype, shape or device is none of the above, ``bins`` is below 1, or a value is not finite or a weight
            negative; the first such row is named. Or one sample has groups and the other has none.
        IndexError: A group is outside [0, num_groups); the first such row is named.
    """
    count = 0
    if reference_groups is None and current_groups is None and num_groups is not None:
        raise ValueError(f"drift_metrics: num_groups is {num_groups}, expected groups with it")
    reference, current = reference.detach(), current.detach()
    if reference_groups is not None or current_groups is not None:
        given = [groups for groups in (reference_groups, current_groups) if groups is not None and groups.numel()]
        count = num_groups if num_groups is not None else max((int(groups.max()) + 1 for groups in given), default=0)
    is_one = reference.dim() == 1 and current.dim() == 1
    if is_one:
        reference, current = reference[:, None], current[:, None]
    table: torch.Tensor = torch.ops.within.drift_metrics(
        reference,
        current,
        bins,
        None if reference_weights is None else reference_weights.detach(),
        None if current_weights is None else current_weights.detach(),
        reference_groups,
        current_groups,
        count,
    )
    if is_one:
        table = table[:, 0]
    if reference_groups is None:
        table = table[0]
    return dict(zip(KEYS, table.unbind(-1), strict=True))


@register_fake("within::drift_metrics")
def _like_table(
    reference: torch.Tensor,
    current: torch.Tensor,
    bins: int,
    reference_weights: torch.Tensor | None,
    current_weights: torch.Tensor | None,
    reference_groups: torch.Tensor | None,
    current_groups: torch.Tensor | None,
    num_groups: int,
) -> torch.Tensor:
    rows = 1 if reference_groups is None else num_groups + 1
    return reference.new_empty((rows, reference.shape[1], len(KEYS)), dtype=torch.float64)
