"""A batch of images, augmented in one pass from bytes to normalised numbers, as their draws say.

The steps, in this order; those from brightness to erasing can be off for a sample:

1. crop and resize: bilinear, antialiased where it shrinks, half-pixel centres;
2. flip of left and right;
3. brightness, contrast, saturation and hue in the order drawn, each clamped to [0, 1];
4. style: channel statistics moved to given ones, clamped;
5. Gaussian noise, clamped;
6. a rectangle of one value;
7. less the mean, over the standard deviation, rounded to the dtype.

A sample's result depends on its bytes and its draws, not on the batch, its order, threads, instruction set or device.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from within_wf.ops.augmentation import AugmentationDraws
from within_wf.ops.library import load_core, register_fake

load_core()

Images = torch.Tensor | tuple[torch.Tensor, torch.Tensor, torch.Tensor]
IMAGENET_MEAN = (0.485, 0.456, 0.406)
"""Mean of the channels of ImageNet's images, of 1."""
IMAGENET_STD = (0.229, 0.224, 0.225)
"""Their standard deviation."""
_OPS = torch.ops.within


def augment_images(
    images: Images,
    draws: AugmentationDraws,
    *,
    size: tuple[int, int] = (224, 224),
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
    dtype: torch.dtype = torch.float32,
    out: torch.Tensor | None = None,
) -> torch.Tensor:
    """Crop, resize, flip, recolour, disturb and normalise images.

    Args:
        images: uint8, shape [B, 3, H, W] (also in torch.channels_last) or [B, H, W, 3]; where both fit, the former. Or images
            of many sizes, as (bytes uint8 [N], offsets int64 [B], sizes int32 or int64 [B, 2]): image i is
            sizes[i] = (height, width), its rows of RGB pixels from bytes[offsets[i]] on.
        draws: What is done to each, of as many samples (``draw_augmentation``).
        size: Height and width of the result in pixels, each from 1 to 2**24 - 1.
        mean: Three numbers taken from the channels' values, which are in [0, 1].
        std: Three numbers above 0 that the rest is divided by.
        dtype: float32, float16 or bfloat16.
        out: Where to write, contiguous, shape [B, 3, height, width], on the device of ``images``; it decides ``size`` and
            ``dtype`` then.

    Returns:
        Shape [B, 3, height, width], ``dtype``; ``out`` where it is given. No gradients.

    Raises:
        ValueError: An argument is none of the above, or a draw is out of its range; the first is named.
    """
    pixels, offsets, sizes = images if isinstance(images, tuple) else (images, None, None)
    height, width = size if out is None else (out.shape[-2], out.shape[-1])
    integers, floats = pack_draws(draws, height, width)
    if out is not None:
        _OPS.augment_images.out(pixels, offsets, sizes, integers, floats, list(mean), list(std), out)
        return out
    result: torch.Tensor = _OPS.augment_images(
        pixels, offsets, sizes, integers, floats, height, width, list(mean), list(std), dtype
    )
    return result


def pack_draws(draws: AugmentationDraws, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The tables that the operator takes (csrc/augment/image.h): int32 [B, 18] and float32 [B, 13].

    What is erased is rounded to pixels of the output, and cut where it would leave it.
    """
    extent = torch.tensor([height, width], dtype=torch.float32)
    begin = torch.round(draws.erase[:, :2] * extent).clamp(torch.zeros(2), extent)
    span = torch.minimum(torch.round(draws.erase[:, 2:] * extent), extent - begin)
    integers = [
        draws.crop,
        draws.flip[:, None],
        draws.order,
        draws.noise_key,
        draws.noise_epoch[:, None],
        begin,
        span,
    ]
    single = (
        draws.brightness,
        draws.contrast,
        draws.saturation,
        draws.hue,
        draws.noise_std,
        draws.erase_value,
        draws.style_weight,
    )
    floats = torch.cat([torch.stack(single, dim=1), draws.style_mean, draws.style_std], dim=1)
    return torch.cat([part.to(torch.int32) for part in integers], dim=1), floats


@register_fake("within::augment_images")
def _like_images(
    images: torch.Tensor,
    offsets: torch.Tensor | None,
    sizes: torch.Tensor | None,
    integers: torch.Tensor,
    floats: torch.Tensor,
    height: int,
    width: int,
    mean: Sequence[float],
    std: Sequence[float],
    dtype: torch.dtype,
) -> torch.Tensor:
    return images.new_empty((integers.shape[0], 3, height, width), dtype=dtype)


@register_fake("within::augment_images.out")
def _into_out(*_: object) -> None:
    return None
