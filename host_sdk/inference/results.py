"""What a model found: detections and classes, for people, programs and notebooks."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, overload

import numpy as np
from PIL import Image

from host_sdk.display.table import html_picture, html_table, text_table
from host_sdk.errors import ProtocolError
from host_sdk.inference.draw import Point, draw_boxes
from host_sdk.inference.model import Model
from host_sdk.inference.picture import Letterbox
from host_sdk.inference.tensor import Array
from relocatable.blob.blob import CLASS_DTYPE
from relocatable.blob.record import RecordField, read_array
from relocatable.errors import BlobError


@dataclass(frozen=True)
class Detection:
    """A thing in a picture.

    Attributes:
        label: what it is.
        score: 0..1.
        box: (x0, y0, x1, y1) in the picture's own pixels.
        index: number of the label.
        points: other points by the names of their fields, such as keypoints, in the picture's own
            pixels.
    """

    label: str
    score: float
    box: tuple[float, float, float, float]
    index: int
    points: Mapping[str, tuple[Point, ...]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Class:
    """A class of a picture: label, score 0..1, number of the label."""

    label: str
    score: float
    index: int


class Detections(Sequence[Detection]):
    """The things found in a picture, by falling score.

    Attributes:
        picture: the picture.
        us: how long the model ran, microseconds.
    """

    def __init__(self, items: Sequence[Detection], picture: Image.Image, us: int) -> None:
        self._items = tuple(items)
        self.picture = picture
        self.us = us

    @overload
    def __getitem__(self, index: int) -> Detection: ...
    @overload
    def __getitem__(self, index: slice) -> Detections: ...
    def __getitem__(self, index: int | slice) -> Detection | Detections:
        if isinstance(index, slice):
            return Detections(self._items[index], self.picture, self.us)
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def draw(self) -> Image.Image:
        """Copy the picture, with boxes, labels, scores and points."""
        boxes = [(d.box, f"{d.label} {d.score:.2f}", d.index) for d in self._items]
        points = [[p for named in d.points.values() for p in named] for d in self._items]
        return draw_boxes(self.picture, boxes, points)

    def to_json(self) -> list[dict[str, Any]]:
        """Give plain values, for json.dumps; `points` of detections that have some."""
        plain = (asdict(d) for d in self._items)
        return [{k: v for k, v in d.items() if k != "points" or v} for d in plain]

    @property
    def title(self) -> str:
        """How many, in what, how fast."""
        things = f"{len(self)} detection{'' if len(self) == 1 else 's'}"
        return f"{things} in {self.picture.width}x{self.picture.height}, {self.us / 1000:.1f} ms"

    def table(self) -> tuple[Sequence[str], list[list[str]]]:
        """Give headings and cells, for printing."""
        rows = [[d.label, f"{d.score:.2f}", *(f"{v:.0f}" for v in d.box)] for d in self._items]
        return ("label", "score", "x0", "y0", "x1", "y1"), rows

    def __repr__(self) -> str:
        return text_table(self.title, *self.table())

    def _repr_html_(self) -> str:
        table = html_table(self.title, *self.table())
        return html_picture(self.draw()) + table

    def _repr_png_(self) -> bytes:
        """Draw the picture for notebooks that show no HTML."""
        png = io.BytesIO()
        self.draw().save(png, "PNG")
        return png.getvalue()


class Classes(Sequence[Class]):
    """The classes of a picture, by falling score.

    Attributes:
        us: how long the model ran, microseconds.
    """

    def __init__(self, items: Sequence[Class], us: int) -> None:
        self._items = tuple(items)
        self.us = us

    @overload
    def __getitem__(self, index: int) -> Class: ...
    @overload
    def __getitem__(self, index: slice) -> Classes: ...
    def __getitem__(self, index: int | slice) -> Class | Classes:
        if isinstance(index, slice):
            return Classes(self._items[index], self.us)
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def to_json(self) -> list[dict[str, Any]]:
        """Give plain values, for json.dumps."""
        return [asdict(c) for c in self._items]

    @property
    def title(self) -> str:
        """How many, how fast."""
        return f"{len(self)} class{'' if len(self) == 1 else 'es'}, {self.us / 1000:.1f} ms"

    def table(self) -> tuple[Sequence[str], list[list[str]]]:
        """Give headings and cells, for printing."""
        return ("label", "score"), [[c.label, f"{c.score:.3f}"] for c in self._items]

    def __repr__(self) -> str:
        return text_table(self.title, *self.table())

    def _repr_html_(self) -> str:
        return html_table(self.title, *self.table())


def read_detections(data: bytes, model: Model, letterbox: Letterbox) -> list[Detection]:
    """Read what a detector found, by the names of its record's fields.

    A detection with a NaN is left out; others get their corners in order, all within 0..1.

    Raises:
        NoHeadError: the model gives no detections.
        ProtocolError: the bytes are too few for their count.
    """
    _, record = model.detector()
    points = [f for f in record.fields if f.role == "points" and f.name != "box"]
    numbers = ("score", "box", *(f.name for f in points))
    return [
        Detection(
            label=model.label(int(item["label"][0])),
            score=_share(item["score"][0]),
            box=letterbox.undo(_in_order(*map(_share, item["box"]))),
            index=int(item["label"][0]),
            points={f.name: _points(item, f, letterbox) for f in points},
        )
        for item in _items(data, record.dtype)
        if not any(np.isnan(item[name]).any() for name in numbers)
    ]


def _points(item: Any, field: RecordField, letterbox: Letterbox) -> tuple[Point, ...]:
    x, y = ([_share(v) for v in item[field.name][axis::2]] for axis in (0, 1))
    return tuple(letterbox.undo((*p, *p))[:2] for p in zip(x, y, strict=True))


def read_classes(data: bytes, model: Model) -> list[Class]:
    """Read the bytes of xn_classes (xn_blob.h), without scores that are NaN.

    Raises:
        ProtocolError: the bytes are too few for their count.
    """
    return [
        Class(model.label(int(c["label"])), _share(c["score"]), int(c["label"]))
        for c in _items(data, CLASS_DTYPE)
        if not math.isnan(c["score"])
    ]


def read_found(data: bytes, model: Model, letterbox: Letterbox | None) -> list[tuple[Any, ...]]:
    """Read what a head found, by the blob's own description.

    Args:
        data: the head's result.
        model: that gave it.
        letterbox: how the picture was fitted; None leaves points in 0..1 of the input.

    Raises:
        NoHeadError: the model has no head.
        ProtocolError: the bytes are too few for their count.
    """
    _, record = model.head()

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return point if letterbox is None else letterbox.undo((*point, *point))[:2]

    try:
        return record.read_items(data, model.label, place)
    except BlobError as error:
        raise ProtocolError(str(error)) from error


def _share(value: Any) -> float:
    return min(max(float(value), 0.0), 1.0)


def _in_order(x0: float, y0: float, x1: float, y1: float) -> tuple[float, float, float, float]:
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _items(data: bytes, dtype: np.dtype[Any]) -> Array:
    try:
        return read_array(data, dtype)
    except BlobError as error:
        raise ProtocolError(str(error)) from error
