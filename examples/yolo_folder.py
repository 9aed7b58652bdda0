"""Pictures and boxes from a folder as YOLO's tools write it.

Each picture has a text of the same name, beside it or in a folder `labels` beside `images`.
A line of it is a thing: `class cx cy w h`, the centre and the size as fractions of the picture. A
picture without a text, or with an empty one, shows nothing. The network here has one class, 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from host_sdk.inference.picture import Letterbox

ENDINGS = (".jpg", ".jpeg", ".png", ".bmp")

Boxes = npt.NDArray[np.float64]


class Labelled(NamedTuple):
    """A picture and what is in it.

    Attributes:
        picture: RGB.
        boxes: [N, 4]: x0, y0, x1, y1 in pixels.
    """

    picture: Image.Image
    boxes: Boxes


class LabelError(ValueError):
    """A line of a text is no box; says which, and what is wrong."""


def read_folder(folder: Path) -> Iterator[Labelled]:
    """Read all pictures of a folder and of folders within, by name.

    Raises:
        LabelError: a line is no box.
        FileNotFoundError: there is no picture.
    """
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in ENDINGS)
    if not found:
        raise FileNotFoundError(f"{folder} holds no picture ({', '.join(ENDINGS)})")
    for path in found:
        picture = Image.open(path).convert("RGB")
        boxes = read_boxes(_text_of(path)) * (picture.size * 2)
        yield Labelled(picture, boxes)


def _text_of(picture: Path) -> Path:
    beside = picture.with_suffix(".txt")
    parts = list(beside.parts)
    if "images" in parts and not beside.exists():
        last = len(parts) - 1 - parts[::-1].index("images")
        return Path(*parts[:last], "labels", *parts[last + 1 :])
    return beside


def read_boxes(text: Path) -> Boxes:
    """Read boxes [N, 4]: x0, y0, x1, y1 as fractions of the picture, clipped to it."""
    lines = text.read_text(encoding="utf-8").splitlines() if text.exists() else []
    boxes = [_box(line, f"{text}:{n}") for n, line in enumerate(lines, 1) if line.strip()]
    return np.array(boxes, np.float64).reshape(-1, 4)


def _box(line: str, place: str) -> list[float]:
    try:
        number, cx, cy, w, h = map(float, line.split())
    except ValueError as error:
        wanted = "a line must be five numbers: class cx cy w h"
        raise LabelError(f"{place}: {wanted}; is {line!r}") from error
    if number != 0:
        raise LabelError(f"{place}: the class must be 0, the only one; is {number:g}")
    if not (0 <= cx <= 1 and 0 <= cy <= 1 and 0 < w <= 1 and 0 < h <= 1):
        raise LabelError(f"{place}: cx, cy, w, h must be fractions of the picture; are {line!r}")
    corners = (cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2)
    return [min(max(v, 0.0), 1.0) for v in corners]


def write_labelled(folder: Path, name: str, labelled: Labelled) -> None:
    """Write a picture as .png, and its boxes as .txt beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    labelled.picture.save(folder / f"{name}.png")
    shares = labelled.boxes / (labelled.picture.size * 2)
    centres, sizes = (shares[:, :2] + shares[:, 2:]) / 2, shares[:, 2:] - shares[:, :2]
    lines = ["0 " + " ".join(f"{v:.6f}" for v in row) for row in np.hstack([centres, sizes])]
    (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def fit(labelled: Labelled, side: int) -> Labelled:
    """Fit a picture and its boxes into a square, as `board.detect` fits a picture."""
    letterbox = Letterbox(labelled.picture.size, (side, side))
    boxes = labelled.boxes * letterbox.scale + (letterbox.corner * 2)
    return Labelled(letterbox.apply(labelled.picture), boxes)
