"""The draws of image augmentation: distributed as torchvision's, a sample's own, refused where they make no sense."""

import hashlib
import math
from dataclasses import fields

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare, ks_2samp, kstest
from torchvision.transforms import v2

from within_wf.errors import OperatorError
from within_wf.ops.augmentation import AugmentationConfig, _log_within, draw_augmentation, image_statistics

COUNT = 4000
IDS = np.arange(COUNT)
EVERY_STEP = AugmentationConfig(noise_prob=0.5, erase_prob=0.5, erase_value=(0.1, 0.9), style_prob=0.5)
BANK = torch.rand(5, 2, 3, generator=torch.Generator().manual_seed(0))


def draw(config=EVERY_STEP, seed=1, epoch=0, ids=IDS, sizes=(180, 260)):
    return draw_augmentation(config, seed=seed, epoch=epoch, sample_ids=ids, sizes=sizes, style_bank=BANK)


def same(one, two):
    return all(torch.equal(getattr(one, field.name), getattr(two, field.name)) for field in fields(one))


@pytest.mark.parametrize(
    ("sizes", "scale", "ratio"),
    [((180, 260), (0.08, 1.0), (3 / 4, 4 / 3)), ((64, 64), (0.5, 0.6), (0.5, 2.0)), ((20, 200), (0.08, 1.0), (3 / 4, 4 / 3))],
)
def test_crops_are_distributed_as_torchvisions(sizes, scale, ratio):
    torch.manual_seed(0)
    image = torch.empty(3, *sizes)
    theirs = np.array([torchvision.transforms.RandomResizedCrop.get_params(image, scale, ratio) for _ in range(COUNT)])
    ours = draw(AugmentationConfig(crop_scale=scale, crop_ratio=ratio), sizes=sizes).crop.numpy()
    for of in (
        lambda crop: crop[:, 2] * crop[:, 3],
        lambda crop: crop[:, 3] / crop[:, 2],
        lambda crop: crop[:, 0],
        lambda crop: crop[:, 1],
        lambda crop: crop[:, 0] / np.maximum(1, sizes[0] - crop[:, 2]),
    ):
        assert ks_2samp(of(ours), of(theirs)).pvalue > 1e-3


