"""Exact functions with the arguments that torch's functions, methods and operators take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch.nn import _reduction

from within_wf.ops.exact import functional, indexing
from within_wf.ops.exact.mode import Handler, NotExactError


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """All tensors of nested tuples, lists and dictionaries."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors_in(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors_in(part)


def has_fractions(value: Any) -> bool:
    """Whether floating-point or complex numbers are among the tensors of ``value``."""
    return any(tensor.dtype.is_floating_point or tensor.dtype.is_complex for tensor in tensors_in(value))


def expanded(args: Sequence[Any], kwargs: Mapping[str, Any], *, in_place: bool = False) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a function that broadcasts, with those expanded whose gradient would be a sum."""
    if not torch.is_grad_enabled():
        return list(args), dict(kwargs)
    shapes = {value.shape for value in (*args, *kwargs.values()) if isinstance(value, torch.Tensor)}
    if len(shapes) < 2:
        return list(args), dict(kwargs)
    shape = args[0].shape if in_place else torch.broadcast_shapes(*shapes)  # type: ignore[no-untyped-call]

    def fitted(value: Any) -> Any:
        return indexing.expand(value, shape) if isinstance(value, torch.Tensor) and value.requires_grad else value

    return [fitted(value) for value in args], {name: fitted(value) for name, value in kwargs.items()}


def paired(native: Handler, *, in_place: bool = False) -> Handler:
    """A function of torch that broadcasts."""

    def call(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = expanded(args, kwargs, in_place=in_place)  # type: ignore[assignment]
        return native(*args, **kwargs)

    return call


def unary(exact: Handler) -> Handler:
    """Whole numbers are read as floating-point ones."""

    def call(x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        return exact(x if x.dtype.is_floating_point else x.to(torch.get_default_dtype()), *args, **kwargs)

    return call


def reduced(exact: Handler, native: Handler) -> Handler:
    """Sums of whole numbers are whole, and exact as they are."""

    def call(x: torch.Tensor, *args: Any, dtype: torch.dtype | None = None, **kwargs: Any) -> Any:
        if not (dtype or x.dtype).is_floating_point:
            return native(x, *args, **({} if dtype is None else {"dtype": dtype}), **kwargs)
        return exact(x if dtype is None else x.to(dtype), *args, **kwargs)

    return call


def softmaxed(exact: Handler) -> Handler:
    """The dimension may be left out, as in torch.nn.functional."""

    def call(x: torch.Tensor, dim: int | None = None, dtype: torch.dtype | None = None) -> Any:
        if dim is None:
            dim = 0 if x.dim() in (0, 1, 3) else 1
        return exact(x if dtype is None else x.to(dtype), dim)

    return call


def added(native: Handler, rounded: Handler, *, in_place: bool = False) -> Handler:
    """Addition and subtraction; torch's kernels fuse a factor ``alpha`` into one operation or do not, as they please."""
    plain = paired(native, in_place=in_place)

    def call(*args: Any, alpha: float = 1, **kwargs: Any) -> Any:
        if alpha == 1:
            return plain(*args, **kwargs)
        if has_fractions((args, kwargs)) or not isinstance(alpha, int):
            return rounded(*args, alpha=alpha, **kwargs)
        return native(*args, alpha=alpha, **kwargs)

    return call


def masked_fill(x: torch.Tensor, mask: torch.Tensor, value: Any) -> torch.Tensor:
    """torch.masked_fill, of a number or of a tensor that has one."""
    if isinstance(value, torch.Tensor) and value.requires_grad:
        return paired(torch.where)(mask, value, x)  # type: ignore[no-any-return]
    (x, mask), _ = expanded((x, mask), {})
    return torch.masked_fill(x, mask, value)


