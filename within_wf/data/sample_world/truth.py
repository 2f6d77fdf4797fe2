"""What is planted in a world, written apart from its tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from within_wf.data.sample_world.accounts import SURPRISES, TROUBLES
from within_wf.data.sample_world.best_health import best_health
from within_wf.data.sample_world.best_score import best_effectiveness
from within_wf.data.sample_world.effectiveness import (
    UNFAIR_AGE,
    UNFAIR_GENDER,
    UNFAIR_POINTS,
    annotator_count,
    is_unfair,
    wrong_pairs,
)
from within_wf.data.sample_world.plan import FIRST_DAY
from within_wf.data.sample_world.planted import AD_FAULTS, DAY_FAULTS, OUTLIER_FACTOR
from within_wf.data.sample_world.records import World
from within_wf.data.sample_world.tables import TableWriter, dates, names, pick
from within_wf.store.canonical import write_json


def write_truth(world: World, folder: Path) -> None:
    """Write every file of ``truth/``."""
    folder.mkdir()
    _write(folder / "violations.parquet", _violations(world))
    _write(folder / "outliers.parquet", _outliers(world))
    _write(folder / "wrong_labels.parquet", _wrong_labels(world))
    _write(folder / "anomalies.parquet", _anomalies(world))
    _write(folder / "failing_accounts.parquet", _failing_accounts(world))
    _write(folder / "effectiveness.parquet", _effectiveness(world))
    write_json(folder / "drift.json", _drift(world))
    write_json(folder / "unfair_group.json", _unfair_group(world))
    write_json(folder / "intervention.json", _intervention(world))
    write_json(folder / "best_score.json", best_scores(world))


def _write(path: Path, columns: dict[str, Any]) -> None:
    with TableWriter(path) as writer:
        writer.write(columns)


def _violations(world: World) -> dict[str, Any]:
    planted, days = world.planted, world.plan.days
    when = (FIRST_DAY + planted.faulty_days % days).astype(str).tolist()
    accounts = names("account", planted.faulty_days // days).to_pylist()
    faults = [AD_FAULTS[i] for i in planted.ad_faults] + [DAY_FAULTS[i] for i in planted.day_faults]
    tables = ["ads"] * planted.faulty_ads.size + ["account_days"] * planted.faulty_days.size
    ids = names("ad", planted.faulty_ads).to_pylist() + [f"{a} {d}" for a, d in zip(accounts, when, strict=True)]
    return {
        "table": pa.array(tables, pa.string()),
        "id": pa.array(ids, pa.string()),
        "column": pa.array([column for column, _ in faults], pa.string()),
        "rule": pa.array([rule for _, rule in faults], pa.string()),
    }


def _outliers(world: World) -> dict[str, Any]:
    ads = world.planted.outliers
    return {
        "ad_id": names("ad", ads),
        "column": pick(("spend",), np.zeros(ads.size, np.int64)),
        "factor": np.full(ads.size, float(OUTLIER_FACTOR)),
    }


def _wrong_labels(world: World) -> dict[str, Any]:
    pairs = wrong_pairs(world.plan)
    ads = pairs.ravel()
    order = np.argsort(ads)
    effectiveness = world.effectiveness
    return {
        "ad_id": names("ad", ads[order]),
        "swapped_with": names("ad", pairs[:, ::-1].ravel()[order]),
        "label": effectiveness.labelled[ads[order]],
        "right_label": effectiveness.judged[ads[order]],
    }


def _anomalies(world: World) -> dict[str, Any]:
    anomalies = world.happenings.anomalies
    return {
        "account_id": names("account", anomalies.account),
        "date": dates(anomalies.day),
        "kind": pick(SURPRISES, anomalies.kind),
        "factor": anomalies.factor,
    }


def _failing_accounts(world: World) -> dict[str, Any]:
    episodes = world.happenings.episodes
    return {
        "account_id": names("account", episodes.account),
        "kind": pick(TROUBLES, episodes.kind),
        "start_date": dates(episodes.start),
        "end_date": dates(episodes.start + episodes.length - 1),
        "depth": episodes.depth,
        "label_start": dates(episodes.label_start),
        "label_end": dates(episodes.label_end - 1),
    }


def _effectiveness(world: World) -> dict[str, Any]:
    effectiveness = world.effectiveness
    return {
        "ad_id": names("ad", np.arange(world.plan.ads, dtype=np.int64)),
        "effectiveness": effectiveness.true,
        "judged": effectiveness.judged,
        "text_points": effectiveness.text,
        "image_points": effectiveness.image,
        "table_points": effectiveness.table,
    }


def _drift(world: World) -> dict[str, object]:
    drift = world.happenings.drift
    return {
        "start_date": _day(drift.start),
        "end_date": _day(drift.end - 1),
        "cost_per_click_factor": drift.cost_factor,
        "ads_move_to": "short_video",
    }


def _unfair_group(world: World) -> dict[str, object]:
    everyone = np.arange(annotator_count(world.plan), dtype=np.int64)
    return {
        "audience_age": UNFAIR_AGE,
        "audience_gender": UNFAIR_GENDER,
        "points": UNFAIR_POINTS,
        "annotators": names("annotator", everyone[is_unfair(everyone)]).to_pylist(),
        "ads": int(world.effectiveness.unfair.sum()),
    }


def _intervention(world: World) -> dict[str, object]:
    intervention = world.happenings.intervention
    return {
        "start_date": _day(intervention.day),
        "accounts": names("account", intervention.accounts).to_pylist(),
        "metric": "conversion_rate",
        "relative_lift": intervention.lift,
    }


def _day(day: int) -> str:
    return str(FIRST_DAY + day)


def best_scores(world: World) -> dict[str, object]:
    """The best scores, by task."""
    kept = np.ones(world.plan.ads, bool)
    kept[world.planted.faulty_ads] = False
    health = best_health(world.plan, world.accounts, world.happenings.episodes)
    return {"ad_score": best_effectiveness(world.effectiveness, kept), "account_health": health}
