"""The models, what they are made of, and what they are compared with."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AccountHealthPredictor": "account_health",
        "AdScorePredictor": "ad_score",
        "BaseModel": "base",
        "ImageEncoder": "image_encoder",
        "LSTMSequenceModel": "sequence",
        "ModelFactory": "factory",
        "TextEncoder": "text_encoder",
    },
)
