"""The CUDA sources of LSTM layers, run on the CPU, give the bits of the CPU's kernels."""

import pytest
import torch

from tests.emulated.build import Reading
from tests.ops.cases import Case, digest, run
from tests.ops.exact_lstm_cases import lstm_cases

CASES = [case for case in lstm_cases() if not case.name.partition(",")[0].endswith("16")]


def product(a, b, bias=None):
    """What the kernels of matrix products give, which tests of their own compare with this; so of sums of rows."""
    return torch.ops.within.exact_matmul(a[None], b[None], bias)[0]


def steps(sequence, batch_first):
    return sequence.stride(int(batch_first)), sequence.stride(1 - int(batch_first))


def forward(unit, seed, x, h0, c0, weights, lengths, batch_first, *, keeps=True):
    """As the source exact/lstm_cuda.cpp puts it together."""
    moments, batch = x.shape[int(batch_first)], x.shape[1 - int(batch_first)]
    directions, _, hidden = h0.shape
    kind = "float64" if x.dtype == torch.float64 else "float32"
    output = torch.zeros(*x.shape[:2], directions * hidden, dtype=x.dtype)
    h, c = torch.zeros_like(h0), torch.zeros_like(c0)
    kept = torch.zeros(directions, moments, batch, 6, hidden if keeps else 0, dtype=x.dtype)
    each = len(weights) // directions
    for direction in range(directions if batch else 0):
        w_ih, w_hh, *biases = weights[direction * each : (direction + 1) * each]
        of_x = product(x.flatten(0, 1), w_ih.T, biases[0] + biases[1] if biases else None)
        of_x = of_x.view(*x.shape[:2], 4 * hidden)
        out, own_h, own_c, own_kept = (
            torch.zeros(*x.shape[:2], hidden, dtype=x.dtype),
            h[0] * 0,
            c[0] * 0,
            kept[direction].clone(),
        )
        shape = (direction, moments, batch, x.shape[2], hidden, None if lengths is None else Reading(lengths))
        states = (Reading(w_hh.T.contiguous()), Reading(h0[direction].contiguous()), Reading(c0[direction].contiguous()))
        layout = (*steps(of_x, batch_first), *steps(out, batch_first))
        unit.run(
            f"exact_lstm_forward_{kind}",
            *shape,
            Reading(of_x),
            *states,
            out,
            own_h,
            own_c,
            own_kept if keeps else None,
            *layout,
            seed=seed,
        )
        output[..., direction * hidden : (direction + 1) * hidden] = out
        h[direction], c[direction], kept[direction] = own_h, own_c, own_kept
    results = {"result 0": output, "result 1": h, "result 2": c}
    return results | ({"result 3": kept, "result 4": torch.empty(0, dtype=x.dtype)} if keeps else {})


def layer(unit, seed, *arguments):
    return forward(unit, seed, *arguments, keeps=False)


def backward(unit, seed, grad_output, grad_h, grad_c, x, h0, c0, weights, lengths, batch_first, output, kept, wants_input):
    moments, batch = x.shape[int(batch_first)], x.shape[1 - int(batch_first)]
    directions, _, hidden = h0.shape
    kind = "float64" if x.dtype == torch.float64 else "float32"
    turn = (lambda t: t.transpose(0, 1)) if batch_first else (lambda t: t)
    is_within = torch.ones(moments * batch, dtype=torch.bool)
    if lengths is not None:
        is_within = (torch.arange(moments)[:, None] < lengths).flatten()
    place = (is_within.cumsum(0) - 1).int()
    count = int(is_within.sum())
    of_gates = torch.zeros(count, directions * 4 * hidden, dtype=x.dtype)
    grad_h0, grad_c0 = torch.zeros_like(h0), grad_c.clone()
    each = len(weights) // directions
    of_weights = []
    rows = turn(x).flatten(0, 1)[is_within]
    for direction in range(directions):
        w_hh = weights[direction * each + 1]
        own = slice(direction * hidden, (direction + 1) * hidden)
        columns = slice(direction * 4 * hidden, (direction + 1) * 4 * hidden)
        gates, own_h0, own_c0 = torch.zeros(count, 4 * hidden, dtype=x.dtype), grad_h0[0] * 0, grad_c[direction].clone()
        out = turn(output[..., own])
        if batch:
            grad_out = grad_output[..., own].contiguous()
            shape = (direction, moments, batch, x.shape[2], hidden, None if lengths is None else Reading(lengths))
            given = (
                kept[direction].contiguous(),
                c0[direction].contiguous(),
                grad_out,
                grad_h[direction].contiguous(),
                w_hh.contiguous(),
            )
            layout = (*steps(grad_out, batch_first), 4 * hidden)
            places = None if lengths is None else Reading(place)
            unit.run(
                f"exact_lstm_backward_{kind}", *shape, *map(Reading, given), places, gates, own_h0, own_c0, *layout, seed=seed
            )
            of_gates[:, columns], grad_h0[direction], grad_c0[direction] = gates, own_h0, own_c0
        before = torch.cat([h0[direction][None], out[:-1]])
        if direction:
            before = torch.cat([out[1:], h0[direction][None]])
            if lengths is not None:
                before = torch.where((torch.arange(1, moments + 1)[:, None] == lengths)[..., None], h0[direction], before)
        of_weights += [product(gates.T, rows), product(gates.T, before.flatten(0, 1)[is_within])]
        if each == 4:
            of_bias = torch.ops.within.exact_sum_rows(gates)
            of_weights += [of_bias, of_bias]
    grad_x = torch.zeros(moments * batch, x.shape[2], dtype=x.dtype)
    grad_x[is_within] = product(of_gates, torch.cat([weights[direction * each] for direction in range(directions)]))
    grad_x = turn(grad_x.view(moments, batch, x.shape[2]))
    return {f"result {i}": result for i, result in enumerate([grad_x, grad_h0, grad_c0, *of_weights])}


EMULATED = {"exact_lstm": layer, "exact_lstm_forward": forward, "exact_lstm_backward": backward}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_emulated_result_has_the_bits_of_the_cpu(emulated, case: Case):
    want = digest(run(case, gradients=False))
    assert digest(EMULATED[case.operator](emulated("exact_lstm"), 1, *case.make())) == want
