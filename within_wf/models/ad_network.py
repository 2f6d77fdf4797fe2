"""The network of the Ad Score Predictor: views of an ad, projected, fused, scored."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from within_wf.config.models import AdScoreModelConfig, TabularEncoderConfig
from within_wf.config.reproducibility import Arithmetic
from within_wf.models.arithmetic import in_arithmetic
from within_wf.models.dropout import KeyedDropout

_GAIN = 2.0
"""Views come with a mean squared length of 1; with this length the first layer's units start in their bend."""


class TabularEncoder(nn.Module):
    """Two layers over an ad's numbers.

    Args:
        width: Features of an ad.
        config: Width of the hidden and the last layer.
        dropout: Chance that a hidden number is dropped.
    """

    def __init__(self, width: int, config: TabularEncoderConfig, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, config.hidden_dim),
            nn.ReLU(),
            KeyedDropout(dropout),
            nn.Linear(config.hidden_dim, config.output_dim),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From shape [n, width] to [n, output_dim]."""
        encoded: torch.Tensor = self.layers(x)
        return encoded


class AdScoreNetwork(nn.Module):
    """Projections of the views, a layer that fuses them, and a head; a linear path goes around all three.

    The linear path remembers, the layers generalise (Cheng et al., "Wide & deep learning for recommender systems", 2016).

    Args:
        widths: View to its width; ``text``, ``image`` and ``table`` or some of them.
        config: Width of the layers and their dropout.
        arithmetic: What it computes in.
    """

    def __init__(self, widths: Mapping[str, int], config: AdScoreModelConfig, arithmetic: Arithmetic = "exact") -> None:
        super().__init__()
        self.arithmetic: Arithmetic = arithmetic
        dropout = config.head.dropout
        self.projections = nn.ModuleDict()
        fused = 0
        for view, width in widths.items():
            if view == "table":
                self.projections[view] = TabularEncoder(width, config.tabular_encoder, dropout)
                fused += config.tabular_encoder.output_dim
            else:
                encoder = config.text_encoder if view == "text" else config.visual_encoder
                self.projections[view] = nn.Linear(width, encoder.output_dim)
                fused += encoder.output_dim
        self.drop_views = KeyedDropout(dropout)
        self.fusion = nn.Linear(fused, config.fusion.hidden_dim)
        layers: list[nn.Module] = [nn.ReLU(), KeyedDropout(dropout)]
        inputs = config.fusion.hidden_dim
        for outputs in config.head.hidden_layers:
            layers += [nn.Linear(inputs, outputs), nn.ReLU(), KeyedDropout(dropout)]
            inputs = outputs
        self.head = nn.Sequential(*layers, nn.Linear(inputs, 1))
        self.linear = nn.ModuleDict({view: nn.Linear(width, 1, bias=False) for view, width in widths.items()})
        in_arithmetic(self, arithmetic)

    def forward(self, **views: torch.Tensor) -> torch.Tensor:
        """The score of each ad.

        Args:
            **views: View to its centred vectors, float32, shape [n, width].

        Returns:
            Shape [n].
        """
        scaled = {view: _GAIN * views[view] for view in self.projections}
        parts = [torch.relu(projection(scaled[view])) for view, projection in self.projections.items()]
        score: torch.Tensor = self.head(self.fusion(self.drop_views(torch.cat(parts, dim=1))))
        for view, linear in self.linear.items():
            score = score + linear(scaled[view])
        return score.squeeze(1)
