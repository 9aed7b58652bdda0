"""Boxes with labels on a picture."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

Box = tuple[float, float, float, float]

# One colour for each label, in turn; they differ for the colour-blind too (Okabe and Ito).
_COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")


def draw_boxes(picture: Image.Image, boxes: Sequence[tuple[Box, str, int]]) -> Image.Image:
    """Copy a picture, with boxes on it.

    Args:
        picture: of any mode.
        boxes: ((x0, y0, x1, y1) in pixels, text, number of the colour) of each.

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
        shade = _COLOURS[colour % len(_COLOURS)]
        draw.rectangle(box, outline=shade, width=thick)
        _draw_label(draw, box, text, shade, font)
    return canvas


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
