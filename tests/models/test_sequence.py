import numpy as np
import pytest
import torch
from torch import nn

from within_wf.config.models import LSTMConfig
from within_wf.models.dropout import key_dropout
from within_wf.models.init import draw_weights
from within_wf.models.sequence import LSTMSequenceModel


@pytest.mark.parametrize("arithmetic", ["exact", "native"])
def test_one_layer_is_torchs_lstm_and_a_linear_head(arithmetic):
    model = LSTMSequenceModel(3, LSTMConfig(hidden_size=5, dropout=0.0), arithmetic=arithmetic).eval()
    draw_weights(model, 0)
    x = torch.randn(4, 7, 3)
    layer = nn.LSTM(3, 5, batch_first=True)
    layer.load_state_dict(model.layers[0].state_dict())
    states, _ = layer(x)
    pooled = torch.cat([states[:, -1], states.mean(1)], 1)
    torch.testing.assert_close(model(x), (pooled @ model.head.weight.T + model.head.bias).squeeze(1))


def test_layers_without_dropout_are_torchs_stacked_lstm():
    model = LSTMSequenceModel(2, LSTMConfig(hidden_size=4, num_layers=2, bidirectional=True, dropout=0.0))
    draw_weights(model, 1)
    stacked = nn.LSTM(2, 4, num_layers=2, bidirectional=True, batch_first=True)
    for number, layer in enumerate(model.layers):
        for name, value in layer.named_parameters():
            getattr(stacked, name.replace("l0", f"l{number}")).data.copy_(value)
    x = torch.randn(3, 6, 2)
    ours = model.layers[1](model.layers[0](x)[0])[0]
    assert torch.allclose(ours, stacked(x)[0], atol=1e-6)


def test_a_window_in_training_does_not_depend_on_its_batch():
    model = LSTMSequenceModel(2, LSTMConfig(hidden_size=4, dropout=0.5)).train()
    x, ids = torch.randn(6, 5, 2), np.arange(6) + 100
    key_dropout(model, 3, 0, ids)
    whole = model(x)
    key_dropout(model, 3, 0, ids[4:])
    assert torch.equal(whole[4:], model(x[4:]))
    key_dropout(model, 3, 1, ids[4:])
    assert not torch.allclose(whole[4:], model(x[4:]), atol=1e-3)


@pytest.mark.parametrize(("outputs", "shape"), [(1, (3,)), (4, (3, 4))])
def test_shape_of_the_prediction(outputs, shape):
    assert LSTMSequenceModel(2, LSTMConfig(), outputs).eval()(torch.zeros(3, 5, 2)).shape == shape
