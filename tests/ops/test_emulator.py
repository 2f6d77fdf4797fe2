"""The emulator of tests/emulated: right kernels give right results in any order, wrong ones are found."""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.emulated.build import COMPILER, ROOT, EmulatorReport, Reading, build

SEEDS = range(10)
THREADS = 128


def integers(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1000, count, dtype=np.int32)


@pytest.fixture(params=[(), ("WITHIN_UCONTEXT",)], ids=["own switch", "ucontext"])
def unit(request, emulated):
    return emulated("self_test", "watched", request.param)


@pytest.fixture
def kernels(emulated):
    return emulated("self_test")


def test_barriers_and_blocks_give_a_sum(unit):
    values = integers(1000)
    for seed in SEEDS:
        sums = np.zeros(8, np.int32)
        unit.run("run_tree_sum", Reading(values), sums, len(values), 0, seed=seed)
        assert sums.tolist() == [values[i : i + THREADS].sum() for i in range(0, 1000, THREADS)]


@pytest.mark.parametrize("missing", [1, 2, 3, 4])
def test_a_removed_barrier_is_a_race_in_every_seed(kernels, missing):
    for seed in SEEDS:
        with pytest.raises(EmulatorReport, match=r"tree_sum.*race on .*(partial|kept) \+ \d+ bytes.*self_test.cpp:\d+"):
            kernels.run("run_tree_sum", Reading(integers(1000)), np.zeros(8, np.int32), 1000, missing, seed=seed)


@pytest.mark.parametrize("missing", [1, 3, 4])
def test_a_removed_barrier_gives_wrong_sums_in_every_seed(emulated, missing):
    values = integers(1000)
    for seed in SEEDS:
        sums = np.zeros(8, np.int32)
        emulated("self_test", "plain").run("run_tree_sum", Reading(values), sums, 1000, missing, seed=seed)
        assert sums.tolist() != [values[i : i + THREADS].sum() for i in range(0, 1000, THREADS)]


def test_the_seed_alone_decides_the_order(kernels):
    def report(seed: int) -> str:
        with pytest.raises(EmulatorReport) as found:
            kernels.run("run_tree_sum", Reading(integers(1000)), np.zeros(8, np.int32), 1000, 3, seed=seed)
        return str(found.value)

    assert report(1) == report(1)
    assert len({report(seed).partition("\n")[2] for seed in range(5)}) > 1


@pytest.mark.parametrize("count", [32, 100, 1000, 1024])
def test_scans_through_shuffles_and_dynamic_shared_memory(unit, count):
    values = integers(count)
    for seed in range(3):
        scanned, real = np.zeros(count, np.int32), np.zeros(count)
        unit.run("run_scan_int", Reading(values), scanned, count, seed=seed)
        unit.run("run_scan_double", Reading(values.astype(np.float64)), real, count, seed=seed)
        assert scanned.tolist() == np.cumsum(values).tolist() == real.tolist()


def test_warp_operations(unit):
    values = integers(64, seed=2)
    got = np.zeros((14, 64), np.int32)
    unit.run("run_warp_operations", Reading(values), got, 64)
    for first in (0, 32):
        lanes, mine = values[first : first + 32], got[:, first : first + 32]
        at = np.arange(32)
        bits = 1 << at.astype(np.uint64)
        assert mine[0].tolist() == lanes[lanes & 31].tolist()
        assert mine[1].tolist() == lanes[np.where(at < 3, at, at - 3)].tolist()
        assert mine[2].tolist() == lanes[np.where(at % 16 + 5 > 15, at, at + 5)].tolist()
        assert mine[3].tolist() == lanes[at ^ 9].tolist()
        assert set(mine[4].view(np.uint32).tolist()) == {int(bits[(lanes & 1) == 1].sum())}
        assert set(mine[5].tolist()) == {int((lanes == 77).any())}
        assert set(mine[6].tolist()) == {1}
        assert mine[7].view(np.uint32).tolist() == [int(bits[lanes % 3 == lane % 3].sum()) for lane in lanes]
        assert set(mine[8].tolist()) == {int(lanes.sum())}
        assert set(mine[9].tolist()) == {int(lanes.max())}
        assert mine[13].tolist() == [lanes[2]] * 16 + [lanes[18]] * 16
    assert set(got[10].tolist()) == {int((values & 1).sum())}
    assert set(got[11].tolist()) == {int((values == 77).any())}
    assert set(got[12].tolist()) == {1}


