"""Experiments in MLflow: recording runs, finding and comparing them."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "ExperimentTracker": "tracker",
        "RunRecord": "record",
        "Target": "target",
        "compare_experiments": "comparison",
        "log_record": "record",
        "setup_experiment": "experiment",
        "setup_logging": "logs",
    },
)
