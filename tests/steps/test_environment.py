"""A step starts in an environment of its own."""

import subprocess
import sys

from within_wf.steps.environment import PINNED, step_environment


def test_what_a_person_set_does_not_reach_a_step():
    outside = {
        "OMP_NUM_THREADS": "7",
        "PYTHONHASHSEED": "3",
        "LANG": "de_DE",
        "FAVOURITE": "1",
        "HOME": "/home/me",
        "PATH": "/bin",
    }
    inside = step_environment(outside)
    assert inside["OMP_NUM_THREADS"] == "1"
    assert inside["PYTHONHASHSEED"] == "0"
    assert inside["HOME"] == "/home/me"
    assert "FAVOURITE" not in inside
    assert "LANG" not in inside


def test_the_store_and_its_credentials_do():
    outside = {"WITHIN_STORE": "s", "AWS_ACCESS_KEY_ID": "k", "HF_HUB_OFFLINE": "0"}
    inside = step_environment(outside)
    assert outside.items() <= inside.items()


def test_libraries_obey():
    code = (
        "import torch, numpy as np\n"
        "assert torch.backends.cpu.get_cpu_capability() == 'AVX2', torch.backends.cpu.get_cpu_capability()\n"
        "assert not np._core._multiarray_umath.__cpu_features__['X86_V4']\n"
        "assert torch.get_num_threads() == 1 and not torch.cuda.is_available()\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], env=step_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_processors_without_wide_registers_are_not_told_to_leave_them_alone(monkeypatch):
    monkeypatch.setattr("within_wf.steps.environment._has_avx512", lambda: False)
    assert "NPY_DISABLE_CPU_FEATURES" not in step_environment({})
    monkeypatch.setattr("within_wf.steps.environment._has_avx512", lambda: True)
    assert step_environment({})["NPY_DISABLE_CPU_FEATURES"] == PINNED["NPY_DISABLE_CPU_FEATURES"]
