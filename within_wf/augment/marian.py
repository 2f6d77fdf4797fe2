"""Marian, neural translation (Junczys-Dowmunt et al., ACL 2018), from a folder of a checkpoint as transformers reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from within_wf.augment.sentence_pieces import SPACE, read_pieces
from within_wf.config.reproducibility import Arithmetic
from within_wf.errors import DatasetError, OperatorError, Problem
from within_wf.ops.exact.arithmetic import computing, in_arithmetic

_NEEDED = ("config.json", "model.safetensors", "source.spm", "vocab.json")
_NATIVE = "Choose another translator, or reproducibility.arithmetic=native."


class MarianTranslator:
    """Translates with a Marian model, the likeliest piece after the likeliest piece; each text alone.

    Args:
        folder: ``config.json``, ``model.safetensors``, ``source.spm`` and ``vocab.json``.
        arithmetic: What the model computes in.
        max_length: Pieces of a text that are read, and that are written; no more than the model has places for.

    Raises:
        DatasetError: The folder is not such a model, or the model has no exact form.
    """

    def __init__(self, folder: Path, arithmetic: Arithmetic = "exact", max_length: int = 256) -> None:
        from transformers import MarianMTModel
        from transformers.utils import logging

        self.folder, self._arithmetic = folder, arithmetic
        _check(folder)
        logging.disable_progress_bar()
        try:
            self._vocabulary: dict[str, int] = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
            self._model: Any = MarianMTModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=torch.float32, attn_implementation="eager"
            )
        except (OSError, ValueError, KeyError) as error:
            found = str(error).splitlines()[0]
            problem = Problem(str(folder), found, "a Marian model that transformers can read")
            raise DatasetError("the translator cannot be read", [problem]) from error
        self._splitter = read_pieces(folder / "source.spm").splitter()
        self._pieces = {number: piece for piece, number in self._vocabulary.items()}
        config = self._model.config
        self._max_length = min(max_length, config.max_position_embeddings)
        self._special = {config.eos_token_id, config.pad_token_id, config.decoder_start_token_id}
        in_arithmetic(self._model, arithmetic, _refused)
        self._model.eval().requires_grad_(False)

    def translate(self, texts: Sequence[str]) -> list[str]:
        """Each text in the other language.

        Raises:
            DatasetError: The model calls functions that have no exact form.
        """
        with computing(self._arithmetic, _refused), torch.inference_mode():
            return [self._one(text) for text in texts]

    def _one(self, text: str) -> str:
        unknown = self._vocabulary["<unk>"]
        pieces = self._splitter.encode(text).tokens
        tokens = [self._vocabulary.get(piece, unknown) for piece in pieces][: self._max_length - 1]
        read = torch.tensor([[*tokens, self._model.config.eos_token_id]])
        states = self._model.get_encoder()(input_ids=read)
        written = [self._model.config.decoder_start_token_id]
        past = None
        for _ in range(self._max_length):
            given = torch.tensor([written[-1:]])
            output = self._model(
                encoder_outputs=states, decoder_input_ids=given, past_key_values=past, attention_mask=torch.ones_like(read)
            )
            past = output.past_key_values
            scores = output.logits[0, -1].clone()
            scores[self._model.config.pad_token_id] = -torch.inf
            written.append(int(scores.argmax()))
            if written[-1] == self._model.config.eos_token_id:
                break
        kept = [self._pieces.get(number, "") for number in written[1:] if number not in self._special]
        return "".join(kept).replace(SPACE, " ").strip()


def _check(folder: Path) -> None:
    cure = "Weights are read from safetensors alone, never from pickle; transformers saves a model so."
    problems = [
        Problem(str(folder / name), "no file", "a part of the model", cure if name == "model.safetensors" else "")
        for name in _NEEDED
        if not (folder / name).is_file()
    ]
    if problems:
        raise DatasetError("the translator is not whole", problems)


def _refused(error: OperatorError) -> DatasetError:
    problems = [replace(problem, cure=_NATIVE) for problem in error.problems]
    return DatasetError("the translator cannot compute in exact arithmetic", problems)
