"""Whether the synthetic ads that are asked for can be drawn for a model."""

from __future__ import annotations

from within_wf.config.dataset import AdTable
from within_wf.config.models import AdScoreConfig

_AT = "data.augmentation.synthetic"


def without_views(config: AdScoreConfig, ads: AdTable) -> list[str]:
    """What a model reads of an ad and a synthetic one does not have, each beginning with its key."""
    if config.data.augmentation.synthetic.method is None:
        return []
    model, features = config.model, config.data.features
    reads = {
        "model.text_encoder.enabled": ("texts", model.text_encoder.enabled and bool(ads.text)),
        "model.visual_encoder.enabled": ("pictures", model.visual_encoder.enabled and ads.image is not None),
        "data.features.text_statistics": ("texts", bool(features.text_statistics)),
        "data.features.image_statistics": ("pictures", bool(features.image_statistics)),
    }
    problems = [
        f"{key}: the model reads {what}, and synthetic ads ({_AT}) have none; switch one of them off"
        for key, (what, is_read) in reads.items()
        if is_read
    ]
    if not model.tabular_encoder.enabled or not (ads.numeric or ads.categorical):
        problems.append(f"{_AT}.method: synthetic ads are rows of a table, and the model reads none; leave it out")
    return problems
