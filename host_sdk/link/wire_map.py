"""Typed access to maps of a board or a blob, which are untrusted until checked.

An error names place, key, rule and value. Integers have at most 64 bits, a value of nil counts as
absent, and keys that nobody asks for may be of any type: a newer board may send them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

from host_sdk.errors import ProtocolError
from host_sdk.link.values import Value, brief

_LEAST, _MOST = -(1 << 63), (1 << 64) - 1


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

    def integer(self, key: str) -> int:
        """Read an integer of at most 64 bits: sums and messages of it stay short."""
        value = self._map.get(key)
        if not _is_integer(value):
            raise self.wrong(key, "an integer")
        return value

    def number(self, key: str) -> float:
        """Read an integer or a float."""
        value = self._map.get(key)
        if not isinstance(value, float) and not _is_integer(value):
            raise self.wrong(key, "a number")
        return float(value)

    def flag(self, key: str) -> bool:
        """Read a bool."""
        value = self._map.get(key)
        if not isinstance(value, bool):
            raise self.wrong(key, "a bool")
        return value

    def text(self, key: str) -> str:
        """Read a string."""
        value = self._map.get(key)
        if not isinstance(value, str):
            raise self.wrong(key, "a str")
        return value

    def data(self, key: str) -> bytes:
        """Read bytes."""
        value = self._map.get(key)
        if not isinstance(value, bytes):
            raise self.wrong(key, "bin")
        return value

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
        """Read a list of integers and floats."""
        items = self.items(key)
        numbers = tuple(float(i) for i in items if isinstance(i, float) or _is_integer(i))
        if len(numbers) != len(items):
            raise self.wrong(key, "a list of numbers")
        return numbers

    def texts(self, key: str) -> tuple[str, ...]:
        """Read a list of strings."""
        items = self.items(key)
        strings = tuple(i for i in items if isinstance(i, str))
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


def _is_integer(value: Value) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and _LEAST <= value <= _MOST
