"""What Snakemake's own linter and formatter say of the rules, and how each rule is wired."""

import re
import subprocess

import pytest

from tests.workflow.place import BIN, ROOT, Place
from within_wf.steps.catalog import STEPS

ENVIRONMENT = "Specify a conda environment or container for each rule."
"""The one finding without an honest cure: the lock file is the environment of every rule."""
RULES = {
    name: text
    for path in sorted((ROOT / "rules").glob("*.smk"))
    for name, text in re.findall(r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(), re.MULTILINE | re.DOTALL)
}
"""Rule to its text."""


def part(rule, keyword):
    """What stands behind a keyword of a rule, without white space at its ends."""
    found = re.search(rf"^    {keyword}:(.*?)(?=^    \w|\Z)", RULES[rule], re.MULTILINE | re.DOTALL)
    return found and found[1].strip().removesuffix(",")


def test_the_linter_finds_nothing_but_that_rules_name_no_conda_environment(tmp_path):
    place = Place(tmp_path, tmp_path / "store")
    command = [str(BIN / "snakemake"), "-s", str(ROOT / "Snakefile"), "--lint"]
    done = subprocess.run(command, cwd=tmp_path, env=place.environment(), capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    findings, about = set(), None
    for line in done.stderr.splitlines():
        if line.startswith("Lints for "):
            about = line.removeprefix("Lints for ").partition(" (")[0]
        elif line.startswith("    * "):
            findings.add((about, line.removeprefix("    * ").removesuffix(":")))
    assert findings == {(f"rule {name}", ENVIRONMENT) for name in RULES}


def test_rules_are_formatted():
    command = [str(BIN / "snakefmt"), "--check", "Snakefile", "rules"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_step_has_a_rule():
    assert set(RULES) == {step.name for step in STEPS} | {"track"}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_writes_its_own_log_and_benchmark(rule):
    assert part(rule, "log") == f'"logs/{rule}/{{name}}.{{key}}.log"'
    assert part(rule, "benchmark") == f'"logs/{rule}/{{name}}.{{key}}.tsv"'


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_rule_calls_its_own_step(step):
    assert part(step.name, "input") == (f'unpack(run.inputs("{step.name}"))' if step.inputs else None)
    assert part(step.name, "output") == f'"out/{step.name}/{{name}}/{{key}}.ref.json"'
    assert part(step.name, "shell") == f'run.command("{step.name}")'
    assert int(part(step.name, "threads") or 1) == step.threads
