"""Convolutions of one order beside torch's, in turn: the layers of EfficientNet-Lite0 and of ResNet-18.

python benchmarks/exact_convolution.py [ROUNDS] [BATCH]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import torch
from common.measure import alternate, write_down
from torch.nn import functional

from within_wf.ops import exact
from within_wf.ops.instruction_set import instruction_set


@dataclass(frozen=True)
class Layer:
    """A square convolution without bias."""

    channels: int
    outputs: int
    size: int
    kernel: int
    stride: int = 1
    groups: int = 1
    is_first: bool = False

    def __str__(self) -> str:
        kind = "depthwise" if self.groups > 1 else f"to {self.outputs}"
        return f"{self.channels} x {self.size}² {kind}, {self.kernel} x {self.kernel}{' / 2' if self.stride == 2 else ''}"


def efficientnet_lite0() -> dict[Layer, int]:
    """Layers of EfficientNet-Lite0 at 224 x 224, and how often each occurs."""
    # Expansion, outputs, repeats, stride, kernel (Tan and Le, 2019; the lite variant keeps stem and head).
    stages = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
              (6, 320, 1, 1, 3))  # fmt: skip
    layers = [Layer(3, 32, 224, 3, 2, is_first=True)]
    channels, size = 32, 112
    for expansion, outputs, repeats, first_stride, kernel in stages:
        for repeat in range(repeats):
            stride, wide = first_stride if repeat == 0 else 1, channels * expansion
            if expansion > 1:
                layers.append(Layer(channels, wide, size, 1))
            layers.append(Layer(wide, wide, size, kernel, stride, wide))
            size //= stride
            layers.append(Layer(wide, outputs, size, 1))
            channels = outputs
    layers.append(Layer(channels, 1280, size, 1))
    return {layer: layers.count(layer) for layer in dict.fromkeys(layers)}


def resnet18() -> dict[Layer, int]:
    """Layers of ResNet-18 at 224 x 224, and how often each occurs."""
    layers = {Layer(3, 64, 224, 7, 2, is_first=True): 1, Layer(64, 64, 56, 3): 4}
    for channels, size in ((64, 56), (128, 28), (256, 14)):
        layers[Layer(channels, 2 * channels, size, 3, 2)] = 1
        layers[Layer(channels, 2 * channels, size, 1, 2)] = 1
        layers[Layer(2 * channels, 2 * channels, size // 2, 3)] = 3
    return layers


def seconds(layer: Layer, batch: int, threads: int, rounds: int) -> dict[str, tuple[float, float]]:
    """The least time forward, and forward with backward, of ours and of torch's."""
    draws = torch.Generator().manual_seed(0)
    # A net's first layer has no gradient of its input.
    x = torch.randn(batch, layer.channels, layer.size, layer.size, generator=draws).requires_grad_(not layer.is_first)
    shape = (layer.outputs, layer.channels // layer.groups, layer.kernel, layer.kernel)
    weight = torch.randn(shape, generator=draws).requires_grad_()
    wanted = (weight,) if layer.is_first else (x, weight)
    steps = {"stride": layer.stride, "padding": layer.kernel // 2, "groups": layer.groups}
    size = layer.size // layer.stride
    gradient = torch.randn(batch, layer.outputs, size, size, generator=draws)

    def forward(conv2d: Callable[..., torch.Tensor]) -> Callable[[], object]:
        def call() -> None:
            with torch.no_grad():
                conv2d(x, weight, **steps)

        return call

    def both(conv2d: Callable[..., torch.Tensor]) -> Callable[[], object]:
        return lambda: torch.autograd.grad(conv2d(x, weight, **steps), wanted, gradient)

    torch.set_num_threads(threads)
    found = {}
    for name, make in (("forward", forward), ("both", both)):
        times = alternate({"ours": make(exact.conv2d), "torch": make(functional.conv2d)}, rounds)
        found[name] = min(times["ours"]), min(times["torch"])
    return found


def table(layers: dict[Layer, int], batch: int, threads: int, rounds: int) -> list[str]:
    """A row a layer, and all of them as often as they occur."""
    lines = [
        f"| layer, {threads} thread{'s' if threads > 1 else ''} | times | ours, forward, ms | torch / ours | "
        "ours, with backward, ms | torch / ours | GF/s |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    total = {"forward": [0.0, 0.0], "both": [0.0, 0.0]}
    for layer, times in layers.items():
        found = seconds(layer, batch, threads, rounds)
        for name, pair in found.items():
            for i in range(2):
                total[name][i] += times * pair[i]
        operations = 2 * batch * layer.outputs * (layer.size // layer.stride) ** 2
        operations *= layer.channels // layer.groups * layer.kernel**2 * (2 if layer.is_first else 3)
        (ours, theirs), (both, their_both) = found["forward"], found["both"]
        lines.append(
            f"| {layer} | {times} | {ours * 1e3:.2f} | {theirs / ours:.2f} | {both * 1e3:.2f} | {their_both / both:.2f} | "
            f"{operations / both / 1e9:.0f} |"
        )
        print(lines[-1], flush=True)
    (ours, theirs), (both, their_both) = total["forward"], total["both"]
    lines.append(
        f"| **all** | | {ours * 1e3:.1f} | **{theirs / ours:.2f}** | {both * 1e3:.1f} | **{their_both / both:.2f}** | |"
    )
    print(lines[-1], flush=True)
    return lines


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    batch = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    lines = [
        f"float32, batches of {batch}, the least of {rounds} rounds in turn with torch's default way, which promises no bits. "
        f"To reach on EfficientNet-Lite0's layers, forward with backward: 0.8 of torch. Kernels: {instruction_set()}; torch: "
        f"{torch.backends.cpu.get_cpu_capability()}, oneDNN.",
    ]
    for name, layers in (("EfficientNet-Lite0", efficientnet_lite0()), ("ResNet-18", resnet18())):
        for threads in (1, 2):
            lines += [
                "",
                f"## {name}, {threads} thread{'s' if threads > 1 else ''}",
                "",
                *table(layers, batch, threads, rounds),
            ]
    write_down("exact_convolution", "Convolutions of one order", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
