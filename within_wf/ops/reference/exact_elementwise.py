"""Elementwise functions of float32 in plain torch, in the order of docs/exact/elementwise.md."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import torch

from within_wf.ops.reference.exact import fma

T = torch.Tensor
ROUND = 1.5 * 2**23
EXP = "0x1.6a2178p-10 0x1.123b8ap-7 0x1.5558fcp-5 0x1.555490p-3 0x1.fffffcp-2"
EXPM1 = "0x1.9e7d64p-13 0x1.6d3aa0p-10 0x1.1112d4p-7 0x1.5554f8p-5 0x1.555554p-3 0x1p-1"
LOG = (
    "0x1.146318p-4 -0x1.de4fa2p-4 0x1.e6f606p-4 -0x1.fc1f6cp-4 0x1.2336e2p-3 -0x1.555c5ap-3 0x1.99a4bcp-3 -0x1.000006p-2 "
    "0x1.555548p-2"
)
TANH = "-0x1.768488p-8 0x1.524e66p-6 -0x1.b8430ep-5 0x1.110760p-3 -0x1.555534p-2"
ERF = "-0x1.39c944p-11 0x1.473114p-8 -0x1.b68b54p-6 0x1.ce1a92p-4 -0x1.8126e8p-2 0x1.06eba6p-3"
LOG_ERFC = "-0x1.819b56p-17 0x1.5538dcp-12 -0x1.ded11ep-9 0x1.85afa2p-6 -0x1.b340d6p-4 -0x1.45307cp-1 -0x1.077ae8p-3"
TAIL = (
    "0x1.d8f4d2p-12 0x1.0fe6aep-11 -0x1.119f1ep-8 0x1.3890c4p-10 0x1.33279ap-5 -0x1.364f82p-3 0x1.6968eap-2 -0x1.2d2708p-1 "
    "0x1.80268cp-1"
)
SINE = "0x1.7c34b6p-19 -0x1.a05962p-13 0x1.111174p-7 -0x1.555556p-3"
COSINE = "0x1.99e908p-16 -0x1.6c0c2ap-10 0x1.55554ap-5"
POW_LOG = "0x1.9115a20fd391ap-4 0x1.c62b1342d442fp-4 0x1.249411f2969eap-3 0x1.999996a93f5c9p-3 0x1.555555561e476p-2"
POW_EXP = (
    "0x1.9f08a2565bf17p-13 0x1.6d8cf77496429p-10 0x1.111270953854bp-7 0x1.55548dd4e56b0p-5 0x1.555554435e8b3p-3 "
    "0x1.0000003a1c695p-1"
)
LOG2_HIGH, LOG2_LOW = float.fromhex("0x1.62e430p-1"), float.fromhex("-0x1.05c610p-29")


def all_of(x: T, value: float) -> T:
    """The number, as float32, for every element."""
    return torch.full_like(x, value)


def fused(a: T, b: T | float, c: T | float) -> T:
    """The sum a b + c, rounded once."""
    return fma(a, b if isinstance(b, T) else all_of(a, b), c if isinstance(c, T) else all_of(a, c))


def polynomial(coefficients: str, x: T) -> T:
    """The first coefficient times the highest power: a chain of fused multiply-adds."""
    first, *rest = (float.fromhex(one) for one in coefficients.split())
    p = all_of(x, first)
    for one in rest:
        p = fused(p, x, one)
    return p


def power_of_two(n: T) -> T:
    """2^n of whole n, as float32."""
    return ((n.to(torch.int32) + 127) << 23).view(torch.float32)


def reduced(x: T) -> tuple[T, T]:
    """The parts n and r of x = n log 2 + r."""
    n = fused(x, 1.44269504, ROUND) - ROUND
    return n, fused(n, -LOG2_LOW, fused(n, -LOG2_HIGH, x))


def exp_reduced(x: T) -> tuple[T, T]:
    """The parts n and exp(r) of exp(x)."""
    n, r = reduced(x)
    p = polynomial(EXP, r)
    return n, fused(p * r, r, r) + 1


def exp_bounded(x: T) -> T:
    """The power of x that is not far out."""
    n, p = exp_reduced(x)
    half = torch.floor(n / 2)
    return p * power_of_two(half) * power_of_two(n - half)


def lifted_exp(x: T) -> T:
    """The power of x that is not far above 0, times 2^64."""
    n, p = exp_reduced(x)
    return p * power_of_two(n + 64)


def lowered(x: T) -> T:
    """Without the 2^64."""
    return x * 2.0**-64


def lifted_exp_of_minus(x: T) -> T:
    """The power of -|x|, times 2^64."""
    return lifted_exp((-x.abs()).clamp_min(-112.5))


def exp_of_minus(x: T) -> T:
    """The power of -|x|."""
    return lowered(lifted_exp_of_minus(x))


def lifted_exp_square(t: T, c: float) -> T:
    """The power of -c t^2, times 2^64."""
    scaled = t * -c
    product = scaled * t
    power = lifted_exp(product)
    return fused(power, fused(scaled, t, -product), power)


def exp(x: T) -> T:
    """As the page's exp."""
    return exp_bounded(x.clamp(-104, 89))


