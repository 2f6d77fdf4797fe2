"""How many numbers stay the same, bit by bit, where a model is trained on other processors: exact layers, and torch's own.

python benchmarks/determinism.py

Each training runs in a process of its own, whose libraries are told to use the kernels of another processor. A share is that
of the float32 weights (or scores) that equal those of AVX2 on one thread.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common.measure import write_down
from torch import nn

from within_wf.config.models import AdScoreModelConfig, LSTMConfig
from within_wf.models.ad_network import AdScoreNetwork
from within_wf.models.dropout import key_dropout
from within_wf.models.init import draw_weights
from within_wf.models.sequence import LSTMSequenceModel
from within_wf.ops import exact
from within_wf.ops.instruction_set import instruction_set
from within_wf.runtime.streams import Stream

STEPS, ROWS = 50, 64
BASE = "AVX2, 1 thread"
SETTINGS = {
    BASE: ("avx2", "avx2", "AVX2", 1),
    "AVX2, 2 threads": ("avx2", "avx2", "AVX2", 2),
    "SSE, as on processors before 2013": ("baseline", "default", "SSE4_2", 1),
    "AVX-512": ("avx512", "avx512", "AVX512", 1),
}
"""Kernels of ours, of torch, of MKL and oneDNN; and threads."""
LIBRARIES = ("exact", "torch")


def numbers(name: str, *shape: int) -> torch.Tensor:
    """Numbers in (-1, 1)."""
    drawn = 2 * Stream(0, name).uniform([0], int(np.prod(shape)))[0] - 1
    return torch.from_numpy(drawn.astype(np.float32).reshape(shape))


def train(
    model: nn.Module, inputs: dict[str, torch.Tensor], target: torch.Tensor, loss: str, library: str
) -> list[torch.Tensor]:
    """Weights after some steps of AdamW."""
    draw_weights(model, 0)
    of: Any = exact.functional if library == "exact" else nn.functional
    clip: Callable[..., object] = exact.optim.clip_grad_norm_ if library == "exact" else nn.utils.clip_grad_norm_
    optimizer = (exact.optim if library == "exact" else torch.optim).AdamW(model.parameters(), 1e-3)
    for step in range(STEPS):
        key_dropout(model, 0, step, np.arange(ROWS))
        optimizer.zero_grad()
        getattr(of, loss)(model(**inputs), target).backward()
        clip(model.parameters(), 1.0)
        optimizer.step()
    return list(model.parameters())


def encode(library: str) -> list[torch.Tensor]:
    """States of a transformer of MiniLM's shape, two of its layers."""
    layer = nn.TransformerEncoderLayer(384, 12, 1536, dropout=0.0, activation="gelu", batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    draw_weights(model, 0)
    with torch.inference_mode():
        return [(exact.convert(model) if library == "exact" else model)(numbers("words", 16, 14, 384))]


def outcomes(library: str) -> dict[str, np.ndarray]:
    """All that is compared, by name."""
    arithmetic = "exact" if library == "exact" else "native"
    views = {name: numbers(name, ROWS, width) for name, width in {"text": 384, "image": 1280, "table": 40}.items()}
    network = AdScoreNetwork({name: view.shape[1] for name, view in views.items()}, AdScoreModelConfig(), arithmetic)
    lstm = LSTMSequenceModel(5, LSTMConfig(), arithmetic=arithmetic)
    target = numbers("target", ROWS)
    found = {
        f"ad score network, {STEPS} training steps": train(network, views, target, "mse_loss", library),
        f"account health LSTM, {STEPS} training steps": train(
            lstm, {"x": numbers("windows", ROWS, 48, 5)}, (target > 0).float(), "binary_cross_entropy_with_logits", library
        ),
        "transformer of MiniLM's width, states": encode(library),
    }
    return {name: np.concatenate([part.detach().numpy().ravel() for part in parts]) for name, parts in found.items()}


def run(library: str, setting: str, folder: Path) -> dict[str, np.ndarray]:
    """The outcomes in a process of a setting."""
    ours, aten, mkl, threads = SETTINGS[setting]
    environment = {
        **os.environ,
        "WITHIN_INSTRUCTION_SET": ours,
        "ATEN_CPU_CAPABILITY": aten,
        "MKL_ENABLE_INSTRUCTIONS": mkl,
        "ONEDNN_MAX_CPU_ISA": {"SSE4_2": "SSE41", "AVX512": "AVX512_CORE"}.get(mkl, mkl),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
    }
    path = folder / "found.npz"
    subprocess.run([sys.executable, __file__, library, str(path)], env=environment, check=True)
    with np.load(path) as found:
        return dict(found)


def main() -> int:
    """Run all, print and write down."""
    if len(sys.argv) == 3:
        np.savez(sys.argv[2], **outcomes(sys.argv[1]))
        return 0
    known = ("baseline", "avx2", "avx512")
    settings = [name for name, chosen in SETTINGS.items() if known.index(chosen[0]) <= known.index(instruction_set())]
    lines = [
        f"Share of float32 numbers that equal those of {BASE}, bit by bit: exact layers / the same of torch, and its AdamW. "
        f"torch {torch.__version__}; this processor has {instruction_set()}.",
        "",
        f"| | {' | '.join(settings[1:])} |",
        f"|---|{'---:|' * len(settings[1:])}",
    ]
    with tempfile.TemporaryDirectory() as folder:
        found = {(library, name): run(library, name, Path(folder)) for library in LIBRARIES for name in settings}
    for what in found["exact", BASE]:
        cells = []
        for name in settings[1:]:
            shares = [
                np.mean(found[library, BASE][what].view(np.int32) == found[library, name][what].view(np.int32))
                for library in LIBRARIES
            ]
            cells.append(" / ".join(f"{share:.1%}" for share in shares))
        lines.append(f"| {what} | {' | '.join(cells)} |")
    write_down("determinism", "What stays the same on other processors", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
