"""The CUDA source that augments images, run on the CPU, gives the bits of the CPU's kernels."""

import math

import pytest
import torch

from tests.emulated.build import Reading
from tests.ops.cases import Case, digest, run
from tests.ops.image_cases import image_cases

CASES = tuple(image_cases())


def most_taps(sources: torch.Tensor, target: int) -> int:
    """As csrc/augment/resize.h has them."""
    counts = [math.floor(2 * source / target) + 1 if source > target else 2 for source in sources.tolist()]
    return max((count + 1) // 2 * 2 for count in counts)


def emulate(unit, seed, images, offsets, sizes, integers, floats, height, width, mean, std, dtype):
    """The steps of image_cuda.cpp: memory by torch, kernels by the emulator."""
    count = len(integers)
    is_planar = offsets is None and images.shape[1] == 3
    if offsets is None:
        extent = images.shape[2:] if is_planar else images.shape[1:3]
        sizes = torch.tensor([list(extent)] * count)
        offsets = torch.arange(count) * images[0].numel()
    places = torch.cat([offsets[:, None], sizes.to(torch.int64)], dim=1)
    taps = (most_taps(integers[:, 3], width), most_taps(integers[:, 2], height))
    scale_and_shift = [1 / s for s in std] + [-m / s for m, s in zip(mean, std, strict=True)]
    parts = (
        count, Reading(images), Reading(places), int(is_planar), Reading(integers), Reading(floats), height, width, *taps,
        Reading(torch.tensor(scale_and_shift, dtype=torch.float64).to(torch.float32)),
        torch.zeros(count * width, dtype=torch.int32), torch.zeros(count * height, dtype=torch.int32),
        torch.zeros(count * width * taps[0], dtype=torch.int16), torch.zeros(count * height * taps[1], dtype=torch.int16),
        torch.zeros(2 * count * 10, dtype=torch.int64),
    )  # fmt: skip
    out = torch.full((count, 3, height, width), torch.nan, dtype=dtype)
    unit.run("images_weigh_taps", *parts, seed=seed)
    for wait in range(2):
        unit.run("images_count_statistic", wait, *parts, seed=seed)
    unit.run(f"images_augment_{str(dtype).removeprefix('torch.')}", out, *parts, seed=seed)
    return out


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case))
    for seed in range(2):
        assert digest({"result 0": emulate(emulated("images"), seed, *case.make())}) == want
