"""What an ad looks like: five qualities of a picture, and the picture that shows them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from within_wf.data.sample_world.plan import Floats, Ints, Plan, stream

SIDE = 224
LOOK = ("warm", "busy", "button", "dark", "hero")
"""Qualities of a picture; each is there or not, with equal chances."""
LOOK_EFFECT: Floats = np.array([8.0, -7.0, 9.0, -6.0, 7.0])
"""Points of effectiveness that a quality brings."""

Colour = tuple[int, int, int]
_WARM: tuple[Colour, ...] = ((226, 88, 34), (240, 148, 28), (214, 46, 60), (232, 116, 82))
_COOL: tuple[Colour, ...] = ((36, 92, 190), (22, 140, 150), (70, 70, 180), (40, 150, 110))


@dataclass(frozen=True)
class Brief:
    """What a creative has to show.

    Attributes:
        look: The five qualities, 0 or 1.
        chance: Eight integers in [0, 2**20) for everything else.
        colour: The brand's colour.
        headline: Words on the picture.
        call: Words on the button.
    """

    look: tuple[int, ...]
    chance: tuple[int, ...]
    colour: Colour
    headline: str
    call: str


def look(plan: Plan, creatives: Ints) -> npt.NDArray[np.int64]:
    """Which qualities a picture has: 0 or 1, int64, shape [creatives, 5]."""
    return stream(plan, "look").integers(creatives, 2, len(LOOK))


def brand_colour(plan: Plan, accounts: Ints) -> npt.NDArray[np.int64]:
    """Colour of each account's brand: red, green, blue, int64, shape [accounts, 3]."""
    return 30 + stream(plan, "brand colour").integers(accounts, 196, 3)


def render(brief: Brief) -> bytes:
    """The picture as PNG, 224 x 224, RGB; its bytes follow from the brief and the version of Pillow alone."""
    warm, busy, button, dark, hero = brief.look
    image = _background(brief, bool(warm), bool(dark))
    draw = ImageDraw.Draw(image)
    if busy:
        _confetti(draw, brief)
    _products(draw, brief, bool(hero), bool(warm))
    _headline(draw, brief, bool(dark))
    _call(draw, brief, bool(button), bool(dark))
    draw.rectangle((0, 0, SIDE, 7), fill=brief.colour)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=6)
    return file.getvalue()


def _background(brief: Brief, warm: bool, dark: bool) -> Image.Image:
    base = np.array((_WARM if warm else _COOL)[brief.chance[0] % 4], np.int64)
    light = np.array([46, 46, 46]) if dark else np.array([238, 238, 238])
    far = (base * (2 if dark else 3) + light * 3) // (5 if dark else 6)
    near = far * 3 // 5 if dark else (far + 255) // 2
    ramp = np.arange(SIDE, dtype=np.int64)[:, None, None]
    rows = (near * (SIDE - ramp) + far * ramp) // SIDE
    return Image.fromarray(np.broadcast_to(rows, (SIDE, SIDE, 3)).astype(np.uint8))


def _confetti(draw: ImageDraw.ImageDraw, brief: Brief) -> None:
    state = brief.chance[1]
    for _ in range(70):
        state = (state * 1103515245 + 12345) % 2**31
        x, y = (state >> 5) % SIDE, (state >> 13) % SIDE
        size = 4 + (state >> 21) % 12
        colour = ((state >> 3) % 256, (state >> 9) % 256, (state >> 15) % 256)
        shape = draw.ellipse if state & 1024 else draw.rectangle
        shape((x, y, x + size, y + size), fill=colour)


def _products(draw: ImageDraw.ImageDraw, brief: Brief, hero: bool, warm: bool) -> None:
    colour = (_WARM if warm else _COOL)[brief.chance[2] % 4]
    if hero:
        radius = 44 + brief.chance[3] % 10
        x, y = 90 + brief.chance[4] % 45, 112 + brief.chance[5] % 12
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour, outline=(255, 255, 255), width=5)
        draw.ellipse((x - radius // 2, y - radius // 2, x, y), fill=brief.colour)
        return
    left, size = 12 + brief.chance[4] % 16, 38
    for i in range(8):
        x, y = left + (i % 4) * (size + 8), 70 + brief.chance[5] % 8 + (i // 4) * (size + 8)
        draw.rectangle((x, y, x + size, y + size), fill=colour if i % 2 else brief.colour, outline=(255, 255, 255), width=2)


def _headline(draw: ImageDraw.ImageDraw, brief: Brief, dark: bool) -> None:
    ink = (245, 245, 245) if dark else (25, 25, 25)
    for i, line in enumerate(_lines(brief.headline, 22)[:2]):
        draw.text((12, 16 + 24 * i), line, fill=ink, font=_font(18))


def _call(draw: ImageDraw.ImageDraw, brief: Brief, button: bool, dark: bool) -> None:
    if not button:
        ink = (200, 200, 200) if dark else (90, 90, 90)
        draw.text((12, 202), brief.call, fill=ink, font=_font(11))
        return
    left = 40 + brief.chance[6] % 30
    fill = ((250, 204, 21), (34, 197, 94), (255, 255, 255))[brief.chance[7] % 3]
    draw.rounded_rectangle((left, 176, left + 130, 214), radius=14, fill=fill, outline=(20, 20, 20), width=2)
    draw.text((left + 65, 195), brief.call, fill=(20, 20, 20), font=_font(18), anchor="mm")


def _lines(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own font with its own layout: no font or text library of the system is asked."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):  # Pillow without FreeType
        raise AssertionError("Pillow was built without FreeType")
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)
