"""Metrics of two classes beside scikit-learn's calls and, for what it does not have, numpy's, in turn.

    python benchmarks/binary_metrics.py [ROUNDS]

The floor is the time in which scores, labels, weights and groups are copied once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import torch
from common.measure import alternate, copy_bandwidth, medians, write_down
from sklearn import metrics as sk

from within_wf.ops.binary import binary_metrics
from within_wf.ops.instruction_set import instruction_set

ROWS = 5_000_000
GROUPS = 1_000
Call = Callable[[], object]


def scikit(scores: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None, bins: int = 15) -> tuple[object, ...]:
    """ROC AUC, average precision, log loss, Brier score and confusion by scikit-learn; KS by its curve, ECE by numpy."""
    tpr, fpr = sk.roc_curve(labels, scores, sample_weight=weights, drop_intermediate=False)[:2]
    mass = np.ones_like(scores) if weights is None else weights
    bin_of = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], scores)
    gaps = np.bincount(bin_of, mass * scores, bins) - np.bincount(bin_of, mass * labels, bins)
    return (
        sk.roc_auc_score(labels, scores, sample_weight=weights),
        sk.average_precision_score(labels, scores, sample_weight=weights),
        sk.log_loss(labels, scores, sample_weight=weights),
        sk.brier_score_loss(labels, scores, sample_weight=weights),
        sk.confusion_matrix(labels, scores >= 0.5, sample_weight=weights),
        np.abs(tpr - fpr).max(),
        np.abs(gaps).sum() / mass.sum(),
    )


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    draws = torch.Generator().manual_seed(0)
    scores = torch.rand(ROWS, generator=draws)
    labels = (torch.rand(ROWS, generator=draws) < scores).to(torch.int64)
    narrow = torch.rand(ROWS, generator=draws)
    wide = -torch.rand(ROWS, generator=draws, dtype=torch.float64).log()
    groups = torch.randint(0, GROUPS, (ROWS,), generator=draws)
    p, y = scores.numpy(), labels.numpy()
    cases: dict[str, tuple[dict[str, torch.Tensor | int], Call | None, str]] = {
        "no weights": ({}, lambda: scikit(p, y), "90"),
        "float32 weights": ({"weights": narrow}, lambda: scikit(p, y, narrow.numpy()), "40"),
        "float64 weights": ({"weights": wide}, lambda: scikit(p, y, wide.numpy()), "40"),
        f"{GROUPS:,} groups": ({"groups": groups, "num_groups": GROUPS}, None, ""),
        f"float32 weights, {GROUPS:,} groups": ({"weights": narrow, "groups": groups, "num_groups": GROUPS}, None, ""),
    }
    bandwidth = copy_bandwidth()
    lines = [
        f"{ROWS:,} float32 scores, int64 labels, {rounds} rounds in turn; medians. scikit-learn: seven calls that give what "
        f"one of ours gives of all rows. A copy moves {bandwidth / 1e9:.0f} GB/s on two threads. Kernels: {instruction_set()}.",
        "",
        "| | ours, ms | one thread | scikit-learn, ms | times as fast | to reach | floor, ms | of the time without groups |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    alone: dict[bool, float] = {}
    for name, (keywords, peer, bound) in cases.items():
        candidates: dict[str, Call] = {"ours": lambda k=keywords: binary_metrics(scores, labels, **k)}  # type: ignore[misc, arg-type]
        torch.set_num_threads(1)
        one = medians(alternate(candidates, rounds))["ours"]
        torch.set_num_threads(2)
        found = medians(alternate(candidates | ({} if peer is None else {"peer": peer}), rounds))
        ours = found["ours"]
        is_weighted = "weights" in keywords
        if peer is not None:
            alone.setdefault(is_weighted, ours)
        read = scores.nbytes + labels.nbytes + sum(k.nbytes for k in keywords.values() if isinstance(k, torch.Tensor))
        ratio = f"{1e3 * found['peer']:.0f} | {found['peer'] / ours:.0f}" if peer is not None else " | "
        share = "" if peer is not None else f"{ours / alone[is_weighted]:.2f} (at most 1.8)"
        lines.append(
            f"| {name} | {1e3 * ours:.1f} | {1e3 * one:.1f} | {ratio} | {bound} | {1e3 * read / bandwidth:.1f} | {share} |"
        )
        print(lines[-1], flush=True)
    write_down("binary_metrics", "Metrics of two classes", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
