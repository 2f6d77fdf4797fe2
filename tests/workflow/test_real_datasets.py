"""The real datasets, with the configurations as they are."""

import json
import os
from pathlib import Path

import pytest

from tests.workflow.place import Place, jobs

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("WITHIN_DATA" not in os.environ, reason="WITHIN_DATA does not name the folder of the real datasets"),
]
ONE_EVENT = {"ad_exchange"}
"""Datasets whose test period holds one labelled event: which model is better there is chance, and changes with a seed."""
MODELS = {"upworthy": "ad_score", "ad_exchange": "account_health", "facebook_campaigns": "ad_score"}
VERDICTS = {"above", "level", "below"}


@pytest.mark.parametrize("dataset", MODELS)
def test_one_command_leads_to_a_judged_model(tmp_path, dataset):
    place = Place(tmp_path / "run", tmp_path / "store")
    text = place.run("train_all", f"dataset={dataset}", small=False)
    results = place.folder / "results" / dataset / MODELS[dataset]
    metrics = json.loads((results / "metrics.json").read_text())
    assert f"results/{dataset}/{MODELS[dataset]}/report.html" in text
    assert metrics["baselines"]
    for name, baseline in metrics["baselines"].items():
        assert baseline["verdict"] in VERDICTS
        if dataset not in ONE_EVENT:
            assert baseline["verdict"] != "below", f"the {metrics['primary_metric']} of {name} is better, beyond the interval"
    assert Path(results / "report.html").stat().st_size > 10_000
    assert jobs(place.run("train_all", f"dataset={dataset}", small=False)) == 0
