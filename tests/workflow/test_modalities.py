"""On the sample world as it is by default, a model that does without texts, pictures or tables loses by it."""

import json

import pytest

from tests.workflow.place import Place

pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(1800)]
PARTS = ("text_encoder", "visual_encoder", "tabular_encoder")


def judged(place, *sets):
    place.run("ad_score", "set=tracking.enabled=false", *sets, small=False)
    return json.loads((place.folder / "results/sample_world/ad_score/metrics.json").read_text())


def test_a_model_without_one_of_them_is_worse_beyond_the_interval(tmp_path):
    place = Place(tmp_path / "run", tmp_path / "store")
    whole = judged(place)
    assert whole["primary_metric"] == "rmse"
    low, high = whole["intervals"]["rmse"]
    truth = json.loads((place.folder / "results/sample_world/simulate_world/truth/best_score.json").read_text())
    assert low < whole["test"]["rmse"] < high
    assert whole["test"]["rmse"] > truth["ad_score"]["rmse"], "better than what can be known"
    for part in PARTS:
        less = judged(place, f"set=ad_score.model.{part}.enabled=false")
        assert less["test"]["rmse"] > high, f"without the {part} nothing is lost"
