"""Every kernel is run by a test, compiled for a GPU where nvcc is found, and spills nothing."""

import re
import shutil

import pytest

from benchmarks.gpu import kernels
from tests.emulated.build import COMMON_FLAGS, COMPILER, ROOT, output

SAID = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_ZN6within4cuda5widenIfEEvPT_' for 'sm_80'
ptxas info    : Function properties for _ZN6within4cuda5widenIfEEvPT_
    544 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 224 registers, used 1 barriers, 544 bytes cumulative stack size, 548 bytes smem, 408 bytes cmem[0]
ptxas info    : Compile time = 37.862 ms
ptxas info    : Compiling entry function '_ZN6within4cuda5widenIdEEvPT_' for 'sm_90'
ptxas info    : Function properties for _ZN6within4cuda5widenIdEEvPT_
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 12 registers, used 0 barriers
"""


def test_what_ptxas_says_is_read(monkeypatch):
    found = kernels.read_report(SAID)
    assert [(k.architecture, k.registers, k.stack, k.spill_stores, k.spill_loads, k.shared) for k in found] == [
        ("sm_80", 224, 544, 8, 12, 548),
        ("sm_90", 12, 0, 0, 0, 0),
    ]
    names = kernels.readable([kernel.name for kernel in found])
    assert names == ["widen<float>", "widen<double>"]
    assert kernels.unexplained(found, names) == ["widen<float> on sm_80 spills 8 bytes and reads 12 back"]
    monkeypatch.setitem(kernels.ALLOWED_SPILLS, "widen<float>", "a test")
    assert kernels.unexplained(found, names) == []
    with pytest.raises(RuntimeError, match="not understood"):
        kernels.read_report("Compiling entry function what?")


def test_every_kernel_is_in_an_emulated_unit_and_in_a_source_for_nvcc():
    every = {str(path) for path in (ROOT / "csrc").rglob("*.cuh")}
    for sources in (kernels.units(), sorted((ROOT / "csrc").rglob("*.cu"))):
        included = set()
        for source in sources:  # none finds torch, which nvcc takes a minute for
            command = [COMPILER, "-std=c++20", "-x", "c++", "-M", *COMMON_FLAGS, "-DWITHIN_ISA=emulated"]
            included |= set(re.findall(r"\S+\.cuh", output([*command, str(source)])))
        assert included == every


def test_kernels_launch_through_the_macro():
    for path in [*(ROOT / "csrc").rglob("*.cu"), *(ROOT / "csrc").rglob("*.cuh")]:
        assert "<<<" not in path.read_text(), f"{path}: launch with WITHIN_LAUNCH, which the emulator knows"


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not found")
def test_a_unit_is_compiled_and_judged(capsys, monkeypatch):
    monkeypatch.setattr(kernels, "units", lambda: [ROOT / "tests/emulated/resample.cpp"])
    assert kernels.main([]) == 0
    table = capsys.readouterr().out
    assert "| resample |" in table
    assert "| sm_80 |" in table
    assert "| sm_90 |" in table


def test_what_a_build_said_is_read(capsys, tmp_path):
    log = tmp_path / "log"
    said = SAID.replace("ptxas", "  2026-01-01T00:00:00,000   ptxas")
    stems = [path.name for path in (ROOT / "csrc").rglob("*.cu")]
    lines = [f"  [2/9] nvcc -c -c /tree/csrc/{stem} -o {stem}.o\n{said}" for stem in stems]
    log.write_text("  [1/9] c++ -c /tree/csrc/core/library.cpp -o library.o\n" + "".join(lines))
    assert kernels.main([str(log)]) == 1
    printed = capsys.readouterr().out
    assert "| scatter | widen<double> | sm_90 | 12 | 0 | 0 | 0 |" in printed
    assert "widen<float> on sm_80 spills 8 bytes" in printed
    log.write_text("".join(lines).replace("for 'sm_80'", "for 'sm_90'", 1))
    with pytest.raises(RuntimeError, match=rf"says nothing of {stems[0].removesuffix('_kernels.cu')} for sm_80, expected"):
        kernels.main([str(log)])
    log.write_text("nothing was built")
    with pytest.raises(RuntimeError, match="scatter for sm_80, scatter for sm_90"):
        kernels.main([str(log)])


def test_without_nvcc_the_report_says_so(capsys, monkeypatch):
    monkeypatch.setattr(kernels.shutil, "which", lambda name: None)
    assert kernels.main([]) == 0
    assert "nvcc is not found" in capsys.readouterr().out
