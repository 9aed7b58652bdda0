"""Makes group.jpg, a picture with four faces, of skimage.data.astronaut().

    python examples/faces/make_group.py

Eileen Collins, photographed by NASA (public domain), four times: nearer and farther, at other
places, two of them as in a mirror.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps
from skimage.data import astronaut

TILE = (256, 256)
# Of each tile the part of the photograph (left, top, width) and whether it is mirrored.
PARTS = ((110, 0, 230, False), (50, 5, 330, True), (125, 25, 180, True), (40, 0, 360, False))


def compose() -> Image.Image:
    """Put the tiles together, two by two."""
    photograph = Image.fromarray(astronaut())
    canvas = Image.new("RGB", (2 * TILE[0], 2 * TILE[1]))
    for i, (left, top, width, mirrored) in enumerate(PARTS):
        height = width * TILE[1] // TILE[0]
        tile = photograph.crop((left, top, left + width, top + height))
        tile = tile.resize(TILE, Image.Resampling.LANCZOS)
        corner = (i % 2 * TILE[0], i // 2 * TILE[1])
        canvas.paste(ImageOps.mirror(tile) if mirrored else tile, corner)
    return canvas


if __name__ == "__main__":
    compose().save(Path(__file__).parent / "group.jpg", quality=84)
