import hashlib
import io
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from PIL import Image

from within_wf.config.data import AugmentationConfig
from within_wf.config.dataset import AdTable
from within_wf.config.features import FeatureConfig
from within_wf.config.models import AdScoreModelConfig, FusionConfig, HeadConfig, TextEncoderConfig, VisualEncoderConfig
from within_wf.config.training import TrainingConfig
from within_wf.errors import TrainingError
from within_wf.models.ad_score import AdScorePredictor
from within_wf.steps import augment_ads, build_ad_features, embed_images, embed_text, embed_varied_images, train_ad_score
from within_wf.steps.context import StepContext
from within_wf.store.canonical import read_json, read_tensors, write_parquet

COLUMNS = AdTable(target="score", text=["headline"], image="creative", numeric=["spend"], categorical=["platform"])
SMALL = AdScoreModelConfig(
    text_encoder=TextEncoderConfig(max_length=8, output_dim=8),
    visual_encoder=VisualEncoderConfig(image_size=32, output_dim=8),
    fusion=FusionConfig(hidden_dim=8),
    head=HeadConfig(hidden_layers=[4]),
)
WORDS = ("save", "now", "free", "shoes", "summer", "new")


def picture(shade: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 40), (shade, 255 - shade, 90)).save(file, "PNG")
    return file.getvalue()


CREATIVES = {f"c{number}": picture(40 * number) for number in range(6)}


def ads() -> pl.DataFrame:
    """A score from the words, the shade and the spend; some ads lack text, image or spend."""
    random = np.random.default_rng(0)
    words = random.integers(0, 6, size=(60, 2))
    shade, spend = random.integers(0, 6, size=60), random.gamma(2, 2, size=60)
    return pl.DataFrame(
        {
            "ad_id": [f"ad{number:02}" for number in range(60)],
            "headline": [" ".join(WORDS[word] for word in row) if i % 9 else "" for i, row in enumerate(words)],
            "creative": [f"c{number}" if i % 7 else None for i, number in enumerate(shade)],
            "spend": [value if i % 8 else None for i, value in enumerate(spend)],
            "platform": random.choice(["web", "app"], size=60),
            "score": 3.0 * (words == 2).sum(axis=1) + shade + 0.3 * spend,
        }
    )


def step(module, base, label, inputs, config) -> None:
    (base / label).mkdir()
    module.run(StepContext({name: base / name for name in inputs}, base / label, config, "ad_score"))


def config_of(model: AdScoreModelConfig) -> dict[str, object]:
    return {
        "dataset.ads": COLUMNS.model_dump(mode="json"),
        "model": model.model_dump(mode="json"),
        "model.text_encoder.name": model.text_encoder.name,
        "model.text_encoder.max_length": model.text_encoder.max_length,
        "model.visual_encoder.name": model.visual_encoder.name,
        "model.visual_encoder.image_size": model.visual_encoder.image_size,
        "training": TrainingConfig(epochs=2).model_dump(mode="json"),
        "data.batch_size": 16,
        "reproducibility.arithmetic": "exact",
        "data.features": FeatureConfig().model_dump(mode="json"),
        "data.augmentation": AugmentationConfig(text_augmentation=True, feature_augmentation=True, prob=0.5).model_dump(
            mode="json"
        ),
    }


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """The artifacts the step reads, made by the steps before it."""
    base = tmp_path_factory.mktemp("ads")
    (base / "split").mkdir()
    (base / "world").mkdir()
    table = ads()
    for name, rows in {"train": table[:36], "validation": table[36:48], "test": table[48:]}.items():
        write_parquet(base / "split" / f"{name}.parquet", rows)
    write_parquet(
        base / "world" / "creatives.parquet", pl.DataFrame({"creative_id": list(CREATIVES), "png": list(CREATIVES.values())})
    )
    config = config_of(SMALL)
    step(build_ad_features, base, "features", ["split"], config)
    step(augment_ads, base, "augmented", ["features"], config)
    step(embed_text, base, "text", ["features", "augmented"], config)
    step(embed_images, base, "images", ["world"], config)
    return base


@pytest.fixture
def context(base, tmp_path) -> StepContext:
    inputs = {name: base / name for name in ("features", "augmented", "text", "images")}
    return StepContext(inputs, tmp_path / "output", config_of(SMALL), "ad_score")


def run(context: StepContext) -> pl.DataFrame:
    context.output.mkdir()
    train_ad_score.run(context)
    return pl.read_parquet(context.output / "predictions.parquet")


