"""The environment a step computes in: everything that could choose other bits is pinned before the interpreter starts."""

from __future__ import annotations

import os
from collections.abc import Mapping

PINNED = {
    # one thread inside a library; steps are parallel over whole batches
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "2",
    "RAYON_NUM_THREADS": "2",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_WAIT_POLICY": "passive",
    # one instruction set, so that processors with AVX-512 and without compute alike
    "MKL_CBWR": "COMPATIBLE",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "ATEN_CPU_CAPABILITY": "avx2",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4",
    "OPENBLAS_CORETYPE": "Haswell",
    # nothing of the place or the person
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}

KEPT = (
    "PATH",
    "HOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "HF_HOME",
    "HF_HUB_OFFLINE",
    "SSL_CERT_FILE",
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
)
"""What a step may know besides: where programs and files are, never what to compute."""
KEPT_PREFIXES = ("WITHIN_", "AWS_", "FSSPEC_", "COV_CORE_", "SLURM_")
"""The store, its second tier and who asks."""


def step_environment(outside: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment a step starts in."""
    kept = {name: value for name, value in outside.items() if name in KEPT or name.startswith(KEPT_PREFIXES)}
    pinned = dict(PINNED)
    if not _has_avx512():
        # numpy refuses to switch off what the processor does not have
        del pinned["NPY_DISABLE_CPU_FEATURES"]
    # loading a model by its name on a hub is the one thing that needs the network, and a person says so
    allowed = {"HF_HUB_OFFLINE": outside["HF_HUB_OFFLINE"]} if "HF_HUB_OFFLINE" in outside else {}
    return {**kept, **pinned, **allowed}


def _has_avx512() -> bool:
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - a file of the kernel
            flags = next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return False
    return {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= set(flags.split())
