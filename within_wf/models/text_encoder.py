"""A pretrained sentence encoder, as it came: texts to vectors.

No text is padded, so that its vector depends on nothing but the text. In exact arithmetic the rows of a batch do not touch
each other, and texts of one length pass together; torch's own kernels take each text alone. Several batches pass at once in
threads of their own.
"""

from __future__ import annotations

import importlib.metadata
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from within_wf.config.reproducibility import Arithmetic
from within_wf.errors import Problem, TrainingError
from within_wf.models.arithmetic import computing, in_arithmetic
from within_wf.models.networks import one_thread
from within_wf.store.canonical import read_tensors, write_tensors

WEIGHTS = "model.safetensors"
_NEEDED = ("config.json", WEIGHTS)
_TOKENIZER = (
    "merges.txt",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)
_TOKENS_AT_ONCE = 1024
"""Of the texts of one length that pass together: more are no faster, and attention keeps a number for each pair in a text."""


class TextEncoder:
    """A transformer whose states are averaged over a text's tokens (Reimers and Gurevych, EMNLP 2019).

    Args:
        folder: A model as transformers reads it: ``config.json``, ``model.safetensors`` and a tokenizer's files.
        arithmetic: What the model computes in.

    Attributes:
        width: Numbers of a text's vector.

    Raises:
        TrainingError: The folder is not such a model, or the model has no exact form.
    """

    def __init__(self, folder: Path, arithmetic: Arithmetic = "exact") -> None:
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging

        _check(folder)
        logging.disable_progress_bar()
        self.folder, self.arithmetic = folder, arithmetic
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model: Any = AutoModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, attn_implementation="eager"
            )
        except (OSError, ValueError, KeyError) as error:
            problem = Problem(str(folder), str(error).splitlines()[0], "a model and a tokenizer that transformers can read")
            raise TrainingError("the text encoder cannot be read", [problem]) from error
        in_arithmetic(self._model, arithmetic).eval().requires_grad_(False)
        for module in self._model.modules():
            if isinstance(module, torch.nn.Linear) and arithmetic == "native":
                # The few rows of one text are multiplied about half again as fast by a matrix that lies this way.
                module.weight.data = module.weight.data.t().contiguous().t()
        self.width = int(self._model.config.hidden_size)

    def embed(
        self, texts: Sequence[str], max_length: int, *, threads: int = 1, advance: Callable[[int], None] = lambda _: None
    ) -> npt.NDArray[np.float32]:
        """The mean state of each text's tokens.

        Args:
            texts: What is read; equal texts are read once.
            max_length: Tokens of a text that are read, at least 2.
            threads: Texts that are read at the same time; never changes a bit.
            advance: Told how many different texts more are done.

        Returns:
            float32, shape [n, width].

        Raises:
            TrainingError: The model calls functions that have no exact form.
        """
        different = sorted(set(texts))
        row = {text: number for number, text in enumerate(different)}
        tokens = self._tokenizer(different, truncation=True, max_length=max_length)["input_ids"] if different else []
        vectors = np.empty((len(different), self.width), dtype=np.float32)

        def read(batch: list[int]) -> int:
            with torch.inference_mode(), computing(self.arithmetic):
                states = self._model(input_ids=torch.tensor([tokens[number] for number in batch])).last_hidden_state
                vectors[batch] = states.mean(dim=1).numpy()
            return len(batch)

        with one_thread(), ThreadPoolExecutor(threads) as pool:
            for done in pool.map(read, _batches(tokens, _TOKENS_AT_ONCE if self.arithmetic == "exact" else 1)):
                advance(done)
        return vectors[[row[text] for text in texts]]

    def save(self, path: Path) -> None:
        """Write the model and its tokenizer into the directory ``path``, which is made; the same bytes each time."""
        path.mkdir(parents=True)
        for name in ("config.json", *_TOKENIZER):
            if (self.folder / name).is_file():
                shutil.copyfile(self.folder / name, path / name)
        write_tensors(path / WEIGHTS, read_tensors(self.folder / WEIGHTS))


def load_text_encoder(name: str, arithmetic: Arithmetic = "exact") -> TextEncoder:
    """The encoder that a configuration names.

    Args:
        name: An installed distribution that ships a model, a folder, or a model on the Hugging Face hub; what the hub gave
            before is taken from its cache.
        arithmetic: What it computes in.

    Raises:
        TrainingError: There is no such model, or it has no safetensors weights.
    """
    return TextEncoder(_packaged(name) or _local(name) or _from_hub(name), arithmetic)


def _batches(tokens: list[list[int]], most: int) -> list[list[int]]:
    """Texts of equally many tokens, ``most`` tokens at once or one text; the longest come first."""
    by_length: dict[int, list[int]] = {}
    for number, text in enumerate(tokens):
        by_length.setdefault(len(text), []).append(number)
    return [
        numbers[start : start + max(1, most // length)]
        for length, numbers in sorted(by_length.items(), reverse=True)
        for start in range(0, len(numbers), max(1, most // length))
    ]


def _packaged(name: str) -> Path | None:
    """The folder of the model inside the distribution ``name``; none if there is no such distribution."""
    try:
        files = importlib.metadata.distribution(name).files or []
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return None
    folders = sorted(Path(str(file.locate())).parent for file in files if file.name == WEIGHTS)
    if not folders:
        problem = Problem(f"the installed package {name}", f"no {WEIGHTS}", "a package that ships a model")
        raise TrainingError("the text encoder cannot be read", [problem])
    return folders[0]


def _local(name: str) -> Path | None:
    folder = Path(name)
    return folder if folder.is_dir() else None


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=[*_NEEDED, *_TOKENIZER]))
    except (HFValidationError, LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        problem = Problem(
            "model.text_encoder.name",
            repr(name),
            "an installed model package, a folder, or a model on the hub",
            "Without a network only models that were downloaded before are found; HF_HUB_OFFLINE=0 allows a download.",
        )
        raise TrainingError("there is no such text encoder", [problem]) from error


def _check(folder: Path) -> None:
    problems = [
        Problem(
            str(folder / name), "no file", "a part of the model", "Weights are read from safetensors alone, never from pickle."
        )
        for name in _NEEDED
        if not (folder / name).is_file()
    ]
    if problems:
        raise TrainingError("the text encoder is not whole", problems)
