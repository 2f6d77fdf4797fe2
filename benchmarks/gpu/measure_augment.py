"""Images augmented in one pass beside the same steps in torch operators."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from benchmarks.gpu.timing import Comparison
from within_wf.ops.augment import IMAGENET_MEAN, IMAGENET_STD, augment_images
from within_wf.ops.augmentation import AugmentationConfig, draw_augmentation

CASES = ((256, (256, 256), (224, 224), torch.float32), (256, (256, 256), (224, 224), torch.bfloat16))
GREY = (0.2989, 0.587, 0.114)


def comparisons(device: torch.device, scale: float = 1.0) -> Iterator[Comparison]:
    """Batches of bytes; ``scale`` makes them smaller."""
    for most, extent, size, dtype in CASES:
        count = max(2, int(most * scale))
        images = torch.randint(0, 256, (count, *extent, 3), dtype=torch.uint8, device=device)
        config = AugmentationConfig(noise_prob=1.0, noise_std=(0.02, 0.02))
        draws = draw_augmentation(config, seed=0, epoch=0, sample_ids=range(count), sizes=extent)
        out = torch.empty(count, 3, *size, dtype=dtype, device=device)
        moved = sum(tensor.numel() * tensor.element_size() for tensor in (images, out))
        ours = lambda i=images, d=draws, o=out: augment_images(i, d, out=o)  # noqa: E731
        plain = lambda i=images, s=size, t=dtype: in_torch(i, s, t)  # noqa: E731
        kind = str(dtype).removeprefix("torch.")
        name = f"augment_images, {count} of {extent[0]} x {extent[1]} to {size[0]} x {size[1]}, {kind}"
        yield Comparison(name, ours, {"torch, one crop for all, no hue": plain}, moved)


def in_torch(images: torch.Tensor, size: tuple[int, int], dtype: torch.dtype) -> torch.Tensor:
    """Less than ours does: a batch of one crop and one set of factors, without hue."""
    x = images.permute(0, 3, 1, 2).to(torch.float32) / 255
    x = torch.nn.functional.interpolate(x, size, mode="bilinear", antialias=True).flip(-1)
    grey = torch.tensor(GREY, device=x.device)[:, None, None]
    x = (x * 1.1).clamp_(0, 1)
    x = (x * 1.2 - 0.2 * (x * grey).sum(1).mean((1, 2))[:, None, None, None]).clamp_(0, 1)
    x = (x * 0.8 + 0.2 * (x * grey).sum(1, keepdim=True)).clamp_(0, 1)
    x = (x + 0.02 * torch.randn_like(x)).clamp_(0, 1)
    mean, std = (torch.tensor(values, device=x.device)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    return ((x - mean) / std).to(dtype)
