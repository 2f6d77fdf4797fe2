"""The Python face of the compiled core."""

from within_wf.rooms import lazy_exports

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AugmentationConfig": "augmentation",
        "AugmentationDraws": "augmentation",
        "FeatureAugmentation": "features",
        "augment_features": "features",
        "augment_images": "augment",
        "column_means": "sums",
        "column_stds": "sums",
        "column_sums": "sums",
        "draw_augmentation": "augmentation",
        "draw_mixup": "features",
        "gather": "scatter",
        "group_sums": "sums",
        "image_statistics": "augmentation",
        "instruction_set": "instruction_set",
        "scatter": "scatter",
        "use_instruction_set": "instruction_set",
    },
)
