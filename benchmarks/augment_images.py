"""Images augmented in one pass beside torchvision and Albumentations, in turn.

    python benchmarks/augment_images.py [ROUNDS]

Crop, flip, brightness, contrast, saturation, hue, noise and normalisation of 256 x 256 pixels to 224 x 224 float32. Ours takes
a batch, the others an image a call, as their transforms do. Albumentations is no dependency: where it cannot be imported, a
virtual environment that sees this one's packages brings it:

    python -m venv --system-site-packages /tmp/peers && /tmp/peers/bin/pip install albumentations
    /tmp/peers/bin/python benchmarks/augment_images.py

The floor is the time in which the bytes that must move are copied: pixels read and numbers written once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import torch
from common.measure import alternate, copy_bandwidth, medians, write_down
from torchvision.transforms import v2

from within_wf.ops.augment import IMAGENET_MEAN, IMAGENET_STD, augment_images
from within_wf.ops.augmentation import AugmentationConfig, draw_augmentation
from within_wf.ops.instruction_set import instruction_set, use_instruction_set

COUNT = 32
EXTENT, SIZE = (256, 256), (224, 224)
NOISE = 0.02
SETS = ("baseline", "avx2", "avx512")
TO_REACH = {"avx2": (5, 16), "avx512": (8, 26)}
"""Times Albumentations and torchvision, per thread."""
Call = Callable[[], object]


def pictures() -> torch.Tensor:
    """Smooth colours with some grain; uint8 [COUNT, 256, 256, 3]."""
    draws = torch.Generator().manual_seed(0)
    coarse = torch.rand(COUNT, 3, 24, 24, generator=draws)
    smooth = torch.nn.functional.interpolate(coarse, EXTENT, mode="bicubic") * 255
    grain = 6 * torch.randn(COUNT, 3, *EXTENT, generator=draws)
    return (smooth + grain).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def ours(images: torch.Tensor, name: str) -> Call:
    """A batch with the draws of one epoch, by one instruction set."""
    config = AugmentationConfig(noise_prob=1.0, noise_std=(NOISE, NOISE))
    draws = draw_augmentation(config, seed=0, epoch=0, sample_ids=np.arange(COUNT), sizes=EXTENT)
    out = torch.empty(COUNT, 3, *SIZE)

    def call() -> object:
        with use_instruction_set(name):  # type: ignore[arg-type]
            return augment_images(images, draws, out=out)

    return call


def torchvision(images: torch.Tensor) -> Call:
    """Its transforms of the same names, on float images as they take them."""
    chain = v2.Compose(
        [
            v2.RandomResizedCrop(SIZE, antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
            v2.ColorJitter(0.4, 0.4, 0.4, 0.1),
            v2.GaussianNoise(0.0, NOISE, clip=True),
            v2.Normalize(list(IMAGENET_MEAN), list(IMAGENET_STD)),
        ]
    )
    planes = list(images.permute(0, 3, 1, 2).contiguous())
    return lambda: [chain(image) for image in planes]


def albumentations(images: torch.Tensor) -> Call | None:
    """Its transforms of the same names, on bytes as it takes them; None where it is not installed."""
    try:
        import albumentations as alb
        import cv2
    except ImportError:
        return None
    cv2.setNumThreads(torch.get_num_threads())
    chain = alb.Compose(
        [
            alb.RandomResizedCrop(size=SIZE),
            alb.HorizontalFlip(),
            alb.ColorJitter((0.6, 1.4), (0.6, 1.4), (0.6, 1.4), (-0.1, 0.1), p=1.0),
            alb.GaussNoise(std_range=(NOISE, NOISE), p=1.0),
            alb.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    arrays = list(images.numpy())
    return lambda: [np.ascontiguousarray(chain(image=image)["image"].transpose(2, 0, 1)) for image in arrays]


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    images = pictures()
    bandwidth = copy_bandwidth()
    floor = (images.nbytes + COUNT * 3 * SIZE[0] * SIZE[1] * 4) / bandwidth / COUNT
    available = SETS[: 1 + SETS.index(instruction_set())]
    lines = [
        f"{COUNT} images of {EXTENT[0]} x {EXTENT[1]} to {SIZE[0]} x {SIZE[1]} float32, {rounds} rounds in turn; medians. "
        f"A copy moves {bandwidth / 1e9:.0f} GB/s on two threads: the floor is {1e6 * floor:.0f} µs an image.",
        "",
        "| threads | | images/s | times Albumentations | to reach | times torchvision | to reach |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    print("\n".join(lines))
    for threads in (1, 2):
        torch.set_num_threads(threads)
        calls: dict[str, Call] = {f"ours, {name}": ours(images, name) for name in available}
        calls["torchvision"] = torchvision(images)
        peer = albumentations(images)
        if peer is not None:
            calls["Albumentations"] = peer
        found = medians(alternate(calls, rounds))
        for name, seconds in found.items():
            reach = TO_REACH.get(name.removeprefix("ours, "), ("", "")) if threads == 1 else ("", "")
            to_peer = f"{found['Albumentations'] / seconds:.1f}" if peer is not None else "not installed"
            lines.append(
                f"| {threads} | {name} | {COUNT / seconds:,.0f} | {to_peer} | {reach[0]} | "
                f"{found['torchvision'] / seconds:.1f} | {reach[1]} |"
            )
            print(lines[-1], flush=True)
    write_down("augment_images", "Images augmented", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
