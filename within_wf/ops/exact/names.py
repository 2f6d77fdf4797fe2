"""Functions of torch by what they do to bits: those that may stay as they are.

Functions are known by name: ``add`` is torch.add, Tensor.add, Tensor.add_ and the operators + and +=; a name after ``F.`` is
that of torch.nn.functional alone, whose arguments differ from those of the function of the same name in torch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import resolve_name

_SEEN = """
    data grad shape dtype device layout ndim is_leaf grad_fn requires_grad output_nr retains_grad itemsize nbytes T mT H mH
    real imag _version _base volatile is_cuda is_cpu is_sparse is_quantized is_nested is_meta is_mkldnn is_mps is_xpu dim
    size stride numel nelement element_size storage_offset is_contiguous is_floating_point is_complex is_signed is_same_size
    is_tensor is_inference is_conj is_neg is_pinned is_shared ndimension data_ptr untyped_storage storage get_device type
    type_as result_type can_cast is_nonzero is_distributed __len__ __bool__ __int__ __float__ __index__ __contains__
    __iter__ __format__ __repr__ __hash__ __dir__ __array__ __deepcopy__ __reduce_ex__ __setstate__ item tolist numpy
    get_default_dtype is_grad_enabled _set_grad_enabled set_grad_enabled _is_view broadcast_shapes register_hook retain_grad
    requires_grad_ register_post_accumulate_grad_hook equal allclose is_set_to dim_order is_autocast_enabled
    _has_compatible_shallow_copy_type has_torch_function _nested_tensor_from_mask_left_aligned
"""
"""What only looks at a tensor or at torch itself."""

_MOVED = """
    view view_as reshape reshape_as transpose t permute movedim moveaxis swapaxes swapdims squeeze unsqueeze flatten
    unflatten ravel contiguous clone detach narrow select split split_with_sizes tensor_split hsplit vsplit dsplit chunk
    unbind unsafe_chunk unsafe_split cat concat concatenate stack hstack vstack dstack column_stack atleast_1d atleast_2d
    atleast_3d roll flip fliplr flipud rot90 diagonal diag diag_embed tril triu meshgrid pixel_shuffle pixel_unshuffle
    channel_shuffle native_channel_shuffle masked_select to cpu cuda float double half bfloat16 int long short char byte
    bool set_ resolve_conj resolve_neg conj zero_ fill_ fill zeros ones empty full zeros_like ones_like empty_like full_like
    new_zeros new_ones new_empty new_full new_tensor new_empty_strided empty_strided tensor as_tensor asarray from_numpy
    scalar_tensor eye tril_indices triu_indices _pack_padded_sequence _pad_packed_sequence pin_memory share_memory_
"""
"""What moves numbers, makes constants, or rounds them to another format, and has gradients of the same kind."""

_SINGLE = """
    neg negative positive abs absolute sign sgn reciprocal square threshold hardshrink softshrink ceil floor round trunc fix
    frac nan_to_num deg2rad isnan isinf isfinite isposinf isneginf isreal logical_not bitwise_not __invert__ nonzero
    argwhere argmax argmin aminmax all any count_nonzero one_hot searchsorted bucketize isin
"""
"""What is one operation of IEEE 754 on each number, or compares them, and has gradients made of such operations."""

_PAIRED = """
    mul multiply where maximum minimum eq ne lt le gt ge equal greater greater_equal less less_equal not_equal logical_and
    logical_or logical_xor bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift __and__ __or__ __xor__
    __lshift__ __rshift__ copy clamp clip clamp_min clamp_max heaviside rsub isclose
"""
"""The same of two or three numbers; tensors of other shapes are expanded first, so that their gradients are exact sums."""


def words(*lines: str) -> frozenset[str]:
    """The words of some lines."""
    return frozenset(" ".join(lines).split())


SEEN, MOVED, SINGLE, PAIRED = (words(text) for text in (_SEEN, _MOVED, _SINGLE, _PAIRED))

_DUNDERS = {
    "__getitem__": "getitem",
    "__setitem__": "setitem",
    "__radd__": "add",
    "__iadd__": "add_",
    "__rmul__": "mul",
    "__imul__": "mul_",
    "__isub__": "sub_",
    "__truediv__": "div",
    "__div__": "div",
    "__itruediv__": "div_",
    "__idiv__": "div_",
    "true_divide": "div",
    "divide": "div",
    "true_divide_": "div_",
    "divide_": "div_",
    "subtract": "sub",
    "subtract_": "sub_",
    "multiply_": "mul_",
    "__ipow__": "pow_",
    "__imatmul__": "matmul_",
    "special_expit": "sigmoid",
    "special_erf": "erf",
    "special_log1p": "log1p",
    "special_logsumexp": "logsumexp",
    "special_softmax": "softmax",
    "special_log_softmax": "log_softmax",
    "linalg_matmul": "matmul",
    "log_sigmoid": "logsigmoid",
}
"""Names that mean another; ``__add__`` is ``add`` without being here."""


def name_of(function: Any) -> str:
    """A function's name as this table has it, with its ``_`` where it works in place."""
    if isinstance(function, (torch._ops.OpOverload, torch._ops.OpOverloadPacket)):
        return str(function)
    name = getattr(function, "__name__", "")
    if name in ("__get__", "__set__", "__delete__"):
        return str(getattr(function.__self__, "__name__", name))
    if name in _DUNDERS:
        return _DUNDERS[name]
    if getattr(function, "__module__", None) == "torch.autograd":
        return f"autograd.{name}"  # not the attribute of a tensor
    if name.startswith("__") and name.endswith("__"):
        bare = name[2:-2]
        return bare if hasattr(torch.Tensor, bare) else name
    return name.removeprefix("special_")


def title_of(function: Any) -> str:
    """A function's name for a person: ``torch.nn.functional.ctc_loss``."""
    if isinstance(function, (torch._ops.OpOverload, torch._ops.OpOverloadPacket)):
        return f"torch.ops.{function}"
    return resolve_name(function) or f"{getattr(function, '__module__', None) or 'torch'}.{name_of(function)}"
