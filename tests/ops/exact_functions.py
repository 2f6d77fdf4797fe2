"""A call of every function of torch that the mode of exact layers knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812 - its usual name

from within_wf.ops.exact.names import MOVED, PAIRED, SEEN, SINGLE, words
from within_wf.ops.exact.table import TURNED

INDEX = torch.tensor([2, 0, 2, 1])
_MASK = torch.tensor([[True, False, True, True, False, True]] * 4)
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "view": (6, 4),
    "reshape": (2, -1),
    "transpose": (0, 1),
    "permute": (1, 0),
    "movedim": (0, 1),
    "moveaxis": (0, 1),
    "swapaxes": (0, 1),
    "swapdims": (0, 1),
    "unsqueeze": (0,),
    "unflatten": (1, (2, 3)),
    "narrow": (1, 1, 3),
    "select": (1, 2),
    "split": (2,),
    "split_with_sizes": ([1, 3],),
    "tensor_split": (2,),
    "unsafe_split": (2,),
    "hsplit": (2,),
    "vsplit": (2,),
    "chunk": (2,),
    "unsafe_chunk": (2,),
    "roll": (1, 0),
    "flip": ([0],),
    "masked_select": (_MASK,),
    "to": (torch.float64,),
    "clamp": (-0.5, 0.5),
    "clip": (-0.5, 0.5),
    "clamp_min": (0.1,),
    "clamp_max": (0.1,),
    "threshold": (0.1, -1.0),
    "expand": (2, 4, 6),
    "broadcast_to": ((2, 4, 6),),
    "repeat": (2, 3),
    "tile": ((2, 3),),
    "repeat_interleave": (2, 1),
    "unfold": (1, 3, 1),
    "gather": (0, INDEX[None].expand(3, 4)),
    "take": (INDEX,),
    "take_along_dim": (INDEX[:, None], 1),
    "index_select": (0, INDEX),
    "softmax": (-1,),
    "log_softmax": (-1,),
    "logsumexp": (-1,),
    "cumsum": (1,),
    "sum": (1,),
    "mean": (0, True),
    "var": (1,),
    "std": (1,),
    "var_mean": (1,),
    "std_mean": (1,),
    "topk": (2,),
    "glu": (-1,),
    "pixel_shuffle": (2,),
}


def x(*shape: int, seed: int = 0, positive: bool = False) -> torch.Tensor:
    """Numbers away from the places where a slope jumps."""
    draws = torch.Generator().manual_seed(seed + 17)
    drawn = torch.randn(*(shape or (4, 6)), generator=draws)
    return drawn.abs() + 0.2 if positive else drawn


POSITIVE = {"log", "log1p", "sqrt", "rsqrt", "pow"}
SIGNATURES: dict[str, Callable[[], tuple[Callable[..., Any], tuple[torch.Tensor, ...]]]] = {
    "var": lambda: (
        lambda a: (a.var(), a.var(1), a.var(0, False), a.std(0, keepdim=True), torch.var(a, 1, correction=2)),
        (x(),),
    ),
    "cat": lambda: (lambda a, b: torch.cat([a, b]), (x(), x(seed=1))),
    "stack": lambda: (lambda a, b: torch.stack([a, b], 1), (x(), x(seed=1))),
    "hstack": lambda: (lambda a, b: torch.hstack([a, b]), (x(), x(seed=1))),
    "vstack": lambda: (lambda a, b: torch.vstack([a, b]), (x(), x(seed=1))),
    "where": lambda: (lambda a, b: torch.where(a > 0, a, b), (x(), x(6, seed=1))),
    "pixel_shuffle": lambda: (lambda a: torch.pixel_shuffle(a, 2), (x(1, 4, 2, 3),)),
    "pixel_unshuffle": lambda: (lambda a: torch.pixel_unshuffle(a, 2), (x(1, 1, 4, 6),)),
    "channel_shuffle": lambda: (lambda a: F.channel_shuffle(a, 2), (x(1, 4, 2, 3),)),
    "max": lambda: (lambda a: (a.max(), *a.max(1)), (x(),)),
    "min": lambda: (lambda a: (a.min(), *torch.min(a, 0)), (x(),)),
    "amax": lambda: (lambda a: (a.amax(), a.amax(1), a.amin((0, 1))), (x(),)),
    "add": lambda: (
        lambda a, b: (a + b, torch.add(a, b, alpha=0.3), a.clone().add_(b), a.clone().add_(b, alpha=0.3), 2 + a),
        (x(), x(6, seed=1)),
    ),
    "sub": lambda: (lambda a, b: (a - b, torch.sub(a, b, alpha=0.3), a.clone().sub_(b), 2 - a), (x(), x(1, seed=1))),
    "mul": lambda: (lambda a, b: (a * b, a.clone().mul_(b), 2 * a), (x(), x(4, 1, seed=1))),
    "div": lambda: (lambda a, b: (a / b, a / 3, a.clone().div_(b)), (x(), x(6, seed=1, positive=True))),
    "rdiv": lambda: (lambda a: 2 / a, (x(positive=True),)),
    "masked_fill": lambda: (
        lambda a, b: (
            a.masked_fill(_MASK, 2.0),
            a[0].masked_fill(_MASK, b[0].detach()),
            a.masked_fill(_MASK, b[0]),
            a.clone().masked_fill_(_MASK[0], -1.0),
        ),
        (x(), x(6, seed=1)),
    ),
    "copy_": lambda: (lambda a, b: torch.zeros_like(a).copy_(b), (x(), x(6, seed=1))),
    "clamp, named": lambda: (lambda a, b: torch.clamp(a, min=b), (x(), x(6, seed=1) - 2)),
    "add, named": lambda: (lambda a, b: torch.add(input=a, other=b), (x(), x(6, seed=1))),
    "maximum": lambda: (torch.maximum, (x(), x(6, seed=1))),
    "minimum": lambda: (torch.minimum, (x(), x(6, seed=1))),
    "clamp, tensors": lambda: (torch.clamp, (x(), x(6, seed=1) - 2, x(1, seed=2) + 2)),
    "pow": lambda: (
        lambda a, b: (a**2, a**3, a**0.5, a**-0.5, a**-1, a**-2, a**1.7, a**b, 2**a, a.clone().pow_(2), a.square()),
        (x(positive=True), x(6, seed=1)),
    ),
    "getitem": lambda: (
        lambda a: (a[INDEX], a[:, INDEX], a[1:3, [0, 0]], a[a > 0], a[torch.arange(4), INDEX], a[..., None, 2], a[-INDEX - 1]),
        (x(),),
    ),
    "setitem": lambda: (_written, (x(), x(6, seed=1))),
    "expand_as": lambda: (lambda a: a.expand_as(torch.zeros(3, 4, 6)), (x(),)),
    "broadcast_tensors": lambda: (torch.broadcast_tensors, (x(), x(6, seed=1))),
    "exp_": lambda: (lambda a: a.clone().exp_(), (x(),)),
    "relu_": lambda: (lambda a: (a.clone().relu_(), F.relu(a.clone(), inplace=True), F.silu(a.clone(), inplace=True)), (x(),)),
    "matmul": lambda: (
        lambda a, b, c: (a @ b, b.mT @ c, torch.matmul(a[0, 0], b), b.mT[0].matmul(c[0, :, 0]), a.matmul(b[0])),
        (x(2, 3, 4, 6), x(3, 6, 5, seed=1), x(3, 6, 2, seed=2)),
    ),
    "einsum": lambda: (
        lambda a, b: (
            torch.einsum("bij,bjk->bik", a, b),
            torch.einsum("...ij,...jk", a, b),
            torch.einsum("bij,bjk,bi->k", a, b, a[:, :, 0]),
            torch.einsum("bij->j", a),
            torch.einsum("bii->bi", a[:, :4, :4]),
        ),
        (x(2, 4, 6), x(2, 6, 5, seed=1)),
    ),
    "mm": lambda: (torch.mm, (x(), x(6, 3, seed=1))),
    "mv": lambda: (torch.mv, (x(), x(6, seed=1))),
    "dot": lambda: (torch.dot, (x(6), x(6, seed=1))),
    "inner": lambda: (lambda a, b: (torch.inner(a, b), torch.inner(a[0], b[1, 1])), (x(), x(3, 2, 6, seed=1))),
    "outer": lambda: (torch.outer, (x(6), x(4, seed=1))),
    "ger": lambda: (torch.ger, (x(6), x(4, seed=1))),
    "bmm": lambda: (torch.bmm, (x(2, 3, 4), x(2, 4, 5, seed=1))),
    "addmm": lambda: (lambda a, b, c: torch.addmm(a, b, c, beta=0.5, alpha=2), (x(3), x(4, 6, seed=1), x(6, 3, seed=2))),
    "baddbmm": lambda: (
        lambda a, b, c: torch.baddbmm(a, b, c, beta=0.5, alpha=2),
        (x(2, 1, 5), x(2, 3, 4, seed=1), x(2, 4, 5, seed=2)),
    ),
    "linear": lambda: (F.linear, (x(2, 4, 6), x(3, 6, seed=1), x(3, seed=2))),
    "lerp": lambda: (torch.lerp, (x(), x(6, seed=1), x(1, seed=2))),
    "addcmul": lambda: (lambda a, b, c: torch.addcmul(a, b, c, value=0.3), (x(6), x(seed=1), x(6, seed=2))),
    "addcdiv": lambda: (lambda a, b, c: torch.addcdiv(a, b, c, value=0.3), (x(6), x(seed=1), x(6, seed=2, positive=True))),
    "prelu": lambda: (F.prelu, (x(2, 3, 5), x(3, seed=1))),
    "norm": lambda: (
        lambda a: (a.norm(), a.norm(dim=1), torch.norm(a, 1, 0), torch.linalg.vector_norm(a, float("inf"), 1), F.normalize(a)),
        (x(),),
    ),
    "cosine_similarity": lambda: (F.cosine_similarity, (x(), x(seed=1))),
    "pairwise_distance": lambda: (F.pairwise_distance, (x(), x(seed=1))),
    "sort": lambda: (lambda a: (a.sort(1).values, a.argsort(0), torch.sort(a, descending=True).values, a.topk(2)[0]), (x(),)),
    "rms_norm": lambda: (lambda a, b: F.rms_norm(a, (6,), b), (x(), x(6, seed=1))),
    "layer_norm": lambda: (lambda a, b, c: F.layer_norm(a, (6,), b, c), (x(), x(6, seed=1), x(6, seed=2))),
    "group_norm": lambda: (lambda a, b, c: F.group_norm(a, 2, b, c), (x(2, 6, 5), x(6, seed=1), x(6, seed=2))),
    "batch_norm": lambda: (
        lambda a, b, c: F.batch_norm(a, torch.zeros(6), torch.ones(6), b, c, training=True),
        (x(3, 6, 5), x(6, seed=1), x(6, seed=2)),
    ),
    "embedding": lambda: (lambda a: F.embedding(INDEX, a), (x(),)),
    "scaled_dot_product_attention": lambda: (
        F.scaled_dot_product_attention,
        (x(2, 3, 5, 8), x(2, 3, 7, 8, seed=1), x(2, 3, 7, 8, seed=2)),
    ),
    "conv1d": lambda: (lambda a, b, c: F.conv1d(a, b, c, padding=1), (x(2, 4, 9), x(3, 4, 3, seed=1), x(3, seed=2))),
    "conv2d": lambda: (lambda a, b: F.conv2d(a, b, stride=2, groups=2), (x(2, 4, 9, 8), x(6, 2, 3, 3, seed=1))),
    "avg_pool1d": lambda: (lambda a: F.avg_pool1d(a, 3), (x(2, 4, 9),)),
    "avg_pool2d": lambda: (lambda a: F.avg_pool2d(a, 3, 2), (x(2, 4, 9, 8),)),
    "max_pool1d": lambda: (lambda a: F.max_pool1d(a, 3), (x(2, 4, 9),)),
    "max_pool2d": lambda: (lambda a: F.max_pool2d(a, 3, 2, 1), (x(2, 4, 9, 8),)),
    "adaptive_avg_pool1d": lambda: (lambda a: F.adaptive_avg_pool1d(a, 4), (x(2, 4, 9),)),
    "adaptive_avg_pool2d": lambda: (lambda a: F.adaptive_avg_pool2d(a, (3, 2)), (x(2, 4, 9, 8),)),
    "adaptive_max_pool1d": lambda: (lambda a: F.adaptive_max_pool1d(a, 4), (x(2, 4, 9),)),
    "adaptive_max_pool2d": lambda: (lambda a: F.adaptive_max_pool2d(a, (3, 2)), (x(2, 4, 9, 8),)),
    "pad": lambda: (
        lambda a: (F.pad(a, (1, 2)), F.pad(a, (1, 2), "reflect"), F.pad(a, (2, 1), "replicate"), F.pad(a, (2, 1), "circular")),
        (x(2, 4, 6),),
    ),
    "interpolate": lambda: (lambda a: F.interpolate(a, scale_factor=2), (x(2, 3, 4, 5),)),
    "lstm": lambda: (_recurrent, (x(5, 3, 4), x(2, 3, 2, seed=1), *(x(8, 4, seed=2), x(8, 2, seed=3)) * 2)),
    "mse_loss": lambda: (F.mse_loss, (x(), x(seed=1))),
    "l1_loss": lambda: (F.l1_loss, (x(), x(seed=1))),
    "huber_loss": lambda: (F.huber_loss, (x(), x(seed=1))),
    "smooth_l1_loss": lambda: (F.smooth_l1_loss, (x(), x(seed=1))),
    "margin_ranking_loss": lambda: (lambda a, b: F.margin_ranking_loss(a, b, torch.ones(6)), (x(6), x(6, seed=1))),
    "binary_cross_entropy_with_logits": lambda: (
        lambda a: F.binary_cross_entropy_with_logits(a, torch.full((4, 6), 0.3)),
        (x(),),
    ),
    "cross_entropy": lambda: (lambda a: F.cross_entropy(a, INDEX, label_smoothing=0.1), (x(),)),
    "nll_loss": lambda: (lambda a: F.nll_loss(a, INDEX), (x(),)),
    "softsign": lambda: (lambda a: (F.softsign(a), F.tanhshrink(a), F.softmin(a, 1)), (x(),)),
}
"""Functions that take more than a tensor and the arguments above; made of calls as a model would write them."""


def _written(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    a = a.clone()
    a[1:3] = b
    a[INDEX[:2], 1] = 0.5
    return a


def _recurrent(a: torch.Tensor, h: torch.Tensor, *weights: torch.Tensor) -> Any:
    return torch._VF.lstm(a, (h, h), weights, False, 1, 0.0, False, True, False)  # type: ignore[attr-defined]


UNCALLED = SEEN | words(
    # make constants
    "zeros ones empty full zeros_like ones_like empty_like full_like new_zeros new_ones new_empty new_full new_tensor",
    "new_empty_strided empty_strided tensor as_tensor asarray from_numpy scalar_tensor eye tril_indices triu_indices arange",
    "fill",
    # are of whole numbers
    "bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_left_shift bitwise_right_shift __and__ __or__ __xor__ __lshift__",
    "__rshift__ __invert__ one_hot int long short char byte searchsorted bucketize isin",
    # need a GPU, are other names of what is called, or are called as part of an LSTM or an encoder
    "cuda pin_memory share_memory_ dstack column_stack concat concatenate dsplit view_as reshape_as meshgrid",
    "native_channel_shuffle _nested_tensor_from_mask _pack_padded_sequence _pad_packed_sequence",
    # draw
    "dropout dropout1d dropout2d bernoulli",
    # have no gradient in torch
    "heaviside",
)
"""Known functions that no call below reaches with numbers that have a gradient."""


def calls() -> Iterator[tuple[str, Callable[..., Any], tuple[torch.Tensor, ...]]]:
    """Name, function, tensors."""
    for name, make in SIGNATURES.items():
        yield (name, *make())
    for name in sorted((MOVED | SINGLE | PAIRED | {name.removeprefix("F.") for name in TURNED}) - set(SIGNATURES)):
        if name in ("copy", "linalg_vector_norm") or name in UNCALLED or name.endswith("_"):
            continue
        function = getattr(torch.Tensor, name, None) or getattr(torch, name, None) or getattr(F, name)
        tensors = (x(positive=name in POSITIVE), *((x(6, seed=1),) if name in PAIRED and name not in ARGUMENTS else ()))
        more = ARGUMENTS.get(name, ())
        yield name, lambda *given, f=function, m=more: f(*given, *m), tensors
