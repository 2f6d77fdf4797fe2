"""Metrics of scores for two classes: of all rows and of every group, exact, in a constant number of passes.

Sums are exact before they are rounded once: a result depends on no order, number of threads, instruction set or device.
"""

from __future__ import annotations

import torch

from within_wf.ops.library import load_core, register_fake

load_core()

METRICS = (
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier",
    "ece",
    "ks",
    "tp",
    "fp",
    "tn",
    "fn",
    "accuracy",
    "precision",
    "recall",
    "f1",
)
"""The keys of the result, in the order of the operator's columns."""


def binary_metrics(
    scores: torch.Tensor,
    labels: torch.Tensor,
    *,
    weights: torch.Tensor | None = None,
    groups: torch.Tensor | None = None,
    num_groups: int | None = None,
    threshold: float = 0.5,
    bins: int = 15,
) -> dict[str, torch.Tensor]:
    """Measure how well scores tell two classes apart, and how far they are the probabilities they claim to be.

    Args:
        scores: The probability of class 1 of each row, float32 or float64, shape [N], in [0, 1].
        labels: The class of each row, 0 or 1, shape [N]; bool, an integer or a float.
        weights: float32 or float64, shape [N], in [0, 2^960]; 1 each by default. A row of weight 0 counts as absent.
        groups: The group of each row, int64, shape [N], in [0, num_groups).
        num_groups: How many groups; one more than the largest in ``groups`` by default.
        threshold: Scores from here on are predicted to be of class 1.
        bins: How many bins of equal width ``ece`` has, 1 to 65536; bin b holds scores in (b / bins, (b + 1) / bins], the
            first 0 too.

    Returns:
        float64 by name, of shape [] without groups, else [num_groups + 1], the last for all rows:

        - ``roc_auc``: Area under the curve of true over false positive rates, ties counted half; NaN with one class.
        - ``average_precision``: Precision at each threshold, weighted with what recall gains there; 0 without class 1.
        - ``log_loss``: Mean of -log of the probability of the label, which is clipped to [e, 1 - e], e the distance of 1 to
          the next number of the dtype of ``scores``.
        - ``brier``: Mean of (score - label)^2.
        - ``ece``: Mean over the rows of |mean score - mean label| of their bin.
        - ``ks``: Largest distance of true and false positive rate; NaN with one class.
        - ``tp``, ``fp``, ``tn``, ``fn``: Weights of what ``threshold`` gets right and wrong.
        - ``accuracy``, ``precision``, ``recall``, ``f1``: Their ratios; the last three 0 where the divisor is 0.

        Where no row has a weight, the counts and the last three ratios are 0, all else NaN.

    Raises:
        ValueError: A shape, dtype, score, label, weight or option is not one above; the first such row is named.
        IndexError: A group is outside [0, num_groups); the first such row is named.

    Sources: as scikit-learn's roc_auc_score, average_precision_score, log_loss and brier_score_loss. ECE: Guo et al., "On
    calibration of modern neural networks" (2017). KS: the two-sample statistic of Kolmogorov and Smirnov.
    """
    if num_groups is None:
        num_groups = 0 if groups is None or groups.numel() == 0 else int(groups.max()) + 1
    own = None if weights is None else weights.detach()
    rows = torch.ops.within.binary_metrics(scores.detach(), labels, own, groups, num_groups, threshold, bins)
    columns = rows[0] if groups is None else rows
    return dict(zip(METRICS, columns.unbind(-1), strict=True))


@register_fake("within::binary_metrics")
def _like_slices(
    scores: torch.Tensor,
    labels: torch.Tensor,
    weights: torch.Tensor | None,
    groups: torch.Tensor | None,
    num_groups: int,
    threshold: float,
    bins: int,
) -> torch.Tensor:
    return scores.new_empty((num_groups + 1, len(METRICS)), dtype=torch.float64)
