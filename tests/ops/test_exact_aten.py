"""Operators of ATen that exact layers rely on give the same bits with every instruction set that ATen has kernels for."""

import json
import os
import subprocess
import sys

import pytest

from tests.ops.exact_operators import SAMPLES
from tests.ops.settings import INSTRUCTION_SETS
from within_wf.ops.exact.aten import _SINGLE, CONDITIONS

CAPABILITIES = {"baseline": "default", "avx2": "avx2", "avx512": "avx512"}


def digests_with(capability: str, threads: int) -> dict[str, str]:
    command = [sys.executable, "-m", "tests.ops.exact_operators"]
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": capability, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def expected():
    return digests_with("default", 1)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", INSTRUCTION_SETS)
def test_an_operator_gives_the_same_bits_everywhere(expected, name, threads):
    got = digests_with(CAPABILITIES[name], threads)
    assert {name for name in expected if got[name] != expected[name]} == set()


def test_every_operator_that_computes_has_a_sample():
    whole_numbers_or_one_place = {"cumsum", "prod", "sum", "_index_put_impl", "_unsafe_index_put"}
    assert {*_SINGLE.split(), *CONDITIONS} - set(SAMPLES) == whole_numbers_or_one_place
