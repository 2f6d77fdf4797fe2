"""The augmentation of images in plain torch, step by step, in float32."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from within_wf.ops.augmentation import AugmentationDraws
from within_wf.ops.reference.draws import words_of

GREY = (0.2989, 0.587, 0.114)
"""The weights of red, green and blue in a pixel's grey, as torchvision has them."""
LEAST_STD = 1e-5


def augment_images(
    images: torch.Tensor | Sequence[torch.Tensor],
    draws: AugmentationDraws,
    *,
    size: tuple[int, int] = (224, 224),
    mean: Sequence[float],
    std: Sequence[float],
    noise: torch.Tensor | None = None,
) -> torch.Tensor:
    """What :func:`within_wf.ops.augment_images` gives, up to rounding.

    Args:
        images: uint8, [B, H, W, 3] or [B, 3, H, W], or one such image after another, each of a size of its own.
        draws: What is done to each.
        size: Height and width of the result.
        mean: Of each channel, black 0 and white 1.
        std: Of each channel.
        noise: Standard normal numbers that take the place of those that ``draws`` name, shape [B, 3, *size].

    Returns:
        float32, shape [B, 3, *size].
    """
    rows = []
    for row, image in enumerate(images):
        one = draws.take(torch.tensor([row]))
        planes = image if image.shape[0] == 3 else image.permute(2, 0, 1)
        x = _resized_crop(planes.to(torch.float32) / 255, one, size)
        if one.flip.item():
            x = x.flip(-1)
        for step in one.order[0].tolist():
            x = _COLOUR_STEPS[step](x, one)
        x = _perturbed(_styled(x, one), one, None if noise is None else noise[row])
        rows.append((_erased(x, one) - _channels(mean)) / _channels(std))
    return torch.stack(rows) if rows else torch.empty(0, 3, *size)


def _channels(values: Sequence[float] | torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float32)[:, None, None]


def _resized_crop(x: torch.Tensor, draw: AugmentationDraws, size: tuple[int, int]) -> torch.Tensor:
    top, left, height, width = draw.crop[0].tolist()
    crop = x[None, :, top : top + height, left : left + width]
    return torch.nn.functional.interpolate(crop, size, mode="bilinear", antialias=True, align_corners=False)[0]


def _grey(x: torch.Tensor) -> torch.Tensor:
    return (x * _channels(GREY)).sum(dim=0, keepdim=True)


def _towards(x: torch.Tensor, other: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    return (x * factor + other * (1 - factor)).clamp(0, 1)


def _brightness(x: torch.Tensor, draw: AugmentationDraws) -> torch.Tensor:
    return (x * draw.brightness).clamp(0, 1)


def _contrast(x: torch.Tensor, draw: AugmentationDraws) -> torch.Tensor:
    return _towards(x, _grey(x).mean(), draw.contrast)


def _saturation(x: torch.Tensor, draw: AugmentationDraws) -> torch.Tensor:
    return _towards(x, _grey(x), draw.saturation)


def _hue(x: torch.Tensor, draw: AugmentationDraws) -> torch.Tensor:
    """Through hue, saturation and value; Smith, "Color gamut transform pairs", SIGGRAPH 1978."""
    if draw.hue == 0:
        return x
    value, chroma = x.amax(dim=0), x.amax(dim=0) - x.amin(dim=0)
    red, green, blue = x
    divisor = torch.where(chroma == 0, 1, chroma)
    sixths = torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    place = sixths + 6 * draw.hue + torch.tensor([5.0, 3.0, 1.0])[:, None, None]
    place = place.remainder(6)
    return value - chroma * torch.minimum(place, 4 - place).clamp(0, 1)


_COLOUR_STEPS: tuple[Callable[[torch.Tensor, AugmentationDraws], torch.Tensor], ...] = (
    _brightness,
    _contrast,
    _saturation,
    _hue,
)


def _styled(x: torch.Tensor, draw: AugmentationDraws) -> torch.Tensor:
    """Towards other channel statistics: Reinhard, Ashikhmin, Gooch and Shirley, "Color transfer between images" (2001)."""
    if draw.style_weight == 0:
        return x
    own_mean, own_std = x.mean(dim=(1, 2)), x.std(dim=(1, 2), correction=0).clamp_min(LEAST_STD)
    like = (x - _channels(own_mean)) / _channels(own_std) * _channels(draw.style_std[0]) + _channels(draw.style_mean[0])
    return (x * (1 - draw.style_weight) + like * draw.style_weight).clamp(0, 1)


def _perturbed(x: torch.Tensor, draw: AugmentationDraws, noise: torch.Tensor | None) -> torch.Tensor:
    if draw.noise_std == 0:
        return x
    if noise is None:
        noise = image_normals(draw, *x.shape[1:]).to(torch.float32)
    return (x + noise * draw.noise_std).clamp(0, 1)


def image_normals(draw: AugmentationDraws, height: int, width: int) -> torch.Tensor:
    """The standard normal numbers that one sample's draws name; float64, shape [3, height, width].

    The number of (row, channel, column), counted in that order, is its place. Of the 16 Philox blocks of 128 places, word w
    of block b gives place 32 w + b and place 32 w + 16 + b: by Box and Muller, 17 bits the radius, 15 the angle.
    """
    low, high = (int(half) & 0xFFFFFFFF for half in draw.noise_key[0, 2:])
    wide = high << 32 | low
    identity = torch.tensor([wide - (wide >> 63 << 64)])
    key = (int(draw.noise_key[0, 0]) & 0xFFFFFFFF, int(draw.noise_key[0, 1]) & 0xFFFFFFFF)
    place = torch.arange(3 * height * width)
    groups = -(-place.numel() // 128)
    words = words_of(identity, key, int(draw.noise_epoch[0]) & 0xFFFFFFFF, 64 * groups)[0]
    word = words[4 * (place // 128 * 16 + place % 16) + place // 32 % 4]
    radius = torch.sqrt(-2 * torch.log(((word >> 15).double() + 0.5) / 2**17))
    angle = (((word & 0x3FFF) - ((word & 0x2000) << 1)).double() + 0.5) / 2**13 * (torch.pi / 2)
    cosine = torch.where((word >> 14 & 1) == 1, -torch.cos(angle), torch.cos(angle))
    normals = radius * torch.where(place // 16 % 2 == 0, torch.sin(angle), cosine)
    return normals.reshape(height, 3, width).transpose(0, 1)


def _erased(x: torch.Tensor, draw: AugmentationDraws) -> torch.Tensor:
    """Rows from rint(top * H) on, rint(height * H) of them; columns likewise."""
    height, width = x.shape[1:]
    extent = torch.tensor([height, width, height, width], dtype=torch.float32)
    top, left, high, wide = (draw.erase[0] * extent).round().to(torch.int64).tolist()
    if draw.erase[0, 2] == 0:
        return x
    erased = x.clone()
    erased[:, top : top + high, left : left + wide] = draw.erase_value
    return erased
