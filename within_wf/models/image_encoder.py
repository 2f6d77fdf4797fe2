"""EfficientNet-Lite0 with pretrained weights, as it came: images to vectors.

The architecture is Google's (tensorflow/tpu, models/official/efficientnet/lite; Tan and Le, ICML 2019): EfficientNet-B0 with
ReLU6 and without squeeze and excitation. Batch normalisation is folded into the convolutions when the weights are read. An
image passes alone, so that its vector depends on nothing but the image; several pass at once in threads of their own.
"""

from __future__ import annotations

import importlib.metadata
import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from within_wf.config.reproducibility import Arithmetic
from within_wf.errors import Problem, TrainingError
from within_wf.models.arithmetic import in_arithmetic
from within_wf.models.networks import one_thread
from within_wf.store.canonical import read_tensors, write_tensors

Picture = npt.NDArray[np.uint8]
WIDTH = 1280
"""Numbers of an image's vector."""
_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)
_EPSILON = 1e-3
_IMAGES_AT_ONCE = 16


class _Stage(NamedTuple):
    repeats: int
    expand: int
    channels: int
    kernel: int
    stride: int


_STEM = 32
_STAGES = (
    _Stage(1, 1, 16, 3, 1),
    _Stage(2, 6, 24, 3, 2),
    _Stage(2, 6, 40, 5, 2),
    _Stage(3, 6, 80, 3, 2),
    _Stage(3, 6, 112, 5, 1),
    _Stage(4, 6, 192, 5, 2),
    _Stage(1, 6, 320, 3, 1),
)


class _Convolution(nn.Module):
    """A convolution with TensorFlow's padding: what is missing to cover the image, the odd pixel right and below."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride, self.groups = kernel, stride, groups
        self.weight = nn.Parameter(torch.zeros(outputs, inputs // groups, kernel, kernel), requires_grad=False)
        self.bias = nn.Parameter(torch.zeros(outputs), requires_grad=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        missing = [max((-(-side // self.stride) - 1) * self.stride + self.kernel - side, 0) for side in x.shape[-2:]]
        if any(amount % 2 for amount in missing):
            height, width = missing
            x = functional.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
            missing = [0, 0]
        padding = [amount // 2 for amount in missing]
        return functional.conv2d(x, self.weight, self.bias, self.stride, padding, groups=self.groups)


class _Block(nn.Module):
    """An inverted residual block (Sandler et al., CVPR 2018): widen, filter each channel, narrow."""

    def __init__(self, inputs: int, stage: _Stage, stride: int) -> None:
        super().__init__()
        wide = inputs * stage.expand
        self.expand = _Convolution(inputs, wide, 1) if stage.expand > 1 else None
        self.depthwise = _Convolution(wide, wide, stage.kernel, stride, groups=wide)
        self.project = _Convolution(wide, stage.channels, 1)
        self.skip = stride == 1 and inputs == stage.channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = x if self.expand is None else functional.relu6(self.expand(x))
        narrow: torch.Tensor = self.project(functional.relu6(self.depthwise(wide)))
        return narrow + x if self.skip else narrow


class EfficientNetLite0(nn.Module):
    """The network up to the pooled features; frozen."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _Convolution(3, _STEM, 3, 2)
        blocks, inputs = [], _STEM
        for stage in _STAGES:
            for repeat in range(stage.repeats):
                blocks.append(_Block(inputs, stage, stage.stride if repeat == 0 else 1))
                inputs = stage.channels
        self.blocks = nn.ModuleList(blocks)
        self.head = _Convolution(inputs, WIDTH, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Pooled features of images.

        Args:
            x: Normalised RGB, float32, shape [n, 3, height, width].

        Returns:
            Shape [n, 1280].
        """
        x = functional.relu6(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return functional.relu6(self.head(x)).mean(dim=(2, 3))


class ImageEncoder:
    """Images to vectors.

    Args:
        weights: Weights and biases of :class:`EfficientNetLite0` by name, float32.
        image_size: Side of the square an image is scaled to, in pixels.
        arithmetic: What the network computes in.

    Raises:
        TrainingError: Weights are missing or of another shape.
    """

    def __init__(
        self, weights: Mapping[str, npt.NDArray[np.float32]], image_size: int, arithmetic: Arithmetic = "exact"
    ) -> None:
        self.image_size, self.arithmetic = image_size, arithmetic
        self._network = EfficientNetLite0()
        expected = {name: tuple(value.shape) for name, value in self._network.state_dict().items()}
        found = {name: value.shape for name, value in weights.items()}
        problems = [
            Problem(f"image encoder, {name}", str(found.get(name, "nothing")), str(expected.get(name, "nothing")))
            for name in sorted(expected.keys() | found.keys())
            if expected.get(name) != found.get(name)
        ]
        if problems:
            raise TrainingError("the image encoder's weights are of another network", problems)
        self._network.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        in_arithmetic(self._network, arithmetic).eval()
        self._memory = torch.channels_last if arithmetic == "native" else torch.contiguous_format
        self._network.to(memory_format=self._memory)

    def embed(
        self, images: Sequence[bytes | Picture], *, threads: int = 1, advance: Callable[[int], None] = lambda _: None
    ) -> npt.NDArray[np.float32]:
        """The pooled features of each image.

        Args:
            images: PNG files, or other pictures Pillow reads; or pixels as :func:`read_picture` gives them.
            threads: Images that are read at the same time; never changes a bit.
            advance: Told how many more are done.

        Returns:
            float32, shape [n, 1280].

        Raises:
            TrainingError: An image cannot be read; the first one of each batch is named.
        """
        vectors = np.empty((len(images), WIDTH), dtype=np.float32)

        def read(start: int) -> int:
            stop = min(start + _IMAGES_AT_ONCE, len(images))
            with torch.inference_mode():
                for number in range(start, stop):
                    pixels = torch.from_numpy(decode(images[number], self.image_size, f"image {number}"))
                    passed = self._network(pixels[None].to(memory_format=self._memory))
                    vectors[number] = passed[0].numpy()
            return stop - start

        with one_thread(), ThreadPoolExecutor(threads) as pool:
            for done in pool.map(read, range(0, len(images), _IMAGES_AT_ONCE)):
                advance(done)
        return vectors

    def save(self, path: Path) -> None:
        """Write the weights as one safetensors file; the same bytes each time."""
        write_tensors(path, {name: np.ascontiguousarray(value.numpy()) for name, value in self._network.state_dict().items()})

    @classmethod
    def load(cls, path: Path, image_size: int, arithmetic: Arithmetic = "exact") -> ImageEncoder:
        """Read weights that :meth:`save` wrote."""
        return cls(read_tensors(path), image_size, arithmetic)


def decode(image: bytes | Picture, size: int, name: str) -> npt.NDArray[np.float32]:
    """An image as the network reads it.

    Args:
        image: A picture file, or pixels as :func:`read_picture` gives them.
        size: Side of the square it is scaled to, bilinearly.
        name: What it is called in a message.

    Returns:
        Normalised by ImageNet's mean and standard deviation, float32, shape [3, size, size].

    Raises:
        TrainingError: The bytes are no picture.
    """
    from PIL import Image

    picture = Image.fromarray(read_picture(image, name) if isinstance(image, bytes) else image)
    if picture.size != (size, size):
        picture = picture.resize((size, size), Image.Resampling.BILINEAR)
    pixels = (np.asarray(picture, dtype=np.float32) / np.float32(255) - _MEAN) / _STD
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def read_picture(image: bytes, name: str) -> Picture:
    """The pixels of a picture file; transparent ones are shown on white.

    Args:
        image: The file.
        name: What it is called in a message.

    Returns:
        RGB, uint8, shape [height, width, 3].

    Raises:
        TrainingError: The bytes are no picture.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(image)) as opened:
            picture = opened.convert("RGBA") if opened.has_transparency_data else opened.convert("RGB")
    except (UnidentifiedImageError, OSError) as error:
        problem = Problem(name, f"{len(image)} bytes that are no picture", "a PNG file")
        raise TrainingError("an image cannot be read", [problem]) from error
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return np.asarray(picture)


