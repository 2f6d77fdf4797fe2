import numpy as np
import pytest
import torch

from within_wf.config.models import AdScoreModelConfig, FusionConfig, HeadConfig
from within_wf.models.ad_network import AdScoreNetwork
from within_wf.models.dropout import key_dropout
from within_wf.models.init import draw_weights

CONFIG = AdScoreModelConfig(fusion=FusionConfig(hidden_dim=8), head=HeadConfig(hidden_layers=[6, 4], dropout=0.5))
WIDTHS = {"text": 5, "image": 7, "table": 3}


def network(widths=WIDTHS) -> AdScoreNetwork:
    made = AdScoreNetwork(widths, CONFIG)
    draw_weights(made, 0)
    return made.eval()


def views(count: int, widths=WIDTHS) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    return {name: torch.randn(count, width, generator=random) for name, width in widths.items()}


@pytest.mark.parametrize("names", [["text"], ["table"], ["image", "text"], ["text", "image", "table"]])
def test_any_set_of_views_gives_a_score_an_ad(names):
    widths = {name: WIDTHS[name] for name in names}
    assert network(widths)(**views(4, widths)).shape == (4,)


def test_each_view_moves_the_score_and_no_ad_moves_another():
    made, ads = network(), views(4)
    before = made(**ads)
    for name in WIDTHS:
        changed = {**ads, name: ads[name].clone()}
        changed[name][2] += 1
        moved = (made(**changed) - before).abs() > 1e-6
        assert moved.tolist() == [False, False, True, False]


def test_dropout_is_of_the_ad_and_not_of_its_place():
    made, ads, ids = network().train(), views(6), np.arange(6)
    key_dropout(made, 7, 1, ids)
    scores = made(**ads)
    back = torch.arange(5, -1, -1)
    key_dropout(made, 7, 1, ids[::-1].copy())
    assert torch.allclose(made(**{name: view[back] for name, view in ads.items()})[back], scores, atol=1e-6)
    assert not torch.allclose(made.eval()(**ads), scores, atol=1e-3)


def test_every_parameter_learns():
    made = network()
    made(**views(50)).square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in made.parameters())