def div(x: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """The quotient."""
    if rounding_mode is not None:
        if has_fractions((x, other)):
            raise NotExactError("torch.div with rounding_mode")
        return torch.div(x, other, rounding_mode=rounding_mode)
    if isinstance(x, torch.Tensor) and x.is_cuda and not (isinstance(other, torch.Tensor) and other.is_cuda):
        # On a GPU torch multiplies with the reciprocal of a number that lies on the CPU.
        number = other.item() if isinstance(other, torch.Tensor) else other
        dtype = x.dtype if x.dtype.is_floating_point else torch.get_default_dtype()
        other = torch.full((), number, dtype=dtype, device=x.device)
    (x, other), _ = expanded((x, other), {})
    return torch.div(x, other)


def power(x: Any, exponent: Any) -> Any:
    """A power; torch takes those of 2 and 3 as products, which are exact."""
    if not has_fractions((x, exponent)) and not isinstance(exponent, float):
        return torch.pow(x, exponent)
    if isinstance(x, torch.Tensor) and not isinstance(exponent, torch.Tensor):
        x = x if x.dtype.is_floating_point else x.to(torch.get_default_dtype())
        match exponent:
            case 0 | 1 | 2 | 3:
                return torch.pow(x, exponent)
            case 0.5:
                return functional.sqrt(x)
            case -0.5:
                return functional.rsqrt(x)
            case -1:
                return x.reciprocal()
            case -2:
                return (x * x).reciprocal()
    if isinstance(x, torch.Tensor) and isinstance(exponent, torch.Tensor):
        x, exponent = indexing.broadcast(x, exponent)
    return functional.pow(x, exponent)


def addmm(x: torch.Tensor, a: torch.Tensor, b: torch.Tensor, *, beta: float = 1, alpha: float = 1) -> torch.Tensor:
    """The sum of a product and of what is added to it, whose gradient is an exact sum where it is repeated."""
    if beta != 1 or alpha != 1 or x.dim() != 1:
        x = indexing.expand(x, (a.shape[0], b.shape[1]))
    return functional.addmm(x, a, b, beta=beta, alpha=alpha)


def copied(native: Handler) -> Handler:
    """A function of torch that repeats numbers of its first argument."""

    def call(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        return indexing.copied(native, x, *args, **kwargs)

    return call


def pad(x: torch.Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """torch.nn.functional.pad."""
    native = torch.nn.functional.pad
    return native(x, pad, mode, value) if mode == "constant" else indexing.copied(native, x, pad, mode)


def interpolate(x: torch.Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", **options: Any) -> Any:
    """torch.nn.functional.interpolate, of the modes that copy."""
    if mode not in ("nearest", "nearest-exact"):
        raise NotExactError(f"torch.nn.functional.interpolate with mode {mode!r}")
    return indexing.copied(torch.nn.functional.interpolate, x, size, scale_factor, mode, **options)


def setitem(x: torch.Tensor, index: Any, value: Any) -> None:
    """``x[index] = value``."""
    if isinstance(value, torch.Tensor) and value.requires_grad and torch.is_grad_enabled():
        value = indexing.expand(value, x[index].shape)
    x[index] = value


def expand_as(x: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """``x`` seen with the sizes of another."""
    return indexing.expand(x, other.shape)


def broadcast_tensors(*tensors: Any) -> tuple[torch.Tensor, ...]:
    """The tensors in their common shape."""
    return indexing.broadcast(*(tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors))


def index_select(x: torch.Tensor, dim: int, index: torch.Tensor) -> torch.Tensor:
    """Slices of numbers of any kind."""
    return indexing.index_select(x, dim, index) if x.dtype.is_floating_point else torch.index_select(x, dim, index)


def named(kind: str, exact: Handler) -> Handler:
    """With the named tuple that torch gives."""
    made = getattr(torch.return_types, kind)
    return lambda *args, **kwargs: made(exact(*args, **kwargs))


def arange(*args: Any, **kwargs: Any) -> Any:
    """Whole numbers below 2^24 are exact in float32; with fractions the kernel's order of operations counts."""
    if all(float(value).is_integer() and abs(value) < 1 << 24 for value in args):
        return torch.arange(*args, **kwargs)
    raise NotExactError("torch.arange with fractions")


def moment(exact: Handler) -> Handler:
    """torch.var and torch.std, which take a correction or the old ``unbiased``, alone or after the dimensions."""

    def call(
        x: torch.Tensor,
        dim: Any = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Any:
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        if correction is None:
            correction = 0 if unbiased is False else 1
        return exact(x, dim, correction=correction, keepdim=keepdim)

    return call


def moment_and_mean(exact: Handler) -> Handler:
    """torch.var_mean and torch.std_mean."""
    one = moment(exact)

    def call(x: torch.Tensor, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, **options: Any) -> Any:
        over = None if isinstance(dim, bool) else dim
        return one(x, dim, unbiased, keepdim, **options), functional.mean(x, over, keepdim)

    return call


def largest(native: Handler, exact: Handler) -> Handler:
    """torch.max and torch.min: of all numbers, along a dimension, of two tensors."""

    def call(x: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        if args or kwargs or not x.dtype.is_floating_point:
            return paired(native)(x, *args, **kwargs)
        return exact(x)

    return call


def loss(exact: Handler) -> Handler:
    """The old arguments that say the same as ``reduction``."""

    def call(*args: Any, size_average: bool | None = None, reduce: bool | None = None, **kwargs: Any) -> Any:
        if size_average is not None or reduce is not None:
            kwargs["reduction"] = _reduction.legacy_get_string(size_average, reduce)
        return exact(*args, **kwargs)

    return call
