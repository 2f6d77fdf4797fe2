"""Models to be made exact, with what they are called with; as a program, the digests of what they compute once they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from within_wf.config.models import AdScoreModelConfig, LSTMConfig
from within_wf.models.ad_network import AdScoreNetwork
from within_wf.models.dropout import key_dropout
from within_wf.models.image_encoder import EfficientNetLite0
from within_wf.models.init import draw_weights
from within_wf.models.sequence import LSTMSequenceModel
from within_wf.ops import exact
from within_wf.ops.exact.adapters import tensors_in

Call = tuple[nn.Module, tuple[Any, ...], dict[str, Any]]


def randn(*shape: int, seed: int = 1) -> torch.Tensor:
    """Normal numbers by NumPy: torch's own draws depend on its instruction set."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape, np.float32))


def bert(attention: str = "sdpa") -> Call:
    """As MiniLM, smaller."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=99,
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=80,
        max_position_embeddings=40,
        attn_implementation=attention,
    )
    mask = torch.ones(3, 11, dtype=torch.long)
    mask[1, 7:] = 0
    words = torch.arange(33).reshape(3, 11) * 7 % 99
    return BertModel(config), (), {"input_ids": words, "attention_mask": mask}


def classifier() -> Call:
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=99, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, num_labels=3
    )
    words = torch.arange(20).reshape(2, 10) * 3 % 99
    return BertForSequenceClassification(config), (), {"input_ids": words, "labels": torch.tensor([2, 0])}


def gpt2() -> Call:
    """Its layers are transformers' own Conv1D, its activation a formula of tanh and pow."""
    from transformers import GPT2Config, GPT2Model

    config = GPT2Config(vocab_size=77, n_positions=32, n_embd=32, n_layer=2, n_head=2)
    return GPT2Model(config), (), {"input_ids": torch.arange(18).reshape(2, 9) * 5 % 77, "use_cache": False}


def efficientnet() -> Call:
    network = EfficientNetLite0()
    for weight in network.parameters():
        weight.requires_grad_()
    return network, (randn(2, 3, 33, 33),), {}


def ad_score() -> Call:
    network = AdScoreNetwork({"text": 24, "image": 40, "table": 7}, AdScoreModelConfig(), "native")
    draw_weights(network, 5)
    key_dropout(network, 5, 0, torch.arange(6).numpy())
    return network, (), {"text": randn(6, 24), "image": randn(6, 40), "table": randn(6, 7)}


def account_health() -> Call:
    model = LSTMSequenceModel(5, LSTMConfig(hidden_size=9, num_layers=2, bidirectional=True), arithmetic="native")
    draw_weights(model, 5)
    key_dropout(model, 5, 0, torch.arange(4).numpy())
    return model, (randn(4, 12, 5),), {}


def encoder() -> Call:
    layer = nn.TransformerEncoderLayer(24, 4, 50, batch_first=True, activation="gelu")
    padding = torch.zeros(3, 7, dtype=torch.bool)
    padding[1, 4:] = True
    return nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(24)), (randn(3, 7, 24),), {"src_key_padding_mask": padding}


def resnet() -> Call:
    from torchvision.models import resnet18

    return resnet18(weights=None, num_classes=10), (randn(2, 3, 48, 48),), {}


MODELS: Mapping[str, Callable[[], Call]] = {
    "BERT": bert,
    "BERT, eager attention": lambda: bert("eager"),
    "BERT, classifier": classifier,
    "GPT-2": gpt2,
    "EfficientNet-Lite0": efficientnet,
    "ad score": ad_score,
    "account health": account_health,
    "TransformerEncoder": encoder,
    "ResNet-18": resnet,
}


def made(name: str, *, is_training: bool) -> Call:
    torch.manual_seed(7)
    model, inputs, named = MODELS[name]()
    for number, weight in enumerate(model.parameters()):
        weight.data = randn(*weight.shape, seed=number) / max(1, weight[0].numel()) ** 0.5
    return model.train(is_training), inputs, named


def outputs_and_gradients(call: Call) -> list[torch.Tensor]:
    """What a model computes, and the gradients of all its parameters; of the first output's squares, so that they differ."""
    model, inputs, named = call
    torch.manual_seed(9)
    outputs = list(tensors_in(model(*inputs, **named)))
    ends = [output for output in outputs if output.requires_grad]
    gradients = torch.autograd.grad(
        ends,
        [weight for weight in model.parameters() if weight.requires_grad],
        [end.detach() for end in ends],
        allow_unused=True,
    )
    return [*(output.detach() for output in outputs), *(gradient for gradient in gradients if gradient is not None)]


def digest(tensors: list[torch.Tensor]) -> str:
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(tensor.contiguous().numpy().tobytes())
    return found.hexdigest()


def digests() -> dict[str, str]:
    """Of every model, in training."""
    found = {}
    for name in MODELS:
        model, inputs, named = made(name, is_training=True)
        found[name] = digest(outputs_and_gradients((exact.convert(model), inputs, named)))
    return found


if __name__ == "__main__":
    print(json.dumps(digests()))
