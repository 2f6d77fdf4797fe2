"""Experiments of both kinds, judged on rows that are drawn here."""

import numpy as np
import pytest

from within_wf.config.training import BootstrapConfig, EvaluationConfig
from within_wf.evaluation.curves import draw_curves
from within_wf.evaluation.judgement import Predictions, judge
from within_wf.reports.experiment import Experiment

HOSTILE = "<script>alert(1)</script> & \"co\" 'so'"
ROWS = 240
CONFIG = EvaluationConfig(bootstrap=BootstrapConfig(resamples=60))
VALIDATION = {
    "rows": 1204,
    "clean": 1200,
    "quarantined": 4,
    "violations": [
        {"rule": "end_before_start", "column": "end_date", "count": 4, "severity": "error", "rows": ["a"], "fix": HOSTILE}
    ],
    "tables": {
        "annotations": {
            "rows": 90,
            "violations": [
                {"rule": "duplicate", "column": "ad_id", "count": 7, "severity": "warn", "rows": [HOSTILE], "fix": "Keep one."}
            ],
        }
    },
    "quality": {
        "rows": 1204,
        "looked_at": 1204,
        "findings": [
            {
                "check": "outliers",
                "column": HOSTILE,
                "method": "robust_z",
                "severity": "warn",
                "count": 1003,
                "rows": [HOSTILE, "b"],
                "score": None,
                "fix": "Correct it.",
            },
            {
                "check": "leakage",
                "column": "clicks",
                "method": "one feature",
                "severity": "warn",
                "count": 0,
                "rows": [],
                "score": 0.9876,
                "fix": "Leave it out.",
            },
        ],
        "not_judged": [{"check": "wrong_labels", "why": "no feature but texts"}],
    },
    "planted": [
        {"check": "near_duplicates", "planted": 4, "found": 0, "right": 0, "precision": None, "recall": 0.0},
        {"check": "outliers", "planted": 3, "found": 8, "right": 2, "precision": 0.25, "recall": 2 / 3},
    ],
}
SPLIT = {"strategy": "group", "sizes": {"train": 720, "validation": 240, "test": 240}, "requested": {}}
HISTORY = {
    "epochs": [
        {"epoch": e, "train_loss": 1 / e, "validation_loss": 1 / e + 0.01 * e, "learning_rate": 0.001} for e in range(1, 9)
    ],
    "best_epoch": 8,
    "stopped_early": False,
}


@pytest.fixture(scope="session")
def ads():
    rng = np.random.default_rng(0)
    truth = rng.normal(50, 10, ROWS)
    model = truth + rng.normal(0, 3, ROWS)
    baselines = {"mean": np.full(ROWS, 50.0), "tfidf_ridge": truth + rng.normal(0, 6, ROWS)}
    slices = {
        "industry": rng.choice(["retail", "travel", HOSTILE], ROWS),
        "audience_gender": rng.choice(["female", "male"], ROWS),
    }
    metrics = judge(
        "regression",
        Predictions(truth, model, baselines, slices=slices, sensitive=frozenset({"audience_gender"})),
        CONFIG,
    )
    metrics["baselines"]["mean"]["description"] = "the mean of the training targets"
    curves = draw_curves("regression", truth, model, np.ones(ROWS), baselines)
    config = {
        "model": {"name": "x", "head": {"hidden_layers": [64, 32], "dropout": None}},
        "training": {"nested": {}, "on": True},
    }
    return Experiment("sample_world", "ad_score", metrics, curves, HOSTILE, VALIDATION, SPLIT, HISTORY, config)


@pytest.fixture(scope="session")
def accounts():
    rng = np.random.default_rng(1)
    truth = (rng.random(ROWS) < 0.3).astype(float)
    model = np.clip(0.3 + 0.2 * (truth - 0.3) + rng.normal(0, 0.2, ROWS), 0, 1)
    baselines = {"robust_z": rng.random(ROWS), "gradient_boosting": np.clip(model + 0.3 * (truth - 0.3), 0, 1)}
    metrics = judge("binary_classification", Predictions(truth, model, baselines), CONFIG)
    curves = draw_curves("binary_classification", truth, model, np.ones(ROWS), baselines)
    return Experiment("ad_exchange", "account_health", metrics, curves)
