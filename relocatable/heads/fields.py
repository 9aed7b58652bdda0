"""Read a TOML table by types; refusals name the key, the rule and the value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from relocatable.errors import HeadError

_REQUIRED: Any = object()
_MOST_FLOAT = 3.4028235e38


class Fields:
    """One table.

    Args:
        values: as read from the file.
        name: of the table, "" for the file itself.
        folder: that paths in it are relative to.
    """

    def __init__(self, values: Mapping[str, Any], name: str, folder: Path | None = None) -> None:
        self._values = values
        self._name = name
        self._folder = folder or Path()
        self._asked: set[str] = set()

    def has(self, key: str) -> bool:
        """Tell whether the key is there."""
        return key in self._values

    def table(self, key: str) -> Fields:
        """Read a table within this one."""
        value = self._get(key, _REQUIRED)
        if not isinstance(value, Mapping):
            raise self.error(key, "a table", value)
        return Fields(value, f"{self._name}.{key}" if self._name else key, self._folder)

    def names(self) -> tuple[str, ...]:
        """List the keys, in the order of the file; each is asked for by that."""
        self._asked.update(self._values)
        return tuple(self._values)

    def file(self, key: str) -> Path:
        """Read the path of a file, which must be there."""
        value = self._get(key, _REQUIRED)
        if not isinstance(value, str) or not value:
            raise self.error(key, "a file's name", value)
        path = (self._folder / value).resolve()
        if not path.is_file():
            raise self.error(key, "a file that is there", str(path))
        return path

    def text(self, key: str) -> str:
        """Read a string."""
        value = self._get(key, _REQUIRED)
        if not isinstance(value, str):
            raise self.error(key, "a string", value)
        return value

    def whole_or_real(self, key: str) -> int | float | tuple[int, ...] | tuple[float, ...]:
        """Read a number or a list of them: whole ones of 32 bits, or finite real ones."""
        value = self._get(key, _REQUIRED)
        items = value if isinstance(value, (list, tuple)) else [value]
        if not items or not all(_is_number(v) and math.isfinite(v) for v in items):
            raise self.error(key, "a finite number or a list of them", value)
        if all(isinstance(v, int) for v in items):
            if not all(-(1 << 31) <= v < 1 << 31 for v in items):
                raise self.error(key, "whole numbers of 32 bits", value)
            return tuple(items) if isinstance(value, (list, tuple)) else int(value)
        if not all(abs(v) <= _MOST_FLOAT for v in items):
            raise self.error(key, "numbers that a float32 holds", value)
        reals = tuple(float(v) for v in items)
        return reals if isinstance(value, (list, tuple)) else reals[0]

    def choice(self, key: str, allowed: tuple[str, ...], default: str = _REQUIRED) -> str:
        """Read one of some words."""
        value = self._get(key, default)
        if value not in allowed:
            raise self.error(key, f"one of {', '.join(allowed)}", value)
        return str(value)

    def texts(self, key: str, default: tuple[str, ...] = _REQUIRED) -> tuple[str, ...]:
        """Read a list of strings."""
        value = self._get(key, default)
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            raise self.error(key, "a list of strings", value)
        return tuple(value)

    def number(self, key: str, least: float, most: float, default: float = _REQUIRED) -> float:
        """Read a number within bounds."""
        value = self._get(key, default)
        if not _is_number(value) or not least <= value <= most:
            raise self.error(key, f"a number in [{least:g}, {most:g}]", value)
        return float(value)

    def numbers(self, key: str, default: tuple[float, ...] = _REQUIRED) -> tuple[float, ...]:
        """Read a finite number, or a list of them."""
        value = self._get(key, default)
        items = value if isinstance(value, (list, tuple)) else [value]
        if not items or not all(_is_number(v) and math.isfinite(v) for v in items):
            raise self.error(key, "a finite number or a list of them", value)
        return tuple(float(v) for v in items)

    def rows(self, key: str) -> tuple[tuple[float, ...], ...]:
        """Read lists of finite numbers, all of one length."""
        value = self._get(key, _REQUIRED)
        rows = value if isinstance(value, (list, tuple)) else ()
        is_list = all(isinstance(row, (list, tuple)) and row for row in rows)
        if not rows or not is_list or len({len(row) for row in rows}) != 1:
            raise self.error(key, "a list of lists of numbers, all as long", value)
        if not all(_is_number(v) and math.isfinite(v) for row in rows for v in row):
            raise self.error(key, "lists of finite numbers", value)
        return tuple(tuple(float(v) for v in row) for row in rows)

    def integer(self, key: str, least: int, most: int, default: int = _REQUIRED) -> int:
        """Read a whole number within bounds."""
        value = self._get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.error(key, f"a whole number in [{least}, {most}]", value)
        return value

    def boolean(self, key: str, default: bool = _REQUIRED) -> bool:
        """Read true or false."""
        value = self._get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, "true or false", value)
        return value

    def end(self) -> None:
        """Refuse keys that nobody asked for: they are typing errors."""
        for key in self._values:
            if key not in self._asked:
                raise HeadError(f"{self._place(key)} must be one of {sorted(self._asked)}; is not")

    def error(self, key: str, rule: str, value: object) -> HeadError:
        """Make the error for a key whose value breaks a rule."""
        return HeadError(f"{self._place(key)} must be {rule}; is {value!r}")

    def _get(self, key: str, default: Any) -> Any:
        self._asked.add(key)
        if key not in self._values and default is _REQUIRED:
            raise HeadError(f"{self._place(key)} must be given; is missing")
        return self._values.get(key, default)

    def _place(self, key: str) -> str:
        return f"[{self._name}] {key}" if self._name else key


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
