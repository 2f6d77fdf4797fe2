"""The Python face of the compiled core."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Interval": "bootstrap",
        "bootstrap": "bootstrap",
        "column_means": "sums",
        "column_stds": "sums",
        "column_sums": "sums",
        "drift_metrics": "drift",
        "gather": "scatter",
        "group_sums": "sums",
        "instruction_set": "instruction_set",
        "multiclass_metrics": "multiclass",
        "regression_metrics": "regression",
        "resample_weights": "bootstrap",
        "scatter": "scatter",
        "use_instruction_set": "instruction_set",
    },
)
