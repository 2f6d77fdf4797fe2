"""Training rows, varied: more to learn from, without new data."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AdSynthesizer": "synthetic_ads",
        "BackTranslator": "back_translation",
        "FeatureAugmenter": "features",
        "GaussianCopula": "copula",
        "Smote": "oversampling",
        "TextAugmenter": "text",
        "VisualAugmenter": "visual",
        "WindowSynthesizer": "synthetic_windows",
        "oversample": "oversampling",
    },
)
