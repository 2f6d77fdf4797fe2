"""Where data comes from, what must be true of it, and how it is divided."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AccountHealthSchema": "schemas",
        "AdPerformanceSchema": "schemas",
        "AnnotatedTrainingSetSchema": "schemas",
        "DataSplitter": "splitter",
        "DataValidator": "validator",
        "EnhancedDataValidator": "quality.enhanced",
        "IndustryBenchmarkSchema": "schemas",
        "check_split": "leakage",
        "iter_folds": "folds",
        "load_dataset": "load",
        "optimize_memory_usage": "memory",
    },
)
