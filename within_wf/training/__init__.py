"""How weights are found: the trainer, its optimizer, schedules, callbacks and checkpoints."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AdamW": "optimizer",
        "Callback": "callbacks",
        "CallbackList": "callbacks",
        "CheckpointManager": "checkpoints",
        "EarlyStopping": "callbacks",
        "MetricTracker": "metrics",
        "ProgressLine": "callbacks",
        "Samples": "samples",
        "Trainer": "trainer",
        "TrainingResult": "trainer",
        "train_account_health": "account_health",
        "train_ad_regressor": "ad_score",
    },
)
