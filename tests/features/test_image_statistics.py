"""Statistics of pictures beside NumPy's and SciPy's floating-point formulas, and what is known of simple ones."""

import io
import math

import numpy as np
import polars as pl
import pytest
from PIL import Image
from scipy.ndimage import convolve

from within_wf.config.features import FeatureConfig
from within_wf.errors import DatasetError
from within_wf.features import Preprocessor
from within_wf.features.image_statistics import image_statistics, statistics_of_pictures

NOISE = np.random.default_rng(0).integers(0, 256, size=(40, 30, 3), dtype=np.uint8)
EVERY = ["brightness", "contrast", "colourfulness", "edges", "aspect_ratio"]


def file(pixels, mode="RGB"):
    made = io.BytesIO()
    Image.fromarray(pixels, mode).save(made, "PNG")
    return made.getvalue()


def test_noise_has_the_statistics_of_the_formulas():
    red, green, blue = (NOISE[..., channel].astype(float) for channel in range(3))
    luma = (0.299 * red + 0.587 * green + 0.114 * blue) / 255
    rg, yb = red - green, 0.5 * (red + green) - blue
    found = image_statistics(NOISE)
    assert found["brightness"] == pytest.approx(luma.mean(), rel=1e-12)
    assert found["contrast"] == pytest.approx(luma.std(), rel=1e-12)
    colour = math.hypot(rg.std(), yb.std()) + 0.3 * math.hypot(rg.mean(), yb.mean())
    assert found["colourfulness"] == pytest.approx(colour, rel=1e-12)
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 8
    gradient = np.hypot(convolve(luma, sobel), convolve(luma, sobel.T))[1:-1, 1:-1]
    assert found["edges"] == pytest.approx((gradient > 0.25).mean())
    assert 0 < found["edges"] < 1
    assert found["aspect_ratio"] == 30 / 40


def test_simple_pictures_are_what_they_look_like():
    black, white = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)
    assert image_statistics(black) == {"brightness": 0, "contrast": 0, "colourfulness": 0, "edges": 0, "aspect_ratio": 1}
    assert image_statistics(white)["brightness"] == 1
    half = np.concatenate([black, white], axis=1)
    found = image_statistics(half)
    assert (found["brightness"], found["contrast"], found["aspect_ratio"]) == (0.5, 0.5, 2)
    assert found["edges"] == 2 / 14  # two columns of pixels see the border
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 0] = 255
    assert image_statistics(red)["colourfulness"] == pytest.approx(0.3 * math.hypot(255, 127.5))
    assert image_statistics(NOISE[:2])["edges"] == 0


def test_rows_without_a_picture_are_missing_and_transparency_is_white():
    pictures = {"noise": file(NOISE), "clear": file(np.zeros((4, 4, 4), np.uint8), "RGBA"), "unused": b"no picture"}
    found = statistics_of_pictures(["noise", None, "clear", "elsewhere"], pictures, ["brightness"])["brightness"]
    np.testing.assert_equal(found, [image_statistics(NOISE)["brightness"], np.nan, 1.0, np.nan])


def test_all_files_that_are_no_pictures_are_named():
    with pytest.raises(DatasetError, match=r"(?s)picture a.*picture b"):
        statistics_of_pictures(["a", "b"], {"a": b"", "b": b"text"}, ["edges"])


def test_a_preprocessor_makes_features_of_pictures(tmp_path):
    table = pl.DataFrame({"x": [1.0, 2.0, 3.0], "creative": ["noise", "dark", None]})
    pictures = {"noise": file(NOISE), "dark": file(NOISE // 4)}
    made = Preprocessor(["x"], [], FeatureConfig(image_statistics=EVERY), image="creative")
    train = made.fit_transform(table, pictures=pictures)
    assert made.feature_names[1:3] == ["picture: brightness", "picture: brightness is missing"]
    made.save(tmp_path)
    again = Preprocessor.load(tmp_path)
    np.testing.assert_array_equal(again.transform(table, pictures), train)
    np.testing.assert_array_equal(again.transform(table[1:2], pictures), train[1:2])
    with pytest.raises(DatasetError, match="column creative"):
        again.transform(table.drop("creative"))
