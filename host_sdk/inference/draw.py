"""Boxes with labels, and points, on a picture."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from host_sdk.display.plain import plain_line

Box = tuple[float, float, float, float]
Point = tuple[float, float]

_LABEL_CHARACTERS = 60

# One colour for each label, in turn; they differ for the colour-blind too (Okabe and Ito).
_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")


def draw_boxes(
    picture: Image.Image,
    boxes: Sequence[tuple[Box, str, int]],
    points: Sequence[Sequence[Point]] = (),
) -> Image.Image:
    """Copy a picture, with boxes on it.

    Args:
        picture: of any mode.
        boxes: ((x0, y0, x1, y1) in pixels, text, number of the colour) of each, whatever the
            numbers: corners are put in order and into the picture, one that is NaN is 0.
        points: in pixels, of each box; the first points of all have the same colour, and so on.

    Returns:
        An RGB picture of the same size.
    """
    canvas = picture.convert("RGB")
    if canvas is picture:
        canvas = picture.copy()
    draw = ImageDraw.Draw(canvas)
    thick = max(1, round(min(picture.size) / 200))
    font = ImageFont.load_default(size=max(9, min(picture.size) / 32))
    for box, text, colour in boxes:
        shade, within = _COLOURS[colour % len(_COLOURS)], _within(box, picture.size)
        draw.rectangle(within, outline=shade, width=thick)
        _draw_label(draw, within, plain_line(text, _LABEL_CHARACTERS), shade, font)
    radius = thick + 1
    for group in points:
        for colour, (x, y) in enumerate(group, 1):
            at = _within((x - radius, y - radius, x + radius, y + radius), picture.size)
            draw.ellipse(at, fill=_COLOURS[colour % len(_COLOURS)], outline="black")
    return canvas


def _within(box: Box, size: tuple[int, int]) -> Box:
    x0, y0, x1, y1 = (
        min(max(side if side == side else 0.0, 0.0), float(size[i % 2]))
        for i, side in enumerate(box)
    )
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _draw_label(
    draw: ImageDraw.ImageDraw,
    box: Box,
    text: str,
    shade: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    x0, y0 = box[0], box[1]
    left, top, right, bottom = draw.textbbox((x0, y0), text, font=font)
    height = bottom - top
    at_y = max(y0 - height - 2, 0)
    draw.rectangle((x0, at_y, x0 + right - left + 2, at_y + height + 2), fill=shade)
    draw.text((x0 + 1 - (left - x0), at_y + 1 - (top - y0)), text, fill="black", font=font)
