"""Pictures, varied: each by what was asked, none by its company."""

import numpy as np
import pytest
import torch

from within_wf.augment import VisualAugmenter
from within_wf.augment.visual import METHODS, augmentation_of
from within_wf.config.data import VisualAugmentationConfig
from within_wf.errors import DatasetError
from within_wf.ops import draw_augmentation, image_statistics

DRAWS = np.random.default_rng(0)
SIZES = [(60, 40), (33, 70), (3, 48), (20, 91)]


def picture(height, width):
    """Patches of colour with some noise."""
    patches = DRAWS.integers(20, 235, (3, 3, 3)).repeat(-(-height // 3), axis=0).repeat(-(-width // 3), axis=1)
    return np.clip(patches[:height, :width] + DRAWS.integers(-8, 9, (height, width, 3)), 0, 255).astype(np.uint8)


IMAGES = [picture(*size) for size in SIZES * 3]
IDS = np.arange(len(IMAGES)) * 7 - 5


def differ(one, two):
    return [not np.array_equal(a, b) for a, b in zip(one, two, strict=True)]


@pytest.mark.parametrize("methods", [[name] for name in METHODS] + [list(METHODS)], ids=str)
def test_pictures_change_and_keep_their_size(methods):
    varied = VisualAugmenter(methods).fit(IMAGES).vary(IMAGES, IDS)
    assert [new.shape for new in varied] == [old.shape for old in IMAGES]
    assert all(new.dtype == np.uint8 for new in varied)
    assert sum(differ(varied, IMAGES)) >= len(IMAGES) - 1  # a weight of nearly nothing changes nothing


def test_no_method_changes_nothing():
    assert not any(differ(VisualAugmenter([]).vary(IMAGES, IDS), IMAGES))


def test_noise_stays_below_what_was_asked():
    config = VisualAugmentationConfig(noise_std=0.04)
    grey = [np.full((50, 50, 3), 128, np.uint8)] * 40
    varied = np.stack(VisualAugmenter(["noise_addition"], config=config).vary(grey, np.arange(40))) / 255 - 128 / 255
    spread = varied.std(axis=(1, 2, 3))
    assert spread.max() < 0.042
    assert spread.mean() == pytest.approx(0.02, abs=0.005)


def test_a_style_moves_statistics_towards_those_it_learned():
    dark = np.clip(picture(30, 30) // 5, 0, 60).astype(np.uint8)
    config = VisualAugmentationConfig(style_weight=1.0)
    varied = VisualAugmenter(["style_transfer"], config=config).fit([dark]).vary(IMAGES, IDS)
    target = image_statistics(torch.from_numpy(dark)[None])[0, 0].numpy() * 255
    far, near = (np.array([np.abs(image.mean(axis=(0, 1)) - target).sum() for image in images]) for images in (IMAGES, varied))
    assert (near <= far).all()
    assert near.mean() < 0.7 * far.mean()


def test_a_crop_keeps_the_share_that_was_asked_and_nothing_is_mirrored():
    config = augmentation_of(VisualAugmentationConfig(least_crop=0.5), METHODS)
    draws = draw_augmentation(
        config, seed=1, epoch=1, sample_ids=np.arange(500), sizes=(100, 100), style_bank=torch.rand(3, 2, 3)
    )
    area = (draws.crop[:, 2] * draws.crop[:, 3]) / 10_000
    assert 0.48 < area.min() < 0.55
    assert not draws.flip.any()


def test_a_pictures_draws_are_its_own():
    augmenter = VisualAugmenter(seed=3).fit(IMAGES)
    whole = augmenter.vary(IMAGES, IDS)
    backwards = augmenter.vary(IMAGES[::-1], IDS[::-1])[::-1]
    assert not any(differ(backwards, whole))
    assert not any(differ(augmenter.vary(IMAGES[4:5], IDS[4:5]), whole[4:5]))
    assert all(differ(augmenter.vary(IMAGES, IDS, copy=2), whole))
    assert all(differ(VisualAugmenter(seed=4).fit(IMAGES).vary(IMAGES, IDS), whole))


def test_pictures_are_varied_with_the_chance_that_was_asked():
    many = [picture(8, 8) for _ in range(400)]
    augmenter = VisualAugmenter(augmentation_prob=0.25).fit(IMAGES)
    varied = augmenter.augment(many)
    changed = np.array(differ(varied, many))
    assert changed.mean() == pytest.approx(0.25, abs=0.07)
    assert not any(differ(augmenter.augment(many[:50]), varied[:50]))
    assert not any(differ(VisualAugmenter(augmentation_prob=0.0).augment(IMAGES), IMAGES))
    assert all(differ(VisualAugmenter(augmentation_prob=1.0).augment(IMAGES, IDS), IMAGES))


def test_no_pictures_are_varied_into_none():
    assert VisualAugmenter().augment([]) == []
    assert VisualAugmenter().fit([]).vary([], np.zeros(0, np.int64)) == []


def test_what_was_given_is_not_written_to():
    before = [image.copy() for image in IMAGES]
    VisualAugmenter(augmentation_prob=1.0).augment(IMAGES)
    assert not any(differ(before, IMAGES))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"augmentation_methods": ["rotation"]}, "augmentation_methods: found 'rotation', expected one of color_adjustment"),
        ({"augmentation_methods": "crop_resize"}, "found 'crop_resize', expected a list of names"),
        ({"augmentation_prob": 2}, "augmentation_prob: found 2, expected a share, 0 to 1"),
    ],
)
def test_an_augmenter_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(DatasetError, match=message):
        VisualAugmenter(**arguments)


def test_what_is_no_picture_is_refused():
    with pytest.raises(DatasetError, match=r"images, row 1: found float64, \[4, 4, 3\], expected uint8, \[height, width, 3\]"):
        VisualAugmenter().augment([IMAGES[0], np.zeros((4, 4, 3))])
    with pytest.raises(DatasetError, match=r"images, row 0: found uint8, \[3, 4, 4\]"):
        VisualAugmenter().fit([np.zeros((3, 4, 4), np.uint8)])
    with pytest.raises(DatasetError, match="ids: found 2 ids, expected one a picture, 12"):
        VisualAugmenter().vary(IMAGES, IDS[:2])
