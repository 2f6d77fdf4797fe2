"""The real datasets, with the configurations as they are."""

import json
import os
from pathlib import Path

import pytest

from tests.workflow.digests import REAL, committed_of, differing, inputs_of
from tests.workflow.place import Place, jobs
from within_wf.ops.instruction_set import instruction_set

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("WITHIN_DATA" not in os.environ, reason="WITHIN_DATA does not name the folder of the real datasets"),
]
ONE_EVENT = {"ad_exchange"}
"""Datasets whose test period holds one labelled event: which model is better there is chance, and changes with a seed."""
VERDICTS = {"above", "level", "below"}


@pytest.mark.parametrize("dataset", REAL)
def test_one_command_leads_to_a_judged_model(tmp_path, dataset):
    place = Place(tmp_path / "run", tmp_path / "store")
    text = place.run("train_all", f"dataset={dataset}", small=False)
    results = place.folder / "results" / dataset / REAL[dataset]
    metrics = json.loads((results / "metrics.json").read_text())
    assert f"results/{dataset}/{REAL[dataset]}/report.html" in text
    assert metrics["baselines"]
    for name, baseline in metrics["baselines"].items():
        assert baseline["verdict"] in VERDICTS
        if dataset not in ONE_EVENT:
            assert baseline["verdict"] != "below", f"the {metrics['primary_metric']} of {name} is better, beyond the interval"
    assert Path(results / "report.html").stat().st_size > 10_000
    assert jobs(place.run("train_all", f"dataset={dataset}", small=False)) == 0
    assert differing(committed_of(dataset), place.outputs(), inputs_of(place)) == ([], [])


@pytest.mark.skipif(instruction_set() != "avx512", reason="nothing narrower is promised for whole runs here")
def test_narrower_kernels_make_the_committed_bytes_of_real_ads(tmp_path):
    place = Place(tmp_path / "run", tmp_path / "store", more={"WITHIN_INSTRUCTION_SET": "avx2"})
    place.run("train_all", "dataset=upworthy", small=False)
    assert differing(committed_of("upworthy"), place.outputs(), inputs_of(place)) == ([], [])
