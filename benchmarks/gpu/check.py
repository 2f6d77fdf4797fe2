"""Builds the compiled core on a machine with a GPU, proves its kernels bit-equal to the CPU's, and times them.

    make gpu-check                                 with `python3`, or the interpreter that GPU_PYTHON names

It needs torch with CUDA, numpy, ninja, setuptools and nvcc, not the rest of the environment. What was measured is written to
benchmarks/results/gpu.md. It ends with 0 where all holds, 1 where something differs, 2 where there is no GPU.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
RESULTS = ROOT / "benchmarks/results/gpu.md"
DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def build() -> None:
    """Compile for this GPU alone, in place."""
    major, minor = torch.cuda.get_device_capability()
    environment = {**os.environ, "TORCH_CUDA_ARCH_LIST": f"{major}.{minor}", "FORCE_CUDA": "1"}
    subprocess.run([sys.executable, "setup.py", "build_ext", "--inplace"], cwd=ROOT, env=environment, check=True)


def cases() -> Iterator[tuple[str, torch.Tensor, torch.Tensor, int]]:
    """Values, index and groups that are hard on a sum."""
    draws = torch.Generator().manual_seed(0)
    for rows, columns, groups in ((0, 3, 2), (1, 1, 1), (1000, 7, 13), (100_000, 1, 1), (300_000, 4, 50_000)):
        index = torch.randint(0, groups, (rows,), generator=draws)
        mantissa = torch.randn(rows, columns, generator=draws, dtype=torch.float64)
        exponent = torch.randint(-300, 300, (rows, columns), generator=draws)
        for dtype in DTYPES:
            reach = 300 if dtype == torch.float64 else 35 if dtype != torch.float16 else 12
            values = torch.ldexp(mantissa, exponent % reach - reach // 2).to(dtype)
            yield f"{dtype} {rows} x {columns} in {groups}", values, index, groups
    specials = torch.tensor([float("inf"), -float("inf"), float("nan"), -0.0, 5e-324, 1.7e308, 1.7e308, -1.7e308])
    yield "specials", specials.double().repeat(4), torch.arange(32) % 5, 5


def compare() -> list[str]:
    """What differs between CPU and GPU, forward and backward."""
    from within_wf.ops.scatter import scatter

    wrong = []
    for name, values, index, groups in cases():
        here, there = values.requires_grad_(), values.detach().cuda().requires_grad_()
        one, two = scatter(here, index, groups), scatter(there, index.cuda(), groups)
        bits = torch.int64 if values.dtype == torch.float64 else torch.int32 if values.dtype == torch.float32 else torch.int16
        is_nan = one.isnan()
        if not torch.equal(is_nan, two.cpu().isnan()) or not torch.equal(
            one[~is_nan].view(bits), two.cpu()[~is_nan].view(bits)
        ):
            wrong.append(f"{name}: the sums")
        one.sum().backward()
        two.sum().backward()
        if here.grad is not None and there.grad is not None and not torch.equal(here.grad, there.grad.cpu()):
            wrong.append(f"{name}: the gradients")
    values = torch.randn(20, 3, device="cuda", requires_grad=True, dtype=torch.float64)
    index = torch.randint(0, 4, (20,), device="cuda")
    try:
        torch.library.opcheck(torch.ops.within.scatter_sum.default, (values, index, 4))
    except Exception as error:  # opcheck has exceptions of its own
        wrong.append(f"opcheck: {error}")
    return wrong


def milliseconds(call: Callable[[], object], rounds: int = 30) -> float:
    """The median time of a call on the GPU."""
    times = []
    for _ in range(rounds + 3):
        torch.cuda.synchronize()
        began = time.perf_counter()
        call()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return 1e3 * sorted(times[3:])[rounds // 2]


def measure() -> list[str]:
    """One row a case: exact, torch's own, and a copy of the values."""
    from within_wf.ops.scatter import scatter

    lines = ["| float32 values | exact, ms | index_add_, ms | copy, ms | exact / index_add_ |", "|---|---:|---:|---:|---:|"]
    for rows, columns, groups in ((10_000_000, 1, 1000), (10_000_000, 1, 5_000_000), (1_000_000, 64, 1000)):
        values = torch.randn(rows, columns, device="cuda")
        index = torch.randint(0, groups, (rows,), device="cuda")
        out = torch.zeros(groups, columns, device="cuda")
        exact = milliseconds(lambda v=values, i=index, g=groups: scatter(v, i, g))  # type: ignore[misc]
        plain = milliseconds(lambda o=out, v=values, i=index: o.index_add_(0, i, v))  # type: ignore[misc]
        copy = milliseconds(values.clone)
        lines.append(f"| {rows:,} x {columns} in {groups:,} | {exact:.2f} | {plain:.2f} | {copy:.2f} | {exact / plain:.1f} |")
    return lines


def main() -> int:
    """Build, compare, measure, write down."""
    if not torch.cuda.is_available():
        print("no GPU here: torch.cuda.is_available() is false")
        return 2
    build()
    wrong = compare()
    for problem in wrong:
        print(f"differs: {problem}")
    verdict = "CPU and GPU differ" if wrong else "CPU and GPU give the same bits"
    about = f"{torch.cuda.get_device_name()}, torch {torch.__version__}, Python {sys.version.split()[0]}"
    lines = ["# The compiled core on a GPU", "", f"`make gpu-check` on {about}: {verdict}.", "", *measure()]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULTS.read_text())
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
