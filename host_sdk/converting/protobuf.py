"""Protocol Buffers' wire format, read by bounds: no length is trusted."""

from __future__ import annotations

from collections.abc import Iterator

from host_sdk.errors import ModelFileError

_VARINT_BYTES = 10
_FIXED = {1: 8, 5: 4}  # wire type -> bytes


class ProtobufReader:
    """Reads messages; what it yields is of fields that have a length.

    Args:
        most_fields: that are read in all.
    """

    def __init__(self, most_fields: int) -> None:
        self._most = self._left = most_fields

    def messages(self, data: memoryview, number: int) -> Iterator[memoryview]:
        """Yield the contents of a message's fields of a number; every occurrence counts.

        Raises:
            ModelFileError: the bytes are no message, or have too many fields.
        """
        return (value for found, value in self.fields(data) if found == number)

    def texts(self, data: memoryview, number: int) -> Iterator[str]:
        """Yield the texts in a message's fields of a number; see `messages`."""
        return (bytes(v).decode(errors="replace") for v in self.messages(data, number))

    def fields(self, data: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Yield number and contents of a message's fields; see `messages`."""
        at = 0
        while at < len(data):
            self._left -= 1
            if self._left < 0:
                raise ModelFileError(f"must have at most {self._most:,} fields")
            key, at = _varint(data, at)
            kind, number = key & 7, key >> 3
            if kind == 0:
                _, at = _varint(data, at)
                continue
            if kind == 2:
                size, at = _varint(data, at)
            elif kind in _FIXED:
                size = _FIXED[kind]
            else:
                raise ModelFileError(f"a field's wire type must be 0, 1, 2 or 5; is {kind}")
            if number == 0 or size > len(data) - at:
                raise ModelFileError(f"field {number} must have the {size} bytes that it announces")
            if kind == 2:
                yield number, data[at : at + size]
            at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for i in range(min(_VARINT_BYTES, len(data) - at)):
        byte = data[at + i]
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return value, at + i + 1
    raise ModelFileError("a number of a message must end within it, after at most 10 bytes")
