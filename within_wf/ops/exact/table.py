"""What each function of torch becomes where it must be exact."""

from __future__ import annotations

import functools
import types
from collections.abc import Mapping
from typing import Any

import torch

from within_wf.ops.exact import adapters, composites, contraction, functional, indexing, recurrent
from within_wf.ops.exact.mode import WALK, Handler, NotExactError, handlers
from within_wf.ops.exact.names import MOVED, PAIRED, SEEN, SINGLE, name_of, title_of, words

_ELEMENTWISE = words(
    "celu cos elu erf exp expm1 gelu hardsigmoid hardswish leaky_relu log log1p logsigmoid mish rsqrt selu sigmoid silu sin",
    "softplus sqrt tanh",
)
_BOUNDED = words("hardtanh relu relu6")
"""Functions that torch also has of whole numbers."""
_LOSSES = (
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
)
_SAME = {
    functional: words(
        "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d avg_pool1d avg_pool2d bernoulli bmm",
        "conv1d conv2d dropout linear logsumexp max_pool1d max_pool2d mm scaled_dot_product_attention",
    ),
    composites: words("addcdiv addcmul argsort cosine_similarity cumsum glu lerp norm outer pairwise_distance prelu"),
    contraction: words("baddbmm dot einsum inner matmul mv"),
    indexing: words("expand"),
}
"""Where the functions stand that take what torch's take."""

_REDUCED: Mapping[str, Handler] = {
    "sum": torch.sum,
    "mean": torch.mean,
    "cumsum": torch.cumsum,
}
"""Sums, and what torch does with whole numbers."""

TURNED: Mapping[str, Handler] = {
    **{name: getattr(module, name) for module, names in _SAME.items() for name in names},
    **{name: adapters.unary(getattr(functional, name)) for name in _ELEMENTWISE},
    **{name: adapters.reduced(getattr(functional, name), getattr(torch.nn.functional, name)) for name in _BOUNDED},
    **{f"F.{name}": adapters.loss(getattr(functional, name)) for name in _LOSSES},
    **{
        f"F.{name}": getattr(functional, name)
        for name in ("batch_norm", "dropout1d", "dropout2d", "embedding", "group_norm", "layer_norm", "rms_norm")
    },
    "rms_norm": functional.rms_norm,
    "softmax": adapters.softmaxed(functional.softmax),
    "log_softmax": adapters.softmaxed(functional.log_softmax),
    **{name: adapters.reduced(getattr(functional, name), native) for name, native in _REDUCED.items()},
    **{name: adapters.moment(getattr(functional, name)) for name in ("var", "std")},
    **{f"{name}_mean": adapters.moment_and_mean(getattr(functional, name)) for name in ("var", "std")},
    "max": adapters.largest(torch.max, functional.amax),
    "min": adapters.largest(torch.min, functional.amin),
    "amax": adapters.reduced(functional.amax, torch.amax),
    "amin": adapters.reduced(functional.amin, torch.amin),
    "addmm": adapters.addmm,
    "add": adapters.added(torch.add, composites.add),
    "sub": adapters.added(torch.sub, composites.sub),
    "add_": adapters.added(torch.Tensor.add_, composites.add_, in_place=True),
    "sub_": adapters.added(torch.Tensor.sub_, composites.sub_, in_place=True),
    "masked_fill": adapters.masked_fill,
    "div": adapters.div,
    "pow": adapters.power,
    "ger": composites.outer,
    "linalg_vector_norm": composites.vector_norm,
    "lstm": recurrent.torch_lstm,
    "sort": adapters.named("sort", composites.sort),
    "topk": adapters.named("topk", composites.topk),
    "expand_as": adapters.expand_as,
    "broadcast_to": indexing.expand,
    "broadcast_tensors": adapters.broadcast_tensors,
    "getitem": indexing.getitem,
    "setitem": adapters.setitem,
    "index_select": adapters.index_select,
    "F.pad": adapters.pad,
    "F.interpolate": adapters.interpolate,
    "arange": adapters.arange,
    **{
        name: adapters.copied(getattr(torch.Tensor, name))
        for name in ("gather", "repeat", "repeat_interleave", "take", "take_along_dim", "tile", "unfold")
    },
}
"""A function's name, after ``F.`` one of torch.nn.functional alone, to what is called with its arguments."""


def handler_of(function: Any) -> Handler:
    """What is called in place of a function of torch: it itself, another, or what refuses it."""
    if isinstance(function, (torch._ops.OpOverload, torch._ops.OpOverloadPacket)):
        return _of_operator(function)
    name = name_of(function)
    base = name[:-1] if name.endswith("_") and not name.endswith("__") else name
    is_functional = getattr(function, "__module__", "") == "torch.nn.functional"
    turned = (TURNED.get(f"F.{base}") if is_functional else None) or TURNED.get(name) or TURNED.get(base)
    if name in TURNED and base != name:
        return TURNED[name]
    if turned is not None:
        return _in_place(turned) if base != name else _with_torchs_arguments(turned, title_of(function))
    if base in PAIRED:
        return adapters.paired(function, in_place=base != name)
    if not {name, base}.isdisjoint(SEEN | MOVED | SINGLE):
        return function  # type: ignore[no-any-return]
    return WALK if isinstance(function, types.FunctionType) else functools.partial(_refuse, function)


def _of_operator(function: Any) -> Handler:
    packet = function.overloadpacket if isinstance(function, torch._ops.OpOverload) else function
    namespace, _, name = packet._qualified_op_name.partition("::")
    if namespace == "within" or (namespace == "aten" and name in SEEN | MOVED | SINGLE):
        return function  # type: ignore[no-any-return]
    return functools.partial(_refuse, function)


def _refuse(function: Any, *args: Any, **kwargs: Any) -> Any:
    """A function that is in no table: without floating-point numbers there is nothing that could differ."""
    if not adapters.has_fractions((args, kwargs)):
        result = function(*args, **kwargs)
        if not adapters.has_fractions(result):
            return result
    raise NotExactError(title_of(function))


def _with_torchs_arguments(exact: Handler, title: str) -> Handler:
    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            if kwargs.pop("out", None) is not None:
                raise NotExactError(f"{title} with out=")
            first = kwargs.pop("input", kwargs.pop("self", None))
            if first is not None:
                args = (first, *args)
            kwargs.pop("_stacklevel", None)
            for numpys, torchs in (("axis", "dim"), ("keepdims", "keepdim")):
                if numpys in kwargs:
                    kwargs[torchs] = kwargs.pop(numpys)
            if kwargs.pop("inplace", False):
                return _in_place(exact)(*args, **kwargs)
        return exact(*args, **kwargs)

    return call


def _in_place(exact: Handler) -> Handler:
    """The first argument becomes what the function makes of it, or of a copy that its gradient may need."""

    def call(x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        before = x.clone() if torch.is_grad_enabled() and x.requires_grad else x
        return x.copy_(exact(before, *args, **kwargs))

    return call


def _is_refused(handler: Handler | None) -> bool:
    return handler is None or getattr(handler, "func", None) is _refuse


# All at once, and not when they are met first: torch.compile reads what is here, but cannot follow how it came about. Names of
# one function in C, torch.mm and torch.spmm, are one key.
for _functions in torch.overrides.get_overridable_functions().values():
    for _function in _functions:
        if _is_refused(handlers.get(_function)):
            handlers[_function] = handler_of(_function)
