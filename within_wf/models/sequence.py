"""A recurrent network over a window of a series."""

from __future__ import annotations

import torch
from torch import nn

from within_wf.config.models import LSTMConfig
from within_wf.config.reproducibility import Arithmetic
from within_wf.models.arithmetic import in_arithmetic
from within_wf.models.dropout import KeyedDropout


class LSTMSequenceModel(nn.Module):
    """LSTM layers (Hochreiter and Schmidhuber, 1997) and a linear head on the last and the mean state.

    Args:
        channels: Values a moment.
        config: Width, layers, directions, dropout after each layer.
        outputs: Predictions a window.
        arithmetic: What it computes in.
    """

    def __init__(self, channels: int, config: LSTMConfig, outputs: int = 1, arithmetic: Arithmetic = "exact") -> None:
        super().__init__()
        self.channels = channels
        self.outputs = outputs
        self.arithmetic: Arithmetic = arithmetic
        width = config.hidden_size * (2 if config.bidirectional else 1)
        self.layers = nn.ModuleList(
            nn.LSTM(channels if layer == 0 else width, config.hidden_size, batch_first=True, bidirectional=config.bidirectional)
            for layer in range(config.num_layers)
        )
        self.dropouts = nn.ModuleList(KeyedDropout(config.dropout) for _ in range(config.num_layers))
        self.head = nn.Linear(2 * width, outputs)
        in_arithmetic(self, arithmetic)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The prediction for each window.

        Args:
            x: float32, shape [n, moments, channels].

        Returns:
            Logits or values, shape [n], or [n, outputs] for several.
        """
        states = x
        for layer, dropout in zip(self.layers, self.dropouts, strict=True):
            states = dropout(layer(states)[0])
        pooled = torch.cat([states[:, -1], states.mean(dim=1)], dim=1)
        prediction: torch.Tensor = self.head(pooled)
        return prediction.squeeze(1) if self.outputs == 1 else prediction
