"""Every way of varying a dataset's creatives, measured side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from within_wf.augment.visual import METHODS, VisualAugmenter
from within_wf.config.data import AugmentationConfig
from within_wf.config.dataset import AdTable
from within_wf.config.models import AdScoreConfig
from within_wf.config.reproducibility import Arithmetic
from within_wf.evaluation.augmentation import OTHERS, Comparison, LabelJudge, Quality, frechet_distance, measure
from within_wf.models.image_encoder import Picture, load_image_encoder, read_picture
from within_wf.runtime.streams import ids_of

Floats = npt.NDArray[np.float32]
AT_ONCE = 64
"""Varied pictures that are in memory at a time."""


def compare_pictures(
    model: AdScoreConfig,
    roles: AdTable,
    arithmetic: Arithmetic,
    parts: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame],
    files: Mapping[str, bytes],
    threads: int,
    say: Callable[[str], None],
) -> Comparison:
    """Measure each visual method by itself, and all of them together, as the workflow varies a creative.

    Args:
        model: The encoder, and how much pictures are varied.
        roles: What the columns mean.
        arithmetic: What the encoder computes in.
        parts: Ads that are varied, others to compare with, and those a classifier learns from and whose styles are transferred;
            each has a picture.
        files: The picture file of each creative.
        threads: Pictures that are embedded at the same time; never changes a bit.
        say: Told what is being done.
    """
    options = model.model.visual_encoder
    encoder = load_image_encoder(options.name, options.image_size, arithmetic)
    measured, others, clean = ([str(name) for name in part[roles.image or ""]] for part in parts)
    distinct = sorted({*measured, *others, *clean})
    say(f"embedding {len(distinct):,} pictures")
    known = dict(zip(distinct, encoder.embed([files[name] for name in distinct], threads=threads), strict=True))
    originals, other_vectors, clean_vectors = (np.stack([known[name] for name in part]) for part in (measured, others, clean))
    judge = LabelJudge(clean_vectors, parts[2][roles.target].to_numpy())
    target = parts[0][roles.target].to_numpy()
    ids = ids_of(parts[0][roles.id].cast(pl.String).to_list())
    pictures = [_read(files, name) for name in measured]
    found = [Quality(OTHERS, len(others), frechet=frechet_distance(originals, other_vectors))]
    for method, augmenter in _augmenters(model.data.augmentation):
        augmenter.fit(_read(files, name) for name in sorted(set(clean)))
        say(f"varying pictures: {method}")
        vectors: list[Floats] = []
        for start in range(0, len(pictures), AT_ONCE):
            varied = augmenter.vary(pictures[start : start + AT_ONCE], ids[start : start + AT_ONCE])
            vectors.append(encoder.embed(varied, threads=threads))
        found.append(measure(method, originals, np.concatenate(vectors), judge=judge, target=target))
    return Comparison("pictures", float(np.mean(judge.predict(originals) == judge.classes_of(target))), tuple(found))


def _augmenters(config: AugmentationConfig) -> Iterator[tuple[str, VisualAugmenter]]:
    for name in METHODS:
        yield name, VisualAugmenter([name], 1.0, config=config.visual, seed=config.seed)
    yield "all four together", VisualAugmenter(METHODS, 1.0, config=config.visual, seed=config.seed)


def _read(files: Mapping[str, bytes], name: str) -> Picture:
    return read_picture(files[name], f"creative {name}")
