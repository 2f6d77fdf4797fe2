"""What the compiled core is made of, known without loading it."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
SOURCES = PACKAGE.parent / "csrc"
BUILD_FILE = PACKAGE / "_core_build.json"
FLAGS = ("-std=c++20", "-O3", "-ffp-contract=off", "-fno-fast-math", "-fno-math-errno", "-fno-trapping-math", "-fopenmp")
"""How the core is compiled for the host; part of its digest."""
CUDA_FLAGS = ("-std=c++20", "-O3", "--fmad=false", "--expt-relaxed-constexpr")
"""How it is compiled for a GPU; part of its digest too."""


@cache
def core_digest() -> str:
    """SHA-256 of the sources and flags; of an installed package without sources, what it was built from."""
    if not SOURCES.is_dir():
        return built_digest()
    digest = hashlib.sha256(json.dumps([FLAGS, CUDA_FLAGS]).encode())
    for path in sorted(SOURCES.rglob("*")):
        if SOURCES / "emulator" in path.parents:  # for tests alone
            continue
        if path.is_file() and path.suffix in (".h", ".cuh", ".cpp", ".cu"):
            digest.update(f"\0{path.relative_to(SOURCES)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def built_digest() -> str:
    """The digest the extension was built from; empty where it was not built."""
    try:
        return str(json.loads(BUILD_FILE.read_bytes())["digest"])
    except (OSError, ValueError, KeyError):
        return ""
