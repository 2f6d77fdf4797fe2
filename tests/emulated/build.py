"""Compiles kernels for the CPU and runs them thread by thread: ``emulated("scatter").run("scatter_sum_float32", …)``.

docs/operators/emulator.md says what is emulated and what is found.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np

from within_wf.ops.fingerprint import FLAGS

if TYPE_CHECKING:
    import torch  # not here: under a sanitizer it takes half a minute to load

UNITS = Path(__file__).resolve().parent
ROOT = UNITS.parents[1]
CACHE = ROOT / "build/emulated"
RUNTIME = (ROOT / "csrc/emulator/runtime.cpp", ROOT / "csrc/emulator/watch.cpp")
COMPILER = os.environ.get("CXX", "g++")

Kind = Literal["watched", "plain", "sanitized"]
KERNEL_FLAGS: dict[Kind, tuple[str, ...]] = {
    "watched": ("-fsanitize=thread", "--param=tsan-distinguish-volatile=1", "--param=tsan-instrument-func-entry-exit=0"),
    "plain": (),
    "sanitized": ("-fsanitize=address,undefined", "-fno-sanitize=object-size", "-fno-sanitize-recover=undefined"),
}
"""How kernels are instrumented; the runtime below them never is."""
COMMON_FLAGS = ("-g1", "-fPIC", "-fvisibility=hidden", "-fno-gnu-unique", f"-I{ROOT / 'csrc'}", f"-I{UNITS}")
RENAMED = [f"--redefine-sym={name}=within_emulator_{name}" for name in ("memcpy", "memmove", "memset")]
NOT_FIXED = {
    name + suffix
    for name in (
        *(
            "exp",
            "exp2",
            "exp10",
            "expm1",
            "log",
            "log2",
            "log10",
            "log1p",
            "pow",
            "cbrt",
            "hypot",
            "sin",
            "cos",
            "sincos",
            "tan",
        ),
        *(
            "asin",
            "acos",
            "atan",
            "atan2",
            "sinh",
            "cosh",
            "tanh",
            "asinh",
            "acosh",
            "atanh",
            "erf",
            "erfc",
            "tgamma",
            "lgamma",
        ),
    )
    for suffix in ("", "f", "l")
}
"""Functions of the C library whose last bits no standard fixes: a kernel that calls one differs on a GPU."""
LONGEST_REPORT = 1 << 20


class EmulatorReport(AssertionError):  # noqa: N818 - it reports what a kernel did
    """What the emulator found in a run: races, accesses outside of arrays, waits without end."""


@dataclass(frozen=True)
class Reading:
    """An array that kernels may read alone."""

    array: np.ndarray | torch.Tensor


@dataclass
class Emulated:
    """A unit of kernels, loaded."""

    path: Path
    library: ctypes.CDLL

    def run(
        self, function: str, *arguments: np.ndarray | torch.Tensor | Reading | float | None, seed: int = 0, preempt: int = 24
    ) -> None:
        """Call a function of the unit.

        Args:
            function: Its name.
            arguments: Contiguous arrays or tensors of the CPU, given as pointers (kernels may touch these and nothing else),
                None for a null pointer, int as int64_t, float as double.
            seed: Of the order of threads and blocks, and of what shared memory holds at first.
            preempt: A thread is made to wait at one access in so many; 0 for never.

        Raises:
            EmulatorReport: Something was found.
        """
        self.library.within_emulator_begin(ctypes.c_uint64(seed), ctypes.c_int(preempt))
        passed = [self._pass(position, argument) for position, argument in enumerate(arguments)]
        call = getattr(self.library, function)
        call.restype = None
        call(*passed)
        text = ctypes.create_string_buffer(LONGEST_REPORT)
        self.library.within_emulator_end(text, ctypes.c_size_t(LONGEST_REPORT))
        if text.value:
            raise EmulatorReport(f"{function} with seed {seed}:\n{self._translate(text.value.decode())}")

    def threads(self) -> int:
        """How many threads the last run ran."""
        self.library.within_emulator_threads.restype = ctypes.c_uint64
        return int(self.library.within_emulator_threads())

    def _pass(self, position: int, argument: Any) -> Any:
        if argument is None:
            return ctypes.c_void_p(None)
        if isinstance(argument, (bool, int, np.integer)):
            return ctypes.c_int64(int(argument))
        if isinstance(argument, (float, np.floating)):
            return ctypes.c_double(float(argument))
        array = argument.array if isinstance(argument, Reading) else argument
        if not isinstance(array, np.ndarray):
            if array.device.type != "cpu" or not array.is_contiguous():
                raise ValueError(
                    f"argument {position} is on {array.device} or not contiguous, expected a contiguous one on the CPU"
                )
            address, size, writable = array.data_ptr(), array.numel() * array.element_size(), True
        else:
            if not array.flags.c_contiguous:
                raise ValueError(f"argument {position} is not contiguous")
            address, size, writable = array.ctypes.data, array.nbytes, array.flags.writeable
        name = f"argument {position} ({str(array.dtype).removeprefix('torch.')} {list(array.shape)})".encode()
        may_write = writable and not isinstance(argument, Reading)
        self.library.within_emulator_array(ctypes.c_void_p(address), ctypes.c_size_t(size), ctypes.c_int(may_write), name)
        return ctypes.c_void_p(address)

    def _translate(self, text: str) -> str:
        """Puts addresses into words."""
        text = re.sub(r"\{code (\d+)\}", lambda match: self._line(int(match[1])), text)
        return re.sub(r"\{shared (\d+)\}", lambda match: self._shared(int(match[1])), text)

    def _line(self, offset: int) -> str:
        # The innermost line outside of the emulator's own headers.
        said = output(["addr2line", "-i", "-s", "-e", str(self.path), hex(offset)]).split("\n")
        lines = [line.split(" (")[0] for line in said if line and not line.startswith("cuda.h")]
        return lines[0] if lines else hex(offset)

    def _shared(self, offset: int) -> str:
        for line in output(["readelf", "-sW", "--demangle", str(self.path)]).splitlines():
            fields = line.split(maxsplit=7)
            if (
                len(fields) == 8
                and fields[3] == "TLS"
                and int(fields[1], 16) <= offset < int(fields[1], 16) + int(fields[2], 0)
            ):
                return f"{fields[7]} + {offset - int(fields[1], 16)} bytes"
        return f"static shared memory + {offset} bytes"


@cache
def emulated(name: str, kind: Kind | None = None, defines: tuple[str, ...] = ()) -> Emulated:
    """The unit tests/emulated/<name>.cpp, compiled where it is not in the cache.

    Args:
        name: Of the file.
        kind: ``watched`` looks at every access of memory for races and bounds; ``plain`` is faster and does not;
            ``sanitized`` is for a process under AddressSanitizer. None: what WITHIN_EMULATED_KIND says, or ``watched``.
        defines: Macros, as NAME or NAME=value.
    """
    if kind is None:
        kind = cast(Kind, os.environ.get("WITHIN_EMULATED_KIND", "watched"))
    path = build(name, kind, defines)
    return Emulated(path, ctypes.CDLL(str(path)))


def build(name: str, kind: Kind = "watched", defines: Sequence[str] = ()) -> Path:
    """Compile a unit, and say where its library is.

    Raises:
        RuntimeError: It does not compile, or calls what differs between processors.
    """
    macros = [f"-D{macro}" for macro in (*defines, "WITHIN_ISA=emulated")]
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        flags = [*FLAGS, "-O1", *COMMON_FLAGS, *KERNEL_FLAGS[kind], *macros]
        kernels = _compile(UNITS / f"{name}.cpp", flags, RENAMED if kind == "watched" else ())
        calls = set(re.findall(r"\bU (\w+)", output(["nm", "-u", str(kernels)])))
        if calls & NOT_FIXED:
            raise RuntimeError(f"{name}: kernels call {', '.join(sorted(calls & NOT_FIXED))}, whose bits differ from a GPU's")
        runtime = [_compile(source, ["-std=c++20", "-O2", *COMMON_FLAGS, *macros]) for source in RUNTIME]
        sanitizers = [flag for flag in KERNEL_FLAGS[kind] if flag.startswith("-fsanitize=") and kind == "sanitized"]
        library = CACHE / f"{name}-{kind}-{_digest([path.name for path in (kernels, *runtime)])}.so"
        if not library.exists():
            unfinished = library.with_suffix(f".{os.getpid()}")
            objects = [str(path) for path in (kernels, *runtime)]
            output([COMPILER, "-shared", "-Wl,--no-undefined", *sanitizers, *objects, "-o", str(unfinished)])
            unfinished.replace(library)
    return library


def _compile(source: Path, flags: Sequence[str], renamed: Sequence[str] = ()) -> Path:
    """An object, named after all that it is made of; ``renamed`` tells objcopy what its symbols are called."""
    text = output([COMPILER, "-E", *flags, str(source)])
    made_of = _digest([text, *flags, *renamed, output([COMPILER, "--version"])])
    target = CACHE / f"{source.stem}-{made_of}.o"
    if not target.exists():
        unfinished = target.with_suffix(f".{os.getpid()}")
        output([COMPILER, "-c", *flags, str(source), "-o", str(unfinished)])
        if renamed:
            output(["objcopy", *renamed, str(unfinished)])
        unfinished.replace(target)
    return target


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]


def output(command: Sequence[str]) -> str:
    """What a command prints.

    Raises:
        RuntimeError: It fails.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout
