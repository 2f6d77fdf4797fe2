"""The CPU's kernels under AddressSanitizer and UBSan: the extension is built with both, and its tests run there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emulated.build import COMPILER, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2700)]
NEEDED = ("csrc", "within_wf", "tests/ops", "tests/emulated", "benchmarks/gpu", "setup.py", "pyproject.toml")
NOT_OF_THE_CPU = (
    "test_emulator.py",
    "test_symbols.py",
    "test_kernel_report.py",
    "test_cases.py",
    "test_gpu.py",
    "test_exact_aten.py",
    "test_exact_convert.py",
    "test_exact_elementwise_errors.py",
    "test_exact_functions.py",
    "test_exact_nn.py",
    "test_sanitizers.py",
)
"""Tests of other programs, of torch, and of Python."""
SHARED = ("-q", "-x", "-n", "2", "--dist", "loadscope")
MARKS = ("ERROR: AddressSanitizer", "runtime error:", "ERROR: LeakSanitizer")
OVERRUN = """
at::Tensor overrun_cpu(const at::Tensor& values) {
    at::Tensor out = at::empty_like(values);
    for (int64_t i = 0; i <= values.numel(); ++i) out.data_ptr<float>()[i] = values.data_ptr<float>()[i];
    return out;
}
at::Tensor shifted_cpu(const at::Tensor& values) { return values + (1 << values.numel()); }
TORCH_LIBRARY_FRAGMENT(within, m) { m.def("overrun(Tensor values) -> Tensor"); m.def("shifted(Tensor values) -> Tensor"); }
TORCH_LIBRARY_IMPL(within, CPU, m) { m.impl("overrun", &overrun_cpu); m.impl("shifted", &shifted_cpu); }
"""


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory) -> Path:
    """A copy of the tree whose extension has both sanitizers, and two wrong operators."""
    tree = tmp_path_factory.mktemp("sanitized")
    for name in NEEDED:
        source, target = ROOT / name, tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.so", "__pycache__", "_core_build.json"))
        else:
            shutil.copy(source, target)
    wrong = f"#include <ATen/ATen.h>\n#include <torch/library.h>\nnamespace within {{{OVERRUN}}}\n"
    (tree / "csrc/core/overrun_for_the_sanitizers.cpp").write_text(wrong)
    environment = {**os.environ, "WITHIN_SANITIZE": "1", "MAX_JOBS": "2"}
    command = [sys.executable, "setup.py", "build_ext", "--inplace"]
    built = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-4000:]
    return tree


def run(tree: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    # libstdc++ beside libasan: it is not loaded yet when libasan looks for what throws exceptions.
    libraries = [subprocess.check_output([COMPILER, f"-print-file-name={name}.so"], text=True).strip() for name in
                 ("libasan", "libstdc++")]  # fmt: skip
    environment = {
        **os.environ,
        "LD_PRELOAD": " ".join(libraries),
        "ASAN_OPTIONS": "detect_leaks=0",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "OMP_NUM_THREADS": "2",
        "OMP_WAIT_POLICY": "PASSIVE",
        "PYTHONPATH": str(tree),
        **more,
    }
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "COVERAGE_PROCESS_START", "COV_CORE_SOURCE"):
        environment.pop(name, None)
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=2400)


def passes(done: subprocess.CompletedProcess[str]) -> None:
    said = done.stdout + done.stderr
    assert not any(mark in said for mark in MARKS), said[-8000:]
    assert done.returncode == 0, said[-8000:]
    assert " passed" in said


@pytest.mark.exhaustive
def test_emulated_kernels_pass_under_sanitizers():
    # The arithmetic of exact layers is the CPU's too, whose tests run below; their accesses are watched wherever they run.
    files = sorted(str(path) for path in (ROOT / "tests/ops").glob("test_*_kernels.py") if "test_exact_" not in path.name)
    passes(run(ROOT, "-m", "pytest", *SHARED, "-m", "not slow and not gpu", *files, WITHIN_EMULATED_KIND="sanitized"))


def test_the_tests_of_operators_pass_under_sanitizers(sanitized):
    options = [*SHARED, "-p", "no:randomly", "-p", "tests.ops.few_examples", "-m", "not slow and not gpu"]
    options += ["-k", "not compile and not opcheck and not torch_finds"]  # torch's Python, slow here
    left_out = [f"--ignore=tests/ops/{name}" for name in NOT_OF_THE_CPU] + ["--ignore-glob=*_kernels.py"]
    passes(run(sanitized, "-m", "pytest", *options, *left_out, "tests/ops"))


@pytest.mark.parametrize(
    ("operator", "size", "found"),
    [("overrun", 1024, "ERROR: AddressSanitizer: heap-buffer-overflow"), ("shifted", 40, "runtime error: shift exponent 40")],
)
def test_an_error_is_found(sanitized, operator, size, found):
    script = "import torch\nfrom within_wf.ops.library import load_core\nload_core()\n"
    done = run(sanitized, "-c", f"{script}torch.ops.within.{operator}(torch.ones({size}))")
    assert done.returncode != 0
    assert found in done.stderr
    assert "overrun_for_the_sanitizers.cpp" in done.stderr
