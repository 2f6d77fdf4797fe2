"""The Ad Score Predictor: how well an ad will do, from its text, its image and its table row.

Pretrained encoders and the fitted preprocessor turn an ad into views; a regressor turns views into a score. All of them are
saved together, so that a model scores new ads with nothing but its own folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.config.dataset import AdTable
from within_wf.config.models import AdScoreModelConfig
from within_wf.data.frames import as_frame
from within_wf.errors import Problem, TrainingError
from within_wf.features.preprocessor import Preprocessor
from within_wf.features.texts import joined_text
from within_wf.models.ad_regressor import FILES, AdScoreRegressor
from within_wf.models.base import BaseModel
from within_wf.models.image_encoder import ImageEncoder
from within_wf.models.text_encoder import TextEncoder
from within_wf.models.views import View
from within_wf.store.canonical import read_json, write_json

_IMAGE_ENCODER = "image_encoder.safetensors"
_TEXT_ENCODER = "text_encoder"
_PREPROCESSOR = "preprocessor"


@dataclass(frozen=True)
class AdScorePredictor(BaseModel):
    """Encoders, preprocessor and regressor.

    Attributes:
        config: What the model is made of.
        columns: What the columns of a table of ads mean.
        regressor: From views to scores.
        preprocessor: Makes the view ``table``; none for a model without it.
        text_encoder: Makes the view ``text``; none for a model without it.
        image_encoder: Makes the view ``image``; none for a model without it.
    """

    name = "ad_score_predictor"

    config: AdScoreModelConfig
    columns: AdTable
    regressor: AdScoreRegressor
    preprocessor: Preprocessor | None = None
    text_encoder: TextEncoder | None = None
    image_encoder: ImageEncoder | None = None

    def predict(self, ads: Any, creatives: Mapping[str, bytes] | None = None, *, threads: int = 1) -> npt.NDArray[np.float64]:
        """The score of each ad.

        Args:
            ads: A table of polars, pandas or pyarrow with the columns the model was trained on, but for the target.
            creatives: Name of a creative to its picture file, for models that see images; an ad whose creative is not among
                them is scored by the rest of it.
            threads: Texts and images that are read at the same time; never changes a bit.

        Returns:
            On the target's scale, float64, shape [n].

        Raises:
            DatasetError: Columns are missing.
            TrainingError: A creative is no picture.
        """
        return self.regressor.predict(self.views(as_frame(ads, "ads"), creatives, threads=threads))

    def views(self, ads: pl.DataFrame, creatives: Mapping[str, bytes] | None = None, *, threads: int = 1) -> dict[str, View]:
        """The views of each ad, as the regressor reads them; arguments and errors as for :meth:`predict`."""
        views: dict[str, View] = {}
        if self.text_encoder is not None:
            texts = joined_text(ads, self.columns.text).to_list()
            views["text"] = view_of_texts(
                texts, self.text_encoder.embed(texts, self.config.text_encoder.max_length, threads=threads)
            )
        if self.image_encoder is not None:
            named = ads[self.columns.image].cast(pl.String) if self.columns.image else [None] * ads.height
            wanted: list[str | None] = list(named)
            given = creatives or {}
            known = {name: given[name] for name in dict.fromkeys(wanted) if name is not None and name in given}
            vectors = self.image_encoder.embed(list(known.values()), threads=threads)
            views["image"] = view_of_images(wanted, list(known), vectors)
        if self.preprocessor is not None:
            views["table"] = self.preprocessor.transform(ads, creatives)
        return views

    def save(self, path: Path) -> None:
        """Write the model into the directory ``path``, which is made; no pickle, the same bytes each time."""
        path.mkdir(parents=True)
        about = {
            "name": self.name,
            "model": self.config.model_dump(mode="json"),
            "columns": self.columns.model_dump(mode="json"),
        }
        write_json(path / "config.json", about)
        self.regressor.save(path)
        if self.preprocessor is not None:
            self.preprocessor.save(path / _PREPROCESSOR)
        if self.text_encoder is not None:
            self.text_encoder.save(path / _TEXT_ENCODER)
        if self.image_encoder is not None:
            self.image_encoder.save(path / _IMAGE_ENCODER)

    @classmethod
    def load(cls, path: str | Path) -> AdScorePredictor:
        """Read a model that :meth:`save` wrote.

        Raises:
            TrainingError: A file is missing or is not what it should be.
        """
        path = Path(path)
        _check(path, ("config.json", *FILES))
        about = read_json(path / "config.json")
        config = AdScoreModelConfig.model_validate_json(json.dumps(about["model"]))
        regressor = AdScoreRegressor.load(path, config)
        arithmetic = regressor.network.arithmetic
        parts = {"text": _TEXT_ENCODER, "image": _IMAGE_ENCODER, "table": _PREPROCESSOR}
        _check(path, tuple(parts[view] for view in regressor.centring))
        has = regressor.centring.keys()
        return cls(
            config,
            AdTable.model_validate_json(json.dumps(about["columns"])),
            regressor,
            Preprocessor.load(path / _PREPROCESSOR) if "table" in has else None,
            TextEncoder(path / _TEXT_ENCODER, arithmetic) if "text" in has else None,
            ImageEncoder.load(path / _IMAGE_ENCODER, config.visual_encoder.image_size, arithmetic) if "image" in has else None,
        )


def view_of_texts(texts: list[str], vectors: View) -> View:
    """The vectors of texts; NaN where an ad has no text."""
    empty = np.array([not text for text in texts], dtype=np.bool_)
    return np.where(empty[:, None], np.float32("nan"), vectors)


def view_of_images(wanted: list[str | None], names: list[str], vectors: View) -> View:
    """The vector of each ad's creative; NaN where there is none.

    Args:
        wanted: The creative of each ad.
        names: The creatives that have a vector, n of them.
        vectors: Their vectors, float32, shape [n, width].
    """
    rows = {name: row for row, name in enumerate(names)}
    nothing = np.full((1, vectors.shape[1]), np.float32("nan"))
    return np.concatenate([vectors, nothing])[[rows.get(name, -1) if name is not None else -1 for name in wanted]]


def _check(path: Path, names: tuple[str, ...]) -> None:
    missing = [
        Problem(str(path / name), "nothing there", "a part of the model", "Train it again.")
        for name in names
        if not (path / name).exists()
    ]
    if missing:
        raise TrainingError("the ad score model is not whole", missing)