@pytest.mark.parametrize("sizes", [(10, 1000), (1000, 10), (1, 1), (1, 2**31 - 1)])
def test_what_cannot_be_cropped_is_cropped_centrally_as_torchvision_does(sizes):
    """Of an image so long no try fits; of one pixel the whole."""
    height, width = sizes
    ratio = (3 / 4, 4 / 3)
    ours = draw(AugmentationConfig(crop_scale=(1.0, 1.0), crop_ratio=ratio), ids=[1], sizes=sizes).crop[0].tolist()
    h = height if width / height >= ratio[0] else round(width / ratio[0])
    w = width if width / height <= ratio[1] else round(height * ratio[1])
    assert ours == [(height - h) // 2, (width - w) // 2, h, w]


@settings(max_examples=200)
@given(st.integers(1, 5000), st.integers(1, 5000), st.floats(0.001, 1), st.floats(0.01, 100))
def test_a_crop_is_inside_its_image(height, width, scale, ratio):
    config = AugmentationConfig(crop_scale=(scale, 1.0), crop_ratio=(min(1.0, ratio), max(1.0, ratio)))
    top, left, high, wide = draw(config, ids=np.arange(20), sizes=(height, width)).crop.T.tolist()
    assert min(top) >= 0
    assert min(left) >= 0
    assert min(*high, *wide) >= 1
    assert max(t + h for t, h in zip(top, high, strict=True)) <= height
    assert max(lf + w for lf, w in zip(left, wide, strict=True)) <= width


def test_colours_are_distributed_as_torchvisions():
    torch.manual_seed(0)
    jitter = v2.ColorJitter(0.4, 0.4, 0.4, 0.1)
    theirs = [jitter.make_params([]) for _ in range(COUNT)]
    ours = draw(AugmentationConfig())
    for name in ("brightness", "contrast", "saturation", "hue"):
        assert ks_2samp(getattr(ours, name).numpy(), [params[f"{name}_factor"] for params in theirs]).pvalue > 1e-3
    orders = (ours.order.to(torch.int64) * torch.tensor([64, 16, 4, 1])).sum(1).unique(return_counts=True)[1]
    assert len(orders) == 24
    assert chisquare(orders.numpy()).pvalue > 1e-3


def test_erased_rectangles_are_distributed_as_torchvisions():
    torch.manual_seed(0)
    image = torch.empty(3, 1000, 1000)
    theirs = np.array(
        [torchvision.transforms.RandomErasing.get_params(image, (0.02, 0.33), (0.3, 3.3), [0.0])[:4] for _ in range(COUNT)]
    )
    ours = draw(AugmentationConfig(erase_prob=1.0)).erase.numpy() * 1000
    for column in range(4):
        assert ks_2samp(np.rint(ours[:, column]), theirs[:, column]).pvalue > 1e-3
    assert (ours[:, :2] + ours[:, 2:]).max() <= 1000.001


@pytest.mark.parametrize(
    ("name", "step", "identity"),
    [
        ("flip", "flip_prob", False), ("brightness", "brightness_prob", 1), ("contrast", "contrast_prob", 1),
        ("saturation", "saturation_prob", 1), ("hue", "hue_prob", 0), ("noise_std", "noise_prob", 0),
        ("style_weight", "style_prob", 0), ("crop", "crop_prob", torch.tensor([0, 0, 180, 260])),
        ("erase", "erase_prob", torch.zeros(4)),
    ],
)  # fmt: skip
def test_a_step_is_on_as_often_as_asked_and_off_it_is_its_identity(name, step, identity):
    for prob in (0.0, 0.3, 1.0):
        off = getattr(draw(AugmentationConfig(**{step: prob})), name) == identity
        share = 1 - off.reshape(COUNT, -1).all(dim=1).double().mean().item()
        assert share == pytest.approx(prob, abs=0.03 if 0 < prob < 1 else 0.002)


def test_what_is_off_draws_nothing_of_others():
    only, all_of_it = draw(AugmentationConfig()), draw(EVERY_STEP)
    for name in ("crop", "flip", "order", "brightness", "contrast", "saturation", "hue", "noise_key"):
        assert torch.equal(getattr(only, name), getattr(all_of_it, name))


def test_uniform_steps_fill_their_range():
    drawn = draw(AugmentationConfig(noise_prob=1.0, noise_std=(0.02, 0.08), style_prob=1.0, style_weight=(0.2, 0.9)))
    assert kstest(drawn.noise_std.double().numpy(), "uniform", (0.02, 0.06)).pvalue > 1e-3
    assert kstest(drawn.style_weight.double().numpy(), "uniform", (0.2, 0.7)).pvalue > 1e-3


def test_styles_come_from_the_bank():
    drawn = draw(AugmentationConfig(style_prob=1.0, style_weight=(0.5, 1.0)))
    which = (drawn.style_mean[:, None] == BANK[:, 0]).all(dim=2)
    assert torch.equal(which.sum(dim=1), torch.ones(COUNT, dtype=torch.int64))
    assert torch.equal(drawn.style_std, BANK[which.int().argmax(dim=1), 1])
    assert chisquare(which.sum(dim=0).numpy()).pvalue > 1e-3


def test_a_samples_draws_are_its_own():
    whole = draw(ids=IDS[:50] - 20, sizes=torch.arange(100).reshape(50, 2) + 40)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(1))
    shuffled = draw(ids=torch.arange(50)[order] - 20, sizes=(torch.arange(100).reshape(50, 2) + 40)[order])
    assert same(shuffled, whole.take(order))
    for row in (0, 19, 20, 49):
        one = draw(ids=[row - 20], sizes=[2 * row + 40, 2 * row + 41])
        assert same(one, whole.take(torch.tensor([row])))
        assert len(one) == 1


def test_seed_epoch_and_id_each_change_the_draws():
    first = draw()
    for other in (draw(seed=2), draw(epoch=1), draw(ids=IDS + COUNT)):
        for name in ("crop", "brightness", "hue", "noise_std", "erase", "style_weight"):
            assert (getattr(other, name) == getattr(first, name)).double().mean() < 0.6
            assert not torch.equal(getattr(other, name), getattr(first, name))
    assert torch.equal(draw(epoch=2**32 - 1, ids=[-1]).noise_epoch, torch.tensor([-1], dtype=torch.int32))
    assert draw(ids=[-2]).noise_key[0, 2:].tolist() == [-2, -1]


def test_draws_keep_their_bytes():
    """They are the same on every machine and in every release; a change of them changes every picture."""
    drawn = draw(ids=IDS[:200])
    digest = hashlib.sha256(b"".join(getattr(drawn, field.name).numpy().tobytes() for field in fields(drawn)))
    assert digest.hexdigest()[:16] == "d36098973be4a842"


