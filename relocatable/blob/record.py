"""The items of a head's result: their layout in the arena, and their values.

A result starts with `uint32 count` and 12 zero bytes; the items follow (docs/SPEC-blob.md
section 5). A record says how to read an item; a reader needs to know no head.
"""

from __future__ import annotations

import keyword
import unicodedata
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from relocatable.blob.blob import (
    CLASS_DTYPE,
    DETECTION_DTYPE,
    RESULT_CLASSES,
    RESULT_DESCRIBED,
    RESULT_DETECTIONS,
    RESULT_HEADER_BYTES,
)
from relocatable.errors import BlobError

Role = Literal["value", "label", "points"]
Point = tuple[float, float]

FIELD_DTYPES = ("int8", "uint8", "int16", "int32", "int64", "float32")
ROLES: tuple[Role, ...] = ("value", "label", "points")
_MOST_FIELDS = 32
_MOST_BYTES = 0xFFFF


@dataclass(frozen=True)
class RecordField:
    """A field of an item.

    Attributes:
        name: a Python identifier.
        dtype: one of FIELD_DTYPES.
        offset: of its first value in the item, a multiple of the value's size.
        count: of its values, one after another.
        role: "label": indices into the model's labels; "points": x and y in turn, 0..1 of the
            model's input, which a reader maps into the picture; else "value".
    """

    name: str
    dtype: str
    offset: int
    count: int = 1
    role: Role = "value"

    @property
    def size_bytes(self) -> int:
        """Bytes of all its values."""
        return self.count * np.dtype(self.dtype).itemsize

    def check(self, item_bytes: int) -> None:
        """Refuse a field that cannot be read.

        Raises:
            BlobError: names the field, the rule and the value.
        """
        unit = np.dtype(self.dtype).itemsize
        last = item_bytes - self.size_bytes
        whole = self.dtype != "float32"
        for holds, rule, seen in (
            (_is_name(self.name), "must have a plain Python identifier as its name", self.name),
            (self.count >= 1, "must have 1 value or more", self.count),
            (0 <= self.offset <= last, f"must lie in the {item_bytes} bytes of an item", self),
            (self.offset % unit == item_bytes % unit == 0, f"must be {unit}-aligned", self.offset),
            (self.role != "label" or whole, "must hold integers to be a label", self.dtype),
            (self.role != "points" or not whole, "must hold float32 to be points", self.dtype),
            (self.role != "points" or self.count % 2 == 0, "must hold x and y", self.count),
        ):
            if not holds:
                raise BlobError(f"field '{self.name}' of a result {rule}; is {seen!r}")


@dataclass(frozen=True)
class Record:
    """The layout of an item.

    Attributes:
        item_bytes: from one item to the next.
        fields: in the order in which users get them, whatever their offsets.
    """

    item_bytes: int
    fields: tuple[RecordField, ...]

    def __post_init__(self) -> None:
        names = [field.name for field in self.fields]
        if not 1 <= len(names) <= _MOST_FIELDS or len(set(names)) != len(names):
            raise BlobError(f"a result must have 1 to {_MOST_FIELDS} different fields; has {names}")
        if self.item_bytes > _MOST_BYTES:
            raise BlobError(f"an item must have at most {_MOST_BYTES} bytes; has {self.item_bytes}")
        for field in self.fields:
            field.check(self.item_bytes)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The NumPy type of an item."""
        return np.dtype(
            {
                "names": [f.name for f in self.fields],
                "formats": [(np.dtype(f.dtype).newbyteorder("<"), (f.count,)) for f in self.fields],
                "offsets": [f.offset for f in self.fields],
                "itemsize": self.item_bytes,
            }
        )

    def result_bytes(self, count: int) -> int:
        """Count the bytes of a result with room for that many items."""
        return RESULT_HEADER_BYTES + count * self.item_bytes

    def read_items(
        self,
        data: bytes,
        label: Callable[[int], str] = str,
        place: Callable[[Point], Point] | None = None,
    ) -> list[tuple[Any, ...]]:
        """Read a result.

        Args:
            data: its bytes.
            label: gives the name of a class.
            place: maps a point, 0..1 of the model's input, into the picture.

        Returns:
            A named tuple for each item: numbers, names of classes, tuples of several of them.

        Raises:
            BlobError: the bytes are too few for their count.
        """
        make = namedtuple("Item", [f.name for f in self.fields])  # type: ignore[misc]
        rows = read_array(data, self.dtype)
        return [
            make(*(_value(f, row[f.name].tolist(), label, place) for f in self.fields))
            for row in rows
        ]


def read_array(data: bytes, dtype: np.dtype[Any]) -> np.ndarray[Any, np.dtype[Any]]:
    """Read the items of a result as an array.

    Raises:
        BlobError: the bytes are too few for their count.
    """
    count = int.from_bytes(data[:4], "little")
    room = (len(data) - RESULT_HEADER_BYTES) // dtype.itemsize
    if len(data) < RESULT_HEADER_BYTES or count > room:
        raise BlobError(f"head's result: count must be at most {max(room, 0)}; is {count}")
    return np.frombuffer(data, dtype, count, RESULT_HEADER_BYTES)


def _is_name(name: str) -> bool:
    # Python takes two names of the same normal form for one.
    plain = name.isidentifier() and unicodedata.normalize("NFKC", name) == name
    return plain and not name.startswith("_") and not keyword.iskeyword(name)


def _value(
    field: RecordField,
    values: list[Any],
    label: Callable[[int], str],
    place: Callable[[Point], Point] | None,
) -> Any:
    if field.role == "label":
        values = [label(index) for index in values]
    if field.role == "points" and place is not None:
        points = zip(values[::2], values[1::2], strict=True)
        values = [side for point in points for side in place(point)]
    return tuple(values) if field.count > 1 else values[0]


# What the format itself says of the results of these numbers.
KNOWN_RECORDS = {
    RESULT_DETECTIONS: Record(
        DETECTION_DTYPE.itemsize,
        (
            RecordField("label", "int32", 20, role="label"),
            RecordField("score", "float32", 16),
            RecordField("box", "float32", 0, 4, role="points"),
        ),
    ),
    RESULT_CLASSES: Record(
        CLASS_DTYPE.itemsize,
        (RecordField("label", "int32", 0, role="label"), RecordField("score", "float32", 4)),
    ),
}
DETECTIONS, CLASSES = KNOWN_RECORDS[RESULT_DETECTIONS], KNOWN_RECORDS[RESULT_CLASSES]


def result_number(record: Record) -> int:
    """Find the format's number of a result with such items, or XN_RESULT_DESCRIBED."""
    return next((n for n, known in KNOWN_RECORDS.items() if known == record), RESULT_DESCRIBED)
