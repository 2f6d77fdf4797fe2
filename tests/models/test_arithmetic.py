"""What a network computes in."""

import numpy as np
import pytest
import torch
from torch import nn

from within_wf.config.models import LSTMConfig, TextEncoderConfig
from within_wf.config.training import TrainingConfig
from within_wf.errors import TrainingError
from within_wf.models.arithmetic import computing, in_arithmetic
from within_wf.models.sequence import LSTMSequenceModel
from within_wf.models.text_encoder import load_text_encoder
from within_wf.ops import exact
from within_wf.training.trainer import Trainer

WORDS = ["fresh", "bread", "baked", "this", "morning", "and", "sold", "until", "noon", "with", "butter", "honey", "salt"]
CURE = r"reproducibility\.arithmetic=native"


def texts() -> list[str]:
    """Seventy texts of many lengths, some of them equal, and one without words."""
    lengths = np.random.default_rng(0).integers(1, len(WORDS), 69)
    return [" ".join(WORDS[(3 * number) % 4 :][:length]) for number, length in enumerate(lengths)] + [""]


@pytest.mark.parametrize("threads", [1, 3])
def test_a_texts_vector_depends_on_nothing_but_the_text(threads):
    encoder = load_text_encoder(TextEncoderConfig().name)
    done = []
    together = encoder.embed(texts(), 16, threads=threads, advance=done.append)
    alone = {text: encoder.embed([text], 16)[0] for text in set(texts())}
    assert np.array_equal(together, [alone[text] for text in texts()])
    assert sum(done) == len(alone) < len(texts())
    assert encoder.embed([], 16).shape == (0, 384)


def test_native_vectors_are_near_exact_ones():
    name = TextEncoderConfig().name
    found = {arithmetic: load_text_encoder(name, arithmetic).embed(texts()[:5], 16) for arithmetic in ("exact", "native")}
    np.testing.assert_allclose(found["native"], found["exact"], atol=1e-5)
    assert not np.array_equal(found["native"], found["exact"])


def test_what_has_no_exact_form_is_named_with_its_cure():
    with pytest.raises(TrainingError, match=rf"(?s)torch.nn.modules.rnn.GRU.*{CURE}"):
        in_arithmetic(nn.Sequential(nn.Linear(2, 2), nn.GRU(2, 2)), "exact")
    with pytest.raises(TrainingError, match=rf"(?s)torch.fft.fft.*{CURE}"), computing("exact"):
        torch.fft.fft(torch.ones(4))
    with computing("native"):
        torch.fft.fft(torch.ones(4))
    gru = nn.GRU(2, 2)
    assert in_arithmetic(gru, "native") is gru


@pytest.mark.parametrize("arithmetic", ["exact", "native"])
def test_a_trainer_computes_as_its_model_does(arithmetic):
    model = LSTMSequenceModel(2, LSTMConfig(), arithmetic=arithmetic)
    assert isinstance(model.head, exact.nn.Linear) == (arithmetic == "exact")
    assert Trainer(model, TrainingConfig(), 8).arithmetic == arithmetic
    assert Trainer(nn.Linear(2, 1), TrainingConfig(), 8).arithmetic == "exact"
    assert Trainer(nn.Linear(2, 1), TrainingConfig(), 8, arithmetic="native").arithmetic == "native"