def test_log_uniform_powers_are_those_of_the_logarithm():
    u = np.random.default_rng(0).uniform(size=1000)
    want = [math.exp(math.log(0.3) + x * math.log(3.3 / 0.3)) for x in u]
    np.testing.assert_allclose(_log_within(u, (0.3, 3.3)), want, rtol=1e-8)
    assert _log_within(u, (2.0, 2.0)).tolist() == [2.0] * 1000


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_image_statistics_are_those_of_float64(layout):
    images = torch.randint(0, 256, (3, 3, 40, 50), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    images[1] = 200
    got = image_statistics(images if layout == "NCHW" else images.permute(0, 2, 3, 1))
    values = images.double() / 255
    want = torch.stack([values.mean(dim=(2, 3)), values.std(dim=(2, 3), correction=0)], dim=1)
    torch.testing.assert_close(got, want.float(), rtol=1e-6, atol=1e-9)
    assert torch.equal(got[1, 1], torch.zeros(3))
    assert image_statistics(images[:0]).shape == (0, 2, 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"flip_prob": 1.5}, "flip_prob: found 1.5, expected a probability"),
        ({"hue_prob": True}, "hue_prob: found True"),
        ({"noise_prob": math.nan}, "noise_prob: found nan"),
        ({"crop_scale": (0.0, 1.0)}, r"crop_scale: found \(0.0, 1.0\), expected \(lowest, highest\), above 0 and at most 1"),
        ({"crop_ratio": (2.0, 1.0)}, "crop_ratio: found"),
        ({"crop_ratio": (0.5, math.inf)}, "crop_ratio: found"),
        ({"hue": (-0.6, 0.1)}, "hue: found .* at least -0.5 and at most 0.5"),
        ({"brightness": (-0.1, 1.0)}, "brightness: found .* at least 0"),
        ({"erase_value": (0.0, 1.1)}, "erase_value: found"),
        ({"style_weight": 0.5}, "style_weight: found 0.5"),
        ({"flip_prob": -1, "contrast": "x"}, "(?s)flip_prob: found -1.*contrast: found 'x'"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(settings, message):
    with pytest.raises(OperatorError, match=message):
        AugmentationConfig(**settings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seed": -1}, r"seed: found -1, expected an integer, 0 to 2\*\*64 - 1"),
        ({"seed": 1.0}, "seed: found 1.0"),
        ({"epoch": 2**32}, "epoch: found 4294967296"),
        ({"sample_ids": [1.5, 2.0]}, r"sample_ids: found float64, \[2\], expected int64, \[B\]"),
        ({"sample_ids": 3}, r"sample_ids: found int64, \[\]"),
        ({"sizes": [[2, 3]] * 3}, r"sizes: found int64, \[3, 2\], expected integers, \[2, 2\] or \[2\]"),
        ({"sizes": [2.0, 3.0]}, "sizes: found float64"),
        ({"sizes": [[2, 3], [0, 4]]}, r"sizes\[1\]: found \[0, 4\], expected 1 to 2\*\*31 - 1 pixels"),
        ({"style_bank": torch.zeros(2, 3)}, r"style_bank: found torch.float32, \[2, 3\], expected finite floats, \[K, 2, 3\]"),
        ({"style_bank": torch.full((1, 2, 3), math.nan)}, "style_bank: found"),
        ({"style_bank": None}, "style_bank: found no statistics, expected image_statistics of some images"),
        ({"style_bank": torch.zeros(0, 2, 3)}, "style_bank: found no statistics"),
    ],
)
def test_draws_that_make_no_sense_are_refused(changes, message):
    arguments = {"seed": 0, "epoch": 0, "sample_ids": [1, 2], "sizes": (4, 5), "style_bank": BANK}
    with pytest.raises(OperatorError, match=message):
        draw_augmentation(AugmentationConfig(style_prob=0.5), **(arguments | changes))


@pytest.mark.parametrize(
    "images",
    [torch.zeros(1, 3, 4, 4), torch.zeros(3, 4, 4, dtype=torch.uint8), torch.zeros(1, 4, 4, 4, dtype=torch.uint8),
     torch.zeros(1, 3, 0, 4, dtype=torch.uint8)],
)  # fmt: skip
def test_statistics_of_what_is_no_image_are_refused(images):
    with pytest.raises(OperatorError, match=r"images: found .*, expected uint8, \[B, 3, H, W\] or \[B, H, W, 3\]"):
        image_statistics(images)
