"""What this machine makes is what was committed, step by step."""

import json
import warnings

import pytest

from tests.workflow.digests import EXCUSED, committed_of, differing, inputs_of


@pytest.mark.filterwarnings("default")
def test_the_small_world_has_the_committed_bytes(undisturbed):
    expected, found = committed_of("sample_world"), undisturbed.outputs()
    own, following = differing(expected, found, inputs_of(undisturbed))
    excused = json.loads(EXCUSED.read_text())
    for name in own:
        before, now = expected.get(name, {}), found.get(name, {})
        files = sorted(file for file in before | now if before.get(file) != now.get(file))
        message = f"{name} differs in {', '.join(files)} though its inputs are equal"
        step = name.partition("/")[0]
        assert step in excused, f"{message}; what follows from it: {', '.join(following) or 'nothing'}"
        warnings.warn(f"{message}: {excused[step]}", UserWarning, stacklevel=1)


def test_a_difference_is_laid_at_the_door_of_the_step_that_made_it():
    expected = {"a/w": {"x": "1"}, "b/w": {"y": "2"}, "c/w": {"z": "3"}}
    found = {"a/w": {"x": "1"}, "b/w": {"y": "9"}, "c/w": {"z": "8"}}
    inputs = {"b/w": ["a/w"], "c/w": ["b/w"]}
    assert differing(expected, found, inputs) == (["b/w"], ["c/w"])
    assert differing(expected, expected, inputs) == ([], [])
    assert differing(expected, {**expected, "d/w": {"n": "4"}}, {**inputs, "d/w": ["a/w"]}) == (["d/w"], [])
