"""Calls of the augmentation of images: every step, many sizes, both layouts. Needs torch and NumPy alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from tests.ops.case import Case
from within_wf.ops.augment import IMAGENET_MEAN, IMAGENET_STD, pack_draws
from within_wf.ops.augmentation import AugmentationConfig, AugmentationDraws, draw_augmentation

ALL = AugmentationConfig(
    crop_prob=0.8,
    brightness_prob=0.8,
    contrast_prob=0.8,
    saturation_prob=0.8,
    hue_prob=0.8,
    hue=(-0.5, 0.5),
    noise_prob=0.7,
    erase_prob=0.7,
    erase_value=(0.0, 1.0),
    style_prob=0.5,
)
"""Every step, each now and then."""
NOTHING = AugmentationConfig(
    crop_prob=0, flip_prob=0, brightness_prob=0, contrast_prob=0, saturation_prob=0, hue_prob=0, noise_prob=0, erase_prob=0
)
STYLES = torch.tensor([[[0.3, 0.5, 0.7], [0.1, 0.2, 0.3]], [[0.6, 0.4, 0.5], [0.3, 0.05, 0.2]]])


def make_images(count: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    """Slopes, edges, greys, single pixels and noise; uint8 [B, H, W, 3]."""
    draws = np.random.Generator(np.random.PCG64(seed))
    y, x = np.mgrid[:height, :width]
    images = np.empty((count, height, width, 3), dtype=np.uint8)
    for image in images:
        slope = 255 * (x * draws.random() + y * draws.random()) / (height + width)
        image[...] = np.stack([slope, 255 - slope, slope * draws.random()], axis=-1).astype(np.uint8)
        kind = draws.random((height, width))
        image[kind < 0.3] = draws.integers(0, 256, 3)
        image[kind < 0.2] = draws.integers(0, 256)
        noisy = kind < 0.1
        image[noisy] = draws.integers(0, 256, (int(noisy.sum()), 3))
    return torch.from_numpy(images)


def make_draws(config: AugmentationConfig, sizes: object, count: int, seed: int = 0) -> AugmentationDraws:
    """Of samples 0 … count - 1, and one far away."""
    ids = np.arange(count, dtype=np.int64)
    ids[-1] -= 2**40
    bank = STYLES if config.style_prob > 0 else None
    return draw_augmentation(config, seed=seed, epoch=3, sample_ids=ids, sizes=sizes, style_bank=bank)


def _arguments(images: torch.Tensor, draws: AugmentationDraws, size: tuple[int, int], dtype: torch.dtype) -> tuple[object, ...]:
    return (images, None, None, *pack_draws(draws, *size), *size, list(IMAGENET_MEAN), list(IMAGENET_STD), dtype)


def _even(count: int, extent: tuple[int, int], size: tuple[int, int], dtype: torch.dtype, planar: bool) -> tuple[object, ...]:
    images = make_images(count, *extent)
    images = images.permute(0, 3, 1, 2).contiguous() if planar else images
    return _arguments(images, make_draws(ALL, extent, count), size, dtype)


def _ragged() -> tuple[object, ...]:
    sizes = torch.tensor([[17, 40], [1, 1], [90, 3], [2, 61], [33, 32]])
    images = [make_images(1, *extent, seed=i)[0] for i, extent in enumerate(sizes.tolist())]
    offsets = torch.tensor([5, *(image.numel() for image in images[:-1])]).cumsum(0)
    pixels = torch.cat([torch.zeros(5, dtype=torch.uint8), *(image.flatten() for image in images)])
    _, _, _, *rest = _arguments(pixels, make_draws(ALL, sizes, len(images)), (21, 34), torch.float32)
    return pixels, offsets, sizes, *rest


def image_cases() -> Iterator[Case]:
    """Smaller, larger, one pixel, many taps, many sizes at once."""
    for title, extent, size in (
        ("smaller", (40, 33), (17, 29)),
        ("larger", (9, 12), (31, 40)),
        ("much smaller", (150, 301), (5, 7)),
        ("one pixel", (6, 5), (1, 1)),
        ("of one pixel", (1, 1), (8, 19)),
        ("wide", (4, 60), (2, 1100)),
    ):
        for planar in (False, True):
            make = lambda e=extent, s=size, p=planar: _even(6, e, s, torch.float32, p)  # noqa: E731
            yield Case("augment_images", f"{title}, {'planes' if planar else 'pixels'}", make)
    for dtype in (torch.float16, torch.bfloat16):
        yield Case("augment_images", str(dtype).removeprefix("torch."), lambda d=dtype: _even(4, (30, 30), (20, 23), d, False))
    yield Case("augment_images", "ragged", _ragged)
    yield Case("augment_images", "none", lambda: _even(1, (4, 4), (4, 4), torch.float32, False))
