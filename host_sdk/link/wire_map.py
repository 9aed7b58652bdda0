"""Typed access to maps of a board or a blob, which are untrusted until checked.

An error names place, key, rule and value. Integers have at most 64 bits, texts are made harmless
(`display/plain.py`), a value of nil counts as absent, and keys that nobody asks for may be of any
type: a newer board may send them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeGuard

from host_sdk.display.plain import plain_line
from host_sdk.errors import ProtocolError
from host_sdk.link.values import Value, brief

U32_MOST = (1 << 32) - 1
_LEAST, _MOST = -(1 << 63), (1 << 64) - 1
_TEXT_CHARACTERS = 4096  # of a name or a sentence, at most
_SHA256_BYTES = 32


class WireMap:
    """A map from the wire; a method reads one value of the type that it names.

    Args:
        value: what should be a map.
        place: what it is, for messages.

    Raises:
        ProtocolError: from here and from every method, if the type is another.
    """

    def __init__(self, value: Value, place: str) -> None:
        if not isinstance(value, dict):
            raise ProtocolError(f"{place}: must be a map; is {type(value).__name__}")
        self._map: Mapping[str, Value] = value
        self._place = place

    def __contains__(self, key: str) -> bool:
        return self._map.get(key) is not None

    def value(self, key: str) -> Value:
        """Return whatever is there; None if nothing is."""
        return self._map.get(key)

    def integer(self, key: str, least: int = _LEAST, most: int = _MOST) -> int:
        """Read an integer in [least, most], at most 64 bits: sums and messages stay short."""
        value = self._map.get(key)
        if not _is_integer(value):
            raise self.wrong(key, "an integer")
        if not least <= value <= most:
            raise self.wrong(key, f"in [{least}, {most}]")
        return value

    def count(self, key: str, most: int = U32_MOST) -> int:
        """Read an integer in [0, most]."""
        return self.integer(key, 0, most)

    def counts(self, key: str, most: int = U32_MOST) -> tuple[int, ...]:
        """Read a list of integers in [0, most]."""
        numbers = self.integers(key)
        if any(not 0 <= n <= most for n in numbers):
            raise self.wrong(key, f"a list of integers in [0, {most}]")
        return numbers

    def number(self, key: str) -> float:
        """Read an integer or a float, finite."""
        value = self._map.get(key)
        if not _is_number(value):
            raise self.wrong(key, "a number")
        return float(value)

    def flag(self, key: str) -> bool:
        """Read a bool."""
        value = self._map.get(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "a bool")
        return value

    def text(self, key: str) -> str:
        """Read a string, as a line that can be shown."""
        value = self._map.get(key)
        if not isinstance(value, str):
            raise self.wrong(key, "a str")
        return plain_line(value, _TEXT_CHARACTERS)

    def data(self, key: str, size: int | None = None) -> bytes:
        """Read bytes, exactly so many if a size is given."""
        value = self._map.get(key)
        if not isinstance(value, bytes):
            raise self.wrong(key, "bin")
        if size is not None and len(value) != size:
            raise self.wrong(key, f"bin of {size} bytes")
        return value

    def bins(self, key: str, size: int, most: int) -> tuple[bytes, ...]:
        """Read a list of at most so many bins, each of so many bytes."""
        items = self.items(key)
        bins = tuple(i for i in items if isinstance(i, bytes) and len(i) == size)
        if len(bins) != len(items) or len(items) > most:
            raise self.wrong(key, f"a list of at most {most} bin of {size} bytes")
        return bins

    def digest(self, key: str) -> bytes:
        """Read a SHA-256."""
        return self.data(key, _SHA256_BYTES)

    def digests(self, key: str) -> tuple[bytes, ...]:
        """Read a list of SHA-256s."""
        items = self.items(key)
        found = tuple(i for i in items if isinstance(i, bytes) and len(i) == _SHA256_BYTES)
        if len(found) != len(items):
            raise self.wrong(key, f"a list of bins of {_SHA256_BYTES} bytes")
        return found

    def items(self, key: str) -> list[Value]:
        """Read a list, its items unchecked."""
        value = self._map.get(key)
        if not isinstance(value, list):
            raise self.wrong(key, "a list")
        return value

    def integers(self, key: str) -> tuple[int, ...]:
        """Read a list of integers."""
        items = self.items(key)
        numbers = tuple(i for i in items if _is_integer(i))
        if len(numbers) != len(items):
            raise self.wrong(key, "a list of integers")
        return numbers

    def numbers(self, key: str) -> tuple[float, ...]:
        """Read a list of integers and floats, finite."""
        items = self.items(key)
        numbers = tuple(float(i) for i in items if _is_number(i))
        if len(numbers) != len(items):
            raise self.wrong(key, "a list of numbers")
        return numbers

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of strings, as lines that can be shown."""
        items = self.items(key)
        strings = tuple(plain_line(i, _TEXT_CHARACTERS) for i in items if isinstance(i, str))
        if len(strings) != len(items):
            raise self.wrong(key, "a list of str")
        return strings

    def map(self, key: str) -> WireMap:
        """Read a map within this one."""
        return WireMap(self._map.get(key), f"{self._place}: '{key}'")

    def maps(self, key: str) -> list[WireMap]:
        """Read a list of maps."""
        return [WireMap(v, f"{self._place}: '{key}' {i}") for i, v in enumerate(self.items(key))]

    def wrong(self, key: str, rule: str) -> ProtocolError:
        """Return the error of a field that breaks a rule."""
        return ProtocolError(
            f"{self._place}: '{key}' must be {rule}; is {brief(self._map.get(key))}"
        )


def _is_number(value: Value) -> TypeGuard[int | float]:
    return math.isfinite(value) if isinstance(value, float) else _is_integer(value)


def _is_integer(value: Value) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and _LEAST <= value <= _MOST