def test_atomics(unit):
    values = integers(5 * THREADS, seed=3)
    for seed in range(3):
        ints = np.array([0, 10**6, -1, 0, -1, 0, 0, 0], np.int32)
        longs, floats, doubles = np.zeros(2, np.uint64), np.zeros(1, np.float32), np.zeros(1)
        unit.run("run_atomics", Reading(values), ints, longs, floats, doubles, 5, seed=seed)
        either, both, odd = np.bitwise_or.reduce(values), np.bitwise_and.reduce(values | 0x100), np.bitwise_xor.reduce(values)
        assert ints[:6].tolist() == [values.sum(), values.min(), values.max(), either, both, odd]
        assert ints[6] in values
        assert ints[7] in values
        assert longs.tolist() == [int(values.sum()) << 33, values.max()]
        assert (floats[0], doubles[0]) == (5 * THREADS, 2.5 * THREADS)


def test_a_thread_that_spins_on_a_lock_lets_others_go_on(unit):
    count = np.zeros(1, np.int32)
    unit.run("run_lock", np.zeros(1, np.int32), count)
    assert count[0] == 3 * THREADS


def test_threads_and_blocks_of_three_dimensions(unit):
    out = np.zeros(12 * 24, np.int32)
    unit.run("run_places", out)
    assert out.tolist() == [(block * 1000 + thread) * 3 + 1 for block in range(12) for thread in range(24)]


def test_the_last_block_reads_what_fences_and_atomics_order(kernels):
    values = integers(20)
    for seed in SEEDS:
        total = np.zeros(1, np.int32)
        buffers = (np.zeros(20, np.int32), np.zeros(1, np.uint32), total)
        kernels.run("run_last_block", Reading(values), *buffers, 20, 1, seed=seed)
        assert total[0] == 2 * values.sum()
        with pytest.raises(EmulatorReport, match="race between blocks on argument 1"):
            kernels.run("run_last_block", Reading(values), *buffers, 20, 0, seed=seed)


def test_what_syncwarp_orders_is_no_race_and_what_nothing_orders_is(kernels):
    values, turned = integers(THREADS), np.zeros(THREADS, np.int32)
    for seed in SEEDS:
        kernels.run("run_through_warp", Reading(values), turned, 1, seed=seed)
        assert turned.tolist() == values.reshape(-1, 2)[:, ::-1].ravel().tolist()
        with pytest.raises(EmulatorReport, match=r"race on .*kept"):
            kernels.run("run_through_warp", Reading(values), turned, 0, seed=seed)


def test_updates_that_may_be_lost_are_reported(kernels):
    for seed in SEEDS:
        with pytest.raises(EmulatorReport, match=r"race on .*lost_updates.*bins"):
            kernels.run("run_lost_updates", Reading(integers(THREADS)), np.zeros(4, np.int32), seed=seed)


def test_blocks_that_write_one_place_are_reported(kernels):
    kernels.run("run_blocks_write_one_place", np.zeros(1, np.int32), 1)
    with pytest.raises(EmulatorReport, match=r"race between blocks on argument 0 \(int32 \[1\]\) \+ 0 bytes"):
        kernels.run("run_blocks_write_one_place", np.zeros(1, np.int32), 2)


def test_a_barrier_that_not_all_threads_reach_is_a_deadlock(unit):
    values, out = np.zeros(THREADS, np.int32), np.zeros(THREADS, np.int32)
    values[40:50] = 1
    with pytest.raises(EmulatorReport, match=r"divergent_barrier.*deadlock") as found:
        unit.run("run_divergent_barrier", Reading(values), out)
    assert "threads 40 to 49 wait in __syncthreads" in str(found.value)
    assert "threads 50 to 127 have ended" in str(found.value)
    # What was given up leaves nothing behind.
    unit.run("run_divergent_barrier", Reading(np.zeros(THREADS, np.int32)), out)


def test_threads_that_meet_in_different_barriers_are_reported(kernels):
    with pytest.raises(EmulatorReport, match="different __syncthreads"):
        kernels.run("run_two_barriers", Reading(integers(THREADS)), np.zeros(THREADS, np.int32))


def test_a_shuffle_that_not_all_lanes_reach_is_a_deadlock(kernels):
    with pytest.raises(EmulatorReport, match="deadlock") as found:
        kernels.run("run_divergent_shuffle", Reading(integers(THREADS)), np.zeros(THREADS, np.int32))
    assert "wait in a shuffle or vote of their warp" in str(found.value)
    assert "mask 0xffffffff" in str(found.value)


def test_a_wait_without_end_ends(kernels):
    with pytest.raises(EmulatorReport, match="waited without end"):
        kernels.run("run_endless_wait", np.zeros(1, np.int32))


def test_a_trap_is_reported(kernels):
    with pytest.raises(EmulatorReport, match=r"thread 5 trapped, .*self_test.cpp:\d+"):
        kernels.run("run_trapping", Reading(np.arange(THREADS, dtype=np.int32)))


