"""Texts that are drawn for it are translated, and the varied copies have them."""

import polars as pl
import pytest

from tests.augment.test_back_translation import FAKE
from within_wf.config.data import AugmentationConfig, FeatureConfig
from within_wf.config.dataset import AdTable
from within_wf.steps import augment_ads, back_translate_ads, build_ad_features
from within_wf.steps.context import StepContext
from within_wf.store.canonical import write_parquet

COLUMNS = AdTable(target="score", text=["headline", "body"], numeric=["spend"])
AUGMENTATION = AugmentationConfig.model_validate(
    {
        "text_augmentation": True,
        "prob": 0.8,
        "text": {
            "methods": ["word_swap", "back_translation"],
            "protected": ["new shop"],
            "back_translation": {"there": "apertium:eng-spa", "back": "apertium:spa-eng"},
        },
    }
)


@pytest.fixture
def base(tmp_path, monkeypatch):
    """The artifacts that the steps read, and a program on the PATH."""
    program = tmp_path / "bin/apertium"
    program.parent.mkdir()
    program.write_text(FAKE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    (tmp_path / "split").mkdir()
    table = pl.DataFrame(
        {
            "ad_id": [f"ad{number:02}" for number in range(30)],
            "headline": [f"a new house {'and more ' * (number % 5)}" for number in range(30)],
            "body": ["at the New Shop", None, "for $5"] * 10,
            "spend": [float(number) for number in range(30)],
            "score": [1.0, 2.0] * 15,
        }
    )
    for name, rows in {"train": table[:24], "validation": table[24:27], "test": table[27:]}.items():
        write_parquet(tmp_path / "split" / f"{name}.parquet", rows)
    return tmp_path


def step(module, base, label, inputs):
    config = {
        "dataset.ads": COLUMNS.model_dump(mode="json"),
        "data.features": FeatureConfig().model_dump(mode="json"),
        "data.augmentation": AUGMENTATION.model_dump(mode="json"),
        "reproducibility.arithmetic": "exact",
    }
    for name in ("prob", "copies", "seed"):
        config[f"data.augmentation.{name}"] = getattr(AUGMENTATION, name)
    for name, value in AUGMENTATION.text.model_dump(mode="json").items():
        config[f"data.augmentation.text.{name}"] = value
    (base / label).mkdir()
    module.run(StepContext({name: base / name for name in inputs}, base / label, config, "ad_score", threads=2))


def test_the_copies_have_what_was_translated(base, capsys):
    step(build_ad_features, base, "features", ["split"])
    for label in ("translations", "again"):
        step(back_translate_ads, base, label, ["split"])
    assert (base / "translations/translations.parquet").read_bytes() == (base / "again/translations.parquet").read_bytes()
    assert "texts by apertium:eng-spa and apertium:spa-eng" in capsys.readouterr().err
    translated = dict(pl.read_parquet(base / "translations/translations.parquet").iter_rows())
    assert translated["a new house\nfor $5"] == "a recent home\nfor $5"
    assert translated["a new house and more\nat the New Shop"] == "a recent home and more\nat the New Shop"
    step(augment_ads, base, "augmented", ["features", "translations"])
    before = dict(pl.read_parquet(base / "features/table.parquet", columns=["id", "text"]).iter_rows())
    copies = pl.read_parquet(base / "augmented/augmented.parquet")
    recent = copies.filter(pl.col("text").str.contains("recent home"))
    assert 0 < recent.height < copies.height
    assert all(translated[before[ad]] == text for ad, _, text in recent.iter_rows())
    swapped = copies.filter(~pl.col("text").str.contains("recent home"))
    assert all(sorted(before[ad].lower().split()) == sorted(text.lower().split()) for ad, _, text in swapped.iter_rows())
