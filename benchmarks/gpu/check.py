"""Builds the compiled core on a machine with a GPU, proves its kernels bit-equal to the CPU's, and times them.

    make gpu-check                                 with `python3`, or the interpreter that GPU_PYTHON names
    python benchmarks/gpu/check.py --rehearse FILE without a GPU: no build, small sizes on the CPU, results to FILE

It needs torch with CUDA, numpy, pytest, ninja, setuptools and nvcc, not the rest of the environment. It runs the tests marked
`gpu`, then every benchmarks/gpu/measure_<family>.py beside PyTorch, and writes benchmarks/results/<name of the GPU>.json. It
ends with 0 where all tests pass, 1 where one fails, 2 where there is no GPU.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
HERE = Path(__file__).resolve().parent


def build() -> None:
    """Compile for this GPU alone, in place."""
    major, minor = torch.cuda.get_device_capability()
    environment = {**os.environ, "TORCH_CUDA_ARCH_LIST": f"{major}.{minor}", "FORCE_CUDA": "1"}
    subprocess.run([sys.executable, "setup.py", "build_ext", "--inplace"], cwd=ROOT, env=environment, check=True)


def run_tests() -> int:
    """The exit code of the tests of marker `gpu`.

    Only files that name the marker are read: others import what is not here.
    """
    files = [str(path) for path in sorted((ROOT / "tests").rglob("test_*.py")) if "pytest.mark.gpu" in path.read_text()]
    options = ["-c", str(HERE / "pytest.ini"), f"--rootdir={ROOT}", "-q", "-m", "gpu"]
    return subprocess.run([sys.executable, "-m", "pytest", *options, *files], cwd=ROOT, check=False).returncode


def measure(device: torch.device, scale: float, rounds: int) -> tuple[float, list[dict[str, object]]]:
    """The bandwidth of a copy in bytes a millisecond, and an entry for each comparison of each family."""
    from benchmarks.gpu.timing import COPIED, compare, copy_bandwidth

    bandwidth = copy_bandwidth(device, max(1 << 20, int(COPIED * scale)))
    entries = []
    for path in sorted(HERE.glob("measure_*.py")):
        family = importlib.import_module(f"benchmarks.gpu.{path.stem}")
        for comparison in family.comparisons(device, scale):
            entries.append(compare(comparison, device, bandwidth, rounds))
            print(json.dumps(entries[-1]), flush=True)
    return bandwidth, entries


def main() -> int:
    """Build, test, measure, write down."""
    parser = argparse.ArgumentParser(description="Checks the compiled core on a GPU.")
    parser.add_argument("--rehearse", metavar="FILE", type=Path, help="do what can be done without a GPU, results to FILE")
    rehearsal = parser.parse_args().rehearse
    if rehearsal is None and not torch.cuda.is_available():
        print("no GPU here: torch.cuda.is_available() is false")
        return 2
    if rehearsal is None:
        build()
    device = torch.device("cuda" if rehearsal is None else "cpu")
    name = torch.cuda.get_device_name() if rehearsal is None else "rehearsal"
    tests = run_tests()
    print(f"tests of the GPU: {'pass' if tests == 0 else f'pytest ended with {tests}'}", flush=True)
    bandwidth, entries = measure(device, *((1.0, 20) if rehearsal is None else (1e-4, 2)))
    content = {
        "gpu": name,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "tests_pass": tests == 0,
        "copy_gb_per_s": round(bandwidth / 1e6, 1),
        "comparisons": entries,
    }
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    target = rehearsal or ROOT / f"benchmarks/results/{slug}.json"
    target.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(f"written to {target}")
    return int(tests != 0)


if __name__ == "__main__":
    sys.exit(main())
