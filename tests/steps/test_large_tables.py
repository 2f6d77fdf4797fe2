"""Steps of ads in pieces make the files that they make of whole tables, or none."""

from functools import partial

import numpy as np
import polars as pl
import pytest

from tests.steps.test_build_ad_features import CREATIVES, EVERYTHING, ROLES, ads, build
from within_wf.config.data import AdDataConfig
from within_wf.config.features import FeatureConfig
from within_wf.features import preprocessor
from within_wf.features.preprocessor import Preprocessor
from within_wf.features.target_encoding import Answers
from within_wf.steps import augment_ads, build_ad_features, split_data, validate_data
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_tensors
from within_wf.store.pieces import pieces, sorted_pieces


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def in_pieces(monkeypatch, size):
    for module in (build_ad_features, preprocessor):
        monkeypatch.setattr(module, "pieces", partial(pieces, rows=size))
    monkeypatch.setattr(build_ad_features, "sorted_pieces", partial(sorted_pieces, rows=size))
    monkeypatch.setattr(augment_ads, "BLOCK", size)


@pytest.mark.parametrize("config", [FeatureConfig(), EVERYTHING], ids=["defaults", "everything"])
@pytest.mark.parametrize("size", [1, 7, 59])
def test_features_of_pieces_are_those_of_the_whole(tmp_path, monkeypatch, config, size):
    build(tmp_path, ads(), config, "whole")
    in_pieces(monkeypatch, size)
    build(tmp_path, ads(), config, "pieces")
    assert files_of(tmp_path / "pieces") == files_of(tmp_path / "whole")
    # the reference: whole tables in memory
    train, others = ads()[:60], ads()[60:]
    units = train.select(pl.coalesce("campaign", "ad_id")).to_series()
    answers = Answers(train["score"].to_numpy(), train["shown"].cast(pl.Float64).to_numpy(), units, config.seed)
    made = Preprocessor.of(ROLES, config)
    expected = np.concatenate([made.fit_transform(train, answers, CREATIVES), made.transform(others, CREATIVES)])
    np.testing.assert_array_equal(read_tensors(tmp_path / "pieces/features.safetensors")["x"], expected)


@pytest.mark.parametrize("fails", ["transform", "fit_transform_pieces"])
def test_features_that_fail_midway_leave_nothing(tmp_path, monkeypatch, fails):
    in_pieces(monkeypatch, 7)
    real, calls = getattr(Preprocessor, fails), []

    def failing(self, *arguments):
        calls.append(arguments)
        if fails == "transform" and len(calls) < 3:
            return real(self, *arguments)
        raise MemoryError("no more")

    monkeypatch.setattr(Preprocessor, fails, failing)
    with pytest.raises(MemoryError, match="no more"):
        build(tmp_path, ads(), EVERYTHING)
    assert files_of(tmp_path / "out") == {}


@pytest.mark.parametrize("size", [1, 13])
def test_varied_copies_of_pieces_are_those_of_the_whole(tmp_path, monkeypatch, size):
    build(tmp_path, ads(), FeatureConfig())
    varied = {"text_augmentation": True, "feature_augmentation": True, "prob": 0.7, "copies": 2}
    config = AdDataConfig().model_dump(mode="json")["augmentation"] | varied
    sections = {"data.augmentation": config, "dataset.ads": ROLES.model_dump(mode="json")}

    def augment(name):
        (tmp_path / name).mkdir()
        augment_ads.run(StepContext({"features": tmp_path / "out"}, tmp_path / name, sections, "ad_score"))
        return files_of(tmp_path / name)

    whole = augment("whole")
    monkeypatch.setattr(augment_ads, "BLOCK", size)
    assert augment("pieces") == whole
    made = pl.read_parquet(tmp_path / "pieces/augmented.parquet")
    assert 60 < made.height < 120
    assert read_tensors(tmp_path / "pieces/features.safetensors")["x"].shape[0] == made.height
    assert made["copy"].is_sorted()


@pytest.mark.parametrize("size", [7, 300])
def test_a_table_of_several_row_groups_is_validated_and_split_as_one(tmp_path, size):
    draws = np.random.default_rng(1)
    table = pl.DataFrame(
        {
            "ad": [f"ad-{row}" for row in range(300)],
            "score": np.where(draws.random(300) < 0.05, np.nan, draws.normal(size=300)),
            "campaign": [f"c-{number}" for number in draws.integers(0, 40, 300)],
        }
    )
    data = AdDataConfig().model_dump(mode="json")
    roles = {"id": "ad", "target": "score", "group": "campaign"}
    sections = {"dataset.table": roles, "data.validation": {"on_violation": "quarantine", "max_quarantined_share": 0.2}}
    sections |= {"dataset.related": {}, "data.quality": data["quality"], "data.split": {**data["split"], "strategy": "group"}}
    found = []
    for groups in (size, 100_000):
        folder = tmp_path / str(groups)
        for name in ("source", "validated", "split"):
            (folder / name).mkdir(parents=True)
        table.write_parquet(folder / "source/ads.parquet", row_group_size=groups)
        validate_data.run(StepContext({"source": folder / "source"}, folder / "validated", sections, "ad_score"))
        split_data.run(StepContext({"dataset": folder / "validated"}, folder / "split", sections, "ad_score"))
        found.append((files_of(folder / "validated"), files_of(folder / "split")))
    assert found[0] == found[1]
    clean = table.filter(pl.col("score").is_finite())
    assert pl.read_parquet(tmp_path / "100000/validated/table.parquet").equals(clean)
    assert len(clean) < 300