@pytest.mark.parametrize("at", [8, 9, -1])
def test_a_write_outside_of_an_array_is_reported_and_does_not_happen(kernels, at):
    around = np.zeros(16, np.int32)
    with pytest.raises(EmulatorReport, match=r"a write of 4 bytes outside of every array.*argument 0 \(int32 \[8\]\)"):
        kernels.run("run_write_at", around[4:12], at)
    assert not around.any()


def test_what_the_host_copies_is_looked_at_too(kernels):
    out, values = np.zeros(4, np.int32), integers(8)
    kernels.run("run_copies", out, Reading(values), 12)
    assert out.tolist() == [-1, *values[:3]]
    with pytest.raises(
        EmulatorReport, match=r"a write of 16 bytes outside of every array, by the host.*past the end of argument 0"
    ):
        kernels.run("run_copies", out, Reading(values), 16)
    with pytest.raises(EmulatorReport, match=r"a write to argument 0 .* which is only read, by the host"):
        kernels.run("run_copies", Reading(out), Reading(values), 12)


def test_a_write_to_what_is_only_read_is_reported(kernels):
    out = np.zeros(8, np.int32)
    with pytest.raises(EmulatorReport, match=r"a write to argument 0 .* which is only read"):
        kernels.run("run_write_at", Reading(out), 3)
    assert not out.any()


def test_a_write_past_dynamic_shared_memory_is_reported(kernels):
    kernels.run("run_dynamic_shared_at", np.zeros(1, np.int32), 7)
    with pytest.raises(EmulatorReport, match="past the end of dynamic shared memory"):
        kernels.run("run_dynamic_shared_at", np.zeros(1, np.int32), 8)


def test_shared_memory_holds_noise_at_first(kernels):
    out = np.zeros(THREADS, np.int32)
    for seed in SEEDS:
        kernels.run("run_unwritten_shared", out, seed=seed)
        assert set(out.tolist()) <= {-1, 0x5A5A5A5A}


@pytest.mark.parametrize(
    ("launch", "expected"),
    [
        ((0, 32, 0), "a grid of 0 x 1 x 1 blocks"),
        ((2**31, 32, 0), "a grid of 2147483648"),
        ((2**32 + 1, 32, 0), "a grid of 4294967297"),
        ((1, 1025, 0), "blocks of 1025 x 1 x 1 threads"),
        ((1, 32, 48 * 1024 + 1), "49153 bytes of dynamic shared memory"),
    ],
)
def test_a_launch_that_cuda_refuses_is_reported(kernels, launch, expected):
    with pytest.raises(EmulatorReport, match=expected):
        kernels.run("run_large_launch", np.zeros(1, np.int32), *launch)


def test_a_function_whose_bits_no_standard_fixes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.emulated.build.UNITS", tmp_path)
    (tmp_path / "unfixed.cpp").write_text(
        '#include "core/launch.h"\n__global__ void kernel(float* x) { *x = expf(*x); }\n'
        'extern "C" void call(float* x) { WITHIN_LAUNCH(kernel, 1, 1, 0, nullptr, x); }\n'
    )
    with pytest.raises(RuntimeError, match="unfixed: kernels call expf"):
        build("unfixed", "plain")
    (tmp_path / "unfixed.cpp").write_text("no source")
    with pytest.raises(RuntimeError, match="ended with 1"):
        build("unfixed", "plain")


def test_an_array_that_is_not_contiguous_is_refused(kernels):
    with pytest.raises(ValueError, match="argument 0 is not contiguous"):
        kernels.run("run_write_at", np.zeros((4, 4), np.int32)[:, 1], 0)


SANITIZED = """
import sys
import numpy as np
from tests.emulated.build import emulated
function, at = sys.argv[1], int(sys.argv[2])
emulated("self_test", "sanitized").run(function, np.zeros(8, np.int32), at)
"""


@pytest.mark.parametrize(
    ("function", "found"),
    [
        ("run_write_at", "heap-buffer-overflow"),
        ("run_shared_at", "global-buffer-overflow"),
        ("run_dynamic_shared_at", "heap-buffer-overflow"),
    ],
)
def test_sanitizers_find_what_is_out_of_bounds(function, found):
    build("self_test", "sanitized")
    library = subprocess.check_output([COMPILER, "-print-file-name=libasan.so"], text=True).strip()
    environment = {**os.environ, "LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0", "PYTHONPATH": str(ROOT)}
    environment.pop("COVERAGE_PROCESS_START", None)

    def run(at: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", SANITIZED, function, str(at)]
        return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)

    right = run(7)
    assert right.returncode == 0, right.stderr
    wrong = run(8)
    assert wrong.returncode != 0
    assert found in wrong.stderr
    assert "self_test.cpp" in wrong.stderr
