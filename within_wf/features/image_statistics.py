"""What can be measured of a picture; sums are of whole numbers, so that they are exact."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from within_wf.config.features import ImageStatistic
from within_wf.errors import DatasetError, Problem
from within_wf.features.numeric import Floats

EDGE = 0.25
"""The gradient of an edge: a quarter of the way from black to white, over two pixels."""
_LUMA = np.array([299, 587, 114], dtype=np.int64)
"""Thousandths of red, green and blue in brightness (ITU-R BT.601)."""
_WHITE = 255 * 1000


def image_statistics(image: npt.NDArray[np.uint8]) -> dict[str, float]:
    """Every statistic of a picture, by name.

    ``brightness`` is the mean of luma (ITU-R BT.601), 0 black to 1 white, ``contrast`` its standard deviation (Peli, "Contrast
    in complex images", JOSA A 7, 1990). ``colourfulness`` is that of Hasler and Süsstrunk, "Measuring colourfulness in natural
    images" (SPIE 5007, 2003), the one in RGB: the length of the deviations of red - green and (red + green) / 2 - blue, and 0.3
    times that of their means. ``edges`` is the share of inner pixels where the gradient of luma (Sobel, over 8) is above
    ``EDGE``. ``aspect_ratio`` is width over height.

    Args:
        image: RGB, uint8, shape [height, width, 3].
    """
    pixels = image.astype(np.int64)
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    luma = pixels @ _LUMA
    brightness, contrast = _moments(luma)
    (mean_a, std_a), (mean_b, std_b) = _moments(red - green), _moments(red + green - 2 * blue)
    colour = math.sqrt(std_a**2 + (std_b / 2) ** 2) + 0.3 * math.sqrt(mean_a**2 + (mean_b / 2) ** 2)
    return {
        "brightness": brightness / _WHITE,
        "contrast": contrast / _WHITE,
        "colourfulness": colour,
        "edges": _edges(luma),
        "aspect_ratio": image.shape[1] / image.shape[0],
    }


def statistics_of_pictures(
    names: Sequence[str | None], pictures: Mapping[str, bytes], wanted: Sequence[ImageStatistic]
) -> dict[str, Floats]:
    """Statistics of each row's picture.

    Args:
        names: What names the picture of each row.
        pictures: Name to picture file.
        wanted: Which statistics.

    Returns:
        Each of shape [n], in the order of ``wanted``; NaN where a row has no picture.

    Raises:
        DatasetError: Files are no pictures; all of them are named.
    """
    found: dict[str, dict[str, float]] = {}
    problems = []
    for name in dict.fromkeys(names):
        if name is not None and name in pictures:
            try:
                found[name] = image_statistics(_read(pictures[name]))
            except (OSError, ValueError, SyntaxError) as error:
                problems.append(Problem(f"picture {name}", str(error), "a file of a picture"))
    if problems:
        raise DatasetError("pictures cannot be read", problems)
    return {
        statistic: np.array([found[name][statistic] if name in found else np.nan for name in names], dtype=np.float64)
        for statistic in wanted
    }


def _read(file: bytes) -> npt.NDArray[np.uint8]:
    from PIL import Image

    with Image.open(io.BytesIO(file)) as opened:
        picture = opened.convert("RGBA") if opened.has_transparency_data else opened.convert("RGB")
    if picture.mode == "RGBA":
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return np.asarray(picture)


def _moments(values: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Mean and standard deviation of whole numbers, each rounded once or twice."""
    count, total, squares = values.size, int(values.sum()), int((values * values).sum())
    return total / count, math.sqrt((count * squares - total * total) / (count * count))


def _edges(luma: npt.NDArray[np.int64]) -> float:
    if min(luma.shape) < 3:
        return 0.0
    top, middle, bottom = luma[:-2], luma[1:-1], luma[2:]
    down = (bottom[:, :-2] + 2 * bottom[:, 1:-1] + bottom[:, 2:]) - (top[:, :-2] + 2 * top[:, 1:-1] + top[:, 2:])
    side = top + 2 * middle + bottom
    across = side[:, 2:] - side[:, :-2]
    least = int(8 * EDGE * _WHITE)
    is_edge = across * across + down * down > least * least
    share: float = np.count_nonzero(is_edge) / is_edge.size
    return share
