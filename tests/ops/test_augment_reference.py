"""Image augmentation in plain torch is torchvision's float path, step by step."""

import pytest
import torch
from torchvision.transforms.v2 import functional

from within_wf.ops.augmentation import AugmentationConfig, draw_augmentation, image_statistics
from within_wf.ops.reference.augment import augment_images

NO_CHANGE = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
ALL_OFF = AugmentationConfig(
    crop_prob=0, flip_prob=0, brightness_prob=0, contrast_prob=0, saturation_prob=0, hue_prob=0
)  # fmt: skip
SIZES = ((64, 48), (20, 33), (31, 200), (7, 5))


def image(height, width, seed=0):
    """Smooth patches, saturated ones, grey ones and noise."""
    draws = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 4, 4, generator=draws) * 1.4 - 0.2
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear")[0].clamp(0, 1)
    smooth[:, : height // 4] = smooth[:1, : height // 4]
    noisy = torch.rand(3, height, width, generator=draws) < 0.1
    return (torch.where(noisy, torch.rand(3, height, width, generator=draws), smooth) * 255).round().to(torch.uint8)


def drawn(config, ids, images, bank=None):
    return draw_augmentation(config, seed=3, epoch=1, sample_ids=ids, sizes=[i.shape[1:] for i in images], style_bank=bank)


@pytest.mark.parametrize("size", [(24, 24), (50, 31)])
def test_geometry_and_colours_are_torchvisions(size):
    ids = range(40)
    images = [image(*SIZES[i % len(SIZES)], seed=i) for i in ids]
    draws = drawn(AugmentationConfig(hue=(-0.5, 0.5), brightness=(0, 2), contrast=(0, 2), saturation=(0, 2)), ids, images)
    ours = augment_images(images, draws, size=size, **NO_CHANGE)
    for row, picture in enumerate(images):
        top, left, height, width = draws.crop[row].tolist()
        x = functional.to_dtype(picture, torch.float32, scale=True)
        x = functional.resized_crop(x, top, left, height, width, list(size), antialias=True)
        x = functional.horizontal_flip(x) if draws.flip[row] else x
        for step in draws.order[row].tolist():
            name = ("brightness", "contrast", "saturation", "hue")[step]
            x = getattr(functional, f"adjust_{name}")(x, getattr(draws, name)[row].item())
        assert (ours[row] - x).abs().max() < 0.01 / 255


def test_what_is_off_leaves_the_picture():
    picture = image(24, 24)
    draws = drawn(ALL_OFF, [1], [picture])
    plain = augment_images([picture], draws, size=(24, 24), **NO_CHANGE)
    torch.testing.assert_close(plain[0], picture.float() / 255, rtol=0, atol=1e-6)
    assert torch.equal(plain, augment_images(picture.permute(1, 2, 0)[None], draws, size=(24, 24), **NO_CHANGE))
    normalised = augment_images([picture], draws, size=(24, 24), mean=(0.5, 0.4, 0.3), std=(0.2, 0.3, 0.4))
    torch.testing.assert_close(normalised[0], functional.normalize(plain[0], [0.5, 0.4, 0.3], [0.2, 0.3, 0.4]))


def test_noise_has_its_standard_deviation():
    grey = torch.full((3, 64, 64), 128, dtype=torch.uint8)
    config = AugmentationConfig(**(vars(ALL_OFF) | {"noise_prob": 1.0, "noise_std": (0.1, 0.1)}))
    noisy = augment_images([grey] * 2, drawn(config, [1, 2], [grey] * 2), size=(64, 64), **NO_CHANGE) - 128 / 255
    assert noisy.std(dim=(1, 2, 3)).tolist() == pytest.approx([0.1, 0.1], rel=0.03)
    assert noisy.mean().abs() < 0.003
    assert torch.corrcoef(noisy.reshape(6, -1)).triu(1).abs().max() < 0.06


def test_erased_pixels_have_their_value():
    picture = image(60, 60)
    config = AugmentationConfig(**(vars(ALL_OFF) | {"erase_prob": 1.0, "erase_value": (2.0 / 255, 2.0 / 255)}))
    draws = drawn(config, [1], [picture])
    erased = augment_images([picture], draws, size=(100, 100), **NO_CHANGE)[0]
    whole = augment_images([picture], drawn(ALL_OFF, [1], [picture]), size=(100, 100), **NO_CHANGE)[0]
    top, left, height, width = (draws.erase[0] * 100).round().int().tolist()
    want = functional.erase(whole, top, left, height, width, torch.tensor(2.0 / 255))
    torch.testing.assert_close(erased, want)


def test_a_style_brings_its_statistics():
    picture, other = image(60, 60), image(50, 50, seed=7) // 4 + 90
    bank = image_statistics(other[None])
    config = AugmentationConfig(**(vars(ALL_OFF) | {"style_prob": 1.0, "style_weight": (1.0, 1.0)}))
    styled = augment_images([picture], drawn(config, [1], [picture], bank), size=(60, 60), **NO_CHANGE)[0]
    torch.testing.assert_close(styled.mean(dim=(1, 2)), bank[0, 0], rtol=0, atol=1e-4)
    torch.testing.assert_close(styled.std(dim=(1, 2), correction=0), bank[0, 1], rtol=0, atol=1e-4)
    flat = torch.full((3, 9, 9), 50, dtype=torch.uint8)
    styled = augment_images([flat], drawn(config, [1], [flat], bank), size=(9, 9), **NO_CHANGE)[0]
    torch.testing.assert_close(styled, bank[0, 0][:, None, None].expand(3, 9, 9), rtol=0, atol=1e-2)
