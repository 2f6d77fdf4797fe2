"""What a piece of work is said to have cost."""

import json
import subprocess
import sys

from within_wf.tracking.meters import Meters


def counter(folder, name, microjoules, wraps_at=1_000_000_000):
    package = folder / name
    package.mkdir(exist_ok=True)
    (package / "energy_uj").write_text(f"{microjoules}\n")
    (package / "max_energy_range_uj").write_text(f"{wraps_at}\n")


def test_energy_is_that_of_all_packages_and_of_no_part_of_one(tmp_path):
    counter(tmp_path, "intel-rapl:0", 5_000_000)
    counter(tmp_path, "intel-rapl:1", 1_000_000)
    counter(tmp_path, "intel-rapl:0:0", 0)
    meters = Meters(tmp_path)
    counter(tmp_path, "intel-rapl:0", 7_500_000)
    counter(tmp_path, "intel-rapl:1", 1_250_000)
    counter(tmp_path, "intel-rapl:0:0", 900_000)
    assert meters.read()["energy_joules"] == 2.75


def test_a_counter_that_wraps_goes_on_from_zero(tmp_path):
    counter(tmp_path, "intel-rapl:0", 999_000_000, wraps_at=999_999_999)
    meters = Meters(tmp_path)
    counter(tmp_path, "intel-rapl:0", 2_000_000, wraps_at=999_999_999)
    assert meters.read()["energy_joules"] == 3.0


def test_without_a_meter_nothing_is_guessed(tmp_path):
    (tmp_path / "intel-rapl:0").mkdir()
    assert Meters(tmp_path).read()["energy_joules"] is None
    assert Meters(tmp_path / "nowhere").read()["energy_joules"] is None


def test_memory_and_time_are_those_that_were_used():
    work = "x = bytearray(300_000_000); import time; t = time.process_time()\nwhile time.process_time() < t + .2: pass\n"
    code = f"from within_wf.tracking.meters import Meters; m = Meters()\n{work}\nimport json; print(json.dumps(m.read()))"
    cost = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert 300_000_000 < cost["peak_memory_bytes"] < 400_000_000
    assert 0.2 <= cost["cpu_seconds"] < 5
    assert cost["seconds"] >= 0.2
