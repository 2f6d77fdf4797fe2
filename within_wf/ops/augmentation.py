"""The random draws of image augmentation: decided here, once, then replayed by any kernel.

A sample's draws depend on the seed, the epoch and its id, those of its crop on its size too; neither on the batch it is in
nor on the machine. Of the draws, crop and erasing follow torchvision's RandomResizedCrop and RandomErasing (ten tries, then
the largest central crop, or nothing erased), the colours its ColorJitter.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch

from within_wf.errors import OperatorError, Problem
from within_wf.runtime.streams import Stream

Range = tuple[float, float]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]

TRIES = 10
"""Crops, and rectangles to erase, that are tried before one settles for what always fits."""
NOISE_PURPOSE = "image noise"
_ORDERS = np.array(list(itertools.permutations(range(4))), dtype=np.int8)
_PROBABILITIES = ("crop_prob", "flip_prob", "brightness_prob", "contrast_prob", "saturation_prob", "hue_prob", "noise_prob",
                  "erase_prob", "style_prob")  # fmt: skip
_BOUNDS: dict[str, Range] = {
    "crop_scale": (0, 1),
    "crop_ratio": (0, np.inf),
    "brightness": (0, np.inf),
    "contrast": (0, np.inf),
    "saturation": (0, np.inf),
    "hue": (-0.5, 0.5),
    "noise_std": (0, np.inf),
    "erase_scale": (0, 1),
    "erase_ratio": (0, np.inf),
    "erase_value": (0, 1),
    "style_weight": (0, 1),
}
_POSITIVE = ("crop_scale", "crop_ratio", "erase_scale", "erase_ratio")


@dataclass(frozen=True)
class AugmentationConfig:
    """One range and one probability a step; a range is (lowest, highest), both included, a probability in [0, 1].

    The defaults are those of torchvision's RandomResizedCrop and ColorJitter(0.4, 0.4, 0.4, 0.1), and a flip of every other
    image; noise, erasing and style are off.

    Attributes:
        crop_scale: Share of the image's area that is kept, uniform, in (0, 1].
        crop_ratio: Width over height of the crop, log-uniform, above 0.
        crop_prob: Chance that an image is cropped; else all of it is resized.
        flip_prob: Chance that left and right change places.
        brightness: Factor of every value, uniform, at least 0; 1 changes nothing.
        brightness_prob: Its chance.
        contrast: Factor of the distance from the image's mean grey, uniform, at least 0.
        contrast_prob: Its chance.
        saturation: Factor of the distance from the pixel's grey, uniform, at least 0.
        saturation_prob: Its chance.
        hue: Shift of the hue in turns, uniform, in [-0.5, 0.5].
        hue_prob: Its chance.
        noise_std: Standard deviation of Gaussian noise, uniform, at least 0; 1 is the range from black to white.
        noise_prob: Its chance.
        erase_scale: Share of the output's area that is erased, uniform, in (0, 1].
        erase_ratio: Height over width of what is erased, of a square output in pixels, log-uniform, above 0.
        erase_value: What the erased pixels become, uniform, 0 (black) to 1 (white), the same for every channel.
        erase_prob: Its chance.
        style_weight: How far the channel statistics move to another image's, uniform, in [0, 1].
        style_prob: Its chance.

    Raises:
        OperatorError: A range or a probability is none; all are named at once.
    """

    crop_scale: Range = (0.08, 1.0)
    crop_ratio: Range = (3 / 4, 4 / 3)
    crop_prob: float = 1.0
    flip_prob: float = 0.5
    brightness: Range = (0.6, 1.4)
    brightness_prob: float = 1.0
    contrast: Range = (0.6, 1.4)
    contrast_prob: float = 1.0
    saturation: Range = (0.6, 1.4)
    saturation_prob: float = 1.0
    hue: Range = (-0.1, 0.1)
    hue_prob: float = 1.0
    noise_std: Range = (0.0, 0.1)
    noise_prob: float = 0.0
    erase_scale: Range = (0.02, 0.33)
    erase_ratio: Range = (0.3, 3.3)
    erase_value: Range = (0.0, 0.0)
    erase_prob: float = 0.0
    style_weight: Range = (0.0, 1.0)
    style_prob: float = 0.0

    def __post_init__(self) -> None:
        problems = [
            Problem(name, repr(getattr(self, name)), "a probability, 0 to 1")
            for name in _PROBABILITIES
            if not _is_number(getattr(self, name)) or not 0 <= getattr(self, name) <= 1
        ]
        for name, (lowest, highest) in _BOUNDS.items():
            value = getattr(self, name)
            is_pair = isinstance(value, tuple) and len(value) == 2 and all(_is_number(side) for side in value)
            if not is_pair or not lowest <= value[0] <= value[1] <= highest or (name in _POSITIVE and value[0] == 0):
                above = "above" if name in _POSITIVE else "at least"
                below = f" and at most {highest:g}" if np.isfinite(highest) else ""
                problems.append(Problem(name, repr(value), f"(lowest, highest), {above} {lowest:g}{below}"))
        if problems:
            raise OperatorError("images cannot be augmented so", problems)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


@dataclass(frozen=True)
class AugmentationDraws:
    """What is done to each of B images: tensors of the CPU, a row each. What is off for a sample holds its identity.

    Attributes:
        crop: int32 [B, 4], top, left, height, width in pixels of the source, inside of it.
        flip: bool [B].
        order: int8 [B, 4], the order of the colour steps: a permutation of 0 brightness, 1 contrast, 2 saturation, 3 hue.
        brightness: float32 [B], a factor; 1 is off.
        contrast: float32 [B], a factor; 1 is off.
        saturation: float32 [B], a factor; 1 is off.
        hue: float32 [B], turns, in [-0.5, 0.5]; 0 is off.
        noise_std: float32 [B], 1 is the range from black to white; 0 is off.
        noise_key: int32 [B, 4], bits of: the two words of the Philox key, the low and high half of the sample's id.
        noise_epoch: int32 [B], bits of the epoch; the counter of the noise is (id low, id high, block, epoch).
        erase: float32 [B, 4], top, left, height, width as shares of the output's height and width; a height of 0 is off.
            Of H rows, those from rint(top * H) up to, without it, rint(top * H) + rint(height * H); so of columns.
        erase_value: float32 [B], in [0, 1], before normalisation.
        style_mean: float32 [B, 3], the channel means that the style draws to, in [0, 1].
        style_std: float32 [B, 3], the channels' standard deviations (divisor H * W), likewise. An image's own is taken to
            be at least 1e-5 where it is divided by.
        style_weight: float32 [B], how far; 0 is off.
    """

    crop: torch.Tensor
    flip: torch.Tensor
    order: torch.Tensor
    brightness: torch.Tensor
    contrast: torch.Tensor
    saturation: torch.Tensor
    hue: torch.Tensor
    noise_std: torch.Tensor
    noise_key: torch.Tensor
    noise_epoch: torch.Tensor
    erase: torch.Tensor
    erase_value: torch.Tensor
    style_mean: torch.Tensor
    style_std: torch.Tensor
    style_weight: torch.Tensor

    def __len__(self) -> int:
        return self.crop.shape[0]

    def take(self, rows: torch.Tensor) -> AugmentationDraws:
        """The draws of some samples; ``rows`` int64, shape [n]."""
        return AugmentationDraws(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def draw_augmentation(
    config: AugmentationConfig,
    *,
    seed: int,
    epoch: int,
    sample_ids: npt.ArrayLike | torch.Tensor,
    sizes: npt.ArrayLike | torch.Tensor,
    style_bank: torch.Tensor | None = None,
) -> AugmentationDraws:
    """Draw what is done to each sample.

    Args:
        config: Ranges and probabilities.
        seed: Any integer in [0, 2**64).
        epoch: Counts repetitions, in [0, 2**32): another one, other draws.
        sample_ids: What names each sample, int64, shape [B]; the same id, the same draws.
        sizes: Height and width of each image in pixels, integers from 1 to 2**31 - 1, shape [B, 2], or one pair for all.
        style_bank: Statistics of the images whose style is taken, shape [K, 2, 3] as :func:`image_statistics` gives them;
            needed where ``style_prob`` is above 0.

    Raises:
        OperatorError: An argument is not one of the above.
    """
    ids, extents, bank = _checked(config, seed, epoch, sample_ids, sizes, style_bank)
    draw = _Draw(seed, epoch, ids)
    orders, colours = draw.colours(config)
    noise = draw.step("whether and how much image noise", config.noise_prob, config.noise_std, 0.0)
    erase, erase_value = draw.erasing(config)
    style_mean, style_std, style_weight = draw.style(config, bank)
    words = ids.view(np.uint64)
    key = np.empty((ids.size, 4), dtype=np.uint32)
    key[:, :2] = Stream(seed, NOISE_PURPOSE).key
    key[:, 2] = words & np.uint64(0xFFFFFFFF)
    key[:, 3] = words >> np.uint64(32)
    return AugmentationDraws(
        crop=torch.from_numpy(draw.crop(config, extents)),
        flip=torch.from_numpy(draw.is_on("image flip", config.flip_prob)),
        order=torch.from_numpy(orders),
        **{name: torch.from_numpy(values) for name, values in colours.items()},
        noise_std=torch.from_numpy(noise),
        noise_key=torch.from_numpy(key.view(np.int32)),
        noise_epoch=torch.from_numpy(np.full(ids.size, epoch, dtype=np.uint32).view(np.int32)),
        erase=torch.from_numpy(erase),
        erase_value=torch.from_numpy(erase_value),
        style_mean=torch.from_numpy(style_mean),
        style_std=torch.from_numpy(style_std),
        style_weight=torch.from_numpy(style_weight),
    )


def image_statistics(images: torch.Tensor) -> torch.Tensor:
    """Mean and standard deviation of each channel, black 0 and white 1: exact sums, each result rounded to float32 last.

    Args:
        images: uint8, shape [B, 3, H, W] or [B, H, W, 3] (where both fit, the former), of 1 to 2**23 pixels each.

    Returns:
        float32, shape [B, 2, 3]: means, then standard deviations (divisor H · W), on the CPU.

    Raises:
        OperatorError: They are no such images.
    """
    is_four = images.dim() == 4 and images.dtype == torch.uint8 and 3 in (images.shape[1], images.shape[3])
    pixels = 0 if not is_four else images[0:1].numel() // 3 if len(images) else 1
    if not 1 <= pixels <= 2**23:
        expected = "uint8, [B, 3, H, W] or [B, H, W, 3], of 1 to 2**23 pixels each"
        raise OperatorError("no image statistics", [Problem("images", f"{images.dtype}, {list(images.shape)}", expected)])
    planes = images if images.shape[1] == 3 else images.permute(0, 3, 1, 2)
    wide = planes.to(torch.int64)
    sums, squares = wide.sum(dim=(2, 3)).cpu(), (wide * wide).sum(dim=(2, 3)).cpu()
    count = images.numel() // 3 // max(1, len(images))
    means = sums.to(torch.float64) / (255 * count)
    # count · squares - sums² is exact, and below 2**62. NumPy's root is correctly rounded, torch's is not.
    roots = np.sqrt((count * squares - sums * sums).to(torch.float64).numpy())
    stds = torch.from_numpy(roots) / (255 * count)
    return torch.stack([means, stds], dim=1).to(torch.float32)


def _checked(
    config: AugmentationConfig, seed: int, epoch: int, sample_ids: object, sizes: object, bank: torch.Tensor | None
) -> tuple[I64, I64, F32 | None]:
    """Ids, sizes and bank as arrays."""
    problems = seed_problems(seed, epoch)
    ids, extents = np.asarray(sample_ids), np.asarray(sizes)
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        problems.append(Problem("sample_ids", f"{ids.dtype}, {list(ids.shape)}", "int64, [B]"))
    rows = ids.shape[0] if ids.ndim else 0
    if extents.shape == (2,):
        extents = np.broadcast_to(extents, (rows, 2))
    if extents.shape != (rows, 2) or (extents.size and extents.dtype.kind not in "iu"):
        problems.append(Problem("sizes", f"{extents.dtype}, {list(extents.shape)}", f"integers, [{rows}, 2] or [2]"))
    elif extents.size and (extents.min() < 1 or extents.max() >= 2**31):
        wrong = int(np.flatnonzero(((extents < 1) | (extents >= 2**31)).any(axis=1))[0])
        problems.append(Problem(f"sizes[{wrong}]", str(extents[wrong].tolist()), "1 to 2**31 - 1 pixels"))
    if bank is not None and (not bank.is_floating_point() or bank.shape[1:] != (2, 3) or not bank.isfinite().all()):
        problems.append(Problem("style_bank", f"{bank.dtype}, {list(bank.shape)}", "finite floats, [K, 2, 3]"))
    elif config.style_prob > 0 and (bank is None or len(bank) == 0):
        problems.append(Problem("style_bank", "no statistics", "image_statistics of some images, as style_prob is above 0"))
    if problems:
        raise OperatorError("no augmentation can be drawn", problems)
    return ids.astype(np.int64), extents.astype(np.int64), None if bank is None else bank.cpu().to(torch.float32).numpy()


def seed_problems(seed: int, epoch: int) -> list[Problem]:
    """What is wrong with a seed and an epoch."""
    limits = (("seed", seed, 64), ("epoch", epoch, 32))
    return [
        Problem(name, repr(value), f"an integer, 0 to 2**{bits} - 1")
        for name, value, bits in limits
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**bits
    ]


def _uniform(words: U64) -> F64:
    """In (0, 1), never either: 52 random bits and a half."""
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def _within(u: F64, bounds: Range) -> F64:
    return np.minimum(bounds[0] + u * (bounds[1] - bounds[0]), bounds[1])


def _log_within(u: F64, bounds: Range) -> F64:
    """Log-uniform: lowest · (highest / lowest)^u, of square roots and products alone, whose bits IEEE 754 fixes."""
    power = np.ones_like(u)
    root = np.float64(bounds[1]) / np.float64(bounds[0])
    rest = np.floor(u * 2.0**32).astype(np.uint64)
    for bit in range(31, -1, -1):
        root = np.sqrt(root)
        power = np.where((rest >> np.uint64(bit)) & np.uint64(1), power * root, power)
    return np.clip(bounds[0] * power, *bounds)


def _below(words: U64, high: I64) -> I64:
    """Integers in [0, high), by multiplication of 32 random bits."""
    return ((words >> np.uint64(32)) * high.astype(np.uint64) >> np.uint64(32)).astype(np.int64)


@dataclass(frozen=True)
class _Draw:
    """Draws for one purpose after another; each has a stream of its own, so that no step moves another's."""

    seed: int
    epoch: int
    ids: I64

    def words(self, purpose: str, count: int) -> U64:
        return Stream(self.seed, purpose, self.epoch).words(self.ids, count)

    def is_on(self, purpose: str, prob: float) -> Bools:
        if prob == 0:
            return np.zeros(self.ids.size, dtype=np.bool_)
        return _uniform(self.words(purpose, 1))[:, 0] < prob

    def step(self, purpose: str, prob: float, bounds: Range, identity: float) -> F32:
        if prob == 0:
            return np.full(self.ids.size, identity, dtype=np.float32)
        u = _uniform(self.words(purpose, 2))
        return np.where(u[:, 0] < prob, _within(u[:, 1], bounds), identity).astype(np.float32)

    def crop(self, config: AugmentationConfig, sizes: I64) -> npt.NDArray[np.int32]:
        whole = np.concatenate([np.zeros_like(sizes), sizes], axis=1)
        if config.crop_prob == 0:
            return whole.astype(np.int32)
        words = self.words("image crop", 1 + 4 * TRIES)
        tries = words[:, 1:].reshape(-1, TRIES, 4)
        height, width = sizes[:, :1], sizes[:, 1:]
        area = (height * width) * _within(_uniform(tries[..., 0]), config.crop_scale)
        ratio = _log_within(_uniform(tries[..., 1]), config.crop_ratio)
        wide, high = np.rint(np.sqrt(area * ratio)).astype(np.int64), np.rint(np.sqrt(area / ratio)).astype(np.int64)
        fits = (wide > 0) & (wide <= width) & (high > 0) & (high <= height)
        top = _below(tries[..., 2], np.maximum(height - high, 0) + 1)
        left = _below(tries[..., 3], np.maximum(width - wide, 0) + 1)
        tried = np.stack([top, left, high, wide], axis=2)
        first = tried[np.arange(self.ids.size), fits.argmax(axis=1)]
        crop = np.where(fits.any(axis=1, keepdims=True), first, _central(sizes, config.crop_ratio))
        is_on = _uniform(words[:, :1]) < np.float64(config.crop_prob)
        return np.where(is_on, crop, whole).astype(np.int32)

    def colours(self, config: AugmentationConfig) -> tuple[npt.NDArray[np.int8], dict[str, F32]]:
        words = self.words("image colours", 9)
        u = _uniform(words)
        drawn = {}
        for place, (name, identity) in enumerate((("brightness", 1.0), ("contrast", 1.0), ("saturation", 1.0), ("hue", 0.0))):
            is_on = u[:, 1 + 2 * place] < getattr(config, f"{name}_prob")
            value = _within(u[:, 2 + 2 * place], getattr(config, name))
            drawn[name] = np.where(is_on, value, identity).astype(np.float32)
        return _ORDERS[_below(words[:, 0], np.full(self.ids.size, len(_ORDERS)))], drawn

    def erasing(self, config: AugmentationConfig) -> tuple[F32, F32]:
        if config.erase_prob == 0:
            return np.zeros((self.ids.size, 4), dtype=np.float32), np.zeros(self.ids.size, dtype=np.float32)
        words = self.words("image erasing", 2 + 4 * TRIES)
        tries = _uniform(words[:, 2:].reshape(-1, TRIES, 4))
        area, ratio = _within(tries[..., 0], config.erase_scale), _log_within(tries[..., 1], config.erase_ratio)
        high, wide = np.sqrt(area * ratio), np.sqrt(area / ratio)
        fits = (high < 1) & (wide < 1)
        tried = np.stack([tries[..., 2] * (1 - high), tries[..., 3] * (1 - wide), high, wide], axis=2)
        is_on: Bools = fits.any(axis=1) & (_uniform(words[:, 0]) < config.erase_prob)
        erase = np.where(is_on[:, None], tried[np.arange(self.ids.size), fits.argmax(axis=1)], 0.0)
        value = np.where(is_on, _within(_uniform(words[:, 1]), config.erase_value), 0.0)
        return erase.astype(np.float32), value.astype(np.float32)

    def style(self, config: AugmentationConfig, bank: F32 | None) -> tuple[F32, F32, F32]:
        count = self.ids.size
        mean, std = np.zeros((count, 3), dtype=np.float32), np.ones((count, 3), dtype=np.float32)
        if config.style_prob == 0 or bank is None:
            return mean, std, np.zeros(count, dtype=np.float32)
        weight = self.step("whether and how far image style", config.style_prob, config.style_weight, 0.0)
        which = bank[_below(self.words("image style", 1)[:, 0], np.full(count, len(bank)))]
        is_on = (weight > 0)[:, None]
        return np.where(is_on, which[:, 0], mean), np.where(is_on, which[:, 1], std), weight


def _central(sizes: I64, ratio: Range) -> I64:
    """Of each image the largest central crop whose ratio is allowed."""
    height, width = sizes[:, 0], sizes[:, 1]
    actual = width / height
    high = np.where(actual < ratio[0], np.rint(width / ratio[0]).astype(np.int64), height)
    wide = np.where(actual > ratio[1], np.rint(height * ratio[1]).astype(np.int64), width)
    high, wide = np.clip(high, 1, height), np.clip(wide, 1, width)
    return np.stack([(height - high) // 2, (width - wide) // 2, high, wide], axis=1)
