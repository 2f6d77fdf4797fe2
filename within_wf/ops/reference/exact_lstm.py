"""LSTM layers as loops over time, rows and chains, in the order that docs/exact/lstm.md gives."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from within_wf.ops.exact.elementwise import sigmoid, tanh
from within_wf.ops.reference.exact import fma
from within_wf.ops.reference.exact_sum_rows import sum_rows

Tensors = list[torch.Tensor]


def lstm_layer(
    input: torch.Tensor,  # noqa: A002
    h0: torch.Tensor,
    c0: torch.Tensor,
    weights: Sequence[torch.Tensor],
    lengths: Sequence[int] | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A layer of float32, shapes [T, B, I] and [directions, B, H]: output, h, c and what the gradients are made of.

    The last are i, f, g, o, c and tanh(c), shape [directions, T, B, 6, H], zeros beyond the lengths.
    """
    moments, batch, _ = input.shape
    directions, _, hidden = h0.shape
    output = torch.zeros(moments, batch, directions * hidden)
    kept = torch.zeros(directions, moments, batch, 6, hidden)
    h, c = h0.clone(), c0.clone()
    for direction in range(directions):
        w_ih, w_hh, *biases = _of(direction, directions, weights)
        for moment, rows in _walk(moments, batch, direction, lengths):
            z = _chain(torch.zeros(len(rows), 4 * hidden), input[moment, rows], w_ih.T)
            if biases:
                z = z + (biases[0] + biases[1])
            z = _chain(z, h[direction, rows], w_hh.T)
            i, f, o = (sigmoid(z[:, gate * hidden : (gate + 1) * hidden]) for gate in (0, 1, 3))
            g = tanh(z[:, 2 * hidden : 3 * hidden])
            c[direction, rows] = own_c = _canonical(fma(f, c[direction, rows], i * g))
            h[direction, rows] = own_h = _canonical(o * (height := tanh(own_c)))
            output[moment, rows, direction * hidden : (direction + 1) * hidden] = own_h
            kept[direction, moment, rows] = torch.stack([i, f, g, o, own_c, height], 1)
    return output, h, c, kept


def lstm_layer_gradients(
    gradients: Sequence[torch.Tensor],
    input: torch.Tensor,  # noqa: A002
    h0: torch.Tensor,
    c0: torch.Tensor,
    weights: Sequence[torch.Tensor],
    lengths: Sequence[int] | None = None,
) -> Tensors:
    """Gradients of input, h0, c0 and the weights, from those of output, h and c."""
    moments, batch, inputs = input.shape
    directions, _, hidden = h0.shape
    output, _, _, kept = lstm_layer(input, h0, c0, weights, lengths)
    grad_h, grad_c = gradients[1].clone(), gradients[2].clone()
    one = torch.ones(1)
    of_gates = torch.zeros(moments, batch, directions * 4 * hidden)
    of_weights: Tensors = []
    for direction in range(directions):
        own = slice(direction * hidden, (direction + 1) * hidden)
        columns = slice(direction * 4 * hidden, (direction + 1) * 4 * hidden)
        h_before, c_before = torch.zeros(2, moments, batch, hidden)
        last_h, last_c = h0[direction].clone(), c0[direction].clone()
        walk = _walk(moments, batch, direction, lengths)
        for moment, rows in walk:
            h_before[moment, rows], c_before[moment, rows] = last_h[rows], last_c[rows]
            last_h[rows], last_c[rows] = output[moment, rows, own], kept[direction, moment, rows, 4]
        for moment, rows in reversed(walk):
            i, f, g, o, _, height = kept[direction, moment, rows].unbind(1)
            of_h = gradients[0][moment, rows, own] + grad_h[direction, rows]
            of_c = fma(of_h * o, fma(-height, height, one.expand_as(g)), grad_c[direction, rows])
            of_gates[moment, rows, columns] = z = torch.cat(
                [
                    of_c * g * fma(-i, i, i),
                    of_c * c_before[moment, rows] * fma(-f, f, f),
                    of_c * i * fma(-g, g, one.expand_as(g)),
                    of_h * height * fma(-o, o, o),
                ],
                1,
            )
            grad_c[direction, rows] = of_c * f
            grad_h[direction, rows] = _chain(torch.zeros_like(of_h), z, _of(direction, directions, weights)[1])
        within = [(moment, row) for moment, rows in sorted(walk) for row in rows]
        of_weights += _weight_gradients(of_gates[..., columns], input, h_before, within, len(weights) == 4 * directions)
    stacked = torch.cat([_of(direction, directions, weights)[0] for direction in range(directions)])
    grad_input = torch.zeros_like(input)
    for moment, rows in _walk(moments, batch, 0, lengths):
        grad_input[moment, rows] = _canonical(_chain(torch.zeros(len(rows), inputs), of_gates[moment, rows], stacked))
    return [grad_input, _canonical(grad_h), _canonical(grad_c), *of_weights]


def _walk(moments: int, batch: int, direction: int, lengths: Sequence[int] | None) -> list[tuple[int, list[int]]]:
    """Moments in the order of a direction, with the rows that have them."""
    order = [(moment, [row for row in range(batch) if lengths is None or moment < lengths[row]]) for moment in range(moments)]
    return order[::-1] if direction else order


def _weight_gradients(
    of_gates: torch.Tensor,
    input: torch.Tensor,  # noqa: A002
    h_before: torch.Tensor,
    within: list[tuple[int, int]],
    has_bias: bool,
) -> Tensors:
    result = []
    for factor in (input, h_before):
        chain = torch.zeros(of_gates.shape[2], factor.shape[2])
        for moment, row in within:
            left = of_gates[moment, row][:, None].expand_as(chain)
            chain = fma(left, factor[moment, row].expand_as(chain), chain)
        result.append(_canonical(chain))
    if has_bias:
        total = sum_rows(torch.stack([of_gates[moment, row] for moment, row in within]))
        result += [total, total]
    return result


def _of(direction: int, directions: int, weights: Sequence[torch.Tensor]) -> Sequence[torch.Tensor]:
    each = len(weights) // directions
    return weights[direction * each : (direction + 1) * each]


def _chain(start: torch.Tensor, numbers: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Each row's chain goes on over its numbers and the rows of a matrix."""
    for k, row in enumerate(matrix):
        start = fma(numbers[:, k, None].expand_as(start), row.expand_as(start), start)
    return start


def _canonical(values: torch.Tensor) -> torch.Tensor:
    return values.masked_fill(values.isnan(), torch.nan)
