"""Every step of the workflow: what it is made from and what can change its bytes.

Nothing here imports a step: the workflow is planned from these lines alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Scope = Literal["dataset", "ad_score", "account_health", "model"]


@dataclass(frozen=True)
class Step:
    """A pure function from artifacts, parameters and code to a folder of files.

    Attributes:
        name: Its name; also the name of its module in ``within_wf.steps`` and of its rule.
        scope: What it is made once for: a dataset, one model of a dataset, or each model of a dataset (``model``).
        inputs: Label to the step whose artifact it reads. Labels of steps that are not planned are left out.
        reads: The sections of the configuration it reads: ``dataset.…``, ``reproducibility.…``, or relative to the model's own
            configuration; ``dataset.table`` is ``dataset.ads`` or ``dataset.series``, whichever the model is made from,
            ``dataset.related`` the other tables that are held against it, ``dataset.linked`` the columns they speak of.
        sources: The sections that name raw files it reads: ``dataset.source``, ``dataset.related``.
        libraries: Distributions whose version can change its bytes.
        weights: The keys of the configuration that name pretrained weights it reads; what these are made of is part of the key.
        compiled: Whether it calls the compiled core.
        when: Sections of the configuration (booleans) that must all be true for the step to be planned;
            ``dataset.source.kind=x`` compares, ``dataset.ads.image`` asks for a value.
        threads: The cores it can use; never changes its bytes.
    """

    name: str
    scope: Scope
    inputs: Mapping[str, str] = field(default_factory=dict)
    reads: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    compiled: bool = False
    when: tuple[str, ...] = ()
    threads: int = 1


_TORCH = ("torch", "numpy")
_ARITHMETIC = "reproducibility.arithmetic"

STEPS: tuple[Step, ...] = (
    Step(
        "simulate_world",
        "dataset",
        reads=("dataset.source",),
        libraries=("numpy", "scipy", "pyarrow", "pillow"),
        when=("dataset.source.kind=sample_world",),
    ),
    Step(
        "read_source",
        "dataset",
        reads=("dataset.source", "dataset.ads", "dataset.series", "dataset.linked"),
        sources=("dataset.source",),
        libraries=(*_TORCH, "polars", "pyarrow"),
        compiled=True,
        when=("dataset.source.kind=files",),
    ),
    Step(
        "validate_data",
        "model",
        inputs={"world": "simulate_world", "source": "read_source"},
        reads=("dataset.table", "dataset.related", "data.validation", "data.quality"),
        sources=("dataset.related",),
        libraries=(*_TORCH, "scipy", "scikit-learn", "polars", "pyarrow", "pydantic"),
        compiled=True,
    ),
    Step(
        "split_data",
        "model",
        inputs={"dataset": "validate_data"},
        reads=("dataset.table", "data.split"),
        libraries=("numpy", "scipy", "polars", "pyarrow"),
    ),
    Step(
        "build_ad_features",
        "ad_score",
        inputs={"split": "split_data", "world": "simulate_world"},
        reads=("dataset.ads", "data.features"),
        libraries=(*_TORCH, "scipy", "polars", "pyarrow", "pillow", "safetensors"),
        compiled=True,
    ),
    Step(
        "build_account_features",
        "account_health",
        inputs={"split": "split_data"},
        reads=("dataset.series", "data.windows"),
        libraries=(*_TORCH, "polars", "pyarrow", "safetensors"),
        compiled=True,
    ),
    Step(
        "back_translate_ads",
        "ad_score",
        inputs={"split": "split_data"},
        reads=(
            "dataset.ads",
            "data.augmentation.prob",
            "data.augmentation.copies",
            "data.augmentation.seed",
            "data.augmentation.text.methods",
            "data.augmentation.text.protected",
            "data.augmentation.text.back_translation",
            _ARITHMETIC,
        ),
        libraries=(*_TORCH, "scipy", "polars", "pyarrow", "transformers", "tokenizers"),
        weights=("data.augmentation.text.back_translation.there", "data.augmentation.text.back_translation.back"),
        compiled=True,
        when=("data.augmentation.text_augmentation", "data.augmentation.text.back_translation.there", "dataset.ads.text"),
        threads=2,
    ),
    Step(
        "augment_ads",
        "ad_score",
        inputs={"features": "build_ad_features", "split": "split_data", "translations": "back_translate_ads"},
        reads=("dataset.ads", "data.augmentation"),
        libraries=(*_TORCH, "scipy", "polars", "pyarrow", "pillow", "safetensors"),
        compiled=True,
    ),
    Step(
        "augment_accounts",
        "account_health",
        inputs={"features": "build_account_features"},
        reads=("data.augmentation",),
        libraries=(*_TORCH, "scipy", "scikit-learn", "polars", "pyarrow", "safetensors"),
        compiled=True,
    ),
    Step(
        "embed_text",
        "ad_score",
        inputs={"features": "build_ad_features", "augmented": "augment_ads"},
        reads=("model.text_encoder.name", "model.text_encoder.max_length", _ARITHMETIC),
        libraries=(*_TORCH, "polars", "transformers", "tokenizers", "safetensors"),
        weights=("model.text_encoder.name",),
        compiled=True,
        when=("model.text_encoder.enabled", "dataset.ads.text"),
        threads=2,
    ),
    Step(
        "embed_images",
        "ad_score",
        inputs={"world": "simulate_world"},
        reads=("model.visual_encoder.name", "model.visual_encoder.image_size", _ARITHMETIC),
        libraries=(*_TORCH, "polars", "pillow", "safetensors"),
        weights=("model.visual_encoder.name",),
        compiled=True,
        when=("model.visual_encoder.enabled", "dataset.ads.image"),
        threads=2,
    ),
    Step(
        "embed_varied_images",
        "ad_score",
        inputs={"world": "simulate_world", "features": "build_ad_features", "augmented": "augment_ads"},
        reads=("data.augmentation", "model.visual_encoder.name", "model.visual_encoder.image_size", _ARITHMETIC),
        libraries=(*_TORCH, "scipy", "polars", "pillow", "safetensors"),
        weights=("model.visual_encoder.name",),
        compiled=True,
        when=("model.visual_encoder.enabled", "dataset.ads.image", "data.augmentation.visual_augmentation"),
        threads=2,
    ),
    Step(
        "train_ad_score",
        "ad_score",
        inputs={
            "features": "build_ad_features",
            "augmented": "augment_ads",
            "text": "embed_text",
            "images": "embed_images",
            "varied_images": "embed_varied_images",
        },
        reads=("dataset.ads", "data.batch_size", "model", "training", _ARITHMETIC),
        libraries=(*_TORCH, "scipy", "polars", "pillow", "safetensors", "transformers"),
        weights=("model.text_encoder.name", "model.visual_encoder.name"),
        compiled=True,
    ),
    Step(
        "train_account_health",
        "account_health",
        inputs={"features": "build_account_features", "augmented": "augment_accounts"},
        reads=("data.batch_size", "model", "training", _ARITHMETIC),
        libraries=(*_TORCH, "scipy", "polars", "safetensors", "scikit-learn", "xgboost-cpu", "skops"),
        compiled=True,
    ),
    Step(
        "fit_ad_baselines",
        "ad_score",
        inputs={"features": "build_ad_features"},
        reads=("training.seed",),
        libraries=(*_TORCH, "scipy", "scikit-learn", "polars", "safetensors"),
        compiled=True,
    ),
    Step(
        "fit_account_baselines",
        "account_health",
        inputs={"features": "build_account_features"},
        reads=("training.seed",),
        libraries=("numpy", "scikit-learn", "polars", "safetensors"),
    ),
    Step(
        "evaluate_ad_score",
        "ad_score",
        inputs={"features": "build_ad_features", "model": "train_ad_score", "baselines": "fit_ad_baselines"},
        reads=("dataset.ads", "evaluation"),
        libraries=(*_TORCH, "scipy", "polars", "pyarrow"),
        compiled=True,
    ),
    Step(
        "evaluate_account_health",
        "account_health",
        inputs={
            "features": "build_account_features",
            "model": "train_account_health",
            "baselines": "fit_account_baselines",
        },
        reads=("dataset.series", "evaluation"),
        libraries=(*_TORCH, "scipy", "polars", "pyarrow"),
        compiled=True,
    ),
    Step(
        "report_model",
        "model",
        inputs={
            "dataset": "validate_data",
            "split": "split_data",
            "train_ads": "train_ad_score",
            "train_accounts": "train_account_health",
            "evaluate_ads": "evaluate_ad_score",
            "evaluate_accounts": "evaluate_account_health",
        },
        reads=("dataset.name", "dataset.description", "data.split", "model", "training", _ARITHMETIC, "evaluation"),
        libraries=("altair", "jinja2", "markupsafe", "vl-convert-python"),
    ),
)
