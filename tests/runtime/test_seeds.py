import os
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from within_wf.runtime import set_seed


@pytest.fixture(autouse=True)
def leave_no_trace(monkeypatch):
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.deterministic = False
    torch.backends.cudnn.benchmark = False


def draw():
    return random.random(), np.random.random(), torch.rand(1).item()  # noqa: NPY002


def test_the_same_seed_gives_the_same_draws():
    set_seed(3)
    first = draw()
    set_seed(3)
    assert draw() == first
    set_seed(4)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


@pytest.mark.parametrize("deterministic", [True, False])
def test_deterministic_reaches_torch(deterministic):
    set_seed(1, deterministic)
    assert torch.are_deterministic_algorithms_enabled() is deterministic
    assert torch.backends.cudnn.deterministic is deterministic
    assert torch.backends.cudnn.benchmark is not deterministic
    assert os.environ["PYTHONHASHSEED"] == "1"
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == (":4096:8" if deterministic else "")


def test_only_what_is_asked_is_seeded():
    set_seed(3)
    first = draw()
    set_seed(5)
    after = draw()
    set_seed(5)
    set_seed(3, libraries=["numpy"])
    assert draw() == (first[0], first[1], after[2])


def test_nothing_is_imported_unasked():
    code = "import sys; from within_wf.runtime.seeds import set_seed; set_seed(1); print({'numpy', 'torch'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "set()\n"


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match="expected 0 to 4294967295"):
        set_seed(seed)


def test_an_unknown_library_is_refused():
    with pytest.raises(ValueError, match="libraries holds jax, expected numpy or torch"):
        set_seed(1, libraries=["jax"])
