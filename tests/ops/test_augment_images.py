"""The augmentation of images beside torchvision, in one batch or another, with every instruction set and number of threads."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import functional as tv

from tests.ops.cases import digest, run
from tests.ops.image_cases import ALL, NOTHING, STYLES, image_cases, make_draws, make_images
from tests.ops.settings import INSTRUCTION_SETS, threads
from within_wf.ops.augment import IMAGENET_MEAN, IMAGENET_STD, augment_images, pack_draws
from within_wf.ops.augmentation import AugmentationConfig, AugmentationDraws
from within_wf.ops.instruction_set import use_instruction_set
from within_wf.ops.reference.augment import augment_images as reference
from within_wf.ops.reference.augment import image_normals

PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
STEP = 0.1 / 255
CASES = tuple(image_cases())


def identity(count: int, extent: tuple[int, int]) -> AugmentationDraws:
    return make_draws(NOTHING, extent, count)


def with_draws(draws: AugmentationDraws, **changed: object) -> AugmentationDraws:
    """Some of the draws replaced by one value for all samples, or by a tensor."""
    parts = {}
    for name, value in changed.items():
        before = getattr(draws, name)
        parts[name] = torch.as_tensor(value, dtype=before.dtype).expand(before.shape).clone()
    return dataclasses.replace(draws, **parts)


def triangle_weights(source: int, target: int) -> torch.Tensor:
    """The antialiased bilinear filter as a matrix, float64 [target, source]."""
    scale = source / target
    centres = (torch.arange(target, dtype=torch.float64)[:, None] + 0.5) * scale
    places = torch.arange(source, dtype=torch.float64) + 0.5
    weights = (1 - (places - centres).abs() / max(scale, 1)).clamp_min(0)
    return weights / weights.sum(1, keepdim=True)


def torchvision_geometry(image: torch.Tensor, draws: AugmentationDraws, i: int, size: tuple[int, int]) -> torch.Tensor:
    """[3, h, w] in [0, 1], by the float path."""
    planes = (image.permute(2, 0, 1).to(torch.float32) / 255).contiguous()
    resized = tv.resized_crop(planes, *draws.crop[i].tolist(), list(size), antialias=True)
    return tv.horizontal_flip(resized) if draws.flip[i] else resized


def torchvision_colours(x: torch.Tensor, draws: AugmentationDraws, i: int) -> torch.Tensor:
    steps = (
        lambda image: tv.adjust_brightness(image, draws.brightness[i].item()),
        lambda image: tv.adjust_contrast(image, draws.contrast[i].item()),
        lambda image: tv.adjust_saturation(image, draws.saturation[i].item()),
        lambda image: tv.adjust_hue(image, draws.hue[i].item()),
    )
    for step in draws.order[i].tolist():
        x = steps[step](x)
    return x


@settings(max_examples=60)
@given(data=st.data())
def test_geometry_is_torchvisions(data):
    height, width = data.draw(st.integers(1, 70)), data.draw(st.integers(1, 70))
    size = (data.draw(st.integers(1, 60)), data.draw(st.integers(1, 60)))
    high, wide = data.draw(st.integers(1, height)), data.draw(st.integers(1, width))
    crop = [data.draw(st.integers(0, height - high)), data.draw(st.integers(0, width - wide)), high, wide]
    images = make_images(1, height, width, seed=data.draw(st.integers(0, 99)))
    draws = with_draws(identity(1, (height, width)), crop=[crop], flip=data.draw(st.booleans()))
    got = augment_images(images.permute(0, 3, 1, 2).contiguous(), draws, size=size, **PLAIN)[0]
    top, left = crop[:2]
    part = images[0, top : top + high, left : left + wide].permute(2, 0, 1) / 255.0
    want = triangle_weights(high, size[0]) @ part.double() @ triangle_weights(wide, size[1]).T
    want = want.flip(-1) if draws.flip[0] else want
    torch.testing.assert_close(got.double(), want, rtol=0, atol=STEP)
    if min(high, wide, *size) == 1:
        return  # torch 2.14 takes one layout for the other there: wrong numbers, or an assertion of its own that fails
    torch.testing.assert_close(got, torchvision_geometry(images[0], draws, 0, size), rtol=0, atol=STEP)
    bytes_of = tv.resized_crop(images[0].permute(2, 0, 1).contiguous(), *crop, list(size), antialias=True)
    bytes_of = tv.horizontal_flip(bytes_of) if draws.flip[0] else bytes_of
    assert (got * 255 - bytes_of).abs().max() <= 1.1  # torchvision rounds rows to bytes, too


@pytest.mark.parametrize(
    ("extent", "size"),
    [((256, 256), (224, 224)), ((1500, 37), (3, 200)), ((20, 4096), (16, 9)), ((4, 5), (400, 300)), ((64, 64), (64, 64))],
)
def test_large_changes_of_size_are_torchvisions(extent, size):
    images = make_images(1, *extent)
    got = augment_images(images, identity(1, extent), size=size, **PLAIN)[0]
    torch.testing.assert_close(got, torchvision_geometry(images[0], identity(1, extent), 0, size), rtol=0, atol=STEP)


def test_bytes_of_the_same_size_are_exact():
    images = make_images(2, 40, 50)
    got = augment_images(images, identity(2, (40, 50)), size=(40, 50), **PLAIN)
    assert torch.equal((got * 255).round().to(torch.uint8).permute(0, 2, 3, 1), images)
    white = augment_images(torch.full_like(images, 255), identity(2, (40, 50)), size=(23, 77), **PLAIN)
    assert (white == 1).all()


@pytest.mark.parametrize(
    "changed",
    [
        *({"brightness": value} for value in (0.0, 0.4, 1.7)),
        *({"contrast": value} for value in (0.0, 0.3, 2.5)),
        *({"saturation": value} for value in (0.0, 0.5, 3.0)),
        *({"hue": value} for value in (-0.5, -0.3, -0.1, 0.05, 0.25, 1 / 3, 0.5)),
    ],
    ids=str,
)
def test_a_colour_step_is_torchvisions(changed):
    images = make_images(3, 30, 41)
    draws = with_draws(identity(3, (30, 41)), **changed)
    got = augment_images(images, draws, size=(30, 41), **PLAIN)
    for i in range(3):
        want = torchvision_colours(torchvision_geometry(images[i], draws, i, (30, 41)), draws, i)
        torch.testing.assert_close(got[i], want, rtol=0, atol=STEP)


def test_the_whole_chain_is_torchvisions_in_every_order():
    orders = list(itertools.permutations(range(4)))
    images = make_images(24, 60, 52)
    draws = with_draws(make_draws(AugmentationConfig(), (60, 52), 24), order=orders)
    got = augment_images(images, draws, size=(40, 44))
    for i in range(24):
        x = torchvision_colours(torchvision_geometry(images[i], draws, i, (40, 44)), draws, i)
        want = tv.normalize(x, list(IMAGENET_MEAN), list(IMAGENET_STD))
        # A step's error is a later one's input: factors up to 1.4 each, and the division by std.
        torch.testing.assert_close(got[i], want, rtol=0, atol=3 * STEP / min(IMAGENET_STD))


@pytest.mark.parametrize("size", [(1, 1), (5, 7), (9, 64), (6, 300)])
def test_noise_is_its_definition(size):
    images = torch.full((3, 8, 8, 3), 128, dtype=torch.uint8)
    draws = with_draws(make_draws(ALL, (8, 8), 3), noise_std=0.01)
    draws = dataclasses.replace(
        identity(3, (8, 8)), **{k: getattr(draws, k) for k in ("noise_std", "noise_key", "noise_epoch")}
    )
    got = augment_images(images, draws, size=size, **PLAIN)
    for i in range(3):
        want = 128 / 255 + 0.01 * image_normals(draws.take(torch.tensor([i])), *size)
        torch.testing.assert_close(got[i].double(), want, rtol=0, atol=1e-6)


def test_noise_is_standard_normal():
    from scipy.stats import kstest

    images = torch.full((1, 1, 1, 3), 128, dtype=torch.uint8)
    draws = with_draws(identity(1, (1, 1)), noise_std=0.05)
    noise = ((augment_images(images, draws, size=(300, 300), **PLAIN)[0].double() - 128 / 255) / 0.05).flatten().numpy()
    assert abs(noise.mean()) < 5 / np.sqrt(noise.size)
    assert abs(noise.std() - 1) < 0.01
    assert kstest(noise, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 0.01
    assert abs(np.corrcoef(noise[:-16] ** 2, noise[16:] ** 2)[0, 1]) < 0.01


def test_what_is_erased_has_one_value_before_normalisation():
    images = make_images(2, 20, 20)
    draws = with_draws(identity(2, (20, 20)), erase=[[0.2, 0.1, 0.5, 0.25], [0, 0, 0, 0]], erase_value=0.75)
    got = augment_images(images, draws, size=(10, 16))
    want = augment_images(images, identity(2, (20, 20)), size=(10, 16))
    value = (0.75 - torch.tensor(IMAGENET_MEAN)) / torch.tensor(IMAGENET_STD)
    want[0, :, 2:7, 2:6] = value[:, None, None]
    torch.testing.assert_close(got, want, rtol=0, atol=1e-6)


@pytest.mark.parametrize("weight", [0.3, 1.0])
def test_style_moves_channel_statistics(weight):
    images = make_images(2, 32, 32)
    draws = with_draws(identity(2, (32, 32)), style_weight=weight, style_mean=STYLES[0, 0], style_std=STYLES[0, 1])
    got = augment_images(images, draws, size=(24, 28), **PLAIN)
    for i in range(2):
        x = torchvision_geometry(images[i], draws, i, (24, 28)).double()
        mean, std = x.mean((1, 2), keepdim=True), x.std((1, 2), keepdim=True, correction=0)
        styled = (x - mean) / std * STYLES[0, 1][:, None, None] + STYLES[0, 0][:, None, None]
        want = ((1 - weight) * x + weight * styled).clamp(0, 1)
        torch.testing.assert_close(got[i].double(), want, rtol=0, atol=STEP)


def test_style_of_one_colour_is_its_mean():
    images = torch.full((1, 9, 9, 3), 77, dtype=torch.uint8)
    draws = with_draws(identity(1, (9, 9)), style_weight=1.0, style_mean=STYLES[0, 0], style_std=STYLES[0, 1])
    got = augment_images(images, draws, size=(9, 9), **PLAIN)[0]
    torch.testing.assert_close(got, STYLES[0, 0][:, None, None].expand(3, 9, 9), rtol=0, atol=0.01)


def test_all_steps_at_once_are_the_references():
    images = make_images(12, 50, 61)
    draws = make_draws(ALL, (50, 61), 12)
    got = augment_images(images, draws, size=(33, 47), **PLAIN)
    want = reference(images, draws, size=(33, 47), **PLAIN)
    assert (got - want).abs().mean() < STEP / 2  # where a hue is near none, noise and factors make more of a rounding
    torch.testing.assert_close(got, want, rtol=0, atol=4 * STEP)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_instruction_sets_and_threads_give_the_same_bytes(case):
    want = digest(run(case))
    for name in INSTRUCTION_SETS:
        with use_instruction_set(name):
            assert digest(run(case)) == want
    for count in (1, 2, 3, 7):
        with threads(count):
            assert digest(run(case)) == want


def test_a_sample_depends_on_no_other():
    images = make_images(7, 45, 38)
    draws = make_draws(ALL, (45, 38), 7)
    whole = augment_images(images, draws, size=(33, 35))
    order = torch.tensor([4, 0, 6, 6, 2, 5, 1, 3])
    assert torch.equal(augment_images(images[order], draws.take(order), size=(33, 35)), whole[order])
    for i in range(7):
        alone = augment_images(images[i : i + 1], draws.take(torch.tensor([i])), size=(33, 35))
        assert torch.equal(alone[0], whole[i])


@pytest.mark.parametrize("width", [224, 221])
def test_what_is_written_past_the_cache_is_the_same(width):
    images = make_images(8, 60, 60)
    draws = make_draws(ALL, (60, 60), 8)
    for name in INSTRUCTION_SETS:
        with use_instruction_set(name):
            whole = augment_images(images, draws, size=(224, width))
            assert whole.nbytes > 2**22
            for i in range(8):
                alone = augment_images(images[i : i + 1], draws.take(torch.tensor([i])), size=(224, width))
                assert torch.equal(alone[0], whole[i])


def test_layouts_and_ragged_bytes_give_the_same_bytes():
    images = make_images(4, 27, 31)
    draws = make_draws(ALL, (27, 31), 4)
    want = augment_images(images, draws, size=(20, 20))
    planes = images.permute(0, 3, 1, 2)
    assert torch.equal(augment_images(planes.contiguous(), draws, size=(20, 20)), want)
    assert torch.equal(augment_images(planes, draws, size=(20, 20)), want)  # torch.channels_last
    assert torch.equal(augment_images(images.repeat(1, 1, 2, 1)[:, :, :31], draws, size=(20, 20)), want)
    for dtype in (torch.int32, torch.int64):
        ragged = (images.flatten(), torch.arange(4) * images[0].numel(), torch.tensor([[27, 31]] * 4, dtype=dtype))
        assert torch.equal(augment_images(ragged, draws, size=(20, 20)), want)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_narrow_dtypes_are_rounded_once_and_out_is_filled(dtype):
    images = make_images(3, 27, 31)
    draws = make_draws(ALL, (27, 31), 3)
    want = augment_images(images, draws, size=(20, 37)).to(dtype)
    assert torch.equal(augment_images(images, draws, size=(20, 37), dtype=dtype), want)
    out = torch.full((3, 3, 20, 37), torch.nan, dtype=dtype)
    assert augment_images(images, draws, out=out) is out
    assert torch.equal(out, want)


def test_no_images_are_none():
    images = torch.zeros(0, 5, 5, 3, dtype=torch.uint8)
    draws = identity(1, (5, 5)).take(torch.zeros(0, dtype=torch.int64))
    assert augment_images(images, draws).shape == (0, 3, 224, 224)


def test_opcheck_and_compile():
    case = CASES[0]
    torch.library.opcheck(torch.ops.within.augment_images.default, case.make())
    images, draws = make_images(2, 20, 20), make_draws(ALL, (20, 20), 2)
    tables = pack_draws(draws, 9, 9)
    out = torch.empty(2, 3, 9, 9)
    arguments = (images, None, None, *tables, list(IMAGENET_MEAN), list(IMAGENET_STD), out)
    torch.library.opcheck(torch.ops.within.augment_images.out, arguments)
    compiled = torch.compile(lambda x: augment_images(x, draws, size=(9, 9)), fullgraph=True, backend="aot_eager")
    assert torch.equal(compiled(images), augment_images(images, draws, size=(9, 9)))


GOOD = make_images(2, 8, 9)
REFUSED = [
    ({"images": GOOD.to(torch.int16)}, "images is Short, expected uint8"),
    ({"images": GOOD[0]}, r"images has shape \[8, 9, 3\], expected \[B, 3, H, W\] or \[B, H, W, 3\]"),
    ({"images": GOOD[..., :2]}, r"images has shape \[2, 8, 9, 2\]"),
    ({"images": GOOD[:1]}, r"draws are of \[2, 18\] integers, expected int32 \[1, 18\]"),
    ({"images": (GOOD, torch.zeros(2).long(), torch.ones(2, 2).long())}, r"expected bytes \[N\]"),
    ({"images": (GOOD.flatten(), torch.zeros(2), torch.ones(2, 2).long())}, "offsets is Float"),
    ({"images": (GOOD.flatten(), torch.zeros(2).long(), torch.ones(2, 3).long())}, "sizes is Long"),
    ({"images": (GOOD.flatten(), torch.tensor([0, 400]), torch.tensor([[8, 9]] * 2))}, r"offsets\[1\] is 400, expected"),
    ({"images": (GOOD.flatten(), torch.tensor([-1, 4]), torch.tensor([[8, 9], [8, 9]]))}, r"offsets\[0\] is -1"),
    ({"images": (GOOD.flatten(), torch.tensor([0, 0]), torch.tensor([[8, 9], [8, 0]]))}, r"sizes\[1\] is 8 x 0"),
    ({"size": (0, 4)}, "size is 0 x 4, expected 1 to"),
    ({"dtype": torch.float64}, "dtype is Double, expected float32, float16 or bfloat16"),
    ({"mean": (0.0, 1.0)}, "mean and std have 2 and 3 numbers"),
    ({"std": (0.1, 0.0, 0.1)}, r"mean\[1\] and std\[1\] are .*above 0"),
    ({"out": torch.empty(2, 3, 5, 5).transpose(2, 3)[:, :, 1:]}, "out has shape"),
    ({"out": torch.empty(1, 3, 5, 5)}, r"out has shape \[1, 3, 5, 5\], expected a contiguous \[2, 3"),
    ({"crop": [[0, 0, 8, 9], [1, 0, 8, 9]]}, r"draws.crop\[1\] is 1, 0, 8, 9, expected .* 8 x 9"),
    ({"order": [0, 1, 1, 3]}, r"draws.order\[0\] is 0, 1, 1, 3, expected a permutation"),
    ({"brightness": -0.1}, r"draws.brightness\[0\] is -0.1, expected 0 to inf"),
    ({"contrast": torch.nan}, r"draws.contrast\[0\] is nan"),
    ({"saturation": torch.inf}, r"draws.saturation\[0\] is inf"),
    ({"hue": 0.6}, r"draws.hue\[0\] is 0.6, expected -0.5 to 0.5"),
    ({"noise_std": -1.0}, r"draws.noise_std\[0\]"),
    ({"erase_value": 2.0}, r"draws.erase_value\[0\]"),
    ({"style_weight": 1.5}, r"draws.style_weight\[0\]"),
    ({"style_std": -1.0}, r"draws.style_mean and style_std\[0, 0\]"),
    ({"erase": -0.5}, r"draws.erase\[0\] is"),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_what_is_wrong_is_named(changed, message):
    names = {field.name for field in dataclasses.fields(AugmentationDraws)}
    draws = with_draws(identity(2, (8, 9)), **{name: value for name, value in changed.items() if name in names})
    given = {"images": GOOD, "size": (5, 5), **{name: value for name, value in changed.items() if name not in names}}
    with pytest.raises(ValueError, match=message):
        augment_images(given.pop("images"), draws, **given)