def expm1(x: T) -> T:
    """As the page's expm1."""
    n, r = reduced(x.clamp(-30, 89))
    p = polynomial(EXPM1, r)
    p = fused(p * r, r, r)
    half = power_of_two(n - 1)
    return torch.where(x == 0, x, torch.where(n == 0, p, 2 * fused(p, half, half - 0.5)))


def _split(x: T) -> tuple[T, T]:
    root = 0x3F3504F3
    bits = x.view(torch.int32).to(torch.int64) - root
    mantissa = ((bits & 0x7FFFFF) + root).to(torch.int32).view(torch.float32)
    return (bits >> 23).float(), mantissa - 1


def _log_of(k: T, f: T) -> T:
    p = polynomial(LOG, f)
    square = f * f
    rest = fused(square, -0.5, fused(k, LOG2_LOW, p * (f * square)))
    return fused(k, LOG2_HIGH, f + rest)


def log(x: T) -> T:
    """As the page's log."""
    tiny = 2.0**-126
    k, f = _split(torch.where(x < tiny, x * 2.0**23, x))
    result = _log_of(torch.where(x < tiny, k - 23, k), f)
    result = torch.where(x == math.inf, x, torch.where(x == 0, -math.inf, result))
    return torch.where(x >= 0, result, math.nan)


def log1p(x: T) -> T:
    """As the page's log1p."""
    total = x + 1
    k, f = _split(total)
    lost = total - 1 - x
    rest = torch.where(x.abs() < 2.0**24, lost / total, 0)
    is_near = f == total - 1
    result = _log_of(k, torch.where(is_near, x, f))
    result = torch.where(is_near, result, result - rest)
    result = torch.where(x == math.inf, x, torch.where(x == -1, -math.inf, result))
    return torch.where(x >= -1, torch.where(x == 0, x, result), math.nan)


def sqrt(x: T) -> T:
    """The rounded root: torch's is not."""
    with np.errstate(invalid="ignore"):
        return torch.from_numpy(np.sqrt(x.numpy()))


def rsqrt(x: T) -> T:
    """As the page's rsqrt."""
    return 1 / sqrt(x)


def tanh(x: T) -> T:
    """As the page's tanh."""
    size, square = x.abs(), x * x
    small = fused(polynomial(TANH, square) * square, x, x)
    large = 1 - 2 / (exp_bounded((size + size).clamp_max(20)) + 1)
    return torch.where(size < 0.625, small, torch.copysign(large, x))


def sigmoid(x: T) -> T:
    """As the page's sigmoid."""
    power = exp_of_minus(x)
    return torch.where(x < 0, power, 1) / (power + 1)


def logsigmoid(x: T) -> T:
    """As the page's logsigmoid."""
    return x.clamp_max(0) - log1p(exp_of_minus(x))


def softplus(x: T, beta: float = 1, threshold: float = 20) -> T:
    """As the page's softplus."""
    z = x * beta
    return torch.where(z > threshold, x, (z.clamp_min(0) + log1p(exp_of_minus(z))) / all_of(x, beta))


def erf(x: T) -> T:
    """As the page's erf."""
    size, square = x.abs(), x * x
    small = fused(polynomial(ERF, square), x, x)
    t = size.clamp_max(4)
    large = 1 - exp_bounded(fused(polynomial(LOG_ERFC, t), t, -t))
    return torch.where(size < 0.927734375, small, torch.copysign(large, x))


