"""The largest errors of elementwise functions, in units of the last place, are those that are written down."""

import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.emulated.build import COMPILER, ROOT
from tests.ops.exact_elementwise_cases import UNARY
from within_wf.ops.fingerprint import FLAGS
from within_wf.ops.instruction_set import instruction_set

HERE = Path(__file__).parent
PAGE = ROOT / "docs/exact/elementwise.md"
SHARES = 64
"""Pieces into which all float32 numbers are cut, for several processors."""
BLOCK = 2048
ALL = [((1 << 32) // SHARES * share, (1 << 32) // SHARES * (share + 1), BLOCK) for share in range(SHARES)]
A_FEW = [(0, 1 << 32, 499 * BLOCK)]


def bounds() -> dict[str, float]:
    """The table of errors: a row of names, a rule, a row of numbers."""
    lines = PAGE.read_text().splitlines()
    found = {}
    for names, rule, values in zip(lines, lines[1:], lines[2:], strict=False):
        if names.startswith("|") and set(rule) <= set("|-: ") and re.fullmatch(r"[|\d. ]+", values):
            cells = ([cell.strip(" `") for cell in line.strip("|").split("|")] for line in (names, values))
            found.update((name, float(value)) for name, value in zip(*cells, strict=True))
    return found


@pytest.fixture(scope="module")
def program(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("errors")
    header = {"baseline": "core/standard.h"}.get(instruction_set(), f"core/{instruction_set()}.h")
    ours = [COMPILER, *FLAGS, f"-I{ROOT / 'csrc'}", f'-DWITHIN_ERRORS_ISA="{header}"', "-c", str(HERE / "exact_errors.cpp")]
    theirs = [COMPILER, "-std=c++20", "-O3", "-ffast-math", "-fopenmp-simd", "-march=native", "-c"]
    subprocess.run([*ours, "-o", str(folder / "errors.o")], check=True)
    subprocess.run([*theirs, str(HERE / "exact_references.cpp"), "-o", str(folder / "references.o")], check=True)
    objects = [str(folder / "errors.o"), str(folder / "references.o")]
    subprocess.run([COMPILER, *objects, "-o", str(folder / "errors"), "-lmvec", "-lm"], check=True)
    return folder / "errors"


def largest(program: Path, name: str, pieces: list[tuple[int, int, int]]) -> float:
    def measured(piece: tuple[int, int, int]) -> float:
        done = subprocess.run([program, name, *map(str, piece)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return float(done.stdout.split()[0])

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return max(pool.map(measured, pieces))


MADE_OF_OTHERS = {"square", "relu", "leaky_relu", "elu", "celu", "selu", "hardtanh", "hardswish", "hardsigmoid"}
"""Of single operations, and of functions that are measured."""
NAMES = tuple(name for name in UNARY if name not in MADE_OF_OTHERS)
needs_compiler = pytest.mark.skipif(shutil.which(COMPILER) is None, reason="there is no compiler")


def test_the_page_has_the_errors_of_all():
    assert set(bounds()) == set(NAMES)


@needs_compiler
@pytest.mark.parametrize("name", NAMES)
def test_errors_of_a_few_are_within_their_bounds(program, name):
    assert largest(program, name, A_FEW) <= bounds()[name]


@needs_compiler
@pytest.mark.exhaustive
@pytest.mark.parametrize("name", NAMES)
def test_errors_over_every_float32_are_the_bounds(program, name):
    found = largest(program, name, ALL)
    assert found <= bounds()[name] < found + 0.011
