"""The levels of the determinism contract that need no second machine."""

import pytest

from tests.workflow.place import Place

pytestmark = pytest.mark.slow


def run(tmp_path, *arguments, **more):
    place = Place(tmp_path / "another" / "folder", tmp_path / "store", more=more)
    place.run("train_all", *arguments)
    return place


def test_d0_the_same_command_on_an_empty_store_makes_the_same_bytes(tmp_path, undisturbed):
    place = run(tmp_path)
    assert place.outputs() == undisturbed.outputs()
    assert place.computed() == set(undisturbed.outputs())


def test_d1_one_core_narrow_kernels_and_what_is_outside_change_no_step(tmp_path, undisturbed):
    odd = {
        "WITHIN_INSTRUCTION_SET": "avx2",
        "OMP_NUM_THREADS": "3",
        "MKL_NUM_THREADS": "3",
        "PYTHONHASHSEED": "77",
        "TZ": "Asia/Tokyo",
        "LC_ALL": "C",
        "ATEN_CPU_CAPABILITY": "default",
        "POLARS_MAX_THREADS": "1",
    }
    assert run(tmp_path, "--cores", "1", **odd).outputs() == undisturbed.outputs()
