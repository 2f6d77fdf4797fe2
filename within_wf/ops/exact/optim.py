"""Optimizers of one order: torch's classes, whose step is one call of ours for all parameters of a group.

A step gives the same bits on every processor, device and number of threads: its square root is rounded correctly, which that of
torch on the CPU is not, and its bias correction uses no function of the C library. Arguments, defaults and ``state_dict`` are
those of the torch class that each one is derived from, so that states go both ways. ``foreach`` and ``fused`` are taken and
change nothing; ``capturable``, ``differentiable`` and a rate that is a tensor are refused. Parameters of float16 and bfloat16
have a state of their own format, as torch's: a step is made in float32, and what is kept of it is rounded once.
docs/exact/optim.md has the order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch

from within_wf.ops.library import load_core, register_fake

load_core()

_ADAM = torch.ops.within.exact_adam_.default
_SGD = torch.ops.within.exact_sgd_.default
_TOTAL_NORM = torch.ops.within.exact_total_norm.default
_CLIP_NORM = torch.ops.within.exact_clip_norm_.default
_CLIP_VALUE = torch.ops.within.exact_clip_value_.default

Closure = Callable[[], float]


class Adam(torch.optim.Adam):
    """Adam (Kingma and Ba, ICLR 2015), with torch's arguments.

    Raises:
        ValueError: An argument is out of range, or ``capturable``, ``differentiable`` or a tensor as ``lr`` is asked for.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        _check_groups(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        _check_groups(self)

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> float | None:  # type: ignore[override]
        """Move the parameters that have gradients.

        Args:
            closure: Computes the loss and the gradients; called first.

        Returns:
            The loss, where there is a closure.

        Raises:
            ValueError: A parameter, gradient or state is not of a dtype, shape or device that fits.
        """
        return _adam_step(self, closure)


class AdamW(torch.optim.AdamW):
    """Adam with decoupled weight decay (Loshchilov and Hutter, ICLR 2019), with torch's arguments.

    Raises:
        ValueError: As :class:`Adam`.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        _check_groups(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        _check_groups(self)

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> float | None:  # type: ignore[override]
        """Move the parameters that have gradients, as :meth:`Adam.step`."""
        return _adam_step(self, closure)


class SGD(torch.optim.SGD):
    """Stochastic gradient descent with momentum (Sutskever et al., ICML 2013), with torch's arguments.

    Raises:
        ValueError: As :class:`Adam`.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        _check_groups(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        _check_groups(self)

    @torch.no_grad()
    def step(self, closure: Closure | None = None) -> float | None:  # type: ignore[override]
        """Move the parameters that have gradients, as :meth:`Adam.step`."""
        loss = _loss_of(closure)
        for group in self.param_groups:
            _check_rate(group)
            moved: dict[bool, tuple[list[torch.Tensor], list[torch.Tensor]]] = {}
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                is_first = False
                momentum = None
                if group["momentum"] != 0:
                    state = self.state[parameter]
                    momentum = state.get("momentum_buffer")
                    is_first = momentum is None
                    if is_first:
                        momentum = state["momentum_buffer"] = torch.empty_like(parameter)
                parameters, momenta = moved.setdefault(is_first, ([], []))
                parameters.append(parameter)
                if momentum is not None:
                    momenta.append(momentum)
            for is_first, (parameters, momenta) in moved.items():
                _SGD(
                    parameters,
                    [parameter.grad for parameter in parameters],
                    momenta,
                    group["lr"],
                    group["momentum"],
                    group["dampening"],
                    group["weight_decay"],
                    group["nesterov"],
                    group["maximize"],
                    is_first,
                )
        return loss


def get_total_norm(
    tensors: torch.Tensor | Iterable[torch.Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> torch.Tensor:
    """The norm of tensors taken as one vector.

    Args:
        tensors: float32, float64, float16 or bfloat16, of one device.
        norm_type: 1, 2 or inf.
        error_if_nonfinite: Whether to refuse a norm that is not finite.
        foreach: Changes nothing.

    Returns:
        A scalar, float64 if a tensor is, otherwise float32 (of 16-bit tensors too). Squares and sizes are added up in float64.

    Raises:
        ValueError: A dtype, device or ``norm_type`` is none of those.
        RuntimeError: The norm is not finite, and that is refused.
    """
    listed = [tensors] if isinstance(tensors, torch.Tensor) else list(tensors)
    if not listed:
        return torch.tensor(0.0)
    with torch.no_grad():
        norm: torch.Tensor = _TOTAL_NORM(listed, float(norm_type))
    if error_if_nonfinite and not math.isfinite(norm.item()):
        raise RuntimeError(f"exact.get_total_norm: the norm of order {norm_type} is {norm.item()}, expected a finite one")
    return norm


def clip_grads_with_norm_(
    parameters: torch.Tensor | Iterable[torch.Tensor],
    max_norm: float,
    total_norm: torch.Tensor,
    foreach: bool | None = None,
) -> None:
    """Multiply gradients by min(1, max_norm / (total_norm + 1e-6)).

    Args:
        parameters: What has them; those without are left out.
        max_norm: The norm not to be exceeded.
        total_norm: What the norm is, float32 or float64.
        foreach: Changes nothing.

    Raises:
        ValueError: A dtype or device does not fit, or ``max_norm`` is below 0.
    """
    gradients = _gradients(parameters)
    if gradients:
        with torch.no_grad():
            _CLIP_NORM(gradients, total_norm, float(max_norm))


def clip_grad_norm_(
    parameters: torch.Tensor | Iterable[torch.Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> torch.Tensor:
    """Scale gradients so that their norm is ``max_norm`` at most.

    Args:
        parameters: What has them; those without are left out.
        max_norm: The norm not to be exceeded.
        norm_type: As in :func:`get_total_norm`.
        error_if_nonfinite: As in :func:`get_total_norm`.
        foreach: Changes nothing.

    Returns:
        The norm before, as :func:`get_total_norm`.

    Raises:
        ValueError: As :func:`get_total_norm` and :func:`clip_grads_with_norm_`.
        RuntimeError: As :func:`get_total_norm`.
    """
    gradients = _gradients(parameters)
    norm = get_total_norm(gradients, norm_type, error_if_nonfinite)
    if gradients:
        with torch.no_grad():
            _CLIP_NORM(gradients, norm, float(max_norm))
    return norm


def clip_grad_value_(parameters: torch.Tensor | Iterable[torch.Tensor], clip_value: float, foreach: bool | None = None) -> None:
    """Bring the numbers of gradients into [-clip_value, clip_value].

    Args:
        parameters: What has them; those without are left out.
        clip_value: The largest size.
        foreach: Changes nothing.

    Raises:
        ValueError: A dtype or device does not fit, or ``clip_value`` is below 0.
    """
    gradients = _gradients(parameters)
    if gradients:
        with torch.no_grad():
            _CLIP_VALUE(gradients, float(clip_value))


def _gradients(parameters: torch.Tensor | Iterable[torch.Tensor]) -> list[torch.Tensor]:
    listed = [parameters] if isinstance(parameters, torch.Tensor) else parameters
    return [parameter.grad for parameter in listed if parameter.grad is not None]


def _check_groups(optimizer: torch.optim.Optimizer) -> None:
    name = type(optimizer).__name__
    for group in optimizer.param_groups:
        for option in ("capturable", "differentiable"):
            if group.get(option):
                raise ValueError(f"exact.{name}: {option} is True, expected False: there is no step of that kind")
        _check_rate(group)


def _check_rate(group: dict[str, Any]) -> None:
    for option in ("lr", "weight_decay"):
        if isinstance(group[option], torch.Tensor):
            raise ValueError(f"exact.optim: {option} is a tensor, expected a float; pass {option}.item()")


def _loss_of(closure: Closure | None) -> float | None:
    if closure is None:
        return None
    with torch.enable_grad():
        return closure()


def _adam_step(optimizer: torch.optim.Adam, closure: Closure | None) -> float | None:
    loss = _loss_of(closure)
    for group in optimizer.param_groups:
        _check_rate(group)
        parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
        if not parameters:
            continue
        states = [_adam_state(optimizer.state[parameter], parameter, group["amsgrad"]) for parameter in parameters]
        beta1, beta2 = group["betas"]
        _ADAM(
            parameters,
            [parameter.grad for parameter in parameters],
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [state["max_exp_avg_sq"] for state in states] if group["amsgrad"] else [],
            [state["step"] for state in states],
            group["lr"],
            beta1,
            beta2,
            group["eps"],
            group["weight_decay"],
            group["decoupled_weight_decay"],
            group["maximize"],
        )
    return loss


def _adam_state(state: dict[str, torch.Tensor], parameter: torch.Tensor, amsgrad: bool) -> dict[str, torch.Tensor]:
    if not state:
        state["step"] = torch.tensor(0.0, dtype=torch.float32)
        names = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if amsgrad else ("exp_avg", "exp_avg_sq")
        for name in names:
            state[name] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
    return state


# What follows tells torch that nothing comes out.


@register_fake("within::exact_adam_")
def _no_adam(
    parameters: list[torch.Tensor],
    gradients: list[torch.Tensor],
    means: list[torch.Tensor],
    squares: list[torch.Tensor],
    largest: list[torch.Tensor],
    steps: list[torch.Tensor],
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    is_decoupled: bool,
    maximize: bool,
) -> None:
    pass


@register_fake("within::exact_sgd_")
def _no_sgd(
    parameters: list[torch.Tensor],
    gradients: list[torch.Tensor],
    momenta: list[torch.Tensor],
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    is_first: bool,
) -> None:
    pass


@register_fake("within::exact_total_norm")
def _like_norm(tensors: list[torch.Tensor], norm_type: float) -> torch.Tensor:
    is_double = any(tensor.dtype == torch.float64 for tensor in tensors)
    return tensors[0].new_empty((), dtype=torch.float64 if is_double else torch.float32)


@register_fake("within::exact_clip_norm_")
def _no_clip_norm(tensors: list[torch.Tensor], norm: torch.Tensor, max_norm: float) -> None:
    pass


@register_fake("within::exact_clip_value_")
def _no_clip_value(tensors: list[torch.Tensor], limit: float) -> None:
    pass
