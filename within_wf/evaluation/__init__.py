"""How good a model is, how sure that is, and whether it is better than what it must not fall behind."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "ModelEvaluator": "evaluator",
        "judge": "judgement",
        "Predictions": "judgement",
        "draw_curves": "curves",
    },
)
