"""ATen's operators by what they can do to bits.

An operator is safe where each number that comes out is a copy, a comparison or one operation of IEEE 754: then it is the same
in every kernel, vector width, thread and on every device. ``tests/ops/test_exact_aten.py`` runs each of them with
ATEN_CPU_CAPABILITY default, avx2 and avx512 and compares bits. What is in no list is unsafe.

The sign of a NaN, and of a zero out of fmax or fmin, is the kernel's: operators that show it (signbit, copysign) are not safe.

Two operations of one kernel are not safe even where each is: ATen's CPU kernels are compiled with contraction, so that a
product and a sum become one fused operation in some vector widths and not in others (addcmul, lerp, hardswish, add with alpha).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from within_wf.ops.exact.adapters import has_fractions, tensors_in

Condition = Callable[[tuple[Any, ...], dict[str, Any]], bool]

_MOVES = """
    view _unsafe_view reshape _reshape_alias view_as expand expand_as permute transpose t numpy_T select slice narrow
    unsqueeze squeeze unbind split split_with_sizes chunk tensor_split as_strided alias detach clone copy _to_copy to
    contiguous lift_fresh lift cat stack flip roll repeat repeat_interleave tile index_select gather take index embedding
    masked_select diagonal diag_embed tril triu unfold constant_pad_nd pixel_shuffle pixel_unshuffle channel_shuffle
    native_channel_shuffle flatten unflatten movedim reflection_pad1d reflection_pad2d replication_pad1d replication_pad2d
    upsample_nearest1d upsample_nearest2d select_backward slice_backward diagonal_backward select_scatter slice_scatter
    diagonal_scatter as_strided_scatter masked_scatter masked_scatter_backward _pack_padded_sequence
    _pack_padded_sequence_backward _pad_packed_sequence empty empty_like empty_strided new_empty new_empty_strided new_zeros
    new_ones new_full zeros ones full zeros_like ones_like full_like zero fill scalar_tensor eye tril_indices triu_indices
    resize _local_scalar_dense is_same_size nonzero is_nonzero _has_same_storage_numel view_as_real view_as_complex meshgrid
    set_ real rot90 unsafe_split _efficientzerotensor _nested_tensor_from_mask_left_aligned
"""
_SINGLE = """
    mul neg positive abs sgn sign reciprocal square relu threshold threshold_backward leaky_relu leaky_relu_backward
    hardtanh hardtanh_backward hardshrink hardshrink_backward softshrink softshrink_backward clamp clamp_min clamp_max
    maximum minimum where masked_fill eq ne lt le gt ge equal logical_not logical_and logical_or logical_xor isnan isinf
    isfinite isposinf isneginf isclose ceil floor trunc frac nan_to_num heaviside deg2rad max min amax amin aminmax argmax
    argmin value_selecting_reduction_backward any all count_nonzero searchsorted bucketize isin
"""

WHY: Mapping[str, str] = {
    **dict.fromkeys(_MOVES.split(), "copies numbers, looks at them otherwise, or rounds them once to another format"),
    **dict.fromkeys(_SINGLE.split(), "one operation or comparison of IEEE 754 on each number"),
}
"""The safe operators, without their ``_`` where they work in place, and why they are."""


def _one(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return bool(kwargs.get("alpha", args[2] if len(args) > 2 else 1) == 1)


def _power(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return isinstance(args[0], torch.Tensor) and not isinstance(args[1], torch.Tensor) and args[1] in (-2, -1, 0, 1, 2, 3)


def _quotient(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    # On a GPU a number that lies on the CPU becomes its reciprocal, rounded, and then a factor.
    other = args[1]
    is_on_device = isinstance(other, torch.Tensor) and other.device == args[0].device
    return kwargs.get("rounding_mode") is None and (args[0].device.type == "cpu" or is_on_device)


def _whole(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    dtype = kwargs.get("dtype") or args[0].dtype
    return not dtype.is_floating_point and not args[0].dtype.is_floating_point


def _alone(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """A sum over whole numbers, or over dimensions of size 1."""
    dims = kwargs.get("dim", args[1] if len(args) > 1 else None)
    x = args[0]
    over = range(x.dim()) if not dims and dims != 0 else [dims] if isinstance(dims, int) else dims
    return _whole(args, kwargs) or all(x.shape[dim] == 1 for dim in over)


def _stable(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return kwargs.get("stable") is True


def _steps(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return all(float(value).is_integer() and abs(value) < 1 << 24 for value in args if isinstance(value, (int, float)))


def _places(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Scatter: each place is written once, or with one value."""
    x, dim, index, source = args[:4]
    if kwargs.get("reduce") is not None or len(args) > 4:
        return False
    if not isinstance(source, torch.Tensor):
        return True
    numbers = torch.arange(index.numel(), device=x.device).reshape(index.shape)
    written = torch.full(x.shape, -1, device=x.device).scatter_(dim, index, numbers)
    return bool((written >= 0).sum() == index.numel())


