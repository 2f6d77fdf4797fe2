"""Calls of every operator that are hard on it; the CPU, the emulated kernels and a GPU are compared on them.

What is here needs torch alone: a machine with a GPU has little else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import torch

import within_wf.ops.binary
import within_wf.ops.drift
import within_wf.ops.regression
import within_wf.ops.scatter  # noqa: F401 - registers the gradients of its operators
from tests.ops.binary_cases import binary_calls
from tests.ops.bootstrap_cases import bootstrap_cases
from tests.ops.case import Case
from tests.ops.exact_attention_cases import attention_cases
from tests.ops.exact_cases import exact_cases
from tests.ops.exact_convolution_cases import convolution_cases
from tests.ops.exact_lstm_cases import lstm_cases
from tests.ops.exact_norm_cases import exact_norm_cases, slope_cases
from tests.ops.exact_pooling_cases import pooling_cases
from tests.ops.feature_cases import feature_cases
from tests.ops.image_cases import image_cases
from tests.ops.loss_cases import loss_cases
from tests.ops.multiclass_cases import multiclass_cases
from tests.ops.optim_cases import optim_cases
from tests.ops.regression_cases import drift_calls, regression_calls

FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
Result = torch.Tensor | tuple[torch.Tensor, ...] | list[torch.Tensor]


def run(case: Case, device: str | torch.device = "cpu", *, gradients: bool = True) -> dict[str, torch.Tensor]:
    """What the operator gives on a device, by name, on the CPU: results, and gradients of their weighted sum."""
    arguments = [_moved(argument, device) for argument in case.make()]
    differentiable = case.differentiable if gradients else ()
    for position in differentiable:
        arguments[position] = arguments[position].detach().requires_grad_()
    given = getattr(torch.ops.within, case.operator)(*arguments)
    given = _written(case.operator, arguments) if given is None else given
    results = list(given) if isinstance(given, (tuple, list)) else [given]
    named = {f"result {i}": result.detach().cpu() for i, result in enumerate(results)}
    if differentiable:
        # Integer weights of a fixed order: the sum's gradient is exact, and differs from row to row.
        weighted = [result * _weights(result) for result in results if result.requires_grad]
        torch.autograd.backward([part.sum() for part in weighted])
        for position in differentiable:
            named[f"gradient of argument {position}"] = arguments[position].grad.cpu()
    return named


def _moved(argument: object, device: str | torch.device) -> Any:
    if isinstance(argument, list):
        return [_moved(one, device) for one in argument]
    return argument.to(device) if isinstance(argument, torch.Tensor) else argument


def _written(operator: str, arguments: list[Any]) -> list[torch.Tensor]:
    """The tensors that an operator that gives nothing wrote to."""
    wanted = getattr(torch.ops.within, operator).default._schema.arguments
    written = [
        given for given, schema in zip(arguments, wanted, strict=True) if schema.alias_info and schema.alias_info.is_write
    ]
    return [tensor for given in written for tensor in (given if isinstance(given, list) else [given])]


def digest(named: dict[str, torch.Tensor]) -> dict[str, str]:
    """sha256 of dtype, shape and bytes of each tensor."""
    digests = {}
    for name, tensor in named.items():
        data = tensor.contiguous().view(-1).view(torch.uint8) if tensor.numel() else torch.empty(0, dtype=torch.uint8)
        head = f"{tensor.dtype} {list(tensor.shape)}".encode()
        digests[name] = hashlib.sha256(head + data.numpy().tobytes()).hexdigest()
    return digests


def _weights(result: torch.Tensor) -> torch.Tensor:
    count = torch.arange(result.numel(), device=result.device) % 7 - 3
    return count.reshape(result.shape).to(result.dtype)


def _scatter_values(rows: int, columns: int, dtype: torch.dtype) -> torch.Tensor:
    """Numbers whose exponents span what their sums can hold."""
    draws = torch.Generator().manual_seed(rows * 31 + columns)
    reach = {torch.float64: 300, torch.float32: 35, torch.bfloat16: 35, torch.float16: 12}[dtype]
    mantissa = torch.randn(rows, columns, generator=draws, dtype=torch.float64)
    exponent = torch.randint(-reach // 2, reach // 2, (rows, columns), generator=draws)
    return torch.ldexp(mantissa, exponent).to(dtype)


def _scatter(rows: int, columns: int, groups: int, dtype: torch.dtype) -> tuple[object, ...]:
    draws = torch.Generator().manual_seed(rows + groups)
    return _scatter_values(rows, columns, dtype), torch.randint(0, groups, (rows,), generator=draws), groups


def _scatter_specials(dtype: torch.dtype) -> tuple[object, ...]:
    large, small = torch.finfo(dtype).max, torch.finfo(dtype).smallest_normal
    values = [float("inf"), -float("inf"), float("nan"), -0.0, small / 4, large, large, -large]
    return torch.tensor(values, dtype=torch.float64).to(dtype).repeat(4)[:, None], torch.arange(32) % 5, 7


def _with(make: Callable[[], tuple[object, ...]], *more: object) -> Callable[[], tuple[object, ...]]:
    return lambda: (*make(), *more)


def scatter_cases() -> Iterator[Case]:
    """Wide and narrow exponents, empty groups, ties of cancellation, and what is no number."""
    for dtype in FLOATS:
        kind = str(dtype).removeprefix("torch.")
        inputs: dict[str, Callable[[], tuple[object, ...]]] = {}
        for rows, columns, groups in ((1, 1, 1), (1000, 7, 13), (5000, 1, 1), (3000, 4, 500)):
            make = lambda r=rows, c=columns, g=groups, d=dtype: _scatter(r, c, g, d)  # noqa: E731
            inputs[f"{rows} x {columns} in {groups}"] = make
        inputs["specials"] = lambda d=dtype: _scatter_specials(d)
        inputs["cancelling"] = lambda d=dtype: (torch.cat([v := _scatter_values(500, 2, d), -v]), torch.arange(1000) % 4, 4)
        inputs["alike"] = lambda d=dtype: (_normal(2000, 3).to(d), torch.arange(2000) // 9, 240)
        for name, make in inputs.items():
            gradients = () if name == "specials" else (0,)
            title = f"{kind}, {name}"
            for operator in ("scatter_sum", "scatter_mean"):
                yield Case(operator, title, make, gradients)
            for is_max in (False, True):
                yield Case("scatter_extreme", f"{title}, {'max' if is_max else 'min'}", _with(make, is_max), gradients)
            if dtype != torch.float64:
                yield Case("scatter_moments", f"{title}, var", _with(make, 0, False))
                yield Case("scatter_moments", f"{title}, std", _with(make, 1, True))
            for operator in ("scatter_softmax", "scatter_logsumexp"):
                yield Case(operator, title, make)
        yield Case("gather", kind, lambda d=dtype: (_normal(50, 3).to(d), torch.arange(400) % 37), (0,))
    yield Case("scatter_count", "repeats and gaps", lambda: (torch.arange(1000) ** 2 % 77, 80))


def _normal(rows: int, columns: int) -> torch.Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(rows), dtype=torch.float64)


def binary_cases() -> Iterator[Case]:
    """Of binary_metrics."""
    return (Case(*call) for call in binary_calls())


def regression_cases() -> Iterator[Case]:
    """Of regression_metrics and drift_metrics."""
    return (Case(*call) for calls in (regression_calls(), drift_calls()) for call in calls)


CASES = (
    *scatter_cases(),
    *feature_cases(),
    *image_cases(),
    *binary_cases(),
    *regression_cases(),
    *multiclass_cases(),
    *bootstrap_cases(),
    *exact_cases(),
    *attention_cases(),
    *lstm_cases(),
    *convolution_cases(),
    *pooling_cases(),
    *exact_norm_cases(),
    *slope_cases(),
    *loss_cases(),
    *optim_cases(),
)
"""Of every operator; tests/ops/test_cases.py wants each to be here."""
