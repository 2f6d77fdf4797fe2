"""Intervals by resampling: our weightings beside rows that are copied and measured by scikit-learn.

python benchmarks/bootstrap.py [RESAMPLES]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from common.measure import write_down
from multiclass_metrics import theirs as multiclass_theirs
from sklearn import metrics

from within_wf.ops.binary import binary_metrics
from within_wf.ops.bootstrap import bootstrap
from within_wf.ops.instruction_set import instruction_set
from within_wf.ops.multiclass import multiclass_metrics

SIZES = (1_000, 10_000, 100_000, 1_000_000)
CLASSES = 10


def binary_theirs(scores: torch.Tensor, labels: torch.Tensor) -> None:
    """scikit-learn's calls for what binary_metrics gives, but for ECE and KS."""
    truth, score = labels.numpy(), scores.numpy()
    decided = score >= 0.5
    metrics.roc_auc_score(truth, score)
    metrics.average_precision_score(truth, score)
    metrics.log_loss(truth, score)
    metrics.brier_score_loss(truth, score)
    metrics.confusion_matrix(truth, decided)
    metrics.precision_recall_fscore_support(truth, decided, average="binary")


def by_copies(measure: Callable[..., None], rows: tuple[torch.Tensor, ...], resamples: int) -> None:
    """Rows drawn with replacement, copied, measured."""
    draws = np.random.default_rng(0)
    for _ in range(resamples):
        chosen = torch.from_numpy(draws.integers(0, len(rows[0]), len(rows[0])))
        measure(*(values[chosen] for values in rows))


def milliseconds(call: Callable[[], object], resamples: int) -> float:
    """Of one resample."""
    began = time.perf_counter()
    call()
    return 1e3 * (time.perf_counter() - began) / resamples


def main() -> int:
    """Measure, print and write down."""
    resamples = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    torch.set_num_threads(2)
    lines = [
        f"Milliseconds a resample of {resamples} (scikit-learn: of 3), 2 threads. Kernels: {instruction_set()}.",
        "",
        "| | ours | copies and scikit-learn | times as fast |",
        "|---|---:|---:|---:|",
    ]
    draws = torch.Generator().manual_seed(0)
    for size in SIZES:
        scores = torch.rand(size, generator=draws, dtype=torch.float64)
        labels = (torch.rand(size, generator=draws) < scores).long()
        table = torch.softmax(torch.randn(size, CLASSES, generator=draws, dtype=torch.float64), dim=1)
        classes = torch.multinomial(table, 1, generator=draws)[:, 0]
        for name, metric, peer, rows in (
            ("binary", binary_metrics, binary_theirs, (scores, labels)),
            (f"{CLASSES} classes", multiclass_metrics, lambda t, y: multiclass_theirs(t, y, None), (table, classes)),
        ):
            count = max(3, min(resamples, 50_000_000 // size // CLASSES))
            bootstrap(metric, *rows, resamples=3)
            ours = milliseconds(lambda m=metric, r=rows, c=count: bootstrap(m, *r, resamples=c), count)
            other = milliseconds(lambda p=peer, r=rows: by_copies(p, r, 3), 3)
            lines.append(f"| {name}, {size:,} rows | {ours:.3g} | {other:.3g} | {other / ours:.0f} |")
            print(lines[-1], flush=True)
    write_down("bootstrap", "Intervals by resampling", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
