"""Matrix products of one order beside torch's, in turn.

python benchmarks/exact.py [ROUNDS]
"""

from __future__ import annotations

import ctypes
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from common.measure import alternate, medians, write_down
from torch.nn import functional

from within_wf.ops import exact
from within_wf.ops.instruction_set import instruction_set

SQUARES = tuple((side, side, side) for side in (64, 128, 256, 512, 1024, 2048))
MINILM = tuple((rows, *sides) for sides in ((384, 384), (384, 1536), (1536, 384)) for rows in (32, 128, 512, 2048))
OURS = ((64, 1280, 128), (64, 384, 128), (256, 384, 128), (256, 771, 256), (64, 128, 64), (32, 384, 256), (32, 256, 64))
VECTORS = ((1, 384, 1536), (256, 384, 1), (2048, 1536, 1), (8, 384, 384))
BATCHES = ((384, 64, 32, 64), (384, 64, 64, 32), (96, 128, 32, 128), (24, 256, 64, 256))
"""Batches of rows, depth, columns: attention's scores and sums."""
LOOPS = ((32, 384, 256), (256, 384, 1536), (512, 512, 512))
SMALLEST = 20_000_000
"""Multiplications of a timed call; smaller products are repeated."""
SOURCE = Path(__file__).parent / "common/fma.cpp"

Call = Callable[[], object]


