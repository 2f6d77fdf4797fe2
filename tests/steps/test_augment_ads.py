"""Synthetic ads by the steps: drawn, counted, trained on; and nothing of them where they are off."""

import numpy as np
import polars as pl
import pytest

from tests.steps.test_build_ad_features import EVERYTHING, ROLES, ads, build
from within_wf.config.data import AdAugmentationConfig
from within_wf.config.dataset import AdTable
from within_wf.config.features import FeatureConfig
from within_wf.config.models import AdScoreModelConfig, FusionConfig, HeadConfig, TextEncoderConfig, VisualEncoderConfig
from within_wf.config.synthetic import SyntheticAdsConfig
from within_wf.config.training import TrainingConfig
from within_wf.features import Preprocessor
from within_wf.runtime.streams import ids_of
from within_wf.steps import augment_ads, train_ad_score
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_json, read_tensors

TABLE = EVERYTHING.model_copy(update={"text_statistics": [], "image_statistics": []})
MODEL = AdScoreModelConfig(
    text_encoder=TextEncoderConfig(enabled=False),
    visual_encoder=VisualEncoderConfig(enabled=False),
    fusion=FusionConfig(hidden_dim=8),
    head=HeadConfig(hidden_layers=[4]),
)
ON = SyntheticAdsConfig(method="copula", share=0.5)


@pytest.fixture(params=["defaults", "everything"])
def features(request):
    """Configurations of features."""
    return {"defaults": FeatureConfig(), "everything": TABLE}[request.param]


def augment(tmp_path, synthetic, name="augmented", roles: AdTable = ROLES):
    (tmp_path / name).mkdir()
    config = AdAugmentationConfig(prob=0.5, synthetic=synthetic)
    sections = {"dataset.ads": roles.model_dump(mode="json"), "data.augmentation": config.model_dump(mode="json")}
    inputs = {"features": tmp_path / "out", "split": tmp_path / "out_split"}
    augment_ads.run(StepContext(inputs, tmp_path / name, sections, "ad_score"))
    return tmp_path / name


def train(tmp_path, augmented, name="model"):
    (tmp_path / name).mkdir()
    sections = {
        "dataset.ads": ROLES.model_dump(mode="json"),
        "model": MODEL.model_dump(mode="json"),
        "training": TrainingConfig(epochs=2).model_dump(mode="json"),
        "data.batch_size": 16,
        "reproducibility.arithmetic": "exact",
    }
    inputs = {"features": tmp_path / "out", "augmented": augmented}
    train_ad_score.run(StepContext(inputs, tmp_path / name, sections, "ad_score"))
    return tmp_path / name


def test_synthetic_ads_are_drawn_and_counted(tmp_path, features, capsys):
    table = ads()
    x = build(tmp_path, table, features)
    drawn = read_tensors(augment(tmp_path, ON) / "synthetic.safetensors")
    assert "30 synthetic ads, drawn from 60 training ads" in capsys.readouterr().err
    assert drawn["x"].shape == (30, x.shape[1])
    assert {name: values.dtype for name, values in drawn.items()} == {"x": "f4", "target": "f8", "weight": "f8", "id": "i8"}
    assert all(np.isfinite(values).all() for values in drawn.values())
    train = table[:60]
    assert drawn["weight"].min() >= train["shown"].min()
    assert train["score"].min() <= drawn["target"].min() <= drawn["target"].max() <= train["score"].max()
    np.testing.assert_array_equal(drawn["id"], ids_of(f"synthetic {number}" for number in range(30)))
    assert not set(drawn["id"].tolist()) & set(ids_of(table["ad_id"]).tolist())
    if features == FeatureConfig():
        names = read_json(tmp_path / "out/feature_names.json")
        country = drawn["x"][:, [number for number, name in enumerate(names) if name.startswith("country=")]]
        assert set(country.sum(axis=1)) == {1.0}


def test_the_same_bytes_in_any_order_and_none_where_it_is_off(tmp_path):
    build(tmp_path, ads(), TABLE)
    one, off = augment(tmp_path, ON), augment(tmp_path, SyntheticAdsConfig(), "off")
    build(tmp_path, ads().sample(fraction=1, shuffle=True, seed=1), TABLE)
    other = augment(tmp_path, ON, "other")
    for file in ("synthetic.safetensors", "features.safetensors", "augmented.parquet"):
        assert (one / file).read_bytes() == (other / file).read_bytes(), file
    assert sorted(path.name for path in off.iterdir()) == ["augmented.parquet", "features.safetensors"]
    assert (off / "features.safetensors").read_bytes() == (one / "features.safetensors").read_bytes()


def test_of_many_ads_some_are_learned_from(tmp_path, monkeypatch):
    build(tmp_path, ads(), FeatureConfig())
    monkeypatch.setattr(augment_ads, "LEARNED", 20)
    few = read_tensors(augment(tmp_path, ON, "few") / "synthetic.safetensors")
    assert few["x"].shape[0] == 30
    monkeypatch.setattr(augment_ads, "LEARNED", 60)
    assert not np.array_equal(read_tensors(augment(tmp_path, ON, "all") / "synthetic.safetensors")["x"], few["x"])


def test_the_network_learns_from_them_and_the_model_scores_as_ever(tmp_path, capsys):
    table = ads()
    build(tmp_path, table, TABLE)
    with_them, without = augment(tmp_path, ON), augment(tmp_path, SyntheticAdsConfig(), "off")
    copies = pl.read_parquet(without / "augmented.parquet").height
    one, other = train(tmp_path, with_them), train(tmp_path, without, "plain")
    said = capsys.readouterr().err
    assert f"training the network on {60 + copies + 30:,} ads" in said
    assert f"training the network on {60 + copies:,} ads" in said
    first, second = (pl.read_parquet(folder / "predictions.parquet") for folder in (one, other))
    assert not first["network"].equals(second["network"])
    assert first["kernel"].equals(second["kernel"])  # the process learns from real ads
    assert train_ad_score.AdScorePredictor.load(one / "model").predict(table.drop("score"))[0] == first["prediction"][0]
    assert isinstance(Preprocessor.load(one / "model/preprocessor"), Preprocessor)


def test_a_share_below_one_ad_draws_none(tmp_path):
    build(tmp_path, ads(), TABLE)
    none = augment(tmp_path, SyntheticAdsConfig(method="copula", share=0.001))
    assert read_tensors(none / "synthetic.safetensors")["x"].shape[0] == 0
    train(tmp_path, none)


@pytest.mark.parametrize("what", ["text", "visual"])
def test_nothing_is_copied_where_what_is_varied_is_not_there(tmp_path, what):
    build(tmp_path, ads(), FeatureConfig())
    config = AdAugmentationConfig(text_augmentation=what == "text", visual_augmentation=what == "visual", prob=1.0)
    for name, roles in {"without": ROLES.model_copy(update={"text": [], "image": None}), "with": ROLES}.items():
        sections = {"dataset.ads": roles.model_dump(mode="json"), "data.augmentation": config.model_dump(mode="json")}
        (tmp_path / name).mkdir()
        augment_ads.run(StepContext({"features": tmp_path / "out"}, tmp_path / name, sections, "ad_score"))
    heights = [pl.read_parquet(tmp_path / name / "augmented.parquet").height for name in ("without", "with")]
    assert heights[0] == 0
    assert (heights[1] > 0) == bool(ROLES.text if what == "text" else ROLES.image)
