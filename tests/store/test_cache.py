import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from within_wf.errors import StoreError
from within_wf.store import CachingPipelineExecutor
from within_wf.store.gc import collect
from within_wf.store.pins import pin
from within_wf.store.verify import verify


def count(word):
    """Count a run in a file: a function that counted in memory would change its own key."""
    with Path(os.environ["CALLS"]).open("a") as file:
        file.write(f"{word}\n")


def double(table, factor):
    count("double")
    return {"table": table.with_columns(pl.col("x") * factor), "mean": float(table["x"].sum()) / len(table)}


def write_file(folder, text):
    from pathlib import Path

    path = Path(folder) / "made" / "result.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path.parent


def nothing():
    count("nothing")


def clock():
    from time import time_ns

    return time_ns()


def sized(n, fill):
    return np.full(n, fill, dtype=np.uint8)


def unkeepable():
    return {1, 2}


@pytest.fixture
def calls(tmp_path, monkeypatch):
    path = tmp_path / "calls"
    monkeypatch.setenv("CALLS", str(path))
    return lambda: path.read_text().split() if path.exists() else []


@pytest.fixture
def executor(tmp_path):
    return CachingPipelineExecutor(str(tmp_path / "cache"))


TABLE = pl.DataFrame({"x": [1, 2, 3]})


def test_a_step_runs_once(executor, calls, tmp_path):
    results = [executor.execute_step("double", double, {"table": TABLE, "factor": 2}, {"a": 1}) for _ in range(3)]
    again = CachingPipelineExecutor(tmp_path / "cache").execute_step("double", double, {"factor": 2, "table": TABLE}, {"a": 1})
    assert calls() == ["double"]
    for result in [*results, again]:
        assert result["table"].equals(pl.DataFrame({"x": [2, 4, 6]}))
        assert result["mean"] == 2.0
    assert results[0]["table"] is not results[1]["table"]
    verify(executor.store).raise_if_damaged()


def test_every_part_of_the_key_counts(executor, calls):
    def run(name="double", table=TABLE, factor=2, config=None):
        executor.execute_step(name, double, {"table": table, "factor": factor}, {"a": 1, "b": 2} if config is None else config)

    run()
    run(config={"b": 2, "a": 1})
    assert len(calls()) == 1
    for change in ({"name": "other"}, {"table": TABLE.reverse()}, {"factor": 3}, {"factor": 2.0}, {"config": {"a": 2}}):
        before = len(calls())
        run(**change)
        assert len(calls()) == before + 1, change


def test_none_is_a_result(executor, calls):
    for _ in range(2):
        assert executor.execute_step("nothing", nothing, {}, {}) is None
    assert calls() == ["nothing"]


def test_paths_are_their_content(executor, tmp_path):
    one = executor.execute_step("write", write_file, {"folder": str(tmp_path), "text": "one"}, {})
    two = executor.execute_step("write", write_file, {"folder": str(tmp_path), "text": "one"}, {})
    assert one == two != tmp_path / "made"
    assert (one / "result.txt").read_text() == "one"
    made, kept = (executor.step_key("s", nothing, {"path": path}, {}) for path in (tmp_path / "made", one))
    assert made == kept
    (tmp_path / "made" / "result.txt").write_text("changed")
    assert (one / "result.txt").read_text() == "one"

    source = tmp_path / "source.txt"
    source.write_text("1")
    keys = [executor.step_key("s", nothing, {"path": source}, {})]
    os.utime(source, (1, 1))
    keys.append(executor.step_key("s", nothing, {"path": source}, {}))
    source.write_text("2")
    keys.append(executor.step_key("s", nothing, {"path": source}, {}))
    assert keys[0] == keys[1] != keys[2]


def test_force_recompute_takes_the_place_of_what_was_kept(executor):
    first = executor.execute_step("clock", clock, {}, {})
    assert executor.execute_step("clock", clock, {}, {}) == first
    second = executor.execute_step("clock", clock, {}, {}, force_recompute=True)
    assert second > first
    assert executor.execute_step("clock", clock, {}, {}) == second


def test_results_expire(executor, tmp_path):
    first = executor.execute_step("clock", clock, {}, {})
    key = executor.step_key("clock", clock, {}, {})
    os.utime(executor.store.record_path(key), (time.time() - 100,) * 2)
    assert executor.execute_step("clock", clock, {}, {}) == first
    assert CachingPipelineExecutor(tmp_path / "cache", cache_ttl=1000).execute_step("clock", clock, {}, {}) == first
    assert CachingPipelineExecutor(tmp_path / "cache", cache_ttl=50).execute_step("clock", clock, {}, {}) > first