def repeated(call: Call, work: int) -> tuple[Call, int]:
    """A call made so often that it can be timed, and how often that is."""
    times = max(1, SMALLEST // work)

    def many() -> None:
        for _ in range(times):
            call()

    return many, times


def rates(ours: Call, theirs: Call, work: int, threads: int, rounds: int) -> tuple[float, float]:
    """GF/s of both, of `work` multiply-adds a call."""
    torch.set_num_threads(threads)
    many, times = repeated(ours, work)
    seconds = medians(alternate({"ours": many, "torch": repeated(theirs, work)[0]}, rounds))
    operations = 2 * work * times
    return operations / seconds["ours"] / 1e9, operations / seconds["torch"] / 1e9


def layer(shape: tuple[int, int, int], threads: int, rounds: int, *, is_backward: bool) -> tuple[float, float]:
    """Of a linear layer of rows, depth, columns with bias; with its backward where that is wanted."""
    rows, depth, columns = shape
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(rows, depth, generator=draws, requires_grad=is_backward)
    weight = torch.randn(columns, depth, generator=draws, requires_grad=is_backward)
    bias = torch.randn(columns, generator=draws, requires_grad=is_backward)
    gradient = torch.randn(rows, columns, generator=draws)

    def call(linear: Callable[..., torch.Tensor]) -> Call:
        if not is_backward:
            return lambda: linear(x, weight, bias)
        return lambda: torch.autograd.grad(linear(x, weight, bias), (x, weight, bias), gradient)

    work = (3 if is_backward else 1) * rows * depth * columns
    return rates(call(exact.linear), call(functional.linear), work, threads, rounds)


def product(shape: tuple[int, ...], threads: int, rounds: int) -> tuple[float, float]:
    """Of two matrices, or two batches of them."""
    *batch, rows, depth, columns = shape
    draws = torch.Generator().manual_seed(0)
    a, b = torch.randn(*batch, rows, depth, generator=draws), torch.randn(*batch, depth, columns, generator=draws)
    ours, theirs = (exact.bmm, torch.bmm) if batch else (exact.mm, torch.mm)
    work = rows * depth * columns * (batch[0] if batch else 1)
    return rates(lambda: ours(a, b), lambda: theirs(a, b), work, threads, rounds)


def activated(shape: tuple[int, int, int], threads: int, rounds: int) -> tuple[float, float]:
    """Of a layer with GELU, in one pass and in torch's two."""
    rows, depth, columns = shape
    draws = torch.Generator().manual_seed(0)
    x, weight = torch.randn(rows, depth, generator=draws), torch.randn(columns, depth, generator=draws)
    bias = torch.randn(columns, generator=draws)
    return rates(
        lambda: exact.linear(x, weight, bias, activation="gelu"),
        lambda: functional.gelu(functional.linear(x, weight, bias)),
        rows * depth * columns,
        threads,
        rounds,
    )


def compiled(folder: str, *flags: str) -> ctypes.CDLL:
    """The loops of SOURCE, as g++ makes them with such flags."""
    library = f"{folder}/fma{len(flags)}.so"
    subprocess.run(["g++", "-shared", "-fPIC", "-O3", "-fopenmp", *flags, str(SOURCE), "-o", library], check=True)
    loops = ctypes.CDLL(library)
    loops.omp_set_num_threads(1)
    return loops


def peak(library: ctypes.CDLL, rounds: int) -> float:
    """GF/s of one thread that does nothing but multiply and add."""
    run = library.fma_rounds
    run.restype, run.argtypes = ctypes.c_int64, [ctypes.c_int64]
    found = []
    for _ in range(4 * rounds):
        began = time.perf_counter()
        operations = 2 * run(1_000_000)
        found.append(operations / (time.perf_counter() - began) / 1e9)
    return statistics.quantiles(found, n=10)[-1]


def loop(library: ctypes.CDLL, shape: tuple[int, int, int], rounds: int) -> tuple[float, float]:
    """GF/s of ours and of the triple loop; both give the same bits."""
    rows, depth, columns = shape
    draws = torch.Generator().manual_seed(0)
    x, weight = torch.randn(rows, depth, generator=draws), torch.randn(columns, depth, generator=draws)
    out = torch.empty(rows, columns)
    pointers = [ctypes.c_void_p(tensor.data_ptr()) for tensor in (x, weight)]
    sizes = [ctypes.c_int64(size) for size in (rows, depth, columns)]
    torch.set_num_threads(1)
    many, times = repeated(lambda: exact.linear(x, weight), rows * depth * columns)
    seconds = medians(
        alternate(
            {
                "ours": many,
                "loop": lambda: library.triple_loop(*pointers, *sizes, ctypes.c_void_p(out.data_ptr())),
            },
            max(3, rounds // 3),
        )
    )
    if not torch.equal(out, exact.linear(x, weight)):
        raise RuntimeError(f"the loop gives other bits for {shape}")
    operations = 2 * rows * depth * columns
    return times * operations / seconds["ours"] / 1e9, operations / seconds["loop"] / 1e9


def row(name: str, found: list[tuple[float, float]], most: float, to_reach: str) -> str:
    """A line of a table: forward of one thread and two, with backward of one and two where there is."""
    ours, theirs = found[0]
    ratios = " | ".join(f"{ours / theirs:.2f}" for ours, theirs in found)
    line = f"| {name} | {ours:.0f} | {ours / most:.0%} | {theirs:.0f} | {ratios} | {to_reach} |"
    print(line, flush=True)
    return line


def is_small(shape: tuple[int, ...]) -> bool:
    """Whether the calls around a product take a part of its time."""
    return shape[0] <= 32 or shape == SQUARES[0]


def main() -> int:
    """Measure, print and write down."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as folder:
        wide, plain = compiled(folder, "-march=native"), compiled(folder)
    most = peak(wide, rounds)
    lines = [
        f"float32, {rounds} rounds in turn; medians, GF/s, and ours / torch. Ours has one order on every processor. Kernels: "
        f"{instruction_set()}; torch: {torch.backends.cpu.get_cpu_capability()}, its default way. One thread that does nothing "
        f"but multiply and add reaches {most:.0f} GF/s: the share is of that.",
        "",
        "A linear layer with bias, rows x depth x columns:",
        "",
        "| | ours | share | torch | 1 thread | 2 threads | with backward | 2 threads | to reach |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for shape in (*MINILM, *OURS, *SQUARES):
        found = [layer(shape, threads, rounds, is_backward=back) for back in (False, True) for threads in (1, 2)]
        lines.append(row(" x ".join(map(str, shape)), found, most, "0.9" if is_small(shape) else "0.95"))
    lines += [
        "",
        "Products of matrices, of batches of them, and layers with GELU:",
        "",
        "| | ours | share | torch | 1 thread | 2 threads | to reach |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for shape in (*SQUARES, *VECTORS, *BATCHES):
        name = ("mm " if len(shape) == 3 else "bmm ") + " x ".join(map(str, shape))
        found = [product(shape, threads, rounds) for threads in (1, 2)]
        lines.append(row(name, found, most, "0.9" if is_small(shape) else "0.95"))
    for shape in ((32, 384, 1536), (512, 384, 1536)):
        found = [activated(shape, threads, rounds) for threads in (1, 2)]
        lines.append(row("gelu " + " x ".join(map(str, shape)), found, most, "1"))
    lines += [
        "",
        "The same order as a triple loop, RepDL's way (arXiv 2510.09180), compiled as that is; one thread; to reach: 100.",
        "",
        "| rows x depth x columns | ours | the loop | times as fast |",
        "|---|---:|---:|---:|",
    ]
    for shape in LOOPS:
        ours, theirs = loop(plain, shape, rounds)
        lines.append(f"| {' x '.join(map(str, shape))} | {ours:.0f} | {theirs:.2f} | {ours / theirs:.0f} |")
        print(lines[-1], flush=True)
    write_down("exact", "Matrix products of one order", lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
