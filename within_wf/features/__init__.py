"""Columns as numbers a model can learn from; everything that is learned is learned from training rows alone."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Answers": "target_encoding",
        "NumericColumn": "numeric",
        "Preprocessor": "preprocessor",
        "WindowBuilder": "windows",
        "polynomial_features": "crossing",
        "with_crossings": "crossing",
    },
)