def test_the_size_limit_takes_the_least_recently_used(tmp_path, calls):
    executor = CachingPipelineExecutor(tmp_path / "cache", cache_size_limit=0.0025)

    def keep(fill):
        executor.execute_step("sized", sized, {"n": 1000, "fill": fill}, {})
        key = executor.step_key("sized", sized, {"n": 1000, "fill": fill}, {})
        os.utime(executor.store.used_path(key), (time.time() - 100 + fill,) * 2)
        return key

    keys = [keep(fill) for fill in (1, 2)]
    executor.execute_step("sized", sized, {"n": 1000, "fill": 1}, {})
    os.utime(executor.store.used_path(keys[0]), None)
    keys.append(keep(3))
    assert [executor.store.knows(key) for key in keys] == [True, False, True]
    assert sum(path.stat().st_size for path in (executor.store.root / "cas").glob("*/*")) <= 2500
    verify(executor.store).raise_if_damaged()


def test_clearing_leaves_what_is_not_of_the_cache(executor, tmp_path):
    executor.execute_step("sized", sized, {"n": 10, "fill": 1}, {})
    executor.execute_step("sized", sized, {"n": 10, "fill": 2}, {})
    other = "ab" * 32
    with executor.store.scratch(other) as directory:
        (directory / "x").write_text("1")
        executor.store.commit(other, directory, "train")
    old = executor.step_key("sized", sized, {"n": 10, "fill": 1}, {})
    os.utime(executor.store.used_path(old), (time.time() - 100,) * 2)
    assert executor.clear_cache(older_than=50) == 1
    assert not executor.store.knows(old)
    assert executor.clear_cache() == 1
    assert list(executor.store.actions()) == [other]


def test_pinned_results_stay(executor):
    executor.execute_step("sized", sized, {"n": 10, "fill": 1}, {})
    pin(executor.store, "kept", [executor.step_key("sized", sized, {"n": 10, "fill": 1}, {})])
    assert executor.clear_cache() == 0


def test_folders_of_forgotten_results_are_collected(executor, tmp_path):
    path = executor.execute_step("write", write_file, {"folder": str(tmp_path), "text": "one"}, {})
    assert path.exists()
    executor.clear_cache()
    collect(executor.store, grace=0)
    assert list((executor.store.root / "values").iterdir()) == []


def test_what_was_forgotten_between_two_looks_is_made_again(executor, calls, monkeypatch):
    executor.execute_step("double", double, {"table": TABLE, "factor": 2}, {})
    load = CachingPipelineExecutor._load

    def forgotten(self, manifest):
        monkeypatch.setattr(CachingPipelineExecutor, "_load", load)
        self.clear_cache()
        return load(self, manifest)

    monkeypatch.setattr(CachingPipelineExecutor, "_load", forgotten)
    assert executor.execute_step("double", double, {"table": TABLE, "factor": 2}, {})["mean"] == 2.0
    assert len(calls()) == 2


def test_damage_is_an_error_and_not_a_miss(executor, calls):
    executor.execute_step("double", double, {"table": TABLE, "factor": 2}, {})
    for blob in (executor.store.root / "cas").glob("*/*"):
        data = bytearray(blob.read_bytes())
        data[0] ^= 1
        blob.chmod(0o644)
        blob.write_bytes(data)
    with pytest.raises(StoreError, match="holds damaged files of a kept value"):
        CachingPipelineExecutor(executor.cache_dir).execute_step("double", double, {"table": TABLE, "factor": 2}, {})
    assert len(calls()) == 1


def test_a_kind_that_cannot_be_kept_is_a_type_error(executor):
    with pytest.raises(TypeError, match="type set cannot be kept"):
        executor.execute_step("unkeepable", unkeepable, {}, {})
    with pytest.raises(TypeError, match="type set cannot be kept"):
        executor.execute_step("nothing", nothing, {"x": {1}}, {})
    assert list(executor.store.actions()) == []
    assert list((executor.store.root / "scratch").iterdir()) == []


@pytest.mark.parametrize("limit", [{"cache_ttl": -1}, {"cache_size_limit": -0.1}, {"cache_ttl": float("nan")}])
def test_limits_are_numbers_from_zero(tmp_path, limit):
    with pytest.raises(StoreError, match="is a number from 0 up or None"):
        CachingPipelineExecutor(tmp_path / "cache", **limit)


def test_two_processes_make_one_of_it(tmp_path):
    (tmp_path / "slow_step.py").write_text(
        "def slow(calls):\n    import time\n    with open(calls, 'a') as file:\n        file.write('run ')\n"
        "    time.sleep(0.7)\n    return 42\n"
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import slow_step; "
        "from within_wf.store.cache import CachingPipelineExecutor as E; executor = E(sys.argv[1] + '/cache'); "
        "print(executor.execute_step('slow', slow_step.slow, {'calls': sys.argv[1] + '/calls'}, {}))"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [run.communicate(timeout=60) for run in runs]
    assert [output for output, _ in outputs] == ["42\n", "42\n"], outputs
    assert (tmp_path / "calls").read_text() == "run "
