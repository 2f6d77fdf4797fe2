"""Creatives, varied: their colours, their frame, their grain and their style."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from within_wf.config.data import VisualAugmentationConfig
from within_wf.errors import DatasetError, Problem
from within_wf.ops.augment import augment_images
from within_wf.ops.augmentation import AugmentationConfig, AugmentationDraws, draw_augmentation, image_statistics
from within_wf.runtime.streams import Stream

I64 = npt.NDArray[np.int64]
Image = npt.NDArray[np.uint8]
METHODS = ("color_adjustment", "crop_resize", "noise_addition", "style_transfer")
_RATIO = (3 / 4, 4 / 3)


class VisualAugmenter:
    """Varies pictures; each keeps its size. What is written on a creative stays readable: nothing is mirrored.

    A picture's draws depend on the seed, its id and the copy alone, so that neither order nor company changes what comes out.

    Args:
        augmentation_methods: Any of ``color_adjustment``, ``crop_resize``, ``noise_addition`` and ``style_transfer``; those of
            ``config`` by default. A picture that is varied undergoes all of them.
        augmentation_prob: The chance that :meth:`augment` varies a picture.
        config: How much.
        seed: Seed of the draws.

    Raises:
        DatasetError: There is no such method, or the chance is none.
    """

    def __init__(
        self,
        augmentation_methods: Sequence[str] | None = None,
        augmentation_prob: float = 0.3,
        *,
        config: VisualAugmentationConfig | None = None,
        seed: int = 42,
    ) -> None:
        self.config = config or VisualAugmentationConfig()
        self.methods = tuple(self.config.methods if augmentation_methods is None else augmentation_methods)
        known = f"one of {', '.join(METHODS)}"
        problems = [Problem("augmentation_methods", repr(name), known) for name in self.methods if name not in METHODS]
        if isinstance(augmentation_methods, str):
            problems = [Problem("augmentation_methods", repr(augmentation_methods), "a list of names")]
        if not isinstance(augmentation_prob, int | float) or not 0 <= augmentation_prob <= 1:
            problems.append(Problem("augmentation_prob", repr(augmentation_prob), "a share, 0 to 1"))
        if problems:
            raise DatasetError("pictures cannot be varied so", problems)
        self.augmentation_prob = augmentation_prob
        self.seed = seed
        self._styles = torch.zeros(0, 2, 3)

    def fit(self, images: Iterable[Image]) -> VisualAugmenter:
        """Learn the styles that ``style_transfer`` draws from: the channel statistics of each picture."""
        self._styles = _statistics(images)
        return self

    def augment(self, images: Sequence[Image], ids: I64 | None = None) -> list[Image]:
        """Vary each picture with the chance ``augmentation_prob``.

        Args:
            images: uint8, each of shape [height, width, 3].
            ids: What names each, shape [n]; by default the picture itself does.
        """
        _check_images(images, ids)
        ids = _ids_of(images) if ids is None else ids
        is_varied = Stream(self.seed, "whether a picture is varied").uniform(ids)[:, 0] < self.augmentation_prob
        styles = self._styles if len(self._styles) else _statistics(images)
        chosen = np.flatnonzero(is_varied).tolist()
        result = list(images)
        for row, new in zip(chosen, self._vary([images[row] for row in chosen], ids[chosen], 1, styles), strict=True):
            result[row] = new
        return result

    def vary(self, images: Sequence[Image], ids: I64, copy: int = 1) -> list[Image]:
        """Vary every picture.

        Args:
            images: uint8, each of shape [height, width, 3].
            ids: What names each, shape [n].
            copy: Which copy of each this is, from 1.

        Returns:
            Pictures of the same sizes. Before :meth:`fit`, styles are those of the pictures given.

        Raises:
            DatasetError: One is no such picture, or ids are missing.
        """
        _check_images(images, ids)
        return self._vary(images, ids, copy, self._styles if len(self._styles) else _statistics(images))

    def _vary(self, images: Sequence[Image], ids: I64, copy: int, styles: torch.Tensor) -> list[Image]:
        if not images or not self.methods:
            return list(images)
        sizes = np.array([image.shape[:2] for image in images], dtype=np.int64)
        config = augmentation_of(self.config, self.methods)
        draws = draw_augmentation(config, seed=self.seed, epoch=copy, sample_ids=ids, sizes=sizes, style_bank=styles)
        return [_augmented(image, draws.take(torch.tensor([row]))) for row, image in enumerate(images)]


def _augmented(image: Image, draws: AugmentationDraws) -> Image:
    height, width, _ = image.shape
    flat = torch.from_numpy(np.array(image).reshape(-1))
    images = (flat, torch.zeros(1, dtype=torch.int64), torch.tensor([[height, width]]))
    (planes,) = augment_images(images, draws, size=(height, width), mean=(0.0,) * 3, std=(1.0,) * 3)
    pixels: Image = (planes * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    return pixels


def augmentation_of(config: VisualAugmentationConfig, methods: Sequence[str]) -> AugmentationConfig:
    """Ranges and probabilities of some of the methods."""
    factor = (1 - config.color, 1 + config.color)
    is_coloured = float("color_adjustment" in methods)
    return AugmentationConfig(
        crop_scale=(config.least_crop, 1.0),
        crop_ratio=_RATIO,
        crop_prob=float("crop_resize" in methods),
        flip_prob=0.0,
        brightness=factor,
        brightness_prob=is_coloured,
        contrast=factor,
        contrast_prob=is_coloured,
        saturation=factor,
        saturation_prob=is_coloured,
        hue=(-config.color / 4, config.color / 4),
        hue_prob=is_coloured,
        noise_std=(0.0, config.noise_std),
        noise_prob=float("noise_addition" in methods),
        style_weight=(0.0, config.style_weight),
        style_prob=float("style_transfer" in methods),
    )


def _statistics(images: Iterable[Image]) -> torch.Tensor:
    rows = []
    for number, image in enumerate(images):
        _check_images([image], first=number)
        rows.append(image_statistics(torch.from_numpy(np.array(image)).permute(2, 0, 1)[None]))
    return torch.cat(rows) if rows else torch.zeros(0, 2, 3)


def _ids_of(images: Sequence[Image]) -> I64:
    """The first 8 bytes of the SHA-256 of a picture's size and pixels, little endian."""
    digests = [hashlib.sha256(f"{image.shape}\0".encode() + image.tobytes()).digest()[:8] for image in images]
    return np.frombuffer(b"".join(digests), dtype="<i8").astype(np.int64)


def _check_images(images: Sequence[Image], ids: I64 | None = None, *, first: int = 0) -> None:
    problems = [
        Problem(f"images, row {row}", f"{image.dtype}, {list(image.shape)}", "uint8, [height, width, 3], of a pixel or more")
        for row, image in enumerate(images, first)
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0
    ]
    if ids is not None and len(ids) != len(images):
        problems.append(Problem("ids", f"{len(ids)} ids", f"one a picture, {len(images)}"))
    if problems:
        raise DatasetError("pictures cannot be varied", problems)
