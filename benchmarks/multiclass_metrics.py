"""Metrics of several classes beside scikit-learn's calls, in turn.

    python benchmarks/multiclass_metrics.py [ROUNDS]

The floor is the time in which probabilities, labels and weights are copied once.
"""

from __future__ import annotations

import sys
import warnings

import torch
from common.measure import alternate, copy_bandwidth, medians, write_down
from sklearn import metrics

from within_wf.ops.instruction_set import instruction_set
from within_wf.ops.multiclass import multiclass_metrics

ROWS, CLASSES, GROUPS = 1_000_000, 10, 1000
TO_REACH = 20
"""Times as fast as scikit-learn's calls together."""


def rows(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Probabilities, labels that go with them, weights and groups; the same each time."""
    draws = torch.Generator().manual_seed(0)
    table = torch.softmax(2 * torch.randn(ROWS, CLASSES, generator=draws, dtype=torch.float64), dim=1)
    labels = torch.multinomial(table, 1, generator=draws)[:, 0]
    weights = torch.rand(ROWS, generator=draws, dtype=torch.float64)
    return table.to(dtype), labels, weights, torch.randint(0, GROUPS, (ROWS,), generator=draws)


def theirs(table: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor | None) -> None:
    """The same metrics, one call each."""
    truth, scores = labels.numpy(), table.numpy()
    decided = scores.argmax(axis=1)
    common = {"sample_weight": None if weights is None else weights.numpy()}
    classes = range(CLASSES)
    metrics.accuracy_score(truth, decided, **common)
    metrics.log_loss(truth, scores, labels=classes, **common)
    metrics.f1_score(truth, decided, average="macro", zero_division=0, **common)
    metrics.f1_score(truth, decided, average="weighted", zero_division=0, **common)
    metrics.top_k_accuracy_score(truth, scores, k=2, labels=classes, **common)
    metrics.confusion_matrix(truth, decided, labels=classes, **common)
    metrics.roc_auc_score(truth, scores, multi_class="ovr", **common)


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    warnings.simplefilter("ignore")  # float32 rows do not sum to 1 in float64
    bandwidth = copy_bandwidth()
    lines = [
        f"{ROWS:,} rows of {CLASSES} classes, {rounds} rounds in turn; medians. scikit-learn: seven calls, without "
        f"groups. A copy moves {bandwidth / 1e9:.0f} GB/s on two threads. Kernels: {instruction_set()}.",
        "",
        f"| | ours, ms | with {GROUPS:,} groups, ms | scikit-learn, ms | times as fast | to reach | floor, ms | one thread |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for dtype in (torch.float64, torch.float32):
        table, labels, given, groups = rows(dtype)
        for kind, weights in (("", None), (", weighted", given)):
            calls = {
                "ours": lambda t=table, y=labels, w=weights: multiclass_metrics(t, y, weights=w),
                "groups": lambda t=table, y=labels, w=weights, g=groups: multiclass_metrics(
                    t, y, weights=w, groups=g, num_groups=GROUPS
                ),
                "theirs": lambda t=table, y=labels, w=weights: theirs(t, y, w),
            }
            found = {}
            for threads in (2, 1):
                torch.set_num_threads(threads)
                found[threads] = medians(alternate(calls, rounds))
            floor = (table.nbytes + labels.nbytes + (0 if weights is None else weights.nbytes)) / bandwidth
            two, one = found[2], found[1]
            lines.append(
                f"| {str(dtype).removeprefix('torch.')}{kind} | {1e3 * two['ours']:.0f} | {1e3 * two['groups']:.0f} | "
                f"{1e3 * two['theirs']:.0f} | {two['theirs'] / two['ours']:.0f} | {TO_REACH} | {1e3 * floor:.1f} | "
                f"{one['theirs'] / one['ours']:.0f} |"
            )
            print(lines[-1], flush=True)
    write_down("multiclass_metrics", "Metrics of several classes", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
