"""Typed configuration: what can be turned, read from files that are checked whole."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AccountHealthConfig": "models",
        "AdScoreConfig": "models",
        "DatasetConfig": "dataset",
        "KFoldEvaluationConfig": "validation_strategy",
        "RunConfig": "run",
        "ValidationStrategyConfig": "validation_strategy",
        "experiment_path": "load",
        "load_file": "load",
        "load_run": "load",
    },
)
