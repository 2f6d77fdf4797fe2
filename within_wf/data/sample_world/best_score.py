"""The best score that can be reached, found from the function that made the labels."""

from __future__ import annotations

from math import fsum, sqrt

import numpy as np

from within_wf.data.sample_world.effectiveness import UNFAIR_POINTS, UNFAIR_SHARE, Effectiveness
from within_wf.data.sample_world.plan import Bools, Floats

MODALITIES = ("text", "image", "table")


def best_effectiveness(effectiveness: Effectiveness, kept: Bools) -> dict[str, object]:
    """R2, Pearson correlation and RMSE of the labels' expectation, whole and by modality.

    Who knows wording, look and settings, and the function behind them, predicts their sum and nothing better: what is
    left is taste, the annotators' noise and wrong labels. A modality that is left out counts with its mean, because the
    modalities are drawn independently of each other.

    Args:
        effectiveness: True and judged effectiveness of all ads.
        kept: The ads that keep the contract; the others do not count.
    """
    table = effectiveness.table + UNFAIR_SHARE * UNFAIR_POINTS * effectiveness.unfair
    parts = {"text": effectiveness.text[kept], "image": effectiveness.image[kept], "table": table[kept]}
    labels = effectiveness.labelled[kept]
    return {
        **_score([parts[name] for name in MODALITIES], labels),
        "without": {out: _score([parts[name] for name in MODALITIES if name != out], labels) for out in MODALITIES},
        "alone": {name: _score([parts[name]], labels) for name in MODALITIES},
        "ads": int(labels.size),
    }


def _score(parts: list[Floats], labels: Floats) -> dict[str, float]:
    prediction = _centred(np.sum(parts, axis=0))
    label = _centred(labels)
    rest = fsum((label - prediction) ** 2)
    spread, own = fsum(label**2), fsum(prediction**2)
    return {
        "r2": round(1.0 - rest / spread, 4),
        "pearson": round(fsum(label * prediction) / sqrt(spread * own), 4),
        "rmse": round(sqrt(rest / labels.size), 4),
    }


def _centred(values: Floats) -> Floats:
    return values - fsum(values) / values.size