def test_the_saved_model_scores_raw_ads_as_the_step_did(context, base, capsys):
    predictions = run(context)
    assert predictions.columns == ["id", "split", "prediction", "network", "kernel"]
    assert predictions["id"].equals(pl.read_parquet(base / "features" / "table.parquet")["id"])
    model = AdScorePredictor.load(context.output / "model")
    again = model.predict(ads().drop("score"), CREATIVES, threads=2)
    assert np.array_equal(again, predictions.sort("id")["prediction"].to_numpy())
    assert [epoch["epoch"] for epoch in read_json(context.output / "history.json")["epochs"]] == [1, 2]
    assert "network: epoch 2 of at most 2" in capsys.readouterr().err


def test_a_native_model_stays_one(context):
    predictions = run(replace(context, config={**context.config, "reproducibility.arithmetic": "native"}))
    model = AdScorePredictor.load(context.output / "model")
    assert {part.arithmetic for part in (model.regressor.network, model.text_encoder, model.image_encoder)} == {"native"}
    # The embeddings it was trained on are exact.
    again = model.predict(ads().drop("score"), CREATIVES, threads=2)
    np.testing.assert_allclose(again, predictions.sort("id")["prediction"], atol=1e-3)


def test_varied_copies_have_varied_creatives_of_their_own(context, base, tmp_path):
    once = run(context)
    config = config_of(SMALL)
    for label in ("varied", "again"):
        step(embed_varied_images, base, label, ["world", "features", "augmented"], config)
    varied = read_tensors(base / "varied" / "embeddings.safetensors")["x"]
    assert (base / "varied/embeddings.safetensors").read_bytes() == (base / "again/embeddings.safetensors").read_bytes()
    table = pl.read_parquet(base / "features" / "table.parquet", columns=["id", "creative"])
    copies = pl.read_parquet(base / "augmented" / "augmented.parquet").join(table, on="id", maintain_order="left", how="left")
    assert len(varied) == copies.height
    assert np.array_equal(np.isnan(varied).all(axis=1), copies["creative"].is_null().to_numpy())
    shown = copies.with_row_index("row").drop_nulls("creative")
    names = read_json(base / "images" / "creatives.json")
    before = read_tensors(base / "images" / "embeddings.safetensors")["x"][[names.index(name) for name in shown["creative"]]]
    after = varied[shown["row"].to_numpy()]
    assert (after != before).any(axis=1).all()
    assert len(np.unique(after, axis=0)) == shown.height  # two copies of one creative differ
    inputs = {**context.inputs, "varied_images": base / "varied"}
    other = run(replace(context, inputs=inputs, output=tmp_path / "with varied creatives"))
    assert not other["prediction"].equals(once["prediction"])


def test_an_unknown_creative_is_a_missing_one(context):
    run(context)
    model = AdScorePredictor.load(context.output / "model")
    table = ads().drop("score")
    without = model.predict(table.with_columns(creative=pl.lit(None, pl.String)), CREATIVES)
    assert np.array_equal(model.predict(table), without)
    assert np.array_equal(model.predict(table.with_columns(creative=pl.lit("c99")), CREATIVES), without)
    assert model.predict(table[:0]).shape == (0,)


def test_the_same_bytes_again(context, tmp_path):
    digests = []
    for name in ("first", "second"):
        run(replace(context, output=tmp_path / name))
        files = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
        digests.append({str(p.relative_to(tmp_path / name)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files})
    assert {"model/network.safetensors", "model/kernel.safetensors", "model/text_encoder/model.safetensors"} <= digests[
        0
    ].keys()
    assert digests[0] == digests[1]


@pytest.mark.parametrize("view", ["text", "images", "table"])
def test_one_view_alone(context, view):
    inputs = {name: path for name, path in context.inputs.items() if name in {"features", "augmented", view}}
    tabular = SMALL.tabular_encoder.model_copy(update={"enabled": view == "table"})
    model = SMALL.model_copy(update={"tabular_encoder": tabular})
    predictions = run(replace(context, inputs=inputs, config=config_of(model)))
    loaded = AdScorePredictor.load(context.output / "model")
    assert list(loaded.regressor.centring) == [{"images": "image"}.get(view, view)]
    assert np.array_equal(loaded.predict(ads(), CREATIVES), predictions.sort("id")["prediction"].to_numpy())


def test_a_model_that_is_not_whole_is_refused(context):
    run(context)
    (context.output / "model" / "kernel.safetensors").unlink()
    with pytest.raises(TrainingError, match=r"kernel\.safetensors"):
        AdScorePredictor.load(context.output / "model")
