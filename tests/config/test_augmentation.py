"""A configuration of augmentation that cannot work is refused before anything runs."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from within_wf.config import load_run
from within_wf.config.data import TextAugmentationConfig
from within_wf.errors import ConfigError

CONFIGS = Path(__file__).parents[2] / "configs/experiment"
ADS = "ad_score.data.augmentation.synthetic"
ACCOUNTS = "account_health.data.augmentation.synthetic"


def load(dataset, *overrides):
    return load_run(CONFIGS / f"{dataset}.yaml", list(overrides)).models


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"methods": ["back_translation"]}, "the method 'back_translation' needs a translator"),
        ({"back_translation": {"there": "apertium:eng-spa"}}, "back_translation needs both there and back"),
        ({"protected": ["Acme", " "]}, "protected holds an empty name"),
        ({"methods": ["rhyme"]}, "Input should be 'synonym_replacement'"),
    ],
)
def test_what_cannot_work_is_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        TextAugmentationConfig.model_validate(given)


def test_a_translator_makes_the_method_possible():
    translator = {"there": "apertium:eng-spa", "back": "apertium:spa-eng"}
    config = TextAugmentationConfig.model_validate({"methods": ["back_translation"], "back_translation": translator})
    assert config.back_translation.there == "apertium:eng-spa"


def test_synthetic_rows_can_be_asked_for():
    ads = load("facebook_campaigns", f"{ADS}={{method: copula, share: 2.0}}").ad_score
    assert ads.data.augmentation.synthetic.share == 2
    accounts = load("sample_world", f"{ACCOUNTS}={{method: smote, balance: 0.3}}").account_health
    assert accounts.data.augmentation.synthetic.balance == 0.3
    off = load("sample_world")
    assert off.ad_score.data.augmentation.synthetic.method is None
    assert off.account_health.data.augmentation.synthetic.method is None


def test_synthetic_ads_have_no_text_and_no_picture():
    with pytest.raises(ConfigError) as raised:
        load(
            "sample_world",
            f"{ADS}.method=copula",
            "ad_score.data.features={text_statistics: [words], image_statistics: [edges]}",
            "ad_score.model.tabular_encoder.enabled=false",
        )
    for said in (
        "models.ad_score.model.text_encoder.enabled: the model reads texts, and synthetic ads (data.augmentation.synthetic)",
        "models.ad_score.model.visual_encoder.enabled: the model reads pictures",
        "models.ad_score.data.features.text_statistics: the model reads texts",
        "models.ad_score.data.features.image_statistics: the model reads pictures",
        "models.ad_score.data.augmentation.synthetic.method: synthetic ads are rows of a table, and the model reads none",
    ):
        assert said in str(raised.value)
    off = [f"ad_score.model.{encoder}_encoder.enabled=false" for encoder in ("text", "visual")]
    assert load("sample_world", f"{ADS}.method=copula", *off).ad_score.data.augmentation.synthetic.method == "copula"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (f"{ADS}.method=smote", "synthetic.method = 'smote'"),
        (f"{ADS}.balance=0.5", "unknown path .*synthetic.balance"),
        (f"{ACCOUNTS}.share=0.5", "unknown path .*synthetic.share"),
        (f"{ACCOUNTS}.balance=1.5", "synthetic.balance = 1.5"),
        (f"{ACCOUNTS}.neighbours=0", "synthetic.neighbours = 0"),
    ],
)
def test_what_a_table_does_not_have_is_refused(override, message):
    with pytest.raises(ConfigError, match=message):
        load("sample_world", override)
