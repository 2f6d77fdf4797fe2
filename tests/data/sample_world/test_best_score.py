"""The best scores agree with what one who knows the truth reaches, and each modality is worth having."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score, roc_auc_score

from within_wf.data.sample_world.best_health import _auc, best_health
from within_wf.data.sample_world.best_score import best_effectiveness
from within_wf.data.sample_world.copywriting import wording
from within_wf.data.sample_world.creatives import look
from within_wf.data.sample_world.world import World


@pytest.fixture(scope="module")
def best(known: World) -> dict[str, object]:
    return best_effectiveness(known.effectiveness, np.ones(known.plan.ads, bool))


def indicators(known: World) -> dict[str, np.ndarray]:
    """Everything there is to know of ads, as indicators of each cell."""
    ids, ads = np.arange(known.plan.ads), known.ads
    cells = [ads.platform * 5 + ads.age, 100 + ads.platform * 8 + ads.industry, 200 + ads.call, 300 + ads.age * 3 + ads.gender]
    table = np.concatenate([(cell[:, None] == np.unique(cell)).astype(float) for cell in cells] + [ads.share[:, None]], axis=1)
    return {"text": wording(known.plan, ids), "image": look(known.plan, known.plan.creative), "table": table}


def test_regression_on_the_true_attributes_reaches_the_best_and_no_more(known: World, best: dict[str, object]) -> None:
    x, y = indicators(known), known.effectiveness.labelled
    half = np.arange(y.size) % 2 == 0

    def reached(names: list[str]) -> float:
        columns = np.concatenate([x[name] for name in names], axis=1)
        model = LinearRegression().fit(columns[half], y[half])
        return float(r2_score(y[~half], model.predict(columns[~half])))

    assert reached(["text", "image", "table"]) == pytest.approx(best["r2"], abs=0.03)
    for out in x:
        assert reached([name for name in x if name != out]) == pytest.approx(best["without"][out]["r2"], abs=0.05)


def test_each_modality_is_worth_more_than_chance_gives(known: World, best: dict[str, object]) -> None:
    rng = np.random.default_rng(0)
    effectiveness = known.effectiveness
    parts = {"text": effectiveness.text, "image": effectiveness.image, "table": effectiveness.table}
    whole, labels = sum(parts.values()), effectiveness.labelled - effectiveness.labelled.mean()
    for name, part in parts.items():
        differences = []
        for _ in range(200):
            rows = rng.choice(labels.size, 300)
            centred = [values[rows] - values.mean() for values in (whole, whole - part)]
            scores = [r2_score(labels[rows], prediction) for prediction in centred]
            differences.append(scores[0] - scores[1])
        assert np.quantile(differences, 0.025) > 0.1, name
        assert 0.2 < best["alone"][name]["r2"] < 0.4


def test_modalities_are_independent(known: World) -> None:
    effectiveness = known.effectiveness
    parts = np.stack([effectiveness.text, effectiveness.image, effectiveness.table])
    assert np.abs(np.corrcoef(parts) - np.eye(3)).max() < 0.08
    assert parts.std(axis=1).min() / parts.std(axis=1).max() > 0.85


def test_best_score_is_written(world: Path) -> None:
    written = json.loads((world / "truth" / "best_score.json").read_text())
    truth = pl.read_parquet(world / "truth" / "effectiveness.parquet")
    ads = pl.read_parquet(world / "ads.parquet").unique("ad_id").join(truth, on="ad_id", suffix="_true")
    sound = ads.filter(pl.col("effectiveness").is_between(0, 100))
    points = sound.select(pl.sum_horizontal("text_points", "image_points", "table_points")).to_series().to_numpy()
    assert np.corrcoef(points, sound["effectiveness"].to_numpy())[0, 1] == pytest.approx(
        written["ad_score"]["pearson"], abs=0.05
    )
    assert written["ad_score"]["without"].keys() == written["ad_score"]["alone"].keys() == {"text", "image", "table"}
    assert 0.9 < written["account_health"]["roc_auc"] < 1


def test_observer_is_good_but_not_perfect(known: World) -> None:
    found = best_health(known.plan, known.accounts, known.happenings.episodes)
    assert 0.96 < found["roc_auc"] < 0.995
    assert found["accounts"] == 200


def test_auc_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    truth, chance = rng.integers(0, 2, 500), np.round(rng.uniform(size=500), 1)
    assert _auc(truth, chance) == pytest.approx(roc_auc_score(truth, chance), abs=6e-4)
    assert _auc(np.zeros(5, np.int64), np.zeros(5)) is None