def load_image_encoder(name: str, image_size: int, arithmetic: Arithmetic = "exact") -> ImageEncoder:
    """The encoder that a configuration names.

    Args:
        name: An installed distribution that ships EfficientNet-Lite0's weights as one ``.pth`` file, or a safetensors file
            that :meth:`ImageEncoder.save` wrote.
        image_size: Side of the square an image is scaled to, in pixels.
        arithmetic: What it computes in.

    Raises:
        TrainingError: There is no such distribution or file, or its weights are of another network.
    """
    if Path(name).is_file():
        return ImageEncoder.load(Path(name), image_size, arithmetic)
    try:
        files = importlib.metadata.distribution(name).files or []
    except (importlib.metadata.PackageNotFoundError, ValueError):
        files = []
    weights = sorted(str(file.locate()) for file in files if file.suffix == ".pth")
    if not weights:
        problem = Problem(
            "model.visual_encoder.name", repr(name), "an installed package that ships EfficientNet-Lite0's weights, or a file"
        )
        raise TrainingError("there is no such image encoder", [problem])
    state = torch.load(weights[0], map_location="cpu", weights_only=True)
    return ImageEncoder(_folded({key: value.numpy() for key, value in state.items()}), image_size, arithmetic)


def _folded(state: Mapping[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[np.float32]]:
    """The published weights with each batch normalisation folded into its convolution, under this module's names."""
    names = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    for number in range(sum(stage.repeats for stage in _STAGES)):
        block = f"_blocks.{number}"
        names[f"blocks.{number}.depthwise"] = (f"{block}._depthwise_conv", f"{block}._bn1")
        names[f"blocks.{number}.project"] = (f"{block}._project_conv", f"{block}._bn2")
        if f"{block}._expand_conv.weight" in state:
            names[f"blocks.{number}.expand"] = (f"{block}._expand_conv", f"{block}._bn0")
    needed = [f"{c}.weight" for c, _ in names.values()]
    needed += [f"{n}.{part}" for _, n in names.values() for part in ("weight", "bias", "running_mean", "running_var")]
    missing = [Problem(name, "nothing", "a weight of EfficientNet-Lite0") for name in needed if name not in state]
    if missing:
        raise TrainingError("the image encoder's weights are of another network", missing)
    folded = {}
    for name, (convolution, norm) in names.items():
        gamma, beta, mean, variance = (
            state[f"{norm}.{part}"].astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = gamma / np.sqrt(variance + _EPSILON)
        folded[f"{name}.weight"] = (state[f"{convolution}.weight"] * scale[:, None, None, None]).astype(np.float32)
        folded[f"{name}.bias"] = (beta - mean * scale).astype(np.float32)
    return folded
