"""Features of a split, as a saved model makes them of new ads too."""

import io
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from PIL import Image

from within_wf.config.dataset import AdTable
from within_wf.config.features import AggregateConfig, ColumnTreatment, FeatureConfig, PolynomialConfig
from within_wf.features import Preprocessor
from within_wf.steps import build_ad_features
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_json, read_tensors, write_parquet

ROLES = AdTable(
    target="score",
    text=["headline"],
    image="creative",
    numeric=["spend", "impressions"],
    categorical=["platform", "country", "campaign"],
    group="campaign",
    time="start",
    weight="shown",
)
EVERYTHING = FeatureConfig(
    outliers="robust_z",
    columns={
        "spend": ColumnTreatment(imputation="mean", scaling="min_max"),
        "platform": ColumnTreatment(encoding="ordinal"),
        "country": ColumnTreatment(encoding="hashed", hash_features=4),
        "campaign": ColumnTreatment(encoding="target"),
    },
    crossings=[["platform", "country"]],
    polynomial=PolynomialConfig(columns=["spend", "impressions"], degree=3),
    calendar=["weekday", "day_of_year"],
    aggregates=[
        AggregateConfig(by="campaign", columns=["spend"], functions=["mean", "max", "count"], rows="earlier", days=9),
        AggregateConfig(by="country", columns=["spend"]),
    ],
    text_statistics=["words", "capitals", "readability"],
    image_statistics=["brightness", "edges"],
)


def picture(shade):
    file = io.BytesIO()
    pixels = np.random.default_rng(shade).integers(0, 40 * (shade + 1), size=(12, 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


CREATIVES = {f"c{shade}": picture(shade) for shade in range(5)}


def ads(rows=90):
    draws = np.random.default_rng(0)

    def some(values):
        return [values[code] for code in draws.integers(0, len(values), rows)]

    return pl.DataFrame(
        {
            "ad_id": [f"ad{row:03}" for row in range(rows)],
            "headline": some(["Save NOW on shoes", "What a simple idea!", "", None, "Only today: 5 free"]),
            "creative": some([*CREATIVES, None, "lost"]),
            "spend": some([None, *draws.gamma(2, 9, 30)]),
            "impressions": draws.integers(1, 10**6, rows),
            "platform": some(["web", "app", None]),
            "country": some(["DE", "FR", "PL", None]),
            "campaign": some(["a", "b", "c", "d", "e", "f", None]),
            "start": [date(2024, 1, 1) + timedelta(days=int(day)) for day in draws.integers(0, 30, rows)],
            "shown": draws.integers(0, 9, rows),
            "score": draws.normal(size=rows),
        }
    )


def build(tmp_path, table, config, name="out"):
    split = tmp_path / f"{name}_split"
    for folder in (split, tmp_path / "world", tmp_path / name):
        folder.mkdir(exist_ok=True)
    creatives = pl.DataFrame({"creative_id": list(CREATIVES), "png": list(CREATIVES.values())})
    write_parquet(tmp_path / "world/creatives.parquet", creatives)
    side = pl.col("ad_id").str.slice(2).cast(pl.Int64)
    for part, rows in {"train": side < 60, "validation": (side >= 60) & (side < 75), "test": side >= 75}.items():
        write_parquet(split / f"{part}.parquet", table.filter(rows))
    sections = {"dataset.ads": ROLES.model_dump(mode="json"), "data.features": config.model_dump(mode="json")}
    inputs = {"split": split, "world": tmp_path / "world"}
    build_ad_features.run(StepContext(inputs, tmp_path / name, sections, "ad_score"))
    return read_tensors(tmp_path / name / "features.safetensors")["x"]


@pytest.mark.parametrize("config", [FeatureConfig(), EVERYTHING], ids=["defaults", "everything"])
def test_a_saved_preprocessor_makes_the_same_features_of_each_ad_alone(tmp_path, config):
    table = ads()
    found = build(tmp_path, table, config)
    saved = Preprocessor.load(tmp_path / "out/preprocessor")
    names = read_json(tmp_path / "out/feature_names.json")
    assert saved.feature_names == names
    assert found.shape == (90, len(names))
    assert np.isfinite(found).all()
    serving = table.drop("score", "shown")
    alone = np.concatenate([saved.transform(serving[row], CREATIVES) for row in range(90)])
    learned = [number for number, name in enumerate(names) if not name.startswith("target by")]
    np.testing.assert_array_equal(found[60:], alone[60:])
    np.testing.assert_array_equal(found[:60, learned], alone[:60, learned])
    encoded = [number for number in range(len(names)) if number not in learned]
    assert len(encoded) == (0 if config == FeatureConfig() else 1)
    assert (found[:60, encoded] != alone[:60, encoded]).all()  # out of fold


def test_any_order_of_rows_gives_the_same_bytes(tmp_path):
    build(tmp_path, ads(), EVERYTHING, "one")
    build(tmp_path, ads().sample(fraction=1, shuffle=True, seed=1), EVERYTHING, "two")
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.*"))
    assert len(files) == 6
    for file in files:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_nothing_is_learned_from_other_sides(tmp_path):
    table = ads()
    is_other = pl.col("ad_id") >= "ad060"
    moved = table.with_columns(
        *(pl.when(is_other).then(pl.col(name) * 1000).otherwise(name) for name in ("spend", "impressions", "score")),
        campaign=pl.when(is_other).then(pl.lit("new")).otherwise("campaign"),
    )
    found, other = build(tmp_path, table, EVERYTHING, "one"), build(tmp_path, moved, EVERYTHING, "two")
    np.testing.assert_array_equal(found[:60], other[:60])
    assert (tmp_path / "one/preprocessor/preprocessor.json").read_bytes() == (
        tmp_path / "two/preprocessor/preprocessor.json"
    ).read_bytes()


def test_defaults_keep_what_was_saved_before_there_were_choices(tmp_path):
    build(tmp_path, ads(), FeatureConfig())
    content = read_json(tmp_path / "out/preprocessor/preprocessor.json")
    assert content.keys() == {"config", "numeric", "categorical"}
    assert content["config"] == {"imputation": "median", "scaling": "standard", "outlier_quantile": 0.001, "max_categories": 50}
    assert all(entry.keys() == {"name", "categories"} for entry in content["categorical"])