def tail_ratio(t: T) -> T:
    """exp(t^2 / 2) times the normal distribution's share beyond t."""
    v = 1 / (t + 3.75)
    return polynomial(TAIL, (t - 3.75) * v) * v


def gated(x: T, z: T) -> T:
    """X sigmoid(z)."""
    power = lifted_exp_of_minus(z)
    share = torch.where(z < 0, x.clamp_min(-112.5) * power, x) / (lowered(power) + 1)
    return torch.where(z < 0, lowered(share), share)


def silu(x: T) -> T:
    """As the page's silu."""
    return gated(x, x)


def _inner(x: T) -> T:
    return x * fused(x * x, 0.071354816272600248, 1.5957691216057308)


def gelu_tanh(x: T) -> T:
    """As the page's gelu by tanh."""
    return gated(x, _inner(x))


def gelu(x: T) -> T:
    """As the page's gelu."""
    t = x.abs().clamp_max(15)
    rest = lowered(t * tail_ratio(t) * lifted_exp_square(t, 0.5))
    return torch.where(x < 0, 0, x) - rest


def _mish_share_above(power: T) -> T:
    total = power + power + 1
    return total / fused(power + power, power, total)


def mish(x: T) -> T:
    """As the page's mish."""
    lifted = lifted_exp_of_minus(x)
    power = lowered(lifted)
    below = x.clamp_min(-112.5) * (lifted * (power + 2)) / fused(power, power + 2, 2.0)
    return torch.where(x < 0, lowered(below), x * _mish_share_above(power))


def _mish_share(x: T) -> T:
    power = exp_of_minus(x)
    below = power * (power + 2)
    return torch.where(x < 0, below / (below + 2), _mish_share_above(power))


# Arithmetic of float64, one number at a time: of arguments of sin and cos from 2^16 on, and of powers.


def fused64(a: float, b: float, c: float) -> float:
    """The sum a b + c, rounded once."""
    return float(Fraction(a) * Fraction(b) + Fraction(c))


HALF_PI64 = tuple(float.fromhex(part) for part in ("0x1.921fb54442d18p0", "0x1.1a62633145c07p-54", "-0x1.f1976b7ed8fbcp-110"))
TWO_OVER_PI = Fraction(
    int(
        "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1921cfe1deb1cb129a73e"
        "e88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b7"
        "4f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6bab",
        16,
    ),
    1 << 1216,
)


def far(x: float) -> tuple[float, float, int]:
    """r, what r leaves out, and n modulo 4 of a float32 number x of 2^16 or more, or minus one."""
    first, second, _ = HALF_PI64
    if abs(x) < 2**30:
        n = round(Fraction(fused64(x, 0.63661977236758134308, 1.5 * 2**52)) - Fraction(1.5 * 2**52))
        r = fused64(n, -first, x) - n * second
    else:
        turns = Fraction(abs(x)) * TWO_OVER_PI
        n = math.floor(turns + Fraction(1, 2))
        r = float((turns - n) * (Fraction(first) + Fraction(second)))
        n, r = (-n, -r) if x < 0 else (n, r)
    short = float(np.float32(r))
    return short, float(np.float32(r - short)), n % 4


def _sine_after(x: T, quarters: int) -> T:
    shifted = fused(x, 0.63661977236758134308, ROUND)
    n = shifted - ROUND
    high, middle, low = (float.fromhex(part) for part in ("0x1.921fb6p0", "-0x1.777a5cp-25", "-0x1.ee59dap-50"))
    first = fused(n, -high, x)
    second = n * middle
    lost = fused(n, middle, -second)
    r = first - second
    rest = fused(n, -low, first - r - second - lost)
    count = n.nan_to_num(0, 0, 0).to(torch.int64)
    for place in ((x.abs() >= 2**16) & x.isfinite()).nonzero().flatten().tolist():
        r[place], rest[place], count[place] = far(x[place].item())
    z = r * r
    sine = r + fused(r * z, polynomial(SINE, z), fused(z * -0.5, rest, rest))
    half = z * 0.5
    main = 1 - half
    lost = 1 - main - half - fused(r, r, -z) * 0.5
    cosine = main + fused(z * z, polynomial(COSINE, z), fused(-r, rest, lost))
    turn = (count + quarters) % 4
    size = torch.where(turn % 2 == 1, cosine, sine)
    return torch.where(x.isfinite(), torch.where(turn >= 2, -size, size), math.nan)


