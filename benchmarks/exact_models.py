"""Whole models, exact and as torch has them by default, in turn: training steps and what encoders read.

python benchmarks/exact_models.py [ROUNDS]
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from common.measure import alternate, medians, write_down
from torch import nn
from torch.nn import functional

from within_wf.config.models import AdScoreModelConfig, LSTMConfig
from within_wf.models.ad_network import AdScoreNetwork
from within_wf.models.dropout import key_dropout
from within_wf.models.image_encoder import EfficientNetLite0
from within_wf.models.init import draw_weights
from within_wf.models.sequence import LSTMSequenceModel
from within_wf.ops import exact
from within_wf.ops.instruction_set import instruction_set

Call = Callable[[], object]
Pair = dict[str, Call]


def randn(*shape: int) -> torch.Tensor:
    """Numbers of one seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def both(model: nn.Module) -> dict[str, nn.Module]:
    """The model made exact, and the model."""
    return {"ours": exact.convert(copy.deepcopy(model)), "torch": model}


def training(model: nn.Module, inputs: dict[str, torch.Tensor], target: torch.Tensor, loss: str, steps: int) -> Pair:
    """Training steps with AdamW: forward, loss, backward, clipping, update."""
    return {
        name: _steps(
            twin, inputs, target, getattr(exact.functional if name == "ours" else functional, loss), steps, name == "ours"
        )
        for name, twin in both(model.train()).items()
    }


def _steps(
    model: nn.Module,
    inputs: dict[str, torch.Tensor],
    target: torch.Tensor,
    loss: Callable[..., torch.Tensor],
    steps: int,
    is_exact: bool,
) -> Call:
    library: Any = exact.optim if is_exact else torch.optim
    clip = exact.optim.clip_grad_norm_ if is_exact else nn.utils.clip_grad_norm_
    optimizer = library.AdamW(model.parameters(), 1e-3)

    def call() -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            loss(model(**inputs), target).backward()
            clip(model.parameters(), 1.0)
            optimizer.step()

    return call


def reading(model: nn.Module, call: Callable[[nn.Module], object], times: int) -> Pair:
    """What a frozen model computes."""

    def repeat(twin: nn.Module) -> Call:
        def run() -> None:
            with torch.inference_mode():
                for _ in range(times):
                    call(twin)

        return run

    return {name: repeat(twin) for name, twin in both(model.eval().requires_grad_(False)).items()}


def cases() -> Iterator[tuple[str, Pair]]:
    """Name and the two to be timed."""
    network = AdScoreNetwork({"text": 384, "image": 1280, "table": 40}, AdScoreModelConfig(), "native")
    draw_weights(network, 0)
    key_dropout(network, 0, 0, np.arange(64))
    views = {"text": randn(64, 384), "image": randn(64, 1280), "table": randn(64, 40)}
    yield "ad score, 20 training steps of 64 ads", training(network, views, randn(64), "mse_loss", 20)

    for layers, is_bidirectional in ((1, False), (2, True)):
        lstm = LSTMSequenceModel(5, LSTMConfig(num_layers=layers, bidirectional=is_bidirectional), arithmetic="native")
        draw_weights(lstm, 0)
        key_dropout(lstm, 0, 0, np.arange(64))
        windows, labels = {"x": randn(64, 48, 5)}, (randn(64) > 0).float()
        title = f"account health, 10 training steps of 64 windows, {layers} layer{'s both ways' if is_bidirectional else ''}"
        yield title, training(lstm, windows, labels, "binary_cross_entropy_with_logits", 10)

    from transformers import BertConfig, BertModel

    shape = BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
    minilm = BertModel(shape, add_pooling_layer=False)
    for rows in (1, 32):
        words = torch.arange(rows * 14).reshape(rows, 14) * 7 % 30000
        yield f"MiniLM, {rows} headlines of 14 tokens", reading(minilm, lambda m, w=words: m(input_ids=w), 32 // rows)

    lite = EfficientNetLite0()
    image = randn(1, 3, 224, 224).to(memory_format=torch.channels_last)
    yield "EfficientNet-Lite0, 4 images of 224", reading(lite.to(memory_format=torch.channels_last), lambda m: m(image), 4)

    layer = nn.TransformerEncoderLayer(256, 4, 1024, dropout=0.0, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    yield (
        "nn.TransformerEncoder, 16 x 64 x 256, a training step",
        training(encoder, {"src": randn(16, 64, 256)}, randn(16, 64, 256), "mse_loss", 1),
    )

    from torchvision.models import resnet18

    pictures = {"x": randn(8, 3, 96, 96)}
    yield (
        "ResNet-18, 8 images of 96, a training step",
        training(resnet18(weights=None), pictures, torch.arange(8), "cross_entropy", 1),
    )


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    lines = [
        f"Models after `exact.convert`, beside themselves before it; float32, {rounds} rounds in turn, medians. Kernels: "
        f" {instruction_set()}; torch: {torch.backends.cpu.get_cpu_capability()}, nothing deterministic about it.",
        "",
        "| | ours, 1 thread, ms | torch, ms | torch / ours | 2 threads |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, pair in cases():
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(medians(alternate(pair, rounds)))
        ratios = [seconds["torch"] / seconds["ours"] for seconds in found]
        lines.append(
            f"| {name} | {found[0]['ours'] * 1e3:.1f} | {found[0]['torch'] * 1e3:.1f} | {ratios[0]:.2f} | {ratios[1]:.2f} |"
        )
        print(lines[-1], flush=True)
    write_down("exact_models", "Exact models", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
