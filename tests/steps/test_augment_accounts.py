"""Varied and synthetic windows by the steps."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from within_wf.config.data import WindowAugmentationConfig
from within_wf.config.dataset import SeriesTable
from within_wf.config.features import WindowConfig
from within_wf.config.models import AccountHealthModelConfig, XGBoostConfig
from within_wf.config.synthetic import SyntheticWindowsConfig
from within_wf.config.training import TrainingConfig
from within_wf.errors import DatasetError
from within_wf.steps import augment_accounts, build_account_features, train_account_health
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_tensors, write_parquet, write_tensors

ROLES = SeriesTable(series="account", time="day", channels=["clicks", "spend"], label="bad")


@pytest.fixture
def place(tmp_path):
    """The windows of three accounts, a tenth of them in trouble."""
    draws = np.random.default_rng(0)
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(120)]
    bad = (np.arange(360) % 10 == 3).astype(np.int64)
    columns = {name: draws.normal(size=360) - 2 * bad for name in ROLES.channels}
    table = pl.DataFrame({"account": [name for name in "abc" for _ in days], "day": days * 3, **columns, "bad": bad})
    (tmp_path / "split").mkdir()
    sides = {"train": (0, 80), "validation": (80, 100), "test": (100, 120)}
    for name, (start, stop) in sides.items():
        of_side = table.filter(pl.col("day").is_between(days[0] + timedelta(days=start), days[0] + timedelta(days=stop - 1)))
        write_parquet(tmp_path / "split" / f"{name}.parquet", of_side)
    sections = {
        "dataset.series": ROLES.model_dump(mode="json"),
        "data.windows": WindowConfig(length=6, train_stride=1, calendar=["weekday"]).model_dump(mode="json"),
    }
    (tmp_path / "features").mkdir()
    build_account_features.run(StepContext({"split": tmp_path / "split"}, tmp_path / "features", sections, "account_health"))
    return tmp_path


def augment(place, synthetic, name="augmented", **settings):
    (place / name).mkdir()
    config = WindowAugmentationConfig(synthetic=synthetic, **settings)
    sections = {"data.augmentation": config.model_dump(mode="json")}
    augment_accounts.run(StepContext({"features": place / "features"}, place / name, sections, "account_health"))
    return place / name


def train(place, augmented, name):
    (place / name).mkdir()
    sections = {
        "model": AccountHealthModelConfig(xgboost=XGBoostConfig(n_estimators=10)).model_dump(mode="json"),
        "training": TrainingConfig(epochs=1, loss="bce").model_dump(mode="json"),
        "data.batch_size": 32,
        "reproducibility.arithmetic": "exact",
    }
    inputs = {"features": place / "features", "augmented": augmented}
    train_account_health.run(StepContext(inputs, place / name, sections, "account_health"))
    return pl.read_parquet(place / name / "predictions.parquet")


@pytest.mark.parametrize("method", ["smote", "copula"])
def test_the_rarer_class_comes_to_its_share(place, method, capsys, monkeypatch):
    drawn = augment(place, SyntheticWindowsConfig(method=method, balance=0.5))
    index = pl.read_parquet(place / "features/index.parquet").filter(split="train")
    few, many = index["label"].sum(), (1 - index["label"]).sum()
    count = many // 2 - few
    assert f"{count:,} synthetic windows of label 1 beside {few:,}; {many:,} have the other one" in capsys.readouterr().err
    found = read_tensors(drawn / "synthetic.safetensors")
    whole = read_tensors(place / "features/windows.safetensors")
    assert {name: values.shape for name, values in found.items()} == {
        "x": (count, *whole["x"].shape[1:]),
        "features": (count, *whole["features"].shape[1:]),
        "label": (count,),
        "id": (count,),
    }
    assert (found["label"] == 1).all()
    assert len(set(found["id"].tolist())) == count
    bad = whole["x"][(whole["label"] == 1)][..., :2]
    assert np.abs(found["x"][:, -1, :2].mean(axis=0) - bad[:, -1].mean(axis=0)).max() < 0.25
    monkeypatch.setattr(augment_accounts, "BLOCK", 7)
    again = augment(place, SyntheticWindowsConfig(method=method, balance=0.5), "again")
    assert (again / "synthetic.safetensors").read_bytes() == (drawn / "synthetic.safetensors").read_bytes()


def test_nothing_else_changes_and_nothing_is_written_where_it_is_off(place):
    on, off = augment(place, SyntheticWindowsConfig(method="smote")), augment(place, SyntheticWindowsConfig(), "off")
    assert sorted(path.name for path in off.iterdir()) == ["index.parquet", "windows.safetensors"]
    for file in ("index.parquet", "windows.safetensors"):
        assert (on / file).read_bytes() == (off / file).read_bytes()


def test_lstm_and_trees_learn_from_them_and_the_forest_does_not(place, capsys):
    on = augment(place, SyntheticWindowsConfig(method="smote"), prob=0.0)
    off = augment(place, SyntheticWindowsConfig(), "off", prob=0.0)
    capsys.readouterr()
    one, other = train(place, on, "one"), train(place, off, "other")
    count = len(read_tensors(on / "synthetic.safetensors")["id"])
    learned = pl.read_parquet(place / "features/index.parquet").filter(split="train").height
    said = capsys.readouterr().err
    assert f"training the LSTM on {learned + count:,} windows" in said
    assert f"training the LSTM on {learned:,} windows" in said
    assert not one["lstm"].equals(other["lstm"])
    assert not one["trees"].equals(other["trees"])
    assert one["anomaly"].equals(other["anomaly"])


def test_of_a_large_class_some_are_learned_from(place, monkeypatch):
    monkeypatch.setattr(augment_accounts, "RARE", 2)
    made = read_tensors(augment(place, SyntheticWindowsConfig(method="smote")) / "synthetic.safetensors")["x"]
    flat = made[..., :2].reshape(len(made), -1).astype(float)
    assert np.linalg.matrix_rank(flat - flat[0], tol=1e-3) == 1  # all on one line


def test_a_class_that_has_its_share_gets_none(place):
    none = augment(place, SyntheticWindowsConfig(method="smote", balance=0.05))
    assert read_tensors(none / "synthetic.safetensors")["x"].shape[0] == 0
    train(place, none, "model")


def test_one_window_of_a_class_is_too_few(place):
    with_one = read_tensors(place / "features/windows.safetensors")
    index = pl.read_parquet(place / "features/index.parquet")
    first = int(index.with_row_index("row").filter(split="train", label=1)["row"][0])
    write_tensors(
        place / "features/windows.safetensors",
        {**with_one, "label": np.where(np.arange(index.height) == first, 1, 0).astype(np.int64)},
    )
    with pytest.raises(DatasetError, match="the training windows of label 1: found 1, expected two or more"):
        augment(place, SyntheticWindowsConfig(method="smote"))
