"""A GPU gives the bytes of the CPU, for every operator and every case of tests/ops/cases.py.

Imports torch and pytest alone: it runs where there is little else (`make gpu-check`).
"""

import pytest
import torch

from tests.ops.cases import CASES, Case, digest, run
from within_wf.ops.drift import drift_metrics

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU"),
]
EVERY = CASES if torch.cuda.is_available() else CASES[:1]
"""Without a GPU one case is skipped, and not thousands."""
FIRST_OF_EACH = tuple({case.operator: case for case in reversed(EVERY)}.values())


@pytest.mark.parametrize("case", EVERY, ids=str)
def test_a_gpu_gives_the_bytes_of_the_cpu(case: Case):
    assert digest(run(case, "cuda")) == digest(run(case))


@pytest.mark.parametrize("case", EVERY, ids=str)
def test_a_gpu_gives_the_same_bytes_again_and_on_another_stream(case: Case):
    once = digest(run(case, "cuda"))
    with torch.cuda.stream(torch.cuda.Stream()):
        assert digest(run(case, "cuda")) == once


@pytest.mark.parametrize("case", FIRST_OF_EACH, ids=str)
def test_opcheck_passes_on_a_gpu(case: Case):
    arguments = [argument.cuda() if isinstance(argument, torch.Tensor) else argument for argument in case.make()]
    for position in case.differentiable:
        arguments[position].requires_grad_()
    torch.library.opcheck(getattr(torch.ops.within, case.operator).default, tuple(arguments))


def said_of_drift(device: str, reference: torch.Tensor, current: torch.Tensor, **given: object) -> object:
    """Digests of what drift_metrics gives, or what it says when it refuses."""
    given = {key: value.to(device) if isinstance(value, torch.Tensor) else value for key, value in given.items()}
    try:
        found = drift_metrics(reference.to(device), current.to(device), **given)
    except (ValueError, IndexError) as error:
        return str(error)
    return digest({key: value.cpu() for key, value in found.items()})


X = torch.arange(12.0).reshape(4, 3)
BAD = X.index_fill(0, torch.tensor([2, 3]), float("nan"))
OF = torch.tensor([0, 1, 1, 0])


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        ((X, BAD), {}),
        ((BAD, BAD), {}),
        ((BAD, X), {"reference_weights": X[:, 0] - 2, "current_weights": X[:, 0] - 1}),
        ((X, X), {"current_weights": torch.tensor([1.0, float("inf"), 1.0, 1.0]).double()}),
        ((X, X), {"reference_groups": OF, "current_groups": OF + 7, "num_groups": 8}),
        ((X, X), {"reference_groups": -OF, "current_groups": OF, "num_groups": 8}),
        ((X[:0], X), {"reference_groups": OF[:0], "current_groups": OF}),
        ((X[:0], BAD), {}),
        ((X[:, :0], X[:, :0]), {}),
    ],
)
def test_drift_on_a_gpu_says_what_the_cpu_says(arguments, given):
    assert said_of_drift("cuda", *arguments, **given) == said_of_drift("cpu", *arguments, **given)


def test_drift_that_does_not_fit_is_measured_by_the_cpu():
    given = {"bins": (1 << 25) + 1}
    assert said_of_drift("cuda", X[:, 0], X[:, 1], **given) == said_of_drift("cpu", X[:, 0], X[:, 1], **given)
