"""Wide instructions stay where a processor that lacks them never comes.

The linker keeps one copy of a weak function: had a source for AVX-512 compiled ``std::vector::push_back``, every processor
might run that copy. So a function that holds such instructions is in ``within::avx2`` or ``within::avx512``, or local to a
source named after them.
"""

import re
import subprocess
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.emulated.build import COMPILER, NOT_FIXED
from within_wf.ops.fingerprint import PACKAGE

WIDE = {
    "avx512": re.compile(r"%zmm|%[xy]mm(1[6-9]|2\d|3[01])\b|%k[0-7]\b"),
    "avx2": re.compile(
        r"^v\w+\s.*%[xy]mm|^(andn|bextr|bls[ir]|blsmsk|bzhi|mulx|pdep|pext|rorx|sarx|shlx|shrx|lzcnt|popcnt)\w?\s"
    ),
}
"""What makes an instruction one of a set; the wider set first. ``tzcnt`` is not among them: it runs everywhere as ``bsf``."""
ALLOWED = {"avx512": ("avx512",), "avx2": ("avx2", "avx512")}


@dataclass(frozen=True)
class Function:
    address: int
    size: int
    name: str
    weak: bool
    source: str  # of a local one


def output(*command: str | Path) -> str:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout


def functions(library: Path) -> list[Function]:
    found, source = [], ""
    for line in output("readelf", "-sW", "--demangle", library).partition("'.symtab'")[2].splitlines():
        fields = line.split(maxsplit=7)
        if len(fields) < 8 or fields[1].strip("0123456789abcdef") != "":
            continue
        kind, binding, section, name = fields[3], fields[4], fields[6], fields[7]
        if kind == "FILE":
            source = name
        elif kind == "FUNC" and section != "UND":
            local = source if binding == "LOCAL" else ""
            found.append(Function(int(fields[1], 16), int(fields[2], 0), name, binding == "WEAK", local))
    return sorted(found, key=lambda function: function.address)


def wide_addresses(library: Path) -> list[tuple[int, str, str]]:
    """Address, instruction set, text of each instruction that is not of the baseline."""
    found = []
    for line in output("objdump", "-d", "--no-show-raw-insn", "-w", library).splitlines():
        at, colon, text = line.partition(":\t")
        if colon and ("%" in text):
            for name, pattern in WIDE.items():
                if pattern.search(text):
                    found.append((int(at, 16), name, text.strip()))
                    break
    return found


def misplaced(library: Path) -> list[str]:
    """Functions outside of the namespaces that hold wide instructions."""
    known = functions(library)
    starts = [function.address for function in known]
    wrong = {}
    for address, instruction_set, text in wide_addresses(library):
        last = bisect_right(starts, address)
        here = [f for f in known[max(0, last - 8) : last] if f.address <= address < f.address + max(f.size, 1)]
        for function in here:
            fits = any(
                f"within::{name}::" in function.name
                or function.name.startswith(f"_ZN6within{len(name)}{name}")  # some lambdas' names are not demangled
                or function.source.endswith(f"_{name}.cpp")
                for name in ALLOWED[instruction_set]
            )
            if not fits:
                wrong.setdefault(function.name, f"{function.name}{' (weak)' if function.weak else ''}: {text}")
        if not here:
            wrong.setdefault(hex(address), f"no function, at {address:#x}: {text}")
    return list(wrong.values())


def core() -> Path:
    return next(PACKAGE.glob("_C*.so"))


def test_wide_instructions_are_in_their_namespaces():
    assert misplaced(core()) == []


def test_the_core_calls_no_function_whose_bits_no_standard_fixes():
    called = {name.partition("@")[0] for name in output("nm", "-D", "--undefined-only", core()).split()}
    assert called & NOT_FIXED == set()


OFFENDING = """
#include <vector>
#pragma GCC target("{target}")
namespace within {{ namespace {namespace} {{
__attribute__((noinline)) void add(float* a, const float* b) {{ for (int i = 0; i < 64; ++i) a[i] += b[i]; }}
}} }}
{outside}
"""
WEAK = "template <typename T> __attribute__((noinline)) void twice(T* a) { for (int i = 0; i < 64; ++i) a[i] += a[i]; }\n"


@pytest.mark.parametrize(
    ("target", "namespace", "outside", "source", "expected"),
    [
        ("avx2", "avx2", "", "k_avx2.cpp", None),
        ("avx512f,prefer-vector-width=512", "avx512", "", "k_avx512.cpp", None),
        ("avx2", "baseline", "", "k_avx2.cpp", r"within::baseline::add"),
        ("avx512f,prefer-vector-width=512", "avx2", "", "k.cpp", r"within::avx2::add.*%zmm"),
        ("avx2", "avx2", WEAK + "template void twice(float*);", "k_avx2.cpp", r"void twice<float>\(float\*\) \(weak\)"),
        ("avx2", "avx2", "static void far(float* a) { within::avx2::add(a, a + 64); }\nvoid* use() { return (void*)far; }",
         "k_avx2.cpp", None),
        ("bmi2,lzcnt", "avx2", "int wide(int x) { return __builtin_clz(x); }", "k.cpp", r"wide\(int\): lzcnt"),
    ],
)  # fmt: skip
def test_a_misplaced_function_is_found(tmp_path, target, namespace, outside, source, expected):
    (tmp_path / source).write_text(OFFENDING.format(target=target, namespace=namespace, outside=outside))
    library = tmp_path / "k.so"
    output(COMPILER, "-O3", "-shared", "-fPIC", "-g", tmp_path / source, "-o", library)
    wrong = misplaced(library)
    if expected is None:
        assert wrong == []
    else:
        assert len(wrong) == 1
        assert re.match(expected, wrong[0])
