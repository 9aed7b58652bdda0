"""Read maps of numbers in the format FlexBuffers: options of custom operators.

Every place is checked before it is read: the bytes are untrusted.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

Number = int | float | bool

_INT, _UINT, _FLOAT, _INDIRECT, _MAP, _BOOL = 1, 2, 3, 5, 9, 26
_FORMATS = {
    _INT: {1: "<b", 2: "<h", 4: "<i", 8: "<q"},
    _UINT: {1: "<B", 2: "<H", 4: "<I", 8: "<Q"},
    _FLOAT: {4: "<f", 8: "<d"},
}
_MOST_KEY = 64  # bytes


class FlexBufferError(ValueError):
    """Bytes that are no map of FlexBuffers; the message says why."""


def read_numbers(data: bytes) -> Mapping[str, Number]:
    """Read the numbers of a map; entries of other types are left out.

    Raises:
        FlexBufferError: the bytes are no map.
    """
    if len(data) < 3:
        raise FlexBufferError(f"must have at least 3 bytes; has {len(data)}")
    width, kind = data[-1], data[-2]
    if kind >> 2 != _MAP or width not in (1, 2, 4, 8):
        raise FlexBufferError(f"must be a map; is of type {kind >> 2}, width {width}")
    values, width = _follow(data, len(data) - 2 - width, width), 1 << (kind & 3)
    count = _uint(data, values - width, width)
    keys = _follow(data, values - 3 * width, width)
    key_width = _uint(data, values - 2 * width, width)
    if key_width not in (1, 2, 4, 8):
        raise FlexBufferError(f"width of keys must be 1, 2, 4 or 8; is {key_width}")
    if count > len(data):
        raise FlexBufferError(f"must have at most {len(data)} entries; has {count}")
    found: dict[str, Number] = {}
    for i in range(count):
        kind = _uint(data, values + count * width + i, 1)
        number = _number(data, values + i * width, width, kind)
        if number is not None:
            found[_key(data, _follow(data, keys + i * key_width, key_width))] = number
    return found


def _number(data: bytes, at: int, width: int, kind: int) -> Number | None:
    base = kind >> 2
    if base == _BOOL:
        return _uint(data, at, width) != 0
    if base - _INDIRECT in _FORMATS:
        at, width, base = _follow(data, at, width), 1 << (kind & 3), base - _INDIRECT
    if base not in _FORMATS or width not in _FORMATS[base]:
        return None
    number: Number = _unpack(data, at, _FORMATS[base][width], width)
    return number


def _follow(data: bytes, at: int, width: int) -> int:
    return at - _uint(data, at, width)


def _uint(data: bytes, at: int, width: int) -> int:
    return int(_unpack(data, at, _FORMATS[_UINT][width], width))


def _unpack(data: bytes, at: int, text: str, width: int) -> int | float:
    if not 0 <= at <= len(data) - width:
        raise FlexBufferError(f"place must be in [0, {len(data) - width}]; is {at}")
    found: int | float = struct.unpack_from(text, data, at)[0]
    return found


def _key(data: bytes, at: int) -> str:
    end = data.find(b"\0", max(at, 0), max(at, 0) + _MOST_KEY)
    if at < 0 or end < 0:
        raise FlexBufferError(f"key must be in place and end; is at {at}")
    return data[at:end].decode("ascii", "replace")
