"""The list of cases: every operator has some, they are the same each time, and a check of a GPU needs little else."""

import itertools
import json
import os
import subprocess
import sys

import pytest
import torch

import within_wf.ops.binary
import within_wf.ops.drift
import within_wf.ops.multiclass
import within_wf.ops.regression
from tests.emulated.build import ROOT
from tests.ops.cases import CASES, Case, digest, run

WITHOUT_CASES = {"build_digest", "choose_instruction_set", "instruction_set"}
"""Operators that compute nothing."""
WITHOUT = """
from importlib.machinery import PathFinder

class Finding:
    real = PathFinder.find_spec

    def __call__(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {absent!r} else self.real(name, path, target)

PathFinder.find_spec = Finding()
"""
HEAVY = (
    "hypothesis", "scipy", "pydantic", "pydantic_core", "sklearn", "polars", "pyarrow", "pandas", "ruamel", "rich", "typer",
    "torchvision", "albumentations", "xgboost", "transformers", "pytest_timeout", "xdist", "pytest_cov",
)  # fmt: skip


def test_every_operator_has_cases():
    registered = {
        name.partition("::")[2].partition(".")[0]
        for name in torch._C._dispatch_get_all_op_names()
        if name.startswith("within::")
    }
    assert {case.operator for case in CASES} == registered - WITHOUT_CASES


def test_names_are_unique():
    assert len({str(case) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_case_gives_the_same_bytes_again(case: Case):
    assert digest(run(case)) == digest(run(case))


def test_a_digest_knows_dtype_shape_and_bytes():
    tensors = [
        torch.zeros(2, 3),
        torch.zeros(3, 2),
        torch.zeros(6),
        torch.zeros(2, 3, dtype=torch.int32),
        -torch.zeros(2, 3),
        torch.zeros(2, 3, dtype=torch.bfloat16),
        torch.zeros(0, 3),
        torch.tensor(True),
    ]
    assert len({digest({"": tensor})[""] for tensor in tensors}) == len(tensors)
    assert digest({"": torch.arange(6).reshape(2, 3).T}) == digest({"": torch.arange(6).reshape(2, 3).T.contiguous()})


def rehearse(tmp_path, absent):
    """The check of a GPU, in an interpreter in which some packages are not installed."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT.format(absent=set(absent)))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    target = tmp_path / "results.json"
    command = [sys.executable, str(ROOT / "benchmarks/gpu/check.py"), "--rehearse", str(target)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300), target


def test_a_gpu_is_checked_with_torch_numpy_and_pytest_alone(tmp_path):
    done, target = rehearse(tmp_path, HEAVY)
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads(target.read_text())
    assert results["tests_pass"]
    assert {"name", "ours_ms", "floor_ms", "floor_over_ours", "peers_ms", "ours_over_peers"} == set(results["comparisons"][0])
    assert "test_gpu.py" in done.stdout or torch.cuda.is_available()  # skipped, and says so


def test_a_package_that_is_not_there_is_missed(tmp_path):
    done, _ = rehearse(tmp_path, (*HEAVY, "numpy"))
    assert done.returncode != 0
    assert "No module named 'numpy'" in done.stdout + done.stderr


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # opcheck itself asks for it
@pytest.mark.parametrize("operator", sorted({case.operator for case in CASES}))
def test_an_operator_holds_to_torchs_rules(operator):
    cases = [case for case in CASES if case.operator == operator]
    cases = [case for case in cases if "in 13" in case.name] or cases
    # opcheck takes NaN to differ from NaN.
    known = (case for case in cases if not any(result.isnan().any() for result in run(case, gradients=False).values()))
    for case in itertools.islice(known, 4):
        arguments = list(case.make())
        for position in case.differentiable:
            arguments[position] = arguments[position].requires_grad_()
        torch.library.opcheck(getattr(torch.ops.within, operator).default, tuple(arguments))


def test_metrics_have_no_gradient_and_ask_for_none():
    scores, labels = torch.rand(20, 2, requires_grad=True), torch.arange(20) % 2
    weights = torch.rand(20, requires_grad=True)
    shares = scores.softmax(1)
    found = [
        within_wf.ops.binary.binary_metrics(scores[:, 0], labels, weights=weights),
        within_wf.ops.multiclass.multiclass_metrics(shares, labels, weights=weights),
        within_wf.ops.regression.regression_metrics(scores[:, 0], scores[:, 1], weights=weights),
        within_wf.ops.drift.drift_metrics(scores, scores + 1, reference_weights=weights, current_weights=weights),
    ]
    assert not any(value.requires_grad for metrics in found for value in metrics.values())