def sin(x: T) -> T:
    """As the page's sin."""
    return torch.where(x == 0, x, _sine_after(x, 0))


def cos(x: T) -> T:
    """As the page's cos."""
    return _sine_after(x, 1)


def _chain64(coefficients: str, x: float) -> float:
    first, *rest = (float.fromhex(one) for one in coefficients.split())
    for one in rest:
        first = fused64(first, x, one)
    return first


def pow64(size: float, y: float) -> float:
    """The power of size > 0, both finite, rounded to float32."""
    mantissa, k = math.frexp(size)
    if mantissa < float.fromhex("0x1.6a09e667f3bcdp-1"):
        mantissa, k = 2 * mantissa, k - 1
    f = mantissa - 1
    s = f / (f + 2.0)
    z = s * s
    p = _chain64(POW_LOG, z)
    log_of_size = fused64(k, 0.69314718055994531, fused64((s + s) * z, p, s + s))
    t = min(max(y * log_of_size, -300.0), 300.0)
    n = fused64(t, 1.4426950408889634, 1.5 * 2**52) - 1.5 * 2**52
    r = fused64(n, -0.69314718055994531, t)
    p = fused64(_chain64(POW_EXP, r) * r, r, r) + 1.0
    with np.errstate(over="ignore"):
        return float(np.float32(math.ldexp(p, int(n))))


FUNCTIONS: dict[str, Callable[[T], T]] = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "sqrt": sqrt,
    "rsqrt": rsqrt,
    "sin": sin,
    "cos": cos,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "logsigmoid": logsigmoid,
    "softplus": softplus,
    "erf": erf,
    "silu": silu,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "mish": mish,
}
"""Those that are more than one operation."""


def _erf_slope(x: T) -> T:
    return lowered(lifted_exp_square(x.abs().clamp_max(10.5), 1.0) * 1.1283791670955126)


def _silu_slope(x: T) -> T:
    share = sigmoid(x)
    return fused(x.clamp(-112.5, 112.5), share * (1 - share), share)


def _gelu_tanh_slope(x: T) -> T:
    near = x.clamp(-112.5, 112.5)
    share = sigmoid(_inner(near))
    steepness = fused(near * near, 0.21406444881780074, 1.5957691216057308)
    return fused(near * steepness, share * (1 - share), share)


def _gelu_slope(x: T) -> T:
    t = x.abs().clamp_max(15)
    bell = lowered(lifted_exp_square(t, 0.5))
    beyond = tail_ratio(t) * bell
    return fused(torch.copysign(t, x) * 0.39894228040143268, bell, torch.where(x < 0, beyond, 1 - beyond))


def _mish_slope(x: T) -> T:
    share = _mish_share(x)
    return fused(x.clamp(-112.5, 112.5) * sigmoid(x), fused(-share, share, 1.0), share)


SLOPES_OF_VALUES: dict[str, Callable[[T], T]] = {
    "exp": lambda y: y,
    "expm1": lambda y: y + 1,
    "sqrt": lambda y: 0.5 / y,
    "rsqrt": lambda y: y * y * y * -0.5,
    "tanh": lambda y: fused(-y, y, 1.0),
    "sigmoid": lambda y: y * (1 - y),
}
SLOPES: dict[str, Callable[[T], T]] = {
    "log": lambda x: 1 / x,
    "log1p": lambda x: 1 / (x + 1),
    "sin": cos,
    "cos": lambda x: -sin(x),
    "logsigmoid": lambda x: sigmoid(-x),
    "softplus": lambda x: torch.where(x > 20, 1, sigmoid(x)),
    "erf": _erf_slope,
    "silu": _silu_slope,
    "gelu": _gelu_slope,
    "gelu_tanh": _gelu_tanh_slope,
    "mish": _mish_slope,
}


def slope(function: str, x: T) -> T:
    """The derivative of a function at x."""
    if function in SLOPES_OF_VALUES:
        return SLOPES_OF_VALUES[function](FUNCTIONS[function](x))
    return SLOPES[function](x)
