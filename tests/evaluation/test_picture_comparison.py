"""Visual methods, side by side, on creatives of a small sample world."""

import shutil

import numpy as np
import pytest
from PIL import Image

from within_wf.data.sample_world.world import simulate
from within_wf.evaluation import augmentation_comparison, picture_comparison
from within_wf.evaluation.augmentation_comparison import compare_augmentations
from within_wf.models.image_encoder import read_picture

METHODS = ["color_adjustment", "crop_resize", "noise_addition", "style_transfer", "all four together"]


class Means:
    """The colours of a picture's 16 parts: noise hardly moves them."""

    def embed(self, images, *, threads=1):
        """float32, shape [n, 48]."""
        pictures = [read_picture(image, "one") if isinstance(image, bytes) else image for image in images]
        small = [Image.fromarray(picture).resize((4, 4), Image.Resampling.BOX) for picture in pictures]
        return np.stack([np.asarray(picture, dtype=np.float32).reshape(-1) / 255 + 0.01 for picture in small])


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A small world, drawn once."""
    folder = tmp_path_factory.mktemp("world")
    simulate(1500, 42, folder)
    return folder


@pytest.fixture
def asked():
    """The sizes of the worlds that were asked for."""
    return []


@pytest.fixture
def place(tmp_path, monkeypatch, world, asked):
    """A folder with the configuration of a small world, and an encoder that is no network."""

    def copied(rows, seed, output):
        asked.append((rows, seed))
        shutil.copytree(world, output, dirs_exist_ok=True)

    for path, text in {
        "data/small.yaml": "name: small\nsource: {kind: sample_world, rows: 3000}\n"
        "ads: {id: ad_id, target: effectiveness, image: creative_id, group: campaign_id}\n",
        "experiment/small.yaml": "dataset: ../data/small.yaml\nmodels: {ad_score: ../training/small.yaml}\n",
        "training/small.yaml": "data: {augmentation: {visual: {noise_std: 0.05}}}\n",
    }.items():
        (tmp_path / "configs" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "configs" / path).write_text(text)
    monkeypatch.setattr(augmentation_comparison, "simulate", copied)
    monkeypatch.setattr(picture_comparison, "load_image_encoder", lambda name, size, arithmetic: Means())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_method_and_all_together_have_a_row(place, monkeypatch):
    (found,) = compare_augmentations("small", 20)
    assert found.kind == "pictures"
    assert [quality.method for quality in found.qualities] == ["other real rows", *METHODS]
    of = {quality.method: quality for quality in found.qualities}
    distances = {name: of[name].distance for name in METHODS}
    assert min(distances, key=distances.get) == "noise_addition"
    assert max(distances, key=distances.get) == "all four together"
    assert of["noise_addition"].frechet < of["crop_resize"].frechet
    assert of["noise_addition"].preserved > of["all four together"].preserved
    assert all(of[name].changed == 1 and of[name].self_bleu is None for name in METHODS)
    monkeypatch.setattr(picture_comparison, "AT_ONCE", 4)
    assert compare_augmentations("small", 20, threads=2)[0].to_json() == found.to_json()
    assert "| noise_addition | 20 | 100.0% |" in "\n".join(found.lines())


def test_the_world_is_the_one_that_is_asked_for(place, asked):
    said = []
    overrides = ["dataset.source={rows: 1500, seed: 7}", "dataset.ads.image=campaign_id"]
    assert compare_augmentations("small", 20, overrides=overrides, say=said.append) == []
    assert said == ["too few ads have a picture: 0 of 20 that are measured"]
    assert asked == [(1500, 7)]
