"""Small trainings give the bytes that are written here, on whatever processor."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from within_wf.ops.instruction_set import instruction_set

EXPECTED = {
    "ad score": "dade8ad535a4efb1ae5b4860e8fc204621c2f434fb42aaf8cc1e8c45e23cc7a4",
    "account health": "9729de264b48c2b2ef68e7c50da1c9efd026bf726944174aace19d5b6179cb6d",
    "transformer": "f534532a883dd49f5a3b53a378b964428b720bb429a8eed119eb83a4f00f12c7",
    "image encoder": "bd5f1d48ea3247ea43babe4e0f2bdf40f022c062523a5bccaea681daf187e0be",
}
PROGRAM = [sys.executable, str(Path(__file__).with_name("small_trainings.py"))]
EMULATED = ("Haswell-v4", "EPYC-Rome")


def start(before: list[str], **more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), **more}
    return subprocess.Popen([*before, *PROGRAM], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def digests(process: subprocess.Popen[str]) -> dict[str, str]:
    out, said = process.communicate(timeout=1500)
    assert process.returncode == 0, said[-4000:]
    found: dict[str, str] = json.loads(out)
    return found


@pytest.mark.parametrize("name", ["baseline", "avx2", "avx512"])
def test_each_instruction_set_of_this_machine_makes_the_same_weights_and_scores(name: str) -> None:
    order = ("baseline", "avx2", "avx512")
    if order.index(name) > order.index(instruction_set()):
        pytest.skip(f"this processor has no {name}")
    aten = {"baseline": "default", "avx2": "avx2", "avx512": "avx512"}[name]
    process = start([], WITHIN_INSTRUCTION_SET=name, ATEN_CPU_CAPABILITY=aten, OMP_NUM_THREADS="3")
    assert digests(process) == EXPECTED


@pytest.mark.slow
@pytest.mark.timeout(1700)
@pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="qemu-user is not installed")
def test_emulated_processors_of_both_vendors_make_the_same_weights_and_scores() -> None:
    running = {name: start(["qemu-x86_64", "-cpu", name], OMP_NUM_THREADS="1") for name in EMULATED}
    try:
        assert {name: digests(process) for name, process in running.items()} == dict.fromkeys(EMULATED, EXPECTED)
    finally:
        for process in running.values():
            process.kill()
