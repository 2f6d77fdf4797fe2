"""Builds the compiled core: with CUDA where nvcc and a CUDA torch are found, for the CPU alone otherwise."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Literal

from setuptools import setup
from torch.utils.cpp_extension import CUDA_HOME, BuildExtension, CppExtension, CUDAExtension
from torch.version import __version__ as torch_version
from torch.version import cuda as torch_cuda

HERE = Path(__file__).resolve().parent
TORCH_FLAGS = ("-DTORCH_API_INCLUDE_EXTENSION_H", "-DTORCH_EXTENSION_NAME=_C")
"""What torch adds to the flags of each source; a header compiled without them would not be taken."""
FOR_GPU = ("_cuda.cpp", ".cu")
"""How sources end that need CUDA: with torch's headers for g++, with kernels for nvcc."""
OF_OTHER_INSTRUCTIONS = ("_baseline.cpp", "_avx512.cpp")
"""How sources end that a build of AVX2 alone leaves out."""
UNITY = ("_ops.cpp", "_autograd.cpp", "_cpu.cpp", "_cuda.cpp")
"""How sources end that hold little but torch's templates: those of a kind are compiled as one, in a sixth of the time."""
spec = importlib.util.spec_from_file_location("fingerprint", HERE / "within_wf/ops/fingerprint.py")
fingerprint = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fingerprint)


def nvcc() -> str | None:
    """CUDA's compiler."""
    return shutil.which("nvcc") or (shutil.which("nvcc", path=str(Path(CUDA_HOME) / "bin")) if CUDA_HOME else None)


def with_cuda() -> bool:
    """Whether to compile for a GPU; WITHIN_CUDA=0 says no."""
    if os.environ.get("WITHIN_CUDA") == "0" or os.environ.get("WITHIN_SANITIZE") == "1" or torch_cuda is None:
        return False
    return nvcc() is not None


def sanitizers() -> list[str]:
    """Flags of a build that looks for errors of memory and undefined behaviour: WITHIN_SANITIZE=1, for the CPU and AVX2 alone.

    Such an extension loads in a process that was started with libasan and libstdc++ preloaded (tests/ops/test_sanitizers.py).
    ``vptr`` would need type information that torch does not export; ``null`` and ``object-size`` find what AddressSanitizer
    does; ``alignment`` and ``pointer-overflow`` are left out for the time to compile, for which calls stand in place of
    inlined checks too.
    """
    if os.environ.get("WITHIN_SANITIZE") != "1":
        return []
    left_out = "-fno-sanitize=vptr,null,alignment,object-size,pointer-overflow"
    calls = ["--param", "asan-instrumentation-with-call-threshold=0"]
    chosen = ["-fsanitize=address,undefined", left_out, "-fno-sanitize-recover=undefined", *calls]
    return [*chosen, "-DWITHIN_AVX2_ALONE", "-Og", "-g1"]


class Build(BuildExtension):
    """Reads torch's headers once for all sources, and writes down beside the extension what it was built from."""

    def build_extensions(self) -> None:
        self.precompile()
        super().build_extensions()

    def precompile(self) -> None:
        """Compile csrc/core/torch.h, which takes longer than most of what includes it; g++ finds it before the header itself.

        Where that fails, as with another compiler, sources read the header.
        """
        (extension,) = self.extensions
        flags = [*extension.extra_compile_args["cxx"], *TORCH_FLAGS]
        includes = [f"-I{folder}" for folder in (*extension.include_dirs, *self.compiler.include_dirs)]
        command = [*self.compiler.compiler_so, *flags, *includes, "-x", "c++-header", str(HERE / "csrc/core/torch.h")]
        header = Path(extension.include_dirs[0]) / "core/torch.h.gch"
        said = header.with_suffix(".made_of")
        made_of = repr((torch_version, command, (HERE / "csrc/core/torch.h").read_text()))
        if header.exists() and said.exists() and said.read_text() == made_of:
            return
        header.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / "csrc/core/torch.h", header.with_suffix(""))  # read where it is included once more
        done = subprocess.run([*command, "-o", str(header)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            header.unlink(missing_ok=True)
        said.write_text(made_of)

    def run(self) -> None:
        super().run()
        content = {"digest": fingerprint.core_digest(), "cuda": with_cuda()}
        folders = [HERE / "within_wf"] if self.inplace or self.editable_mode else [Path(self.build_lib) / "within_wf"]
        for folder in folders:
            (folder / fingerprint.BUILD_FILE.name).write_text(json.dumps(content, sort_keys=True) + "\n")


def cuda_folders(what: Literal["INCLUDES", "LIBRARIES"]) -> list[str]:
    """Where nvcc says its headers or libraries are; a wrapper's own place says nothing."""
    command = [nvcc() or "nvcc", "--dryrun", "-x", "cu", os.devnull]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    return [folder for line in said.splitlines() if f" {what}=" in line for folder in re.findall(r'-[IL]"?([^" ]+)', line)]


def write_digest() -> str:
    """The folder of a header that says what is built."""
    header = HERE / "build/generated/build_digest.h"
    write_changed(header, f'#define WITHIN_BUILD_DIGEST "{fingerprint.core_digest()}"\n')
    return str(header.parent)


def write_changed(path: Path, content: str) -> None:
    """Write the file where it says something else, so that nothing more is compiled again."""
    if not path.exists() or path.read_text() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def unity(sources: list[str]) -> list[str]:
    """The sources, those of one kind as one that includes them, or as two: exact layers are half of all.

    WITHIN_UNITY=0 leaves each by itself, for work on one: it alone is compiled again.
    """
    if os.environ.get("WITHIN_UNITY") == "0":
        return sources
    of_kind: dict[str, list[str]] = {}
    for source in sources:
        path = Path(source)
        ending = next((ending for ending in UNITY if path.name.endswith(ending)), None)
        family = "exact" if path.parent.name == "exact" else "others"
        of_kind.setdefault(f"build/generated/{family}{ending}" if ending else source, []).append(source)
    for target, parts in of_kind.items():
        content = "".join(f'#include "{Path(part).relative_to("csrc")}"\n' for part in parts)
        if target not in parts:
            write_changed(HERE / target, content)
    return sorted(of_kind)


def core() -> CppExtension:
    cuda = with_cuda()
    folders = ("core", "augment", "scatter", "metrics", "exact")
    sources = sorted(
        str(path.relative_to(HERE))
        for folder in folders
        for path in (HERE / "csrc" / folder).glob("*")
        if path.suffix in (".cpp", ".cu")
        and (cuda or not path.name.endswith(FOR_GPU))
        and not (sanitizers() and path.name.endswith(OF_OTHER_INSTRUCTIONS))
    )
    compile_args = {"cxx": [*fingerprint.FLAGS, "-g0", *sanitizers()]}
    if cuda:
        os.environ.setdefault("TORCH_CUDA_ARCH_LIST", "8.0;9.0+PTX")
        os.environ.setdefault("FORCE_CUDA", "1")
        compile_args["nvcc"] = list(fingerprint.CUDA_FLAGS)
    make = CUDAExtension if cuda else CppExtension
    return make(
        "within_wf._C",
        unity(sources),
        include_dirs=[
            str(HERE / "build/precompiled"),
            str(HERE / "csrc"),
            write_digest(),
            *(cuda_folders("INCLUDES") if cuda else []),
        ],
        library_dirs=cuda_folders("LIBRARIES") if cuda else [],
        extra_compile_args=compile_args,
        extra_link_args=sanitizers(),
    )


setup(ext_modules=[core()], cmdclass={"build_ext": Build})
