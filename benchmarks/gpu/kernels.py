"""What each kernel takes of a GPU: registers, spills, shared memory, as ptxas says for every architecture we build for.

    make kernels
    benchmarks/gpu/kernels.py LOG

Compiles tests/emulated/<family>.cpp, each a family's kernels in every type, with nvcc; no GPU and no torch is needed. With LOG
it reads what a build of the extension said instead (``NVCC_APPEND_FLAGS="-Xptxas -v" PIP_LOG=LOG make env``). Ends with 1 where
a kernel spills registers to memory without a reason in ``ALLOWED_SPILLS``, with 0 also where there is no nvcc.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from within_wf.ops.fingerprint import CUDA_FLAGS  # noqa: E402

UNITS = ROOT / "tests/emulated"
ARCHITECTURES = ("-gencode=arch=compute_80,code=sm_80", "-gencode=arch=compute_90,code=[sm_90,compute_90]")
ALLOWED_SPILLS: dict[str, str] = {}
"""A part of a kernel's name to the reason why it may spill."""


@dataclass(frozen=True)
class Kernel:
    """One kernel on one architecture; sizes in bytes, of a thread but for ``shared``, which is a block's static memory."""

    name: str
    architecture: str
    registers: int
    stack: int
    spill_stores: int
    spill_loads: int
    shared: int

    @property
    def spills(self) -> int:
        """Bytes written and read because registers ran out."""
        return self.spill_stores + self.spill_loads


def units() -> list[Path]:
    """Those of the families; the emulator's own has kernels that are wrong on purpose."""
    return sorted(path for path in UNITS.glob("*.cpp") if path.name != "self_test.cpp")


def compile_unit(unit: Path) -> str:
    """What ptxas says of a unit.

    Raises:
        RuntimeError: It does not compile.
    """
    with tempfile.TemporaryDirectory() as folder:
        includes = [f"-I{ROOT / 'csrc'}", f"-I{UNITS}"]
        target = ["-fatbin", "-Xptxas", "-v", "-o", f"{folder}/unit.fatbin"]
        command = ["nvcc", "-x", "cu", *CUDA_FLAGS, *ARCHITECTURES, *includes, *target, str(unit)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"nvcc ended with {done.returncode} for {unit.name}:\n{done.stderr}{done.stdout}")
    return done.stderr + done.stdout


def read_report(text: str) -> list[Kernel]:
    """The kernels in what ``ptxas -v`` said."""
    kernels = []
    for part in re.split(r"Compiling entry function ", text)[1:]:
        heading = re.match(r"'(\w+)' for '(\w+)'", part)
        numbers = [
            re.search(pattern, part)
            for pattern in (
                r"Used (\d+) registers",
                r"(\d+) bytes stack frame",
                r"(\d+) bytes spill stores",
                r"(\d+) bytes spill loads",
                r"(\d+) bytes smem",
            )
        ]
        if heading is None or numbers[0] is None:
            raise RuntimeError(f"ptxas said what is not understood: {part[:500]}")
        registers, stack, stores, loads, shared = (int(found[1]) if found else 0 for found in numbers)
        kernels.append(Kernel(heading[1], heading[2], registers, stack, stores, loads, shared))
    return kernels


def readable(names: list[str]) -> list[str]:
    """Names as they are written, without arguments and our namespaces."""
    if shutil.which("c++filt") is None or not names:
        return names
    plain = subprocess.run(["c++filt", *names], capture_output=True, text=True, check=True).stdout.splitlines()
    return [shorten(name) for name in plain]


def shorten(name: str) -> str:
    """``void within::cuda::kernel<float>(float*)`` as ``kernel<float>``."""
    name = re.sub(r"within::(cuda::)?|\(anonymous namespace\)::|_GLOBAL__N__\w+::", "", name).removeprefix("void ")
    depth = 0
    for at, character in enumerate(name):
        depth += (character == "<") - (character == ">")
        if character == "(" and depth == 0:
            return name[:at]
    return name


def unexplained(kernels: list[Kernel], names: list[str]) -> list[str]:
    """Those that spill without a reason."""
    return [
        f"{name} on {kernel.architecture} spills {kernel.spill_stores} bytes and reads {kernel.spill_loads} back"
        for kernel, name in zip(kernels, names, strict=True)
        if kernel.spills and not any(part in name for part in ALLOWED_SPILLS)
    ]


def reports(log: Path | None) -> dict[str, str]:
    """Unit to what ptxas said of it: from a build's log, or by compiling the unit.

    Raises:
        RuntimeError: A unit does not compile, or the log does not tell of every unit on every architecture.
    """
    if log is None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return dict(zip([unit.stem for unit in units()], pool.map(compile_unit, units()), strict=True))
    # Ninja prints a command, and then what it said.
    parts = re.split(r"-c \S+/(\w+)_kernels\.cu ", log.read_text(errors="replace"))
    found = dict(zip(parts[1::2], parts[2::2], strict=True))
    missing = [
        f"{stem} for {name}"
        for stem in sorted(path.name.removesuffix("_kernels.cu") for path in (ROOT / "csrc").rglob("*.cu"))
        for name in ("sm_80", "sm_90")
        if f"for '{name}'" not in found.get(stem, "")
    ]
    if missing:
        raise RuntimeError(f"{log} says nothing of {', '.join(missing)}, expected a whole build with CUDA")
    return found


def main(arguments: Sequence[str]) -> int:
    """Compile all or read a log, print a table, judge."""
    log = Path(arguments[0]) if arguments else None
    if log is None and shutil.which("nvcc") is None:
        print("nvcc is not found: kernels are not compiled for a GPU here")
        return 0
    print("| unit | kernel | arch | registers | spills, bytes | stack, bytes | shared, bytes |")
    print("|---|---|---|---:|---:|---:|---:|")
    wrong = []
    for unit, report in reports(log).items():
        kernels = sorted(read_report(report), key=lambda kernel: (kernel.name, kernel.architecture))
        names = readable([kernel.name for kernel in kernels])
        for kernel, name in zip(kernels, names, strict=True):
            numbers = f"{kernel.registers} | {kernel.spills} | {kernel.stack} | {kernel.shared}"
            print(f"| {unit} | {name} | {kernel.architecture} | {numbers} |", flush=True)
        wrong += unexplained(kernels, names)
    for problem in wrong:
        print(f"{problem}; shorten it, or give a reason in ALLOWED_SPILLS of {Path(__file__).name}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
