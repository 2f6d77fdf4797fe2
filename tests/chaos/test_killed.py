"""The whole run, killed at random moments in every step, ends with the bytes of a run that nobody disturbed."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tests.workflow.conftest import undisturbed  # noqa: F401 - a fixture
from tests.workflow.place import Place

pytestmark = pytest.mark.slow
TIMES_EACH = 1
BETWEEN = 3
"""Steps, of the first ones, that are surely killed between their blobs and their record; of the others half are, by chance."""
TRIES = 12
LEAST = 30


def seconds_of(place):
    """How long each step took where nothing disturbed it; the interpreter's start included."""
    found = {}
    for path in (place.folder / "out").glob("*/*/*.provenance.json"):
        times = json.loads(path.read_text())
        found.setdefault(path.parts[-3], []).append(times["seconds"])
    return {step: max(values) + 0.3 for step, values in found.items()}


def kill_everything(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


class Chaos:
    """A run that is killed again and again."""

    def __init__(self, tmp_path, seed, whole):
        self.place = Place(tmp_path / "run", tmp_path / "store")
        self.whole = whole
        self.mark = tmp_path / "mark"
        self.draws = random.Random(seed)
        self.kills = Counter()

    def strike(self, step, moment, counted_as=None):
        """Run what a step needs, and kill the run in it; whether it was. If the kill came too late, the step is finished."""
        self.mark.unlink(missing_ok=True)
        self.place.more = {
            "PYTHONPATH": str(Path(__file__).parent),
            "WITHIN_CHAOS": f"{step} {moment}",
            "WITHIN_CHAOS_MARK": str(self.mark),
        }
        process = self.start_in_a_group(self.outputs_of(step))
        text, _ = process.communicate(timeout=600)
        struck = self.mark.exists()
        assert struck or process.returncode == 0, text
        self.kills[counted_as or step] += struck
        return struck

    def strike_surely(self, step, seconds):
        """Kill the run in a step, at a random moment of the step's time; earlier and earlier where it was faster than that."""
        moments = [self.draws.uniform(0, 0.9 * seconds / 2**late) for late in range(TRIES)]
        if not any(self.strike_anew(step, f"{moment:.4f}") for moment in moments):
            raise AssertionError(f"{step} ended before each of {[round(moment, 4) for moment in moments]} seconds")

    def strike_anew(self, step, moment, counted_as=None):
        """Strike a step that is not in the store; a kill after its commit may have left it there."""
        self.forget(step)
        return self.strike(step, moment, counted_as)

    def forget(self, step):
        """Take a finished step out of the store, so that it runs again."""
        self.place.more = {}
        for path in (self.place.folder / "out" / step).glob("*/*.ref.json"):
            self.place.within_wf("store", "gc", "--drop", json.loads(path.read_text())["action"])
            path.unlink()

    def outputs_of(self, step):
        """The files of a step: with them as targets it runs even where what is made from it is there already."""
        found = (self.whole.folder / "out" / step).glob("*/*.ref.json")
        return sorted(str(path.relative_to(self.whole.folder)) for path in found)

    def start_in_a_group(self, targets):
        self.place.folder.mkdir(parents=True, exist_ok=True)
        command = [
            "/bin/sh",
            "-c",
            'WITHIN_CHAOS_GROUP=$$ exec "$@"',
            "chaos",
            *self.place.command(*targets),
        ]
        return subprocess.Popen(
            command,
            cwd=self.place.folder,
            env=self.place.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def strike_anywhere(self, longest):
        """Kill the run after a random time, whatever it is doing."""
        self.place.more = {}
        process = self.place.start("train_all")
        try:
            process.wait(timeout=self.draws.uniform(0.2, longest))
        except subprocess.TimeoutExpired:
            self.kills["(anywhere)"] += 1
        kill_everything(process)


def test_a_run_that_is_killed_again_and_again_ends_as_if_it_had_not_been(tmp_path, undisturbed, capsys):  # noqa: F811
    seed = int(os.environ.get("CHAOS_SEED", "0")) or int.from_bytes(os.urandom(4))
    chaos = Chaos(tmp_path, seed, undisturbed)
    seconds = seconds_of(undisturbed)
    order = [name.partition("/")[0] for name in steps_in_order(undisturbed)]
    for step in order:
        chaos.strike_anywhere(4.0)
        for _ in range(TIMES_EACH):
            chaos.strike_surely(step, seconds[step])
        if step in order[:BETWEEN] or chaos.draws.random() < 0.5:
            assert any(chaos.strike_anew(step, "blobs", "(between blobs and record)") for _ in range(2))
    chaos.place.more = {}
    chaos.place.run("train_all")
    with capsys.disabled():
        print(f"\nchaos, seed {seed}: {sum(chaos.kills.values())} kills")
        for step, count in chaos.kills.items():
            print(f"  {step:28} {'#' * count}")
    assert all(chaos.kills[step] >= TIMES_EACH for step in order)
    assert chaos.kills["(between blobs and record)"] >= BETWEEN
    assert sum(chaos.kills.values()) >= LEAST
    assert chaos.place.outputs() == undisturbed.outputs()
    chaos.place.within_wf("store", "verify")


def steps_in_order(place):
    """``step/name`` in the order the data walks, each step once."""
    plan = json.loads(next((place.folder / ".within/plans").glob("*.json")).read_text())
    seen = {}
    for node in plan.values():
        seen.setdefault(node["step"], f"{node['step']}/{node['name']}")
    from within_wf.steps.catalog import STEPS

    return [seen[step.name] for step in STEPS if step.name in seen]