def _put(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """index_put: each place is written once, or with one value."""
    x, index, values = args[:3]
    if kwargs.get("accumulate", args[3] if len(args) > 3 else False):
        return False
    if values.numel() == 1:
        return True
    written = torch.full(x.shape, -1, device=x.device)
    shape = written[tuple(slice(None) if part is None else part for part in index)].shape
    numbers = torch.arange(shape.numel(), device=x.device).reshape(shape)
    written.index_put_(tuple(index), numbers)
    return int((written >= 0).sum()) == shape.numel()


CONDITIONS: Mapping[str, Condition] = {
    "add": _one,
    "sub": _one,
    "rsub": _one,
    "div": _quotient,
    "pow": _power,
    "sum": _alone,
    "prod": _whole,
    "cumsum": _whole,
    "round": lambda args, kwargs: not kwargs.get("decimals"),
    "sort": _stable,
    "arange": _steps,
    "scatter": _places,
    "index_put": _put,
    "_index_put_impl": _put,
    "_unsafe_index_put": _put,
}
"""Operators that are safe with some arguments."""

REASONS: Mapping[str, str] = {
    "sqrt": "is not correctly rounded by ATen's CPU kernels",
    **dict.fromkeys(
        ("exp", "log", "log1p", "tanh", "sigmoid", "erf", "sin", "cos", "pow", "gelu", "silu"),
        "approximated anew by each kernel",
    ),
    **dict.fromkeys(
        ("mm", "addmm", "bmm", "baddbmm", "mv", "dot", "convolution"), "sums of products in the order of a library"
    ),
    **dict.fromkeys(
        ("sum", "mean", "var", "_softmax", "_log_softmax", "native_layer_norm"), "a sum in the order of its kernel"
    ),
    **dict.fromkeys(("index_add", "scatter_add", "index_put", "embedding_dense_backward"), "a sum in the order of its threads"),
    **dict.fromkeys(("addcmul", "addcdiv", "lerp", "add", "sub", "hardswish"), "a product and a sum, fused or not"),
    "sort": "equal numbers in the order of its kernel",
    "scatter": "writes a place more than once",
}
"""What an unsafe operator does; others are not known to be safe."""


def objection(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> str | None:
    """Why an operator can change bits; none where it cannot.

    Args:
        name: As in ``aten::add_``, without the overload.
        args: What it was called with.
        kwargs: The same, by name.
        result: What came out.
    """
    if not has_fractions((args, kwargs)) and not has_fractions(result):
        return None
    if any(tensor.dtype.is_complex for tensor in tensors_in((args, kwargs, result))):
        return "complex numbers: several operations in one"
    namespace, _, bare = name.partition("::")
    base = bare[:-1] if bare.endswith("_") else bare.removesuffix("_copy")
    if namespace == "within":
        return None
    if namespace == "aten" and (base in WHY or bare in WHY):
        return None
    condition = CONDITIONS.get(base) if namespace == "aten" else None
    if condition is not None and condition(args, kwargs):
        return None
    return REASONS.get(base, "not known to be one operation on each number")
