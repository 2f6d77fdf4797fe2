"""What people read: the experiment report, and the table at the end of a run."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {"create_experiment_report": "experiment", "Experiment": "experiment", "render_summary": "summary", "summarise": "summary"},
)
