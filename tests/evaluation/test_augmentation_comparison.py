"""Methods of augmentation, side by side, on a table of one's own."""

import hashlib
import json

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from within_wf.commands import app
from within_wf.errors import EvaluationError
from within_wf.evaluation import augmentation_comparison
from within_wf.evaluation.augmentation_comparison import compare_augmentations

WORDS = ["buy", "the", "bought", "house", "shop", "quickly", "hospital", "state", "nice", "for", "$5"]


class Encoder:
    """The mean of a vector for each word."""

    def embed(self, texts, max_length, *, threads=1):
        """float32, shape [n, 8]."""
        return np.stack([np.mean([vector(word) for word in text.lower().split()], axis=0) for text in texts]).astype(np.float32)


def vector(word):
    """A vector for a word, ever the same; that of shop is far out."""
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "little")
    return np.random.default_rng(seed).normal(size=8) + 20 * (word == "shop")


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a table, its configuration, and an encoder that is no network."""
    draws = np.random.default_rng(0)
    texts = [" ".join(draws.choice(WORDS, 6)) for _ in range(160)]
    table = pl.DataFrame(
        {
            "ad_id": [f"ad{number}" for number in range(160)],
            "headline": texts,
            "spend": draws.gamma(2, 3, 160),
            "score": [10.0 * text.split().count("shop") + draws.normal() for text in texts],
        }
    )
    (tmp_path / "raw").mkdir()
    table.write_csv(tmp_path / "raw/ads.csv")
    for path, text in {
        "data/shop.yaml": "name: shop\nsource: {kind: files, reader: table, folder: ., files: [ads.csv]}\n"
        "ads: {id: ad_id, target: score, text: [headline], numeric: [spend]}\n",
        "experiment/shop.yaml": "dataset: ../data/shop.yaml\nmodels: {ad_score: ../training/shop.yaml}\n",
        "training/shop.yaml": "data: {augmentation: {text: {word_share: 0.3}}}\n",
    }.items():
        (tmp_path / "configs" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "configs" / path).write_text(text)
    monkeypatch.setenv("WITHIN_DATA", str(tmp_path / "raw"))
    monkeypatch.setattr(augmentation_comparison, "load_text_encoder", lambda name, arithmetic: Encoder())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_a_method_does_is_what_is_measured(place):
    texts, numbers = compare_augmentations("shop", 40)
    assert texts.accuracy > 0.5  # of three classes, which come from how often a word is there
    of = {quality.method: quality for quality in texts.qualities}
    swapped = of["word_swap"]
    assert swapped.distance == pytest.approx(0, abs=1e-6)  # a mean knows no order
    assert swapped.preserved == 1
    assert swapped.frechet == pytest.approx(0, abs=1e-4)
    assert swapped.self_bleu < 0.9
    assert min(of["random_deletion"].distance, of["synonym_replacement"].distance) > 0.01
    assert of["random_deletion"].preserved < 1
    assert of["other real rows"].frechet > 0
    assert {quality.method for quality in numbers.qualities} == {
        "other real rows",
        "noise and dropout",
        "rows of a Gaussian copula",
    }


def test_the_command_prints_tables_and_writes_them(place):
    done = CliRunner().invoke(app, ["evaluate", "augmentation", "shop", "--rows", "30", "--output", "found.json"])
    assert done.exit_code == 0, done.output
    assert "| word_swap | 30 |" in done.output
    assert "| noise and dropout | 30 |" in done.output
    written = json.loads((place / "found.json").read_text())
    assert [one["kind"] for one in written] == ["texts", "numbers"]
    again = [one.to_json() for one in compare_augmentations("shop", 30, threads=1)]
    assert again == written


def test_what_has_no_ads_or_too_few_is_told(place):
    pl.read_csv(place / "raw/ads.csv").head(50).write_csv(place / "raw/ads.csv")
    with pytest.raises(EvaluationError, match="shop: found 50 ads, expected 80 or more"):
        compare_augmentations("shop")
    (place / "configs/data/shop.yaml").write_text(
        "name: shop\nsource: {kind: sample_world, rows: 300}\n"
        "series: {series: account_id, time: date, channels: [spend], label: unhealthy}\n"
    )
    (place / "configs/experiment/shop.yaml").write_text(
        "dataset: ../data/shop.yaml\nmodels: {account_health: ../training/shop.yaml}\n"
    )
    with pytest.raises(EvaluationError, match="shop: found no ad score model, expected a dataset of ads"):
        compare_augmentations("shop")
